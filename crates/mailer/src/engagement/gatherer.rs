//! Visits that come together, written together: one batch in one journal entry, which is one value for all of them.
//!
//! The first is written at once. What comes while it is on its way to the disk waits, and is the next batch.

use std::fmt;

use super::{MAX_BATCH_VISITS, Visit, VisitAction, VisitBatch};
use crate::keys::{self, CHUNK_OCTETS};
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::rounds::{Contribution, Rounds};

/// What a journal entry has besides the visits.
const ENTRY_OCTETS: usize = 512;
/// What a stored visit has besides the texts that visitors and messages choose.
const FIXED_OCTETS: usize = 300;

/// The one writer of visits in an instance. Lives as long as the instance.
#[derive(Default)]
pub struct Gatherer {
    rounds: Rounds<Visit>,
    outbox: Outbox,
}

impl fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatherer")
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}

impl Contribution for Visit {
    const MOST: usize = MAX_BATCH_VISITS;
    /// A batch is one value of the store.
    const MOST_OCTETS: usize = CHUNK_OCTETS - ENTRY_OCTETS;

    fn octets(&self) -> usize {
        let target = match &self.action {
            VisitAction::Click { target, .. } => target.len(),
            VisitAction::Open | VisitAction::Unsubscribe { .. } | VisitAction::Resubscribe => 0,
        };
        let user_agent = self.visitor.user_agent.as_ref().map_or(0, String::len);
        // JSON writes quotes and backslashes as two.
        FIXED_OCTETS + 2 * (target + user_agent)
    }
}

impl Gatherer {
    /// Writes `visit`, with those that other tasks of the instance bring, as one batch. `written` is called with its id, once for
    /// each batch: by the task that wrote it.
    ///
    /// # Errors
    /// When the store did not say that it wrote; the visit may be there all the same.
    pub async fn commit<P: Clock + KeyValue + Scheduler>(
        &self,
        ports: &P,
        visit: Visit,
        written: impl Fn(OperationId),
    ) -> Result<(), StoreError> {
        let write = async |visits| {
            let batch = VisitBatch::new(visits, ports.now());
            written(self.outbox.put(ports, batch).await?);
            Ok(())
        };
        self.rounds.take_part(ports, visit, write).await
    }
}

/// Stores `visits` as the batch `id`, under a key of its own, and has the tick come back to it.
///
/// # Errors
/// When the store does not say that it wrote; the batch may be there all the same.
pub async fn store<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    outbox: &Outbox,
    id: OperationId,
    visits: Vec<Visit>,
) -> Result<(), StoreError> {
    let batch = VisitBatch::new(visits, ports.now());
    let entry = Entry {
        writes: vec![keys::visits(id).write(&batch)?],
        items: batch.item(id).into_iter().collect(),
    };
    outbox.commit(ports, entry).await
}
