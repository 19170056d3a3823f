//! Changing a domain's record: under a lock, together with the events that tell of it.
//!
//! The lock is a counter in a window of time, as in [`crate::attempt`]: who reaches 1 has the rest of the window to write, and deletes
//! the counter when done. Look-ups and key generation are done before, so the lock is held for two calls of the store; a holder that
//! died costs the others the rest of its window.

use std::time::Duration;

use envelope::Domain;
use thiserror::Error;

use super::claim::Claim;
use super::history::{Event, EventKind};
use super::name::NameError;
use super::record::DomainRecord;
use super::verification::RecordKind;
use crate::keys;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError, Write};
use crate::time::Timestamp;

/// How long a lock can be taken for, at least: see [`crate::attempt::Windows`].
const LOCK_HOLDS: Duration = Duration::from_secs(5);
/// Looks at a lock that somebody else holds.
const TRIES: u32 = 20;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(50);

/// Why something about a domain was not done.
#[derive(Debug, Clone, Error)]
pub enum DomainError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The name is not one that can be held.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is no such domain.
    #[error("There is no such domain.")]
    NotFound,
    /// The domain is held already.
    #[error("The domain was added before.")]
    AlreadyExists,
    /// Another request is changing the domain.
    #[error("Another request is changing this domain. Try again.")]
    Busy,
    /// The change is not for domains of the service's own.
    #[error("expected a domain of your own, found one that this service manages")]
    Managed,
    /// The state of the verification does not allow it.
    #[error("expected a verification that was asked for and has not succeeded, found none")]
    NothingToCancel,
    /// There is no next key, or DNS does not show it.
    #[error("the next key cannot take over: {0}")]
    NextKeyNotPublished(String),
    /// Keys are being made.
    #[error("keys of this domain are being made; try again when the operation has ended")]
    KeysBeingMade,
    /// The selector is not one.
    #[error(
        "expected a selector of letters, digits, hyphens and dots, at most 63 octets and short enough for the domain, found another text"
    )]
    Selector,
    /// Another key has the selector.
    #[error("expected a new selector, found one that another key of this domain has")]
    SelectorInUse,
    /// The private key cannot be used.
    #[error(transparent)]
    Key(#[from] dkim::KeyError),
    /// The domain has as many keys as it may have.
    #[error("expected at most {} keys, found more", super::key_change::MAX_KEYS)]
    TooManyKeys,
    /// The sender username is not one.
    #[error(
        "expected a sender username that can be the local part of an address, found another text"
    )]
    SenderUsername,
    /// The display name is not one.
    #[error("expected a display name without control characters, found another text")]
    DisplayName,
    /// The domain has no such sender username.
    #[error("There is no such sender username.")]
    NoSuchSender,
    /// The default sender stays.
    #[error("the sender username DoNotReply cannot be removed")]
    DefaultSender,
    /// The domain has as many senders as it may have.
    #[error(
        "expected at most {} sender usernames, found more",
        super::senders::MAX_SENDERS
    )]
    TooManySenders,
    /// The return path is neither the domain nor below it.
    #[error("expected {0} or a domain below it as return path, found another")]
    ReturnPath(Domain),
    /// The tracking host is not below the domain.
    #[error("expected a host below {0} as tracking host, found another")]
    TrackingHost(Domain),
    /// Tracking host and return path are one name.
    #[error(
        "expected a tracking host other than the return path, since a name with a CNAME record can have no other, found one name for both"
    )]
    OneHostForTwo,
}

/// A record being changed.
#[derive(Debug)]
pub struct Draft {
    /// The record, as it will be written.
    pub record: DomainRecord,
    /// Now.
    pub now: Timestamp,
    events: Vec<Event>,
    writes: Vec<Write>,
    spent: Vec<String>,
}

impl Draft {
    fn new(record: DomainRecord, now: Timestamp) -> Self {
        Self {
            record,
            now,
            events: Vec::new(),
            writes: Vec::new(),
            spent: Vec::new(),
        }
    }

    /// Notes an event in the domain's history.
    pub fn note(&mut self, kind: EventKind, record: Option<RecordKind>, detail: impl Into<String>) {
        self.events.push(Event {
            at: self.now,
            kind,
            record,
            detail: detail.into(),
        });
    }

