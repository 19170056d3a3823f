//! What recipients who want no more mail of a kind, or want it again, write to the lists of the sender's domain.
//!
//! They are put on the list of the sender username, or of the topic if the message had one, which is made when it is needed. Who wants
//! mail again stays on it, as one whose time is over: so a wish that is heard late does not undo a later one. What anything else put there
//! is left alone.

use envelope::AddrSpec;

use super::error::SuppressionError;
use super::identity::Suppressor;
use super::list;
use super::record::{Kind, Suppression};
use super::shelf::{Found, Scope, Shelf};
use crate::operation::OperationId;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError, Write};
use crate::time::Timestamp;
use crate::treatment::Topic;

/// Somebody's wish, and how it came to us.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Who sent the message.
    pub sender: &'a AddrSpec,
    /// What it was about, if it said so.
    pub topic: Option<&'a Topic>,
    /// Who got it.
    pub recipient: &'a AddrSpec,
    /// The message.
    pub message: OperationId,
    /// When it was said.
    pub at: Timestamp,
}

/// What unsubscribing writes.
#[derive(Debug, Default)]
pub struct Unsubscribing {
    /// Nothing, if the address is on the list for good already.
    pub writes: Vec<Write>,
    /// There was no room for another list, so it is on the one for all senders of the domain.
    pub fell_back: bool,
}

/// The name of the list that such a wish is about.
fn list_name(wish: &Wish<'_>) -> String {
    match wish.topic {
        Some(topic) => list::topic_name(topic),
        None => wish.sender.local_part().content().to_ascii_lowercase(),
    }
}

/// The writes that put the recipient on the list. Repeated, it changes nothing.
///
/// # Errors
/// When the store does not answer, or somebody else changes the lists.
pub async fn unsubscribe<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    suppressor: &Suppressor,
    wish: &Wish<'_>,
) -> Result<Unsubscribing, StoreError> {
    let mode = suppressor.admit(ports).await?;
    let domain = wish.sender.domain();
    let name = list_name(wish);
    let list = list::ensure(ports, domain, &name).await;
    let list = list.map_err(into_store_error)?;
    let shelf = list.shelf(domain);
    let fell_back = list.list_name.is_empty() && !name.is_empty();
    let found = shelf.find(ports, suppressor, wish.recipient).await?;
    if found.entry().is_some_and(|entry| stands(entry, wish.at)) {
        return Ok(Unsubscribing {
            writes: Vec::new(),
            fell_back,
        });
    }
    let mut writes = place(ports, suppressor, &shelf, (&found, wish, None)).await?;
    writes.extend(mode);
    Ok(Unsubscribing { writes, fell_back })
}

/// Whether an entry is for good, or says what was heard later. Who wants no more mail and says so again has it noted when he said so last:
/// what was said before that, and is heard only now, changes nothing.
fn stands(entry: &Suppression, at: Timestamp) -> bool {
    let is_for_good = entry.until.is_none();
    match (entry.kind, is_for_good) {
        (Kind::Unsubscribed, true) => heard_at(entry) >= at,
        (Kind::Unsubscribed, false) => heard_at(entry) > at,
        _ => is_for_good,
    }
}

fn heard_at(entry: &Suppression) -> Timestamp {
    entry.heard_at.unwrap_or(entry.since)
}

/// The writes that have the recipient written to again, if unsubscribing was what stopped it. Repeated, it changes nothing.
///
/// # Errors
/// When the store does not answer.
pub async fn resubscribe<P: Clock + KeyValue>(
    ports: &P,
    suppressor: &Suppressor,
    wish: &Wish<'_>,
) -> Result<Vec<Write>, StoreError> {
    let mode = suppressor.admit(ports).await?;
    let domain = wish.sender.domain();
    let lists = list::read(ports, domain).await?;
    let named = lists.for_scope(&Scope::of(domain, &list_name(wish)));
    let for_all = lists.for_scope(&Scope::Domain(domain.clone()));
    let mut writes = Vec::new();
    for list in named.into_iter().chain(for_all) {
        let shelf = list.shelf(domain);
        let found = shelf.find(ports, suppressor, wish.recipient).await?;
        if found.entry().is_some_and(|entry| ends(entry, wish)) {
            let over = Some(wish.at);
            writes.extend(place(ports, suppressor, &shelf, (&found, wish, over)).await?);
        }
    }
    if !writes.is_empty() {
        writes.extend(mode);
    }
    Ok(writes)
}

/// Whether the wish undoes an entry: one that came of the same copy, so that no older mail that was passed on to others does.
fn ends(entry: &Suppression, wish: &Wish<'_>) -> bool {
    let is_in_force = entry.kind == Kind::Unsubscribed && entry.until.is_none();
    is_in_force && heard_at(entry) <= wish.at && entry.message == Some(wish.message)
}

async fn place(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    shelf: &Shelf,
    (found, wish, until): (&Found, &Wish<'_>, Option<Timestamp>),
) -> Result<Vec<Write>, StoreError> {
    let known = found.entry().cloned();
    let mut entry = known.unwrap_or_else(|| Suppression::added(wish.at));
    let is_in_force = entry.kind == Kind::Unsubscribed && entry.until.is_none();
    if until.is_none() && !is_in_force {
        entry.since = wish.at;
    }
    entry.kind = Kind::Unsubscribed;
    entry.until = until;
    entry.step = 0;
    entry.reply = None;
    entry.event = None;
    entry.message = Some(wish.message);
    entry.heard_at = Some(wish.at);
    entry.email = Some(wish.recipient.to_string());
    entry.redact(suppressor);
    // As with bounces: what is stored under a clear address stays, and is looked up as well.
    let mut anew = found.clone();
    if until.is_some()
        && let (None, Some((name, entry))) = (&found.current, &found.clear)
    {
        // It would go on counting, so it is written over where it is.
        anew.name = name.clone();
        anew.current = Some(entry.clone());
    }
    anew.clear = None;
    Ok(shelf.place_anew(store, &anew, entry).await?.writes)
}

fn into_store_error(error: SuppressionError) -> StoreError {
    match error {
        SuppressionError::Store(error) => error,
        other => StoreError::new(other.to_string()),
    }
}
