//! Rounds: what concurrent tasks of one instance have to do at once is done for all of them by one.
//!
//! The first task to come leads: it lets every other ready task have its turn, takes what they all queued and does it. If nobody
//! else has [announced](Rounds::announce) anything, it does its own at once: giving up a turn costs a trip out of the instance and
//! back. Tasks that come meanwhile queue up, and the first of them leads the next round. A leader that is dropped half-way fails its
//! round and passes the lead on, so nobody waits for ever.
//!
//! Who waits does so at a [`Gate`](crate::ports::Gate) of its own, and does nothing until it opens: a task that looks again and again
//! keeps its instance busy, and a busy instance is given no more requests, so that there is nobody to share a round with.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::ports::{Opener, Scheduler, StoreError};

/// How often a leader lets the others have their turn before it begins, if there are others.
const TURNS: usize = 2;

/// What one task brings to a round.
pub(crate) trait Contribution {
    /// A round takes no more of them than this.
    const MOST: usize;
    /// A round takes no more octets than this, unless one contribution alone has more.
    const MOST_OCTETS: usize;

    /// How many octets it has, about.
    fn octets(&self) -> usize;
}

/// The rounds of an instance. Lives as long as the instance.
pub(crate) struct Rounds<T> {
    queue: RefCell<VecDeque<Queued<T>>>,
    led: Cell<bool>,
    announced: Cell<usize>,
}

/// Says that a task is on its way to a round; taken back when it is dropped.
#[derive(Debug)]
pub struct Announcement<'a>(&'a Cell<usize>);

struct Queued<T> {
    contribution: T,
    slot: Rc<Slot>,
}

impl<T> Default for Rounds<T> {
    fn default() -> Self {
        Self {
            queue: RefCell::default(),
            led: Cell::new(false),
            announced: Cell::new(0),
        }
    }
}

impl<T: Contribution> Rounds<T> {
    /// Announces a contribution, so that a leader waits a little for it. Held until the task is done; without it the task takes part
    /// all the same, only less often together with others.
    #[must_use = "dropped, it announces nothing"]
    pub(crate) fn announce(&self) -> Announcement<'_> {
        self.announced.set(self.announced.get().saturating_add(1));
        Announcement(&self.announced)
    }

    /// Whether tasks are on their way that have queued nothing yet.
    fn expects_more(&self) -> bool {
        self.announced.get() > self.queue.borrow().len()
    }

    /// Has `contribution` dealt with, together with what other tasks of the instance bring: by `work`, or by theirs.
    ///
    /// # Errors
    /// Those of the `work` that dealt with it; or its task was dropped, and what it did is not known.
    pub(crate) async fn take_part(
        &self,
        ports: &impl Scheduler,
        contribution: T,
        work: impl AsyncFn(Vec<T>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let waiter = Waiter {
            rounds: self,
            slot: Rc::default(),
        };
        self.queue.borrow_mut().push_back(Queued {
            contribution,
            slot: Rc::clone(&waiter.slot),
        });
        if !self.led.replace(true) {
            self.lead(ports, &work).await;
        }
        loop {
            match waiter.news(ports).await {
                News::Done(result) => return result,
                News::Lead => self.lead(ports, &work).await,
            }
        }
    }

    /// Leads one round. The leader's own contribution is the first of the queue, so it is in it.
    async fn lead(
        &self,
        ports: &impl Scheduler,
        work: &impl AsyncFn(Vec<T>) -> Result<(), StoreError>,
    ) {
        let mut round = Round {
            rounds: self,
            slots: Vec::new(),
        };
        for _ in 0..TURNS {
            if !self.expects_more() {
                break;
            }
            ports.yield_now().await;
        }
        let contributions = self.take_round(&mut round);
        let result = work(contributions).await;
        round.finish(&result);
    }

    fn take_round(&self, round: &mut Round<'_, T>) -> Vec<T> {
        let mut queue = self.queue.borrow_mut();
        let mut taken: Vec<T> = Vec::new();
        let mut octets: usize = 0;
        while let Some(next) = queue.front() {
            octets = octets.saturating_add(next.contribution.octets());
            if taken.len() == T::MOST || (octets > T::MOST_OCTETS && !taken.is_empty()) {
                break;
            }
            let Some(Queued { contribution, slot }) = queue.pop_front() else {
                break;
            };
            round.slots.push(slot);
            taken.push(contribution);
        }
        taken
    }
}

impl<T> Rounds<T> {
    fn pass_lead(&self) {
        match self.queue.borrow().front() {
            Some(next) => next.slot.call_to_lead(),
            None => self.led.set(false),
        }
    }
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// A round under way. Dropped unfinished, it fails for all who took part; either way it passes the lead on.
struct Round<'a, T> {
    rounds: &'a Rounds<T>,
    slots: Vec<Rc<Slot>>,
}

impl<T> Round<'_, T> {
    fn finish(mut self, result: &Result<(), StoreError>) {
        for slot in self.slots.drain(..) {
            slot.done(result.clone());
        }
    }
}

impl<T> Drop for Round<'_, T> {
    fn drop(&mut self) {
        for slot in self.slots.drain(..) {
            slot.done(Err(StoreError::new(
                "the task that wrote for this one was dropped",
            )));
        }
        self.rounds.pass_lead();
    }
}

/// A task that waits for its round. Dropped while called to lead, it passes the call on.
struct Waiter<'a, T> {
    rounds: &'a Rounds<T>,
    slot: Rc<Slot>,
}

impl<T> Waiter<'_, T> {
    async fn news(&self, ports: &impl Scheduler) -> News {
        loop {
            if let Some(result) = self.slot.result.take() {
                return News::Done(result);
            }
            if self.slot.lead.take() {
                return News::Lead;
            }
            let gate = ports.gate();
            self.slot.opener.set(Some(gate.opener));
            gate.opened.await;
        }
    }
}

impl<T> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        self.rounds
            .queue
            .borrow_mut()
            .retain(|queued| !Rc::ptr_eq(&queued.slot, &self.slot));
        if self.slot.lead.take() {
            self.rounds.pass_lead();
        }
    }
}

enum News {
    Done(Result<(), StoreError>),
    Lead,
}

/// Where a waiting task is told what became of its contribution.
#[derive(Default)]
struct Slot {
    result: Cell<Option<Result<(), StoreError>>>,
    lead: Cell<bool>,
    opener: Cell<Option<Opener>>,
}

impl Slot {
    fn done(&self, result: Result<(), StoreError>) {
        self.result.set(Some(result));
        drop(self.opener.take());
    }

    fn call_to_lead(&self) {
        self.lead.set(true);
        drop(self.opener.take());
    }
}
