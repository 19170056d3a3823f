//! The journal: how the tick learns of messages without listing the store.
//!
//! An instance takes a number once and writes its entries `journal/<number>/0, 1, 2…` in the same `set-many` as the messages they
//! name. It takes a new number after [`NUMBER_LIVES`], or when a write failed: what a failed write left is not known, and an entry
//! must never be overwritten by who writes entries. Visits are written as an entry alone, with themselves in it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engagement::VisitBatch;
use crate::keys::{Record, is_default};
use crate::operation::OperationId;
use crate::time::Timestamp;

/// How long an instance writes under one number.
pub const NUMBER_LIVES: Duration = Duration::from_secs(60);
/// After this nobody writes under a number any more, even if its instance was slow.
pub const NUMBER_DEAD_AFTER: Duration = Duration::from_secs(300);

/// Messages the tick has to look at, written together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When it was written.
    pub at: Timestamp,
    /// What to look at.
    pub items: Vec<JournalItem>,
    /// It is how what was accepted is listed ([`crate::listing`]), so it is not deleted when nothing is left to be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
    /// The batch of visits that the one item stands for, if it is nowhere else ([`crate::engagement::waiting`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visits: Option<VisitBatch>,
}

impl Record for JournalEntry {
    // 2 since there are visits, 3 since they may be in the entry.
    const VERSION: u32 = 3;
}

impl JournalEntry {
    /// One of nothing but items.
    #[must_use]
    pub const fn new(at: Timestamp, items: Vec<JournalItem>) -> Self {
        Self {
            at,
            items,
            stays: false,
            visits: None,
        }
    }
}

/// What kind of work an item stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkKind {
    /// A message to hand over: [`crate::attempt`].
    #[default]
    Message,
    /// Delivery events to take in: [`crate::event::EventBatch`].
    Batch,
    /// Events to tell a subscriber of.
    Notification,
    /// Opens, clicks and the like to take in: [`crate::engagement::VisitBatch`].
    Visits,
}

impl fmt::Display for WorkKind {
    /// The word in front of an id, as work is named to whoever does it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Batch => "batch",
            Self::Notification => "notification",
            Self::Visits => "visits",
        })
    }
}

/// A piece of work whose attempt number `attempt` (from 0) has to end some day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalItem {
    /// What it is; not written for a message.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: WorkKind,
    /// The message, batch or notification.
    pub id: OperationId,
    /// Attempts that had ended when this was written: if more have, another entry stands for it.
    pub attempt: u32,
    /// When that attempt is due; its claim windows count from here.
    pub due_at: Timestamp,
}

impl JournalItem {
    /// The item of a message.
    #[must_use]
    pub const fn message(id: OperationId, attempt: u32, due_at: Timestamp) -> Self {
        Self {
            kind: WorkKind::Message,
            id,
            attempt,
            due_at,
        }
    }
}

impl fmt::Display for JournalItem {
    /// Kind and id, as the item is named to whoever attempts it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

/// How far work has come, as the record of any batch or notification tells among other things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkProgress {
    /// Attempts that ended.
    pub attempt: u32,
    /// When the next one is due; `None` when there will be none.
    pub due_at: Option<Timestamp>,
}

impl Record for WorkProgress {
    /// A part of other records, whatever their version.
    const VERSION: u32 = u32::MAX;
}

/// Where one instance writes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The instance's number.
    pub number: u64,
    /// The next entry under it.
    pub next: u64,
    /// When the number was taken.
    pub taken_at: Timestamp,
}

impl Position {
    /// Whether an entry may still be written here at `now`. A clock that was set back says nothing of how old the number is.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now >= self.taken_at && now.since(self.taken_at) < NUMBER_LIVES
    }

    /// The id of what is written here and nowhere else.
    #[must_use]
    pub fn id(&self) -> OperationId {
        OperationId::of_place(self.number, self.next)
    }

    /// The position after one entry was written.
    #[must_use]
    pub const fn advanced(self) -> Self {
        Self {
            next: self.next.saturating_add(1),
            ..self
        }
    }
}
