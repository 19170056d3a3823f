//! Where a batch of visits waits to be taken in: in the journal entry that names it, so that one write stores both, or under a key of its
//! own.
//!
//! It gets a key of its own when the tick comes by its entry, since entries go with their number, and when whoever wrote it chose the id.
//! Wherever it is, it leaves with the write that takes it in. If the tick and who takes it in are at it at the same moment, the batch is
//! taken in twice, which is told once ([`super::chunk`], [`super::intake`]).

use super::VisitBatch;
use crate::journal::JournalEntry;
use crate::keys;
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError, Write};
use crate::time::Timestamp;

/// A batch where it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What it is named by.
    pub id: OperationId,
    /// The batch.
    pub batch: VisitBatch,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    OwnKey,
    Journal { number: u64, n: u64, at: Timestamp },
}

impl Waiting {
    /// Looks for the batch `id`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find(store: &impl KeyValue, id: OperationId) -> Result<Option<Self>, StoreError> {
        let in_journal = Self::find_in_journal(store, id).await?;
        if in_journal.is_some() {
            return Ok(in_journal);
        }
        let own = keys::visits(id).read(store).await?;
        Ok(own.map(|batch| Self {
            id,
            batch,
            place: Place::OwnKey,
        }))
    }

    async fn find_in_journal(
        store: &impl KeyValue,
        id: OperationId,
    ) -> Result<Option<Self>, StoreError> {
        let Some((number, n)) = id.place() else {
            return Ok(None);
        };
        let entry = keys::journal(number, n).read(store).await?;
        Ok(entry.and_then(|entry| Self::in_entry((number, n), entry)))
    }

    /// The batch that waits in this entry, if one does.
    #[must_use]
    pub fn in_entry((number, n): (u64, u64), entry: JournalEntry) -> Option<Self> {
        let JournalEntry { at, visits, .. } = entry;
        visits.map(|batch| Self {
            id: OperationId::of_place(number, n),
            batch,
            place: Place::Journal { number, n, at },
        })
    }

    /// What gives it a key of its own, for as long as it takes.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn moved(&self) -> Result<Vec<Write>, StoreError> {
        let mut writes = vec![keys::visits(self.id).write(&self.batch)?];
        writes.extend(self.emptied_entry()?);
        Ok(writes)
    }

    /// What ends it, to be written with all that follows from it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn ended(&self) -> Result<Write, StoreError> {
        if let Some(write) = self.emptied_entry()? {
            return Ok(write);
        }
        let done = VisitBatch {
            attempt: self.batch.attempt.saturating_add(1),
            due_at: None,
            visits: Vec::new(),
        };
        keys::visits(self.id).write(&done)
    }

    /// What is left of it once it has ended, and may go.
    #[must_use]
    pub fn remains(&self) -> Option<String> {
        let is_own = self.place == Place::OwnKey;
        is_own.then(|| keys::visits(self.id).into_path())
    }

    /// Its entry without it: entries have no gaps between them, or the tick would stop there.
    fn emptied_entry(&self) -> Result<Option<Write>, StoreError> {
        let Place::Journal { number, n, at } = self.place else {
            return Ok(None);
        };
        let emptied = JournalEntry::new(at, Vec::new());
        keys::journal(number, n).write(&emptied).map(Some)
    }
}