    /// Has something written together with the record.
    pub fn write_also(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Has a key of the store deleted after the record was written. That may fail, so nothing may depend on it but space.
    pub fn delete_after(&mut self, path: String) {
        self.spent.push(path);
    }

    fn into_writes(mut self) -> Result<(DomainRecord, Vec<Write>, Vec<String>), StoreError> {
        let mut writes = self.writes;
        for event in &self.events {
            let key = keys::domain_event(&self.record.domain, self.record.events);
            writes.push(key.write(event)?);
            self.record.events = self.record.events.saturating_add(1);
        }
        writes.push(keys::domain(&self.record.domain).write(&self.record)?);
        Ok((self.record, writes, self.spent))
    }
}

/// Changes the record of `domain`, which must be there and not deleted, and gives what was written and what `change` gave.
///
/// `change` is pure and may be called at most once; nothing is written when it refuses.
///
/// # Errors
/// [`DomainError::NotFound`], [`DomainError::Busy`] after a second of waiting, what `change` refuses with, or when the store does not
/// answer.
pub async fn edit<P, T>(
    ports: &P,
    domain: &Domain,
    change: impl FnOnce(&mut Draft) -> Result<T, DomainError>,
) -> Result<(DomainRecord, T), DomainError>
where
    P: Clock + KeyValue + Scheduler,
{
    let change = |found: Option<DomainRecord>, now| {
        let record = found
            .filter(|record| record.deleted_at.is_none())
            .ok_or(DomainError::NotFound)?;
        let mut draft = Draft::new(record, now);
        let given = change(&mut draft)?;
        Ok((draft, given))
    };
    edit_any(ports, domain, TRIES, change).await
}

/// As [`edit`], for a domain that is deleted.
///
/// # Errors
/// As [`edit`].
pub(super) async fn edit_deleted<P>(
    ports: &P,
    domain: &Domain,
    change: impl FnOnce(&mut Draft) -> Result<(), DomainError>,
) -> Result<(), DomainError>
where
    P: Clock + KeyValue + Scheduler,
{
    edit_any_state(ports, domain, |draft| {
        if draft.record.deleted_at.is_none() {
            return Err(DomainError::NotFound);
        }
        change(draft)
    })
    .await
}

/// As [`edit`], for a domain that may be deleted.
///
/// # Errors
/// As [`edit`].
pub(super) async fn edit_any_state<P>(
    ports: &P,
    domain: &Domain,
    change: impl FnOnce(&mut Draft) -> Result<(), DomainError>,
) -> Result<(), DomainError>
where
    P: Clock + KeyValue + Scheduler,
{
    let change = |found: Option<DomainRecord>, now| {
        let mut draft = Draft::new(found.ok_or(DomainError::NotFound)?, now);
        change(&mut draft)?;
        Ok((draft, ()))
    };
    edit_any(ports, domain, TRIES, change).await.map(|_| ())
}

/// Makes the record of `domain`, from what is there of it, and writes it together with its `slot` of the index. Does not wait for
/// others: of two that add a domain one is refused.
///
/// # Errors
/// As [`edit`].
pub async fn create<P>(
    ports: &P,
    domain: &Domain,
    slot: Write,
    make: impl FnOnce(Option<DomainRecord>, Timestamp) -> Result<DomainRecord, DomainError>,
) -> Result<DomainRecord, DomainError>
where
    P: Clock + KeyValue + Scheduler,
{
    let change = |found, now| {
        let mut draft = Draft::new(make(found, now)?, now);
        draft.write_also(slot);
        draft.note(EventKind::DomainAdded, None, "");
        Ok((draft, ()))
    };
    let (record, ()) = edit_any(ports, domain, 1, change).await?;
    Ok(record)
}

async fn edit_any<P, T>(
    ports: &P,
    domain: &Domain,
    tries: u32,
    change: impl FnOnce(Option<DomainRecord>, Timestamp) -> Result<(Draft, T), DomainError>,
) -> Result<(DomainRecord, T), DomainError>
where
    P: Clock + KeyValue + Scheduler,
{
    let lock = take_lock(ports, domain, tries).await?;
    let result = edit_under(&lock, ports, domain, change).await;
    lock.release(ports).await;
    result
}

async fn take_lock<P>(ports: &P, domain: &Domain, tries: u32) -> Result<Claim, DomainError>
where
    P: Clock + KeyValue + Scheduler,
{
    for attempt in 1..=tries {
        let counter = |window| keys::domain_lock(domain, window);
        if let Some(lock) = Claim::take(ports, LOCK_HOLDS, counter).await? {
            return Ok(lock);
        }
        if attempt < tries {
            ports.sleep(PAUSE).await;
        }
    }
    Err(DomainError::Busy)
}

async fn edit_under<P, T>(
    lock: &Claim,
    ports: &P,
    domain: &Domain,
    change: impl FnOnce(Option<DomainRecord>, Timestamp) -> Result<(Draft, T), DomainError>,
) -> Result<(DomainRecord, T), DomainError>
where
    P: Clock + KeyValue,
{
    let found = keys::domain(domain).read(ports).await?;
    let (draft, given) = change(found, ports.now())?;
    let (record, writes, spent) = draft.into_writes()?;
    if ports.now() >= lock.ends_at {
        return Err(DomainError::Busy);
    }
    ports.set_many(writes).await?;
    // After the window somebody else may have written there.
    if !spent.is_empty() && ports.now() < lock.ends_at {
        // What stays behind is not read again, so losing the error loses nothing but space.
        let _ = ports.delete_many(spent).await;
    }
    Ok((record, given))
}
