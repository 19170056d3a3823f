//! Takes visits in: from a batch to facts, to what subscribers are told, and to what the suppression lists make of it, in one write.
//!
//! The write is one `set-many` with the journal items of the notifications, and it closes the batch. A crash before it has the batch taken
//! in again, with chunks of other numbers; a crash after it has lost nothing. Events are named by batch and place, so a batch that two
//! take in at once is told once.

mod copy;
mod gathering;
mod room;
mod said;

use std::collections::{BTreeMap, BTreeSet};

use audience::Verdict;
use envelope::{AddrSpec, Domain};
use url::Url;

use self::copy::ReadersCopy;
use self::gathering::gather;
use super::VisitAction;
use super::chunk::{Chunk, Fact, event_id};
use super::waiting::Waiting;
use crate::digest::{Digested, Digester};
use crate::event::AppEvent;
use crate::keys;
use crate::notification::{Notification, fan_out};
use crate::operation::OperationId;
use crate::outbox::Entry;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
use crate::suppression::wish::{self, Wish};
use crate::time::Timestamp;

/// What came of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// For the log, in the order of the batch.
    pub engaged: Vec<Engaged>,
    /// Visits of messages, recipients or links that do not exist.
    pub foreign: usize,
    /// Visits that were not kept, since their recipient has too many or was erased; HEAD requests are none. Wishes among them are obeyed
    /// all the same.
    pub surplus: usize,
    /// Domains without room for another list: who unsubscribed is on the one for all their senders.
    pub fell_back: Vec<Domain>,
    /// What subscribers are to be told, now.
    pub notifications: Vec<OperationId>,
}

/// One visit, as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engaged {
    /// The message.
    pub message: OperationId,
    /// The address in its From field.
    pub sender: AddrSpec,
    /// Whose copy it was.
    pub recipient: AddrSpec,
    /// When it came.
    pub at: Timestamp,
    /// What was asked for.
    pub action: VisitAction,
    /// Who that was.
    pub verdict: Verdict,
}

impl Engaged {
    /// Where the link leads, without what may be the application's own token: user information, query and fragment. Empty if there is none.
    #[must_use]
    pub fn context(&self) -> String {
        let VisitAction::Click { target, .. } = &self.action else {
            return String::new();
        };
        let origin_and_path = |url: Url| {
            let origin = url.origin().ascii_serialization();
            format!("{origin}{}", url.path())
        };
        Url::parse(target).map(origin_and_path).unwrap_or_default()
    }
}

/// Takes in the batch `id`, if it is due and nobody else does.
///
/// # Errors
/// When the store does not answer; the batch is taken in again then.
pub async fn take_in<P>(
    ports: &P,
    digester: &Digester<'_>,
    id: OperationId,
) -> Result<Digested<Told>, StoreError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let Some(waiting) = Waiting::find(ports, id).await? else {
        return Ok(Digested::Unknown);
    };
    let batch = &waiting.batch;
    let (attempt, due_at) = (batch.attempt, batch.due_at);
    if !digester.claims(ports, id, attempt, due_at).await? {
        return Ok(Digested::NotNow);
    }
    let _announced = digester.outbox.announce();
    let mut told = Told::default();
    let gathered = gather(ports, (id, batch), &mut told).await?;
    let copies = gathered.copies();
    let mut entry = entry(ports, digester, id, &copies, &mut told).await?;
    entry.writes.push(waiting.ended()?);
    let wishes = wishes(&copies);
    let Some(obeyed) = wish::obey(ports, digester.suppressor, &wishes).await? else {
        return Ok(Digested::NotNow);
    };
    told.fell_back = obeyed.fell_back;
    if !obeyed.edit.commit(ports, digester.outbox, entry).await? {
        return Ok(Digested::NotNow);
    }
    if let Some(key) = waiting.remains() {
        // It stays behind, done, if this fails.
        let _ = ports.delete_many(vec![key]).await;
    }
    Ok(Digested::Done(told))
}

