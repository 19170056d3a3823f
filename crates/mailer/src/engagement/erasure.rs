//! Forgets what one recipient did with a message, when he asks for it (GDPR article 17).
//!
//! First nothing more is kept or read of him; then what subscribers are told goes, since only facts say where that is; then the facts.
//! So whatever fails in between, the same again finishes it. Links that he has lead on, and what he wishes for is obeyed still.
//!
//! Not supported: the message, with his address and what became of it; the log; what subscribers were told already; his entry on a
//! suppression list, which a wish for no more mail has to leave.

use std::collections::BTreeSet;
use std::time::Duration;

use envelope::AddrSpec;
use thiserror::Error;

use super::chunk::{self, Chunk, event_id};
use crate::event::EventId;
use crate::link::Reader;
use crate::notification::withdrawal::{Withdrawer, Withdrawn, withdraw};
use crate::operation::OperationId;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::record::MessageRecord;

/// How long batches that were being taken in meanwhile have to write what they found.
pub const IN_HAND: Duration = Duration::from_secs(1);

/// Why nobody, or not everything, is forgotten.
#[derive(Debug, Clone, Error)]
pub enum ErasureError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such message.
    #[error("There is no such message.")]
    NoMessage,
    /// The message was not for this address.
    #[error("The message has no such recipient.")]
    NoRecipient,
    /// A subscriber is being told of it now.
    #[error("A subscriber is being told of it. Try again.")]
    Busy,
}

/// Erases what `recipient` did with `message`. Nothing of his later visits is kept either.
///
/// # Errors
/// See [`ErasureError`]. After [`ErasureError::Store`] and [`ErasureError::Busy`] the same again erases the rest.
pub async fn erase<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    withdrawer: Withdrawer<'_>,
    message: OperationId,
    recipient: &AddrSpec,
) -> Result<(), ErasureError> {
    let reader = find(ports, message, recipient).await?;
    let closed = chunk::close(ports, reader).await?;
    let (mut chunks, is_complete) = closed.read(ports).await?;
    if !is_complete {
        ports.sleep(IN_HAND).await;
        (chunks, _) = closed.read(ports).await?;
    }
    untell(ports, withdrawer, reader, &chunks).await?;
    Ok(closed.delete(ports).await?)
}

async fn find(
    store: &impl KeyValue,
    message: OperationId,
    recipient: &AddrSpec,
) -> Result<Reader, ErasureError> {
    let found = MessageRecord::read_head(store, message).await?;
    let (record, _) = found.ok_or(ErasureError::NoMessage)?;
    let wanted = recipient.canonical();
    let mut recipients = (0..).zip(record.recipients());
    let place = recipients.find(|(_, address)| address.canonical() == wanted);
    let (recipient, _) = place.ok_or(ErasureError::NoRecipient)?;
    Ok(Reader { message, recipient })
}

/// Takes what `chunks` are about out of notifications, of as many as nobody is sending.
async fn untell<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    withdrawer: Withdrawer<'_>,
    reader: Reader,
    chunks: &[Chunk],
) -> Result<(), ErasureError> {
    let facts = chunks
        .iter()
        .flat_map(|chunk| chunk.facts.iter().map(|fact| (chunk.batch, fact.place)));
    let events: BTreeSet<EventId> = facts
        .map(|(batch, place)| event_id(reader, batch, place))
        .collect();
    let told = chunks.iter().flat_map(|chunk| &chunk.notifications);
    let told: BTreeSet<&OperationId> = told.collect();
    let mut is_busy = false;
    for &id in told {
        is_busy |= withdraw(ports, withdrawer, id, &events).await? == Withdrawn::NotNow;
    }
    if is_busy {
        return Err(ErasureError::Busy);
    }
    Ok(())
}
