//! The subscriptions, kept for a moment: every event asks for them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::record::Subscriptions;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// How old they may be: one that was made, paused or deleted is known everywhere after this.
pub const FRESH_FOR: Duration = Duration::from_secs(1);

/// Returns when every instance knows what was written before: then no event gets past it any more.
pub(super) async fn known_everywhere(ports: &impl Scheduler) {
    ports.sleep(FRESH_FOR).await;
}

/// What an instance knows of subscriptions. Lives as long as the instance.
#[derive(Debug, Default)]
pub struct KnownSubscriptions {
    kept: RefCell<Option<(Timestamp, Rc<Subscriptions>)>>,
}

impl KnownSubscriptions {
    /// All subscriptions, at most [`FRESH_FOR`] old.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read<P: Clock + KeyValue>(
        &self,
        ports: &P,
    ) -> Result<Rc<Subscriptions>, StoreError> {
        let now = ports.now();
        if let Some((read_at, known)) = &*self.kept.borrow()
            // A clock that was set back says nothing of how old this is.
            && now >= *read_at
            && now.since(*read_at) < FRESH_FOR
        {
            return Ok(Rc::clone(known));
        }
        let read = Rc::new(super::load(ports).await?);
        // As of before the read: what was written since may be missing.
        *self.kept.borrow_mut() = Some((now, Rc::clone(&read)));
        Ok(read)
    }

    /// Has the next read ask the store.
    pub fn forget(&self) {
        *self.kept.borrow_mut() = None;
    }
}
