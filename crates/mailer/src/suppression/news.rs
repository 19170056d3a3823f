//! What bounces, complaints and tries write to the managed list.

use envelope::AddrSpec;

use super::edit::{Change, Edit};
use super::identity::Suppressor;
use super::lease::{self, News};
use super::record::{Suppression, bounded_reply};
use super::shelf::Shelf;
use crate::event::EventId;
use crate::operation::OperationId;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// Something that was heard of an address, and of which message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What.
    pub news: News,
    /// The address.
    pub recipient: AddrSpec,
    /// Names the event.
    pub event: EventId,
    /// The message it was about.
    pub message: OperationId,
    /// What the host at the other end said.
    pub reply: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// What the list makes of all that was heard, in its order. Repeated, it changes nothing, and nor does a message that was suppressed by
/// another list. `None` if somebody else changes the entries for too long.
///
/// # Errors
/// When the store does not answer.
pub async fn heard<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    suppressor: &Suppressor,
    heard: &[Heard],
) -> Result<Option<Edit>, StoreError> {
    Edit::decide(ports, suppressor, heard).await
}

impl Change for Heard {
    fn shelf(&self) -> &Shelf {
        const { &Shelf::everywhere() }
    }

    fn address(&self) -> &AddrSpec {
        &self.recipient
    }

    fn after(&self, known: Option<&Suppression>) -> Option<Suppression> {
        let lease = lease::after(known, self.news, self.at)?;
        let known = known.cloned();
        let mut entry = known.unwrap_or_else(|| Suppression::added(self.at));
        entry.kind = lease.kind;
        entry.since = lease.since;
        entry.until = lease.until;
        entry.step = lease.step;
        entry.heard_at = Some(self.at);
        // A try tells nothing about why; that the bounce did.
        if self.news != News::Tried {
            entry.reply = self.reply.as_deref().map(bounded_reply);
            entry.event = Some(self.event.to_string());
            entry.message = Some(self.message);
            entry.email = Some(self.recipient.to_string());
        }
        Some(entry)
    }
}
