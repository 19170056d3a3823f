//! What is known of those whom a batch is about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use envelope::AddrSpec;
use futures::future::{try_join, try_join_all};

use super::Told;
use super::copy::ReadersCopy;
use crate::delivery::DeliveryState;
use crate::digest::{Messages, read_messages};
use crate::engagement::chunk::{self, Chunk, Fact, MAX_CHUNKS};
use crate::engagement::verdict::delivered_at;
use crate::engagement::{VisitAction, VisitBatch};
use crate::event::EventKind;
use crate::keys;
use crate::link::Reader;
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError};
use crate::time::Timestamp;

/// Chunks before the new one that are read to judge it by: what speaks against a person lies a minute back at most.
const LOOK_BACK: u64 = 32;

/// A copy of what is in hand, before anything is read of it.
struct Place {
    reader: Reader,
    address: AddrSpec,
    news: Vec<Fact>,
}

pub(super) struct Gathered {
    messages: Messages,
    states: HashMap<OperationId, DeliveryState>,
    copies: Vec<Known>,
}

/// What is read of a copy.
struct Known {
    place: Place,
    delivered_at: Option<Timestamp>,
    number: u64,
    history: Vec<Chunk>,
}

/// All that the batch is about, with what is known of it.
pub(super) async fn gather(
    store: &impl KeyValue,
    (id, batch): (OperationId, &VisitBatch),
    told: &mut Told,
) -> Result<Gathered, StoreError> {
    let ids: BTreeSet<OperationId> = batch.visits.iter().map(|visit| visit.message).collect();
    let messages = read_messages(store, ids).await?;
    let states = read_states(store, &messages).await?;
    let mut by_reader: BTreeMap<Reader, Vec<Fact>> = BTreeMap::new();
    for (place, visit) in (0..).zip(&batch.visits) {
        let facts = by_reader.entry(visit.reader()).or_default();
        facts.push(Fact::new(place, visit));
    }
    let mut reads = Vec::with_capacity(by_reader.len());
    for (reader, facts) in by_reader {
        let count = facts.len();
        let place = locate(&messages, &states, reader, facts);
        let kept = place.as_ref().map_or(0, |place| place.news.len());
        told.foreign += count - kept;
        reads.extend(place.map(|place| read_copy(store, states.get(&reader.message), place)));
    }
    let mut copies = try_join_all(reads).await?;
    // Somebody was as quick, and has written what we would.
    copies.retain(|copy| copy.history.iter().all(|chunk| chunk.batch != id));
    Ok(Gathered {
        messages,
        states,
        copies,
    })
}

async fn read_states(
    store: &impl KeyValue,
    messages: &Messages,
) -> Result<HashMap<OperationId, DeliveryState>, StoreError> {
    let reads = messages
        .keys()
        .map(async |&id| Ok::<_, StoreError>((id, keys::state(id).read(store).await?)));
    let found: Vec<(OperationId, Option<DeliveryState>)> = try_join_all(reads).await?;
    let known = found.into_iter();
    Ok(known.filter_map(|(id, state)| Some((id, state?))).collect())
}

/// None when there is no such message or recipient, or no such link.
fn locate(
    messages: &Messages,
    states: &HashMap<OperationId, DeliveryState>,
    reader: Reader,
    mut news: Vec<Fact>,
) -> Option<Place> {
    let record = messages.get(&reader.message)?;
    let mut recipients = record.recipients().into_iter();
    let address = recipients.nth(usize::from(reader.recipient))?;
    let links = states.get(&reader.message).map_or(0, |state| state.links);
    let is_there = |fact: &Fact| match &fact.action {
        VisitAction::Click { link, .. } => links == 0 || *link < links,
        VisitAction::Open | VisitAction::Unsubscribe { .. } | VisitAction::Resubscribe => true,
    };
    news.retain(is_there);
    (!news.is_empty()).then_some(Place {
        reader,
        address,
        news,
    })
}

async fn read_copy(
    store: &impl KeyValue,
    state: Option<&DeliveryState>,
    place: Place,
) -> Result<Known, StoreError> {
    let reader = place.reader;
    let recipient = usize::from(reader.recipient);
    let delivered = keys::outcome(reader.message, recipient, EventKind::Delivered, 0);
    let count = keys::engagement_count(reader);
    let (delivered, number) = try_join(delivered.read(store), count.increment(store)).await?;
    let number =
        u64::try_from(number).map_err(|_| StoreError::new("engagement-count is negative"))?;
    let last = number.saturating_sub(1).min(MAX_CHUNKS);
    let first = last.saturating_sub(LOOK_BACK).saturating_add(1);
    let history = if chunk::is_erased(number) {
        Vec::new()
    } else {
        chunk::read_some(store, reader, first, last).await?
    };
    let state = state.and_then(|state| state.recipients.get(recipient));
    let delivered_at = delivered_at(state, delivered.as_slice());
    Ok(Known {
        place,
        delivered_at,
        number,
        history,
    })
}

impl Gathered {
    pub(super) fn copies(&self) -> Vec<ReadersCopy<'_>> {
        let copies = self.copies.iter();
        copies.filter_map(|known| self.copy(known)).collect()
    }

    fn copy<'a>(&'a self, known: &'a Known) -> Option<ReadersCopy<'a>> {
        let Place {
            reader,
            address,
            news,
        } = &known.place;
        let history = known.history.iter().flat_map(|chunk| &chunk.facts);
        let mut facts: Vec<Fact> = history.cloned().collect();
        let count = facts.len();
        facts.extend(news.iter().cloned());
        let state = self.states.get(&reader.message);
        Some(ReadersCopy {
            reader: *reader,
            record: self.messages.get(&reader.message)?,
            address: address.clone(),
            delivered_at: known.delivered_at,
            links: state.map_or(0, |state| state.links),
            number: known.number,
            facts,
            known: count,
        })
    }
}
