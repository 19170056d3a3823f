//! The schedule: what is due when, in slots of two seconds that only the tick writes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::journal::JournalItem;
use crate::keys::{self, Record};
use crate::ports::{KeyValue, StoreError, Write};
use crate::time::Timestamp;

/// The width of a slot.
pub const SLOT: Duration = Duration::from_secs(2);
/// One entry holds at most this many items: well under the size a store likes.
const ENTRY_ITEMS: usize = 500;

/// Messages that are due in one slot, as one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueEntry {
    /// What to look at.
    pub items: Vec<JournalItem>,
}

impl Record for DueEntry {
    const VERSION: u32 = 1;
}

/// The first slot that is not before `time`.
#[must_use]
pub fn slot_at_or_after(time: Timestamp) -> u64 {
    time.as_millis().div_ceil(slot_millis())
}

/// The last slot that is due at `now`.
#[must_use]
pub fn slot_due(now: Timestamp) -> u64 {
    now.as_millis() / slot_millis()
}

fn slot_millis() -> u64 {
    u64::try_from(SLOT.as_millis()).unwrap_or(u64::MAX)
}

/// What one tick adds to the schedule.
#[derive(Debug, Default)]
pub struct Additions {
    slots: BTreeMap<u64, Vec<JournalItem>>,
}

impl Additions {
    /// Has `item` looked at again at `time`, but not before slot `first`.
    pub fn add(&mut self, item: JournalItem, time: Timestamp, first: u64) {
        self.slots
            .entry(slot_at_or_after(time).max(first))
            .or_default()
            .push(item);
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The writes that append to the schedule.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn into_writes(self, store: &impl KeyValue) -> Result<Vec<Write>, StoreError> {
        let mut writes = Vec::new();
        for (slot, items) in self.slots {
            let first_free = first_free(store, slot).await?;
            for (n, items) in (first_free..).zip(items.chunks(ENTRY_ITEMS)) {
                writes.push(keys::due(slot, n).write(&DueEntry {
                    items: items.to_vec(),
                })?);
            }
        }
        Ok(writes)
    }
}

/// The first index without an entry. Entries are contiguous from 0, so it is found by galloping and bisection.
async fn first_free(store: &impl KeyValue, slot: u64) -> Result<u64, StoreError> {
    let taken = async |n: u64| store.exists(keys::due(slot, n).path()).await;
    let mut free = 0;
    let mut step = 1;
    while taken(free).await? {
        free += step;
        step *= 2;
    }
    let mut low = free.saturating_sub(step / 2);
    while low < free {
        let middle = low + (free - low) / 2;
        if taken(middle).await? {
            low = middle + 1;
        } else {
            free = middle;
        }
    }
    Ok(free)
}
