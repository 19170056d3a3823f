//! What recipients, and machines on their behalf, do with mail that they got: opens, clicks, unsubscribing.
//!
//! Whoever answers such a request writes a [`VisitBatch`] that the tick finds, in one write, before it answers, and names it to the
//! component that takes batches in ([`waiting`] says where it is until then). No address of a visitor is kept, and of his program only
//! class and family, unless the operator wants more.
//!
//! - [`intake`] takes a batch in: [`chunk`]s of facts, what subscribers are told, and what the suppression lists make of it, in one write.
//! - [`verdict`] says who made a visit, [`tally`] counts; both are pure functions of facts, so nothing that was stored is changed.
//! - [`view`] has all of it for whoever asks what became of a message.
//! - [`erasure`] forgets one recipient's.

pub mod chunk;
pub mod erasure;
pub mod intake;
pub mod tally;
pub mod verdict;
pub mod view;
pub mod waiting;

pub mod gatherer;
pub mod notice;

use serde::{Deserialize, Serialize};

use crate::journal::{JournalItem, WorkKind};
use crate::keys::Record;
use crate::link::Reader;
use crate::operation::OperationId;
use crate::time::Timestamp;

/// The most visits of one batch.
pub const MAX_BATCH_VISITS: usize = 64;
/// The most octets of a User-Agent field that are kept, where they are at all.
pub const MAX_USER_AGENT_OCTETS: usize = 512;

/// One request about one copy of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The message.
    pub message: OperationId,
    /// The place in its list of recipients.
    pub recipient: u8,
    /// When it came.
    pub at: Timestamp,
    /// What was asked for.
    pub action: VisitAction,
    /// It was a HEAD request: it counts nothing, and tells of scanners.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_head: bool,
    /// Who asked, as far as the request says.
    pub visitor: Visitor,
}

impl UnsubscribedBy {
    /// The word of the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneClick => "oneClick",
            Self::Page => "page",
            Self::Mail => "mail",
        }
    }
}

impl Visit {
    /// A mail to the address in List-Unsubscribe, about the copy of `reader`.
    #[must_use]
    pub fn unsubscribe_by_mail(reader: Reader, at: Timestamp) -> Self {
        let unknown = || "unknown".to_owned();
        Self {
            message: reader.message,
            recipient: reader.recipient,
            at,
            action: VisitAction::Unsubscribe {
                by: UnsubscribedBy::Mail,
            },
            is_head: false,
            visitor: Visitor {
                audience: "human".to_owned(),
                reason: "method:mail".to_owned(),
                family: unknown(),
                class: unknown(),
                user_agent: None,
            },
        }
    }

    /// Whose copy it is about.
    #[must_use]
    pub const fn reader(&self) -> Reader {
        Reader {
            message: self.message,
            recipient: self.recipient,
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum VisitAction {
    /// The tracking image.
    Open,
    /// A link.
    Click {
        /// Its number among the links of the message, from 0.
        link: u16,
        /// Where it leads.
        target: String,
    },
    /// No more mail of this kind.
    Unsubscribe {
        /// How it was said.
        by: UnsubscribedBy,
    },
    /// Mail of this kind again, by who had unsubscribed.
    Resubscribe,
}

/// How somebody unsubscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnsubscribedBy {
    /// The mail program's button (RFC 8058).
    OneClick,
    /// The button of our page.
    Page,
    /// A mail to the address in List-Unsubscribe (RFC 2369 section 3.2).
    Mail,
}

/// What a request says of who made it, in the words of `audience`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visitor {
    /// `human` unless the request itself says otherwise.
    pub audience: String,
    /// Why.
    pub reason: String,
    /// The program, such as `Gmail`.
    pub family: String,
    /// What it runs on, such as `mobile`.
    pub class: String,
    /// The User-Agent field, at most [`MAX_USER_AGENT_OCTETS`] of it; only where the operator wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Visits that came together, until they are taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitBatch {
    /// Attempts to take it in that ended: 0, or 1 when it is done.
    pub attempt: u32,
    /// When it is due; `None` when it is done.
    pub due_at: Option<Timestamp>,
    /// At most [`MAX_BATCH_VISITS`].
    pub visits: Vec<Visit>,
}

impl Record for VisitBatch {
    const VERSION: u32 = 1;
}

impl VisitBatch {
    /// A batch that is due now.
    #[must_use]
    pub const fn new(visits: Vec<Visit>, now: Timestamp) -> Self {
        Self {
            attempt: 0,
            due_at: Some(now),
            visits,
        }
    }

    /// The journal item that stands for taking it in, stored as `id`.
    #[must_use]
    pub fn item(&self, id: OperationId) -> Option<JournalItem> {
        self.due_at.map(|due_at| JournalItem {
            kind: WorkKind::Visits,
            id,
            attempt: self.attempt,
            due_at,
        })
    }
}
