//! One attempt to deliver a notification: claim, look at the subscription, send, record.
//!
//! Claims and windows are those of [`crate::attempt`]. What an attempt found out is written with the next due time and its journal
//! item in one `set-many`, so a crash repeats a request under the same id and loses none.

use std::time::Duration;

use dns::Resolver;
use thiserror::Error;

use super::health::EndpointHealth;
use super::lanes::Lanes;
use super::schedule::{self, DeadReason, Decision, Outcome, Try};
use super::{DeliveryAttempt, Notification, Phase, dead};
use crate::attempt::{Window, Windows};
use crate::journal::JournalItem;
use crate::keyring::{MasterKey, UnsealError};
use crate::keys;
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError, Webhook};
use crate::subscription::edit::{SubscriptionError, end};
use crate::subscription::endpoint::EndpointError;
use crate::subscription::guard::Guard;
use crate::subscription::known::KnownSubscriptions;
use crate::subscription::record::EndReason;
use crate::subscription::secret::Secret;
use crate::subscription::{Subscription, SubscriptionState, Subscriptions};
use crate::time::Timestamp;

/// How long what waits for its subscription looks away at first, and at most; in between as long as it has waited already.
const WAIT_AT_LEAST: Duration = Duration::from_secs(5);
const WAIT_AT_MOST: Duration = Duration::from_mins(5);

/// What an instance needs to deliver notifications.
#[derive(Debug)]
pub struct Notifier {
    /// Opens the secrets that sign.
    pub key: MasterKey,
    /// Writes for all tasks of the instance.
    pub outbox: Outbox,
    /// When attempts are claimed; the same as those of the tick.
    pub windows: Windows,
    /// Whom to tell.
    pub subscriptions: KnownSubscriptions,
    /// Where endpoints may be.
    pub guard: Guard,
    /// How many requests are under way.
    pub lanes: Lanes,
}

/// One request to make.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// What to tell.
    pub notification: &'a Notification,
    /// Whom, and in which form.
    pub subscription: &'a Subscription,
    /// What signs it, the current one first.
    pub secrets: &'a [Secret],
    /// When it is sent.
    pub at: Timestamp,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted {
    /// A request was made, and ended so.
    Made(Outcome),
    /// It was put off, or is a dead letter now, or was deleted: nothing was sent.
    Settled,
    /// It is not due, or another task attempts it, or there is no place for it now.
    NotNow,
    /// There is no such notification.
    Unknown,
}

/// An attempt that could not be made or recorded. The next window makes it again.
#[derive(Debug, Clone, Error)]
pub enum AttemptError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret does not open.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// The subscription could not be ended.
    #[error("the subscription could not be ended: {0}")]
    End(SubscriptionError),
    /// It took longer than its window.
    #[error("the attempt took longer than its window")]
    TooSlow,
}

/// Attempts the notification `id`, if it is due and nobody else does.
///
/// # Errors
/// See [`AttemptError`].
pub async fn attempt<P, R, W>(
    ports: &P,
    resolver: &R,
    webhook: &W,
    notifier: &Notifier,
    id: OperationId,
) -> Result<Attempted, AttemptError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
    R: Resolver,
    W: Webhook,
{
    let read_at = ports.now();
    let Some(notification) = keys::notification(id).read(ports).await? else {
        return Ok(Attempted::Unknown);
    };
    let Some(item) = due(notifier, &notification, ports.now()) else {
        return Ok(Attempted::NotNow);
    };
    let mut subscriptions = notifier.subscriptions.read(ports).await?;
    let mut view = View::of(ports, &subscriptions, &notification).await?;
    // What is known may be a second old, and from before the subscription was made: nothing is given up on that.
    if matches!(view.plan(ports.now()), Step::Delete | Step::Die(_)) {
        notifier.subscriptions.forget();
        subscriptions = notifier.subscriptions.read(ports).await?;
        view = View::of(ports, &subscriptions, &notification).await?;
    }
    let step = view.plan(ports.now());
    // Before the claim: who finds no place leaves the notification to the next window, and not to the end of this one.
    let place = match step {
        Step::Send(_) => {
            let Some(place) = notifier.lanes.take(ports, notification.subscription).await else {
                return Ok(Attempted::NotNow);
            };
            Some(place)
        }
        Step::Delete | Step::Die(_) | Step::PutOff(_) => None,
    };
    // As it was read: what was taken back since must not be sent, nor be written again.
    let claimed = notifier.windows.claim_as_read(ports, item, read_at).await?;
    let Some(window) = claimed else {
        return Ok(Attempted::NotNow);
    };
    let claimed = Claimed {
        ports,
        notifier,
        notification: &notification,
        health: &view.health,
        window,
    };
    let attempted = claimed.take(step, resolver, webhook).await;
    drop(place);
    attempted
}

