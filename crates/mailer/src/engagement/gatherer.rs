//! Visits that come together, written together: one batch, one journal entry and one `set-many` for all of them.

use std::fmt;

use super::{MAX_BATCH_VISITS, Visit, VisitAction, VisitBatch};
use crate::keys::{self, CHUNK_OCTETS};
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
use crate::rounds::{Announcement, Contribution, Rounds};

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
    const MOST_OCTETS: usize = CHUNK_OCTETS;

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
    /// Announces a visit, so that others wait a little for it. Held until the task is done; without it the visit is written all the
    /// same, only less often together with others.
    #[must_use = "dropped, it announces nothing"]
    pub fn announce(&self) -> Announcement<'_> {
        self.rounds.announce()
    }

    /// Writes `visit`, with those that other tasks of the instance bring, as one batch. `written` is called with its id, once for
    /// each batch: by the task that wrote it.
    ///
    /// # Errors
    /// When the store did not say that it wrote; the visit may be there all the same.
    pub async fn commit<P: Clock + Entropy + KeyValue + Scheduler>(
        &self,
        ports: &P,
        visit: Visit,
        written: impl Fn(OperationId),
    ) -> Result<(), StoreError> {
        let write = async |visits| {
            let id = OperationId::random(ports);
            store(ports, &self.outbox, id, visits).await?;
            written(id);
            Ok(())
        };
        self.rounds.take_part(ports, visit, write).await
    }
}

/// Stores `visits` as the batch `id`, and has the tick come back to it.
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
