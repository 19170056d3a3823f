//! Batches that tell of one message take turns: both would find its events new otherwise, and subscribers would be told of each twice,
//! in two notifications.
//!
//! It is the same batch again, more or less: a source that got no answer in time brings what it has by then.
//!
//! # Not supported
//! Batches that two instances take in at the same moment: a lock in the store would cost each event a write.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::event::DeliveryEvent;
use crate::operation::OperationId;
use crate::ports::Scheduler;

/// How long a batch waits for its turn; then it is left to the tick.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it looks away.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Messages whose events an instance takes in now. Lives as long as the instance.
#[derive(Debug, Default)]
pub struct Turns {
    taken: RefCell<BTreeSet<OperationId>>,
}

/// A turn, over when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    messages: BTreeSet<OperationId>,
}

impl Turns {
    /// The turn of a batch of `events`, as soon as nobody else takes in any of their messages'; `None` when that took too long.
    pub(super) async fn take(
        &self,
        ports: &impl Scheduler,
        events: &[DeliveryEvent],
    ) -> Option<Turn<'_>> {
        let messages: BTreeSet<OperationId> = events.iter().map(|event| event.message).collect();
        let mut waited = Duration::ZERO;
        while !self.taken.borrow().is_disjoint(&messages) {
            if waited >= PATIENCE {
                return None;
            }
            ports.sleep(LOOK_PAUSE).await;
            waited += LOOK_PAUSE;
        }
        self.taken.borrow_mut().extend(&messages);
        Some(Turn {
            turns: self,
            messages,
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.borrow_mut();
        taken.retain(|message| !self.messages.contains(message));
    }
}
