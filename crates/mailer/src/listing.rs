//! What was accepted on a day, without listing the store: the numbers under which instances kept their journals that day, and the
//! journals, which stay where messages were accepted.

use serde::{Deserialize, Serialize};

use crate::journal::{JournalItem, WorkKind};
use crate::keys::{self, Record};
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError, Write};
use crate::time::Timestamp;

/// Journal entries and empty places that one page looks at, at most: a day has many that hold nothing for whoever asks.
const PAGE_READS: usize = 1_000;

/// A journal number that was taken on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayNumber {
    /// The number.
    pub number: u64,
}

impl Record for DayNumber {
    const VERSION: u32 = 1;
}

/// Whether an item says that a message was accepted, and not that it is tried again.
#[must_use]
pub fn is_acceptance(item: &JournalItem) -> bool {
    item.kind == WorkKind::Message && item.attempt == 0
}

/// The write that notes a number under its day.
pub(crate) async fn note(
    store: &impl KeyValue,
    number: u64,
    now: Timestamp,
) -> Result<Write, StoreError> {
    let place = keys::day_count(now.day()).increment(store).await?;
    let place = u64::try_from(place).map_err(|_| StoreError::new("day-count is negative"))?;
    keys::day_number(now.day(), place).write(&DayNumber { number })
}

/// Where a page begins, and the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The place among the day's numbers, from 1.
    pub place: u64,
    /// The journal entry.
    pub entry: u64,
    /// The message in it.
    pub item: usize,
}

impl Cursor {
    /// The beginning of a day.
    pub const START: Self = Self {
        place: 1,
        entry: 0,
        item: 0,
    };
}

/// Messages that were accepted on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Their ids, for each instance in the order of acceptance. An id whose acceptance failed in the last moment may be among them.
    pub messages: Vec<OperationId>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// The messages of `day`, counted from 1970-01-01, from `cursor` on: at most `most`, or fewer though there are more.
///
/// # Errors
/// When the store does not answer.
pub async fn page(
    store: &impl KeyValue,
    day: u64,
    cursor: Cursor,
    most: usize,
) -> Result<Page, StoreError> {
    let last = keys::day_count(day).value(store).await?;
    let last = u64::try_from(last).unwrap_or_default();
    let mut messages = Vec::new();
    let mut at = cursor;
    let mut number = number_at(store, day, at.place).await?;
    for _ in 0..PAGE_READS {
        if at.place > last {
            return Ok(Page {
                messages,
                next: None,
            });
        }
        let entry = match number {
            Some(number) => keys::journal(number, at.entry).read(store).await?,
            None => None,
        };
        let Some(entry) = entry else {
            at = Cursor {
                place: at.place.saturating_add(1),
                ..Cursor::START
            };
            number = number_at(store, day, at.place).await?;
            continue;
        };
        let accepted: Vec<&JournalItem> = entry
            .items
            .iter()
            .filter(|item| is_acceptance(item))
            .collect();
        for item in accepted.iter().skip(at.item) {
            if messages.len() == most {
                return Ok(Page {
                    messages,
                    next: Some(at),
                });
            }
            messages.push(item.id);
            at.item += 1;
        }
        at = Cursor {
            entry: at.entry.saturating_add(1),
            item: 0,
            ..at
        };
    }
    Ok(Page {
        messages,
        next: Some(at),
    })
}

async fn number_at(store: &impl KeyValue, day: u64, place: u64) -> Result<Option<u64>, StoreError> {
    let found = keys::day_number(day, place).read(store).await?;
    Ok(found.map(|found| found.number))
}