/// What to claim, if the notification is due.
fn due(notifier: &Notifier, notification: &Notification, now: Timestamp) -> Option<JournalItem> {
    let item = notification.item()?;
    let window = notifier.windows.claimable(item.due_at, now);
    window.map(|_| item)
}

/// What to do with a notification that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Delete,
    Die(DeadReason),
    PutOff(Timestamp),
    Send(&'a Subscription),
}

/// What is known when a notification is due.
struct View<'a> {
    notification: &'a Notification,
    subscription: Option<&'a Subscription>,
    health: EndpointHealth,
}

impl<'a> View<'a> {
    async fn of(
        store: &impl KeyValue,
        subscriptions: &'a Subscriptions,
        notification: &'a Notification,
    ) -> Result<Self, StoreError> {
        let subscription = subscriptions.find(notification.subscription);
        let health = match subscription {
            Some(found) => keys::subscription_health(found.id).read(store).await?,
            None => None,
        };
        Ok(Self {
            notification,
            subscription,
            health: health.unwrap_or_default(),
        })
    }

    /// The whole policy of what is due, without asking anybody.
    fn plan(&self, now: Timestamp) -> Step<'a> {
        // A dead letter is due when its week is over.
        let (Some(subscription), Phase::Pending) = (self.subscription, self.notification.phase)
        else {
            return Step::Delete;
        };
        let since = match subscription.state {
            SubscriptionState::Active => None,
            SubscriptionState::Paused { since } => Some(since),
            SubscriptionState::AwaitingValidation => Some(subscription.updated_at),
            SubscriptionState::Ended { .. } => {
                return Step::Die(DeadReason::SubscriptionEnded);
            }
        };
        let until = match since {
            Some(since) => {
                let pause = now.since(since).clamp(WAIT_AT_LEAST, WAIT_AT_MOST);
                Some(now.plus(pause))
            }
            None => self.health.hold(now),
        };
        let deadline = schedule::deadline(self.notification.began_at);
        match until {
            None => Step::Send(subscription),
            Some(_) if now >= deadline => Step::Die(DeadReason::TimeToLiveExceeded),
            Some(until) => Step::PutOff(until.min(deadline)),
        }
    }
}

/// A claimed attempt.
struct Claimed<'a, P> {
    ports: &'a P,
    notifier: &'a Notifier,
    notification: &'a Notification,
    health: &'a EndpointHealth,
    window: Window,
}

