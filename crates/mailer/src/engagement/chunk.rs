//! What is kept of one recipient's visits: facts that are only ever added to, in chunks with numbers of their own.

use std::collections::BTreeSet;

use futures::future::{try_join, try_join_all};
use serde::{Deserialize, Serialize};

use super::{Visit, VisitAction, Visitor};
use crate::event::{EventId, derived_id};
use crate::keys::{self, Counter, Key, Record};
use crate::link::Reader;
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError};
use crate::time::Timestamp;

/// The most chunks of one recipient that are kept. What comes in later batches is only counted, but for wishes.
pub const MAX_CHUNKS: u64 = 64;
/// The most chunks that are kept behind those, of batches in which somebody changed his mind about more mail: wishes and nothing else.
pub const MAX_WISH_CHUNKS: u64 = 16;
/// The chunks after which batches of nothing but HEAD requests are passed over, so that most of [`MAX_CHUNKS`] is left to people.
pub const MAX_HEAD_CHUNKS: u64 = 16;
/// The most visits of one chunk that are kept, wishes and HEAD requests aside: as many links at once as tell of a scanner, and some. With
/// [`MAX_CHUNKS`] this bounds what whoever has a link can make us read.
pub const MAX_CHUNK_FACTS: usize = 20;
/// Chunks before a new one that are read to judge it by: what speaks against a person lies a minute back at most.
const LOOK_BACK: u64 = 32;

/// One visit, without whose copy it was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// Its place in its batch: with that, it names the event.
    pub place: u16,
    /// When it came.
    pub at: Timestamp,
    /// What was asked for.
    pub action: VisitAction,
    /// It was a HEAD request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_head: bool,
    /// Who asked, as far as the request says.
    pub visitor: Visitor,
}

impl Fact {
    /// What is kept of `visit`, which was at `place` of its batch.
    #[must_use]
    pub fn new(place: u16, visit: &Visit) -> Self {
        Self {
            place,
            at: visit.at,
            action: visit.action.clone(),
            is_head: visit.is_head,
            visitor: visit.visitor.clone(),
        }
    }
}

/// The visits of one recipient that came in one batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The batch. Should two have taken it in at once, there are two chunks with it, of which one counts.
    pub batch: OperationId,
    /// In the order of the batch.
    pub facts: Vec<Fact>,
    /// Visits that were too many to be kept; HEAD requests are no visits.
    #[serde(default, skip_serializing_if = "keys::is_default")]
    pub surplus: u64,
    /// Notifications of subscribers that tell of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<OperationId>,
}

impl Record for Chunk {
    const VERSION: u32 = 1;
}

/// The event that a visit is: the same however often its batch is taken in.
#[must_use]
pub fn event_id(reader: Reader, batch: OperationId, place: u16) -> EventId {
    let Reader { message, recipient } = reader;
    let text = format!("engagement/{message}/{recipient}/{batch}/{place}");
    EventId::from(derived_id(&text))
}

/// What there is of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// In the order of their numbers, each batch once.
    pub chunks: Vec<Chunk>,
    /// What was too much to be kept: visits of a chunk, and whole batches.
    pub surplus: u64,
}

/// All that is kept of `reader`: one read of a counter if there is nothing, or all of it was erased.
///
/// # Errors
/// When the store does not answer.
pub async fn read(store: &impl KeyValue, reader: Reader) -> Result<Known, StoreError> {
    let count = keys::engagement_count(reader).value(store).await?;
    let count = u64::try_from(count).unwrap_or(0);
    if is_erased(count) {
        return Ok(Known::default());
    }
    let chunks = read_twins(store, reader, 1..=count.min(MAX_CHUNKS));
    let (mut chunks, wishes) = try_join(chunks, read_wishes(store, reader, count)).await?;
    let kept = MAX_CHUNKS.saturating_add(u64::try_from(wishes.len()).unwrap_or(u64::MAX));
    chunks.extend(wishes);
    drop_twins(&mut chunks);
    let visits: u64 = chunks.iter().map(|chunk| chunk.surplus).sum();
    let surplus = count.saturating_sub(kept).saturating_add(visits);
    Ok(Known { chunks, surplus })
}

