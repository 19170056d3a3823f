//! What recipients who want no more mail of a kind, or want it again, write to the lists of the sender's domain.
//!
//! They are put on the list of the sender username, or of the topic if the message had one, which is made when it is needed. Who wants
//! mail again stays on it, as one whose time is over: so a wish that is heard late does not undo a later one. What anything else put there
//! is left alone.

use envelope::{AddrSpec, Domain};

use super::edit::{Change, Edit};
use super::error::SuppressionError;
use super::identity::Suppressor;
use super::list;
use super::record::{Kind, Suppression};
use super::shelf::{Scope, Shelf};
use crate::operation::OperationId;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
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

/// What such wishes come to.
#[derive(Debug, Default)]
#[must_use = "its edit has to be committed"]
pub struct Obeyed {
    /// Nothing of an address that is on the list for good already.
    pub edit: Edit,
    /// Domains without room for another list: who unsubscribed is on the one for all their senders.
    pub fell_back: Vec<Domain>,
}

/// The name of the list that such a wish is about.
fn list_name(wish: &Wish<'_>) -> String {
    match wish.topic {
        Some(topic) => list::topic_name(topic),
        None => wish.sender.local_part().content().to_ascii_lowercase(),
    }
}

/// What the lists make of wishes for no more mail, if the flag beside them is set, or for more. Repeated, they change nothing. `None` if
/// somebody else changes the entries for too long.
///
/// # Errors
/// When the store does not answer, or somebody else changes the lists.
pub async fn obey<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    suppressor: &Suppressor,
    wishes: &[(Wish<'_>, bool)],
) -> Result<Option<Obeyed>, StoreError> {
    let mut fell_back = Vec::new();
    let mut bearings = Vec::new();
    for (wish, no_more) in wishes {
        let shelves = if *no_more {
            let (shelf, is_another) = list_to_be_on(ports, wish).await?;
            fell_back.extend(is_another.then(|| wish.sender.domain().clone()));
            vec![shelf]
        } else {
            lists_to_leave(ports, wish).await?
        };
        let no_more = *no_more;
        let bearing = |shelf| Bearing {
            wish,
            no_more,
            shelf,
        };
        bearings.extend(shelves.into_iter().map(bearing));
    }
    let edit = Edit::decide(ports, suppressor, &bearings).await?;
    Ok(edit.map(|edit| Obeyed { edit, fell_back }))
}

/// The list for who wants no more, and whether it is the one for all senders for want of another.
async fn list_to_be_on<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    wish: &Wish<'_>,
) -> Result<(Shelf, bool), StoreError> {
    let domain = wish.sender.domain();
    let name = list_name(wish);
    let list = list::ensure(ports, domain, &name).await;
    let list = list.map_err(SuppressionError::into_store_error)?;
    let is_another = list.list_name.is_empty() && !name.is_empty();
    Ok((list.shelf(domain), is_another))
}

/// The lists that who wants mail again may be on.
async fn lists_to_leave(store: &impl KeyValue, wish: &Wish<'_>) -> Result<Vec<Shelf>, StoreError> {
    let domain = wish.sender.domain();
    let lists = list::read(store, domain).await?;
    let named = lists.for_scope(&Scope::of(domain, &list_name(wish)));
    let for_all = lists.for_scope(&Scope::Domain(domain.clone()));
    let both = named.into_iter().chain(for_all);
    Ok(both.map(|list| list.shelf(domain)).collect())
}

/// What a wish means for one list.
struct Bearing<'a> {
    wish: &'a Wish<'a>,
    no_more: bool,
    shelf: Shelf,
}

impl Change for Bearing<'_> {
    fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    fn address(&self) -> &AddrSpec {
        self.wish.recipient
    }

    fn after(&self, known: Option<&Suppression>) -> Option<Suppression> {
        let wish = self.wish;
        let stands = known.is_some_and(|entry| stands(entry, wish.at));
        let ends = known.is_some_and(|entry| ends(entry, wish));
        let is_news = if self.no_more { !stands } else { ends };
        is_news.then(|| self.entry(known))
    }
}

impl Bearing<'_> {
    fn entry(&self, known: Option<&Suppression>) -> Suppression {
        let wish = self.wish;
        let known = known.cloned();
        let mut entry = known.unwrap_or_else(|| Suppression::added(wish.at));
        if self.no_more && !is_in_force(&entry) {
            entry.since = wish.at;
        }
        entry.kind = Kind::Unsubscribed;
        entry.until = (!self.no_more).then_some(wish.at);
        entry.step = 0;
        entry.reply = None;
        entry.event = None;
        entry.message = Some(wish.message);
        entry.heard_at = Some(wish.at);
        entry.email = Some(wish.recipient.to_string());
        entry
    }
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

/// Whether the wish undoes an entry: one that came of the same copy, so that no older mail that was passed on to others does.
fn ends(entry: &Suppression, wish: &Wish<'_>) -> bool {
    is_in_force(entry) && heard_at(entry) <= wish.at && entry.message == Some(wish.message)
}

fn is_in_force(entry: &Suppression) -> bool {
    entry.kind == Kind::Unsubscribed && entry.until.is_none()
}