impl<P: Clock + Entropy + KeyValue + Scheduler> Claimed<'_, P> {
    async fn take<R: Resolver, W: Webhook>(
        &self,
        step: Step<'_>,
        resolver: &R,
        webhook: &W,
    ) -> Result<Attempted, AttemptError> {
        match step {
            Step::Delete => dead::delete(self.ports, self.notification).await?,
            Step::Die(reason) => {
                self.die(self.notification.clone(), reason, None).await?;
            }
            Step::PutOff(until) => {
                self.record(&self.notification.put_off(until), None).await?;
            }
            Step::Send(subscription) => {
                let secrets = self.secrets(subscription)?;
                let outcome = self.send(subscription, &secrets, resolver, webhook).await;
                self.settle(subscription, outcome).await?;
                return Ok(Attempted::Made(outcome));
            }
        }
        Ok(Attempted::Settled)
    }

    fn secrets(&self, subscription: &Subscription) -> Result<Vec<Secret>, UnsealError> {
        let live = subscription.live_secrets(self.ports.now());
        live.map(|secret| secret.unseal(&self.notifier.key, subscription.id))
            .collect()
    }

    async fn send<R: Resolver, W: Webhook>(
        &self,
        subscription: &Subscription,
        secrets: &[Secret],
        resolver: &R,
        webhook: &W,
    ) -> Outcome {
        let guard = &self.notifier.guard;
        let endpoint = &subscription.endpoint;
        match guard.check(self.ports, resolver, endpoint).await {
            Ok(()) => {}
            Err(EndpointError::NoAddress | EndpointError::Unresolved) => {
                return Outcome::Unresolvable;
            }
            Err(_) => return Outcome::NotAllowed,
        }
        let delivery = Delivery {
            notification: self.notification,
            subscription,
            secrets,
            at: self.ports.now(),
        };
        webhook.deliver(&delivery).await
    }

    async fn settle(
        &self,
        subscription: &Subscription,
        outcome: Outcome,
    ) -> Result<(), AttemptError> {
        let at = self.ports.now();
        let made = DeliveryAttempt { at, outcome };
        let tried = self.notification.clone().tried(made);
        let health = self.health.after(made);
        let decision = Try {
            outcome,
            ended_at: at,
            began_at: tried.began_at,
            tries: tried.tries,
            jitter: self.jitter(),
        }
        .decide();
        match decision {
            Decision::Delivered => {
                let delivered = Notification {
                    attempt: tried.attempt.saturating_add(1),
                    due_at: None,
                    phase: Phase::Delivered,
                    ..tried
                };
                self.record(&delivered, health.as_ref()).await
            }
            Decision::Again(due_at) => self.record(&tried.put_off(due_at), health.as_ref()).await,
            Decision::Dead(reason) => self.die(tried, reason, health.as_ref()).await,
            Decision::EndSubscription => {
                self.end(subscription).await?;
                let reason = DeadReason::SubscriptionEnded;
                self.die(tried, reason, health.as_ref()).await
            }
        }
    }

    async fn end(&self, subscription: &Subscription) -> Result<(), AttemptError> {
        let ended = end(self.ports, subscription, EndReason::Gone).await;
        self.notifier.subscriptions.forget();
        match ended {
            Ok(()) | Err(SubscriptionError::NotFound) => Ok(()),
            Err(error) => Err(AttemptError::End(error)),
        }
    }

    async fn die(
        &self,
        notification: Notification,
        reason: DeadReason,
        health: Option<&EndpointHealth>,
    ) -> Result<(), AttemptError> {
        let dead = dead::bury(self.ports, notification, reason).await?;
        self.record(&dead, health).await
    }

    fn jitter(&self) -> u32 {
        let mut jitter = [0; 4];
        self.ports.fill(&mut jitter);
        u32::from_le_bytes(jitter)
    }

    /// Writes what came of it, with a journal item if the tick has to come back to it.
    async fn record(
        &self,
        next: &Notification,
        health: Option<&EndpointHealth>,
    ) -> Result<(), AttemptError> {
        let mut last = Err(AttemptError::TooSlow);
        for _ in 0..crate::attempt::RECORD_TRIES {
            if self.ports.now() >= self.window.ends_at {
                return Err(AttemptError::TooSlow);
            }
            let mut writes = vec![next.write()?];
            writes.extend(
                dead::letter(next)
                    .map(dead::DeadLetter::write)
                    .transpose()?,
            );
            if let Some(health) = health {
                writes.push(keys::subscription_health(next.subscription).write(health)?);
            }
            let items = next.item().into_iter().collect();
            let entry = Entry { writes, items };
            match self.notifier.outbox.commit(self.ports, entry).await {
                Ok(()) => return Ok(()),
                Err(error) => last = Err(error.into()),
            }
            self.ports.sleep(crate::attempt::RECORD_PAUSE).await;
        }
        last
    }
}