/// The last chunks before that of the batch with `number`, and those of wishes that may be before it.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn read_before(
    store: &impl KeyValue,
    reader: Reader,
    number: u64,
) -> Result<Vec<Chunk>, StoreError> {
    if is_erased(number) {
        return Ok(Vec::new());
    }
    let last = number.saturating_sub(1).min(MAX_CHUNKS);
    let first = last.saturating_sub(LOOK_BACK).saturating_add(1);
    let chunks = read_twins(store, reader, first..=last);
    let (mut chunks, wishes) = try_join(chunks, read_wishes(store, reader, number)).await?;
    chunks.extend(wishes);
    drop_twins(&mut chunks);
    Ok(chunks)
}

/// Whether [`read_before`] gives all that was kept before `number`.
pub(super) const fn is_all_before(number: u64) -> bool {
    number <= LOOK_BACK.saturating_add(1)
}

/// The chunks behind the first [`MAX_CHUNKS`], if so many batches were counted that there may be any.
async fn read_wishes(
    store: &impl KeyValue,
    reader: Reader,
    count: u64,
) -> Result<Vec<Chunk>, StoreError> {
    if count <= MAX_CHUNKS {
        return Ok(Vec::new());
    }
    let numbers = MAX_CHUNKS + 1..=MAX_CHUNKS + MAX_WISH_CHUNKS;
    read_twins(store, reader, numbers).await
}

/// The chunks with these numbers, as far as they are there; both of a batch that two took in at once.
async fn read_twins(
    store: &impl KeyValue,
    reader: Reader,
    numbers: impl IntoIterator<Item = u64>,
) -> Result<Vec<Chunk>, StoreError> {
    let numbers = numbers.into_iter();
    let reads = numbers.map(async |n| keys::engagement(reader, n).read(store).await);
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Leaves one chunk of each batch.
fn drop_twins(chunks: &mut Vec<Chunk>) {
    let mut seen = BTreeSet::new();
    chunks.retain(|chunk| seen.insert(chunk.batch));
}

/// Added to the counter of who is erased. A number above it is that of a chunk which is neither kept nor read, so all that is left of
/// him is a number, and visits that come later find it without another read.
const ERASED: u64 = 1 << 40;

/// Whether a batch with this number came after its recipient was erased.
pub(super) const fn is_erased(number: u64) -> bool {
    number >= ERASED
}

/// Chunks that are to be erased.
pub(super) struct Closed {
    reader: Reader,
    /// Those that were given out and may have a chunk.
    numbers: Vec<u64>,
}

/// Has nothing more kept or read of `reader`.
///
/// # Errors
/// When the store does not answer; it may be done all the same.
pub(super) async fn close(store: &impl KeyValue, reader: Reader) -> Result<Closed, StoreError> {
    let given = close_counter(store, keys::engagement_count(reader)).await?;
    let mut numbers: Vec<u64> = (1..=given.min(MAX_CHUNKS)).collect();
    if given > MAX_CHUNKS {
        // Of batches that have a number already, some may be about to ask for one of these.
        let wishes = close_counter(store, keys::engagement_wish_count(reader)).await?;
        let wishes = 1..=wishes.min(MAX_WISH_CHUNKS);
        numbers.extend(wishes.map(|n| MAX_CHUNKS + n));
    }
    Ok(Closed { reader, numbers })
}

/// Has the counter give no more numbers that are kept or read. Gives the last one that it gave before.
async fn close_counter(store: &impl KeyValue, counter: Key<Counter>) -> Result<u64, StoreError> {
    let count = u64::try_from(counter.value(store).await?).unwrap_or(0);
    if is_erased(count) {
        return Ok(count % ERASED);
    }
    let count = counter.add(store, ERASED.cast_signed()).await?;
    Ok(u64::try_from(count).unwrap_or(0) % ERASED)
}

impl Closed {
    /// What is there of them, and whether there is one for each number. If not, somebody took a number and crashed, or is to write yet;
    /// or they were erased before.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn read(
        &self,
        store: &impl KeyValue,
    ) -> Result<(Vec<Chunk>, bool), StoreError> {
        let chunks = read_twins(store, self.reader, self.numbers.iter().copied()).await?;
        let is_complete = chunks.len() == self.numbers.len();
        Ok((chunks, is_complete))
    }

    /// Deletes them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn delete(self, store: &impl KeyValue) -> Result<(), StoreError> {
        let numbers = self.numbers.into_iter();
        let paths = numbers.map(|n| keys::engagement(self.reader, n).into_path());
        let paths: Vec<String> = paths.collect();
        if paths.is_empty() {
            return Ok(());
        }
        store.delete_many(paths).await
    }
}
