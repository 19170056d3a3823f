//! What bounces, complaints and tries write to the managed list.

use envelope::AddrSpec;

use super::identity::Suppressor;
use super::lease::{self, News};
use super::record::{Suppression, bounded_reply};
use super::shelf::Shelf;
use crate::event::EventId;
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError, Write};
use crate::time::Timestamp;

/// What was heard, and of which message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Names the event.
    pub event: EventId,
    /// The message it was about.
    pub message: OperationId,
    /// What the host at the other end said.
    pub reply: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// The writes after mail to `recipient` came back for good. Repeated, it changes nothing.
///
/// # Errors
/// When the store does not answer.
pub async fn after_bounce(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    recipient: &AddrSpec,
    why: &Cause,
) -> Result<Vec<Write>, StoreError> {
    after(store, suppressor, recipient, (News::Bounce, why)).await
}

/// The writes after `recipient` complained. Repeated, it changes nothing.
///
/// # Errors
/// When the store does not answer.
pub async fn after_complaint(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    recipient: &AddrSpec,
    why: &Cause,
) -> Result<Vec<Write>, StoreError> {
    after(store, suppressor, recipient, (News::Complaint, why)).await
}

/// The writes after a message to `recipient` was suppressed: a lease that runs grows. Repeated, it changes nothing, and nor does a message
/// that was suppressed by another list.
///
/// # Errors
/// When the store does not answer.
pub async fn after_suppressed(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    recipient: &AddrSpec,
    why: &Cause,
) -> Result<Vec<Write>, StoreError> {
    after(store, suppressor, recipient, (News::Tried, why)).await
}

async fn after(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    recipient: &AddrSpec,
    (news, why): (News, &Cause),
) -> Result<Vec<Write>, StoreError> {
    let shelf = Shelf::everywhere();
    let mode = suppressor.admit(store).await?;
    let found = shelf.find(store, suppressor, recipient).await?;
    let Some(lease) = lease::after(found.entry(), news, why.at) else {
        return Ok(Vec::new());
    };
    let mut entry = found
        .entry()
        .cloned()
        .unwrap_or_else(|| Suppression::added(why.at));
    entry.kind = lease.kind;
    entry.since = lease.since;
    entry.until = lease.until;
    entry.step = lease.step;
    entry.heard_at = Some(why.at);
    // A try tells nothing about why; that the bounce did.
    if news != News::Tried {
        entry.reply = why.reply.as_deref().map(bounded_reply);
        entry.event = Some(why.event.to_string());
        entry.message = Some(why.message);
        entry.email = Some(recipient.to_string());
    }
    entry.redact(suppressor);
    // What is stored under the clear address stays, as nothing can be deleted together with writes. It is looked up as well.
    let changes = shelf.place_anew(store, &found, entry).await?;
    Ok(changes.writes.into_iter().chain(mode).collect())
}