/// Everything that follows from the batch, besides what the suppression lists make of it.
async fn entry<P: Clock + KeyValue>(
    ports: &P,
    digester: &Digester<'_>,
    id: OperationId,
    copies: &[ReadersCopy<'_>],
    told: &mut Told,
) -> Result<Entry, StoreError> {
    let mut writes = Vec::new();
    let notifications = notifications(ports, digester, id, copies, told).await?;
    told.notifications = notifications.iter().map(|made| made.id).collect();
    for notification in &notifications {
        writes.push(notification.write()?);
    }
    for copy in copies {
        told.surplus += copy.surplus();
        if let Some(number) = copy.room.number() {
            let chunk = new_chunk(id, copy, &notifications);
            writes.push(keys::engagement(copy.reader, number).write(&chunk)?);
        }
    }
    let items = notifications.iter().filter_map(Notification::item);
    Ok(Entry {
        writes,
        items: items.collect(),
    })
}

fn new_chunk(batch: OperationId, copy: &ReadersCopy<'_>, notifications: &[Notification]) -> Chunk {
    let facts = copy.kept_facts();
    let events = facts.iter().map(|fact| fact.place);
    let events: BTreeSet<_> = events
        .map(|place| event_id(copy.reader, batch, place))
        .collect();
    let tells = |notification: &&Notification| {
        let mut told = notification.events.iter();
        told.any(|event| events.contains(&event.id))
    };
    let notifications = notifications.iter().filter(tells).map(|made| made.id);
    Chunk {
        batch,
        facts,
        surplus: u64::try_from(copy.surplus()).unwrap_or(u64::MAX),
        notifications: notifications.collect(),
    }
}

/// Has log and subscribers told of what is kept, in the order of the batch.
async fn notifications<P: Clock + KeyValue>(
    ports: &P,
    digester: &Digester<'_>,
    batch: OperationId,
    copies: &[ReadersCopy<'_>],
    told: &mut Told,
) -> Result<Vec<Notification>, StoreError> {
    let told_of = |copy| {
        let facts = ReadersCopy::told(copy).into_iter();
        facts.map(move |(fact, verdict)| (copy, fact, verdict))
    };
    let mut news: Vec<(&ReadersCopy<'_>, &Fact, Verdict)> =
        copies.iter().flat_map(told_of).collect();
    if news.is_empty() {
        return Ok(Vec::new());
    }
    news.sort_by_key(|(_, fact, _)| fact.place);
    let events: Vec<AppEvent> = news
        .iter()
        .map(|(copy, fact, verdict)| copy.event(batch, fact, verdict))
        .collect();
    let engaged = news.into_iter();
    told.engaged = engaged
        .map(|(copy, fact, verdict)| copy.engaged(fact, verdict))
        .collect();
    let subscriptions = digester.subscriptions.read(ports).await?;
    Ok(fan_out(&subscriptions, batch, &events, ports.now()))
}

/// The new wishes, and whether each is for no more mail: of several by one person about one kind of mail, the last.
fn wishes<'a>(copies: &'a [ReadersCopy<'_>]) -> Vec<(Wish<'a>, bool)> {
    let mut last: BTreeMap<_, (Wish<'_>, bool)> = BTreeMap::new();
    for copy in copies {
        let Some((fact, no_more)) = copy.wish() else {
            continue;
        };
        let wish = Wish {
            sender: &copy.record.from.address,
            topic: copy.record.treatment.topic.as_ref(),
            recipient: copy.address,
            message: copy.reader.message,
            at: fact.at,
        };
        let kind = (wish.sender.canonical(), wish.topic);
        let place = (kind, wish.recipient.canonical());
        let is_later = last
            .get(&place)
            .is_none_or(|(known, _)| known.at <= wish.at);
        if is_later {
            last.insert(place, (wish, no_more));
        }
    }
    last.into_values().collect()
}
