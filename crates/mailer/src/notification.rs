//! Telling subscribers of events: at least once, signed, for a day, and then kept for a week as dead letters.
//!
//! A notification is one request to one endpoint: one event, or several for who wants them in batches. Each is attempted on its own,
//! as messages are ([`crate::attempt`]), so an endpoint that fails holds up nobody else's.
//!
//! - [`fan_out`](mod@fan_out) makes notifications of events; [`attempt`](mod@attempt) sends one, and [`schedule`] decides what its end means.
//! - [`health`] is what is known of an endpoint, [`lanes`] keeps one that hangs from taking all places of an instance.
//! - [`dead`] keeps what could not be delivered, and sends it again when asked.
//! - [`trial`] tells of what never happened, to try an endpoint.
//! - [`withdrawal`] takes events back that are to be forgotten.
//!
//! Not supported: deleting notifications that were delivered, unless all they told of is withdrawn; they stay as long as the messages
//! they are about.

pub mod attempt;
pub mod dead;
pub mod fan_out;
pub mod health;
pub mod lanes;
pub mod schedule;
pub mod trial;
pub mod withdrawal;

pub use attempt::{Notifier, attempt};
pub use fan_out::fan_out;
pub use schedule::{DeadReason, Outcome};

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::event::AppEvent;
use crate::journal::{JournalItem, WorkKind};
use crate::keys::{self, Record};
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError, Write};
use crate::subscription::SubscriptionId;
use crate::time::Timestamp;

/// Most attempts that are remembered, the newest.
pub const MAX_LOGGED: usize = 32;

/// Events on their way to one subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The same however often it is sent: `webhook-id`.
    pub id: OperationId,
    /// Whom it is for.
    pub subscription: SubscriptionId,
    /// At least one.
    pub events: Vec<AppEvent>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its day began: when it was made, or was sent anew by hand.
    pub began_at: Timestamp,
    /// Attempts that ended, those that only put it off included.
    pub attempt: u32,
    /// When the next one is due; for a dead letter, when it is deleted. `None` once it was delivered.
    pub due_at: Option<Timestamp>,
    /// Requests made since its day began.
    pub tries: u32,
    /// Where it stands.
    pub phase: Phase,
    /// The newest [`MAX_LOGGED`] requests.
    pub log: Vec<DeliveryAttempt>,
}

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It is to be sent.
    Pending,
    /// The endpoint took it.
    Delivered,
    /// It is not sent any more.
    Dead {
        /// Its number among the subscription's dead letters.
        number: u64,
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: DeadReason,
    },
}

/// One request, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When it was made.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

impl Record for Notification {
    // 2 since there are events of engagement.
    const VERSION: u32 = 2;
}

/// Those of `ids` that are still there, each once.
///
/// # Errors
/// When the store does not answer.
pub async fn read_all(
    store: &impl KeyValue,
    mut ids: Vec<OperationId>,
) -> Result<Vec<Notification>, StoreError> {
    ids.sort_unstable();
    ids.dedup();
    let reads = ids
        .into_iter()
        .map(async |id| keys::notification(id).read(store).await);
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

impl Notification {
    /// A notification that is due at once.
    #[must_use]
    pub const fn new(
        id: OperationId,
        subscription: SubscriptionId,
        events: Vec<AppEvent>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            subscription,
            events,
            created_at: now,
            began_at: now,
            attempt: 0,
            due_at: Some(now),
            tries: 0,
            phase: Phase::Pending,
            log: Vec::new(),
        }
    }

    /// The write that stores it.
    ///
    /// # Errors
    /// As [`crate::keys::encode`].
    pub fn write(&self) -> Result<Write, StoreError> {
        keys::notification(self.id).write(self)
    }

    /// What the tick has to come back to, if anything.
    #[must_use]
    pub fn item(&self) -> Option<JournalItem> {
        self.due_at.map(|due_at| JournalItem {
            kind: WorkKind::Notification,
            id: self.id,
            attempt: self.attempt,
            due_at,
        })
    }

    /// The requests that are remembered, in order.
    #[must_use]
    pub fn attempts(&self) -> &[DeliveryAttempt] {
        &self.log
    }

    /// The same after an attempt, due again at `due_at`.
    #[must_use]
    fn put_off(&self, due_at: Timestamp) -> Self {
        Self {
            attempt: self.attempt.saturating_add(1),
            due_at: Some(due_at),
            ..self.clone()
        }
    }

    /// The same, to be sent anew with a day of its own.
    #[must_use]
    fn revived(&self, now: Timestamp) -> Self {
        Self {
            began_at: now,
            tries: 0,
            phase: Phase::Pending,
            ..self.put_off(now)
        }
    }

    /// The same with a request in its log.
    #[must_use]
    fn tried(mut self, made: DeliveryAttempt) -> Self {
        self.tries = self.tries.saturating_add(1);
        self.log.push(made);
        let surplus = self.log.len().saturating_sub(MAX_LOGGED);
        self.log.drain(..surplus);
        self
    }
}
