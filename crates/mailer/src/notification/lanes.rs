//! Places for requests under way, a few for each subscription: an endpoint that hangs takes its own and no more.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::ports::Scheduler;
use crate::subscription::SubscriptionId;

/// Requests to one endpoint that an instance has under way at once.
pub const MAX_UNDER_WAY: usize = 16;
/// Notifications for one endpoint that wait for a place. What comes beyond that is left to the tick.
pub const MAX_WAITING: usize = 112;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it looks away.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// The places of an instance. Lives as long as the instance.
#[derive(Debug, Default)]
pub struct Lanes {
    taken: RefCell<BTreeMap<SubscriptionId, Taken>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    under_way: usize,
    waiting: usize,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    lanes: &'a Lanes,
    subscription: SubscriptionId,
    is_waiting: bool,
}

impl Lanes {
    /// A place for a request to the endpoint of `subscription`, as soon as there is one; `None` when too many wait already, or there
    /// was none for too long.
    pub async fn take(
        &self,
        ports: &impl Scheduler,
        subscription: SubscriptionId,
    ) -> Option<Place<'_>> {
        if self.of(subscription).waiting >= MAX_WAITING {
            return None;
        }
        let mut place = self.wait(subscription);
        let mut waited = Duration::ZERO;
        while self.of(subscription).under_way >= MAX_UNDER_WAY {
            if waited >= PATIENCE {
                return None;
            }
            ports.sleep(LOOK_PAUSE).await;
            waited += LOOK_PAUSE;
        }
        place.begin();
        Some(place)
    }

    fn of(&self, subscription: SubscriptionId) -> Taken {
        let taken = self.taken.borrow();
        taken.get(&subscription).copied().unwrap_or_default()
    }

    fn change(&self, subscription: SubscriptionId, change: impl FnOnce(&mut Taken)) {
        let mut taken = self.taken.borrow_mut();
        let of = taken.entry(subscription).or_default();
        change(of);
        if of.under_way == 0 && of.waiting == 0 {
            taken.remove(&subscription);
        }
    }

    fn wait(&self, subscription: SubscriptionId) -> Place<'_> {
        self.change(subscription, |of| of.waiting += 1);
        Place {
            lanes: self,
            subscription,
            is_waiting: true,
        }
    }
}

impl Place<'_> {
    fn begin(&mut self) {
        self.lanes.change(self.subscription, |of| {
            of.waiting = of.waiting.saturating_sub(1);
            of.under_way += 1;
        });
        self.is_waiting = false;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let is_waiting = self.is_waiting;
        self.lanes.change(self.subscription, |of| {
            let place = if is_waiting {
                &mut of.waiting
            } else {
                &mut of.under_way
            };
            *place = place.saturating_sub(1);
        });
    }
}
