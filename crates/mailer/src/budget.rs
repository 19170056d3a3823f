//! How much content the tasks of one instance hold at once: an instance that runs out of memory takes all its tasks with it.

use std::cell::Cell;
use std::time::Duration;

use crate::ports::Scheduler;

/// How long a task that waits for its share looks away.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Octets that may be held, and how many are. A single task may hold more than that, if nobody else holds any.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    held: Cell<usize>,
}

/// A share of a [`Budget`], given back when it is dropped.
#[derive(Debug)]
pub struct Share<'a> {
    budget: &'a Budget,
    octets: usize,
}

impl Budget {
    /// A budget of `limit` octets.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Cell::new(0),
        }
    }

    /// A share of `octets`, as soon as there is room, or `None` when there is none for as long as `patience`.
    pub async fn take(
        &self,
        ports: &impl Scheduler,
        octets: usize,
        patience: Duration,
    ) -> Option<Share<'_>> {
        let mut waited = Duration::ZERO;
        while self.held.get() > 0 && self.held.get().saturating_add(octets) > self.limit {
            if waited >= patience {
                return None;
            }
            ports.sleep(LOOK_PAUSE).await;
            waited += LOOK_PAUSE;
        }
        Some(self.hold(octets))
    }

    /// A share of `octets` if there is room for it now.
    #[must_use]
    pub fn take_now(&self, octets: usize) -> Option<Share<'_>> {
        let fits = self.held.get().saturating_add(octets) <= self.limit;
        fits.then(|| self.hold(octets))
    }

    fn hold(&self, octets: usize) -> Share<'_> {
        self.held.set(self.held.get().saturating_add(octets));
        Share {
            budget: self,
            octets,
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let held = &self.budget.held;
        held.set(held.get().saturating_sub(self.octets));
    }
}
