//! Group commit: concurrent tasks of one instance share one `set-many`, and with it one journal entry and one fsync
//! (see [`Announcement`] for who waits for whom).

use std::cell::Cell;
use std::fmt;

use crate::engagement::VisitBatch;
use crate::journal::{JournalEntry, JournalItem, Position};
use crate::keys;
use crate::listing;
use crate::operation::OperationId;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError, Write};
pub use crate::rounds::Announcement;
use crate::rounds::{Contribution, Rounds};

/// The one writer of an instance. Lives as long as the instance.
#[derive(Default)]
pub struct Outbox {
    position: Cell<Option<Position>>,
    /// Its numbers are noted under the day, so that what was accepted can be listed.
    is_listed: bool,
    rounds: Rounds<Entry>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// What one task wants written: all of it or nothing.
#[derive(Debug)]
pub struct Entry {
    /// Pairs that belong together.
    pub writes: Vec<Write>,
    /// What the tick shall look at.
    pub items: Vec<JournalItem>,
}

impl Contribution for Entry {
    const MOST: usize = 64;
    const MOST_OCTETS: usize = 4 * 1024 * 1024;

    fn octets(&self) -> usize {
        self.writes
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }
}

impl Outbox {
    /// One whose numbers are noted under the day they are taken on. A number lasts no longer than its day then.
    #[must_use]
    pub fn listing() -> Self {
        Self {
            is_listed: true,
            ..Self::default()
        }
    }

    /// Announces an entry, so that a leader waits a little for it. Held until the task is done; without it the entry is written all
    /// the same, only less often together with others.
    #[must_use = "dropped, it announces nothing"]
    pub fn announce(&self) -> Announcement<'_> {
        self.rounds.announce()
    }

    /// Writes `entry` together with what other tasks of the instance have to write.
    ///
    /// # Errors
    /// When the store did not say that it wrote; the entry may be there all the same.
    pub async fn commit<P: Clock + KeyValue + Scheduler>(
        &self,
        ports: &P,
        entry: Entry,
    ) -> Result<(), StoreError> {
        let write = async |entries| self.write(ports, entries).await;
        self.rounds.take_part(ports, entry, write).await
    }

    async fn write<P: Clock + KeyValue>(
        &self,
        ports: &P,
        entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        let mut items = Vec::new();
        let mut writes: Vec<Write> = Vec::new();
        for entry in entries {
            items.extend(entry.items);
            writes.extend(entry.writes);
        }
        if items.is_empty() {
            return ports.set_many(writes).await;
        }
        // Taken out, so that a failed or dropped write leaves none: what it wrote is not known, and must not be overwritten.
        let position = self.open_position(ports, &mut writes).await?;
        let entry = JournalEntry {
            stays: self.is_listed,
            ..JournalEntry::new(ports.now(), items)
        };
        writes.push(keys::journal(position.number, position.next).write(&entry)?);
        ports.set_many(writes).await?;
        self.position.set(Some(position.advanced()));
        Ok(())
    }

    /// Writes `batch` alone, as a journal entry with the batch in it, and returns the id it has there. Other tasks of the instance go on
    /// meanwhile; none of them may write.
    ///
    /// # Errors
    /// As for [`Outbox::commit`].
    pub(crate) async fn put<P: Clock + KeyValue>(
        &self,
        ports: &P,
        batch: VisitBatch,
    ) -> Result<OperationId, StoreError> {
        // Nothing is listed of visits.
        let position = self.open_position(ports, &mut Vec::new()).await?;
        let id = position.id();
        let items = batch.item(id).into_iter().collect();
        let entry = JournalEntry {
            visits: Some(batch),
            ..JournalEntry::new(ports.now(), items)
        };
        let key = keys::journal(position.number, position.next);
        ports.set(key.write(&entry)?).await?;
        self.position.set(Some(position.advanced()));
        Ok(id)
    }

    /// Where to write next; what has to be written with the first entry under a new number is added to `writes`.
    async fn open_position<P: Clock + KeyValue>(
        &self,
        ports: &P,
        writes: &mut Vec<Write>,
    ) -> Result<Position, StoreError> {
        let now = ports.now();
        let is_open = |position: &Position| {
            let same_day = position.taken_at.day() == now.day();
            position.is_open(now) && (same_day || !self.is_listed)
        };
        if let Some(position) = self.position.take().filter(is_open) {
            return Ok(position);
        }
        let number = keys::journal_tail().increment(ports).await?;
        let number =
            u64::try_from(number).map_err(|_| StoreError::new("journal/tail is negative"))?;
        if self.is_listed {
            writes.push(listing::note(ports, number, now).await?);
        }
        Ok(Position {
            number,
            next: 0,
            taken_at: now,
        })
    }
}
