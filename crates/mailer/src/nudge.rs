//! Accepted messages on their way to be named to whoever attempts them, so that they need not wait for the tick.
//!
//! Naming takes a request, which costs about as much as accepting does. So there is a pause between two of them, and what is
//! accepted in it goes together; a message that comes after it is named at once. Nothing hangs on it: what is lost here, the tick finds
//! in the journal.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::operation::OperationId;
use crate::ports::{Clock, Scheduler};
use crate::time::Timestamp;

/// The least time between two requests, and the longest a message waits for others, unless another time is chosen.
pub const PAUSE: Duration = Duration::from_millis(5);
/// The most messages one request names: as many as hosts let one instance work on at once.
pub const MAX_NAMED: usize = 16;

/// The accepted messages of an instance that were not named yet.
#[derive(Debug)]
pub struct Nudges {
    pause: Duration,
    waiting: RefCell<Vec<OperationId>>,
    has_collector: Cell<bool>,
    named_at: Cell<Option<Timestamp>>,
}

/// The one task that waits until the pause is over and then takes what there is. When it is dropped before, the next one takes it.
#[derive(Debug)]
pub struct Collector(Rc<Nudges>);

impl Default for Nudges {
    fn default() -> Self {
        Self::every(PAUSE)
    }
}

impl Nudges {
    /// Nudges with this pause between them.
    #[must_use]
    pub const fn every(pause: Duration) -> Self {
        Self {
            pause,
            waiting: RefCell::new(Vec::new()),
            has_collector: Cell::new(false),
            named_at: Cell::new(None),
        }
    }

    /// Notes an accepted message, and gives the caller a collector to run unless there is one at work.
    #[must_use = "without a collector nothing is named"]
    pub fn note(self: &Rc<Self>, id: OperationId) -> Option<Collector> {
        self.waiting.borrow_mut().push(id);
        (!self.has_collector.replace(true)).then(|| Collector(Rc::clone(self)))
    }

    /// What is left of the pause after the last request.
    fn pause(&self, now: Timestamp) -> Duration {
        let since = self.named_at.get().map_or(self.pause, |at| now.since(at));
        self.pause.saturating_sub(since)
    }
}

impl Collector {
    /// The messages noted until the pause after the last ones were taken, at least one, in order. Those after are for the next
    /// collector.
    pub async fn collect(self, ports: &(impl Clock + Scheduler)) -> Vec<OperationId> {
        let pause = self.0.pause(ports.now());
        if !pause.is_zero() {
            ports.sleep(pause).await;
        }
        self.0.named_at.set(Some(ports.now()));
        self.0.waiting.take()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.0.has_collector.set(false);
    }
}
