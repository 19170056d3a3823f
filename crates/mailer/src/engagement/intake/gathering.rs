//! What is known of those whom a batch is about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use envelope::AddrSpec;
use futures::future::{try_join, try_join_all};

use super::Told;
use super::copy::ReadersCopy;
use super::room::Room;
use super::said::new_wishes;
use crate::delivery::DeliveryState;
use crate::digest::{Messages, read_messages};
use crate::engagement::chunk::{self, Fact, MAX_HEAD_CHUNKS};
use crate::engagement::verdict::Delivery;
use crate::engagement::{VisitAction, VisitBatch};
use crate::event::EventKind;
use crate::keys;
use crate::link::Reader;
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError};

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
    reader: Reader,
    address: AddrSpec,
    delivery: Delivery,
    room: Room,
    /// What was known, then what is new.
    facts: Vec<Fact>,
    known: usize,
    /// Where new ones are that are kept.
    kept: BTreeSet<usize>,
    /// Where those are that change what he wished.
    wishes: Vec<usize>,
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
        let state = states.get(&reader.message);
        reads.extend(place.map(|place| read_copy(store, (id, state), place)));
    }
    let copies = try_join_all(reads).await?;
    Ok(Gathered {
        messages,
        states,
        copies: copies.into_iter().flatten().collect(),
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

/// None when there is nothing to do about it.
async fn read_copy(
    store: &impl KeyValue,
    (batch, state): (OperationId, Option<&DeliveryState>),
    place: Place,
) -> Result<Option<Known>, StoreError> {
    let reader = place.reader;
    let recipient = usize::from(reader.recipient);
    let Some(number) = number(store, &place).await? else {
        return Ok(None);
    };
    let delivered = keys::outcome(reader.message, recipient, EventKind::Delivered, 0);
    let history = chunk::read_before(store, reader, number);
    let (delivered, history) = try_join(delivered.read(store), history).await?;
    if history.iter().any(|chunk| chunk.batch == batch) {
        // Somebody was as quick, and has written what we would.
        return Ok(None);
    }
    let mut facts: Vec<Fact> = history.into_iter().flat_map(|chunk| chunk.facts).collect();
    let known = facts.len();
    facts.extend(place.news);
    let mut wishes = new_wishes(&facts, chunk::is_all_before(number));
    wishes.retain(|&index| index >= known);
    let room = Room::take(store, (reader, number), !wishes.is_empty()).await?;
    let state = state.and_then(|state| state.recipients.get(recipient));
    Ok(Some(Known {
        reader,
        address: place.address,
        delivery: Delivery::of(state, delivered.as_slice()),
        room,
        kept: room.kept(&facts, known),
        facts,
        known,
        wishes,
    }))
}

/// The number of the batch among those of its recipient. None for nothing but HEAD requests when there were some.
async fn number(store: &impl KeyValue, place: &Place) -> Result<Option<u64>, StoreError> {
    let counter = keys::engagement_count(place.reader);
    let negative = |_| StoreError::new("engagement-count is negative");
    if place.news.iter().all(|fact| fact.is_head) {
        let count = u64::try_from(counter.value(store).await?).map_err(negative)?;
        if count >= MAX_HEAD_CHUNKS {
            return Ok(None);
        }
    }
    let number = counter.increment(store).await?;
    u64::try_from(number).map(Some).map_err(negative)
}

impl Gathered {
    pub(super) fn copies(&self) -> Vec<ReadersCopy<'_>> {
        let copies = self.copies.iter();
        copies.filter_map(|known| self.copy(known)).collect()
    }

    fn copy<'a>(&'a self, known: &'a Known) -> Option<ReadersCopy<'a>> {
        let message = known.reader.message;
        Some(ReadersCopy {
            reader: known.reader,
            record: self.messages.get(&message)?,
            address: &known.address,
            delivery: known.delivery,
            links: self.states.get(&message).map_or(0, |state| state.links),
            room: known.room,
            facts: &known.facts,
            known: known.known,
            kept: &known.kept,
            wishes: &known.wishes,
        })
    }
}
