//! Dead letters: what could not be delivered, kept for a week, numbered for each subscription, and sent anew when asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::schedule::{DeadReason, Outcome};
use super::{Notification, Phase};
use crate::domain::claim::Claim;
use crate::keys::{self, Record};
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError, Write};
use crate::subscription::{SubscriptionId, SubscriptionState};
use crate::time::Timestamp;

/// How long a dead letter is kept.
pub const KEPT_FOR: Duration = Duration::from_hours(24 * 7);
/// Most dead letters of one page.
pub const MAX_PAGE: usize = 50;
/// Most dead letters that one call sends anew.
pub const MAX_REDELIVERED: usize = 100;

/// Most numbers one call looks at.
const MAX_LOOKS: u64 = 200;
/// One call writes no more than this, unless one notification alone is larger.
const MAX_OCTETS: usize = 2 * 1024 * 1024;
/// How long who changes dead letters holds their lock, at least.
const LOCK_HOLDS: Duration = Duration::from_secs(10);
/// What is about to be deleted is not sent anew.
const TOO_LATE: Duration = Duration::from_mins(10);

/// A line of a subscription's list of dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its number.
    pub number: u64,
    /// The notification.
    pub notification: OperationId,
    /// Whom it was for.
    pub subscription: SubscriptionId,
    /// Since when it is dead.
    pub at: Timestamp,
    /// Why.
    pub reason: DeadReason,
}

impl Record for DeadLetter {
    const VERSION: u32 = 1;
}

impl DeadLetter {
    /// The write that stores it.
    ///
    /// # Errors
    /// As [`crate::keys::encode`].
    pub(super) fn write(self) -> Result<Write, StoreError> {
        keys::dead_letter(self.subscription, self.number).write(&self)
    }
}

/// Letters up to here were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadFloor {
    /// The number of the last one.
    pub number: u64,
}

impl Record for DeadFloor {
    const VERSION: u32 = 1;
}

/// The line of a notification that is dead.
pub(super) fn letter(notification: &Notification) -> Option<DeadLetter> {
    match notification.phase {
        Phase::Pending | Phase::Delivered => None,
        Phase::Dead { number, at, reason } => Some(DeadLetter {
            number,
            notification: notification.id,
            subscription: notification.subscription,
            at,
            reason,
        }),
    }
}

/// The same notification as a dead letter with a number of its own, to be deleted after a week.
pub(super) async fn bury<P: Clock + KeyValue>(
    ports: &P,
    notification: Notification,
    reason: DeadReason,
) -> Result<Notification, StoreError> {
    let count = keys::dead_count(notification.subscription)
        .increment(ports)
        .await?;
    let number = u64::try_from(count).map_err(|_| StoreError::new("dead-count is negative"))?;
    let at = ports.now();
    Ok(Notification {
        phase: Phase::Dead { number, at, reason },
        ..notification.put_off(at.plus(KEPT_FOR))
    })
}

/// Deletes a notification whose week is over, or whose subscription is gone.
pub(super) async fn delete(
    store: &impl KeyValue,
    notification: &Notification,
) -> Result<(), StoreError> {
    if let Some(letter) = letter(notification) {
        let number = letter.number;
        // First, since nothing comes back to it afterwards.
        let floor = keys::dead_floor(letter.subscription).write(&DeadFloor { number })?;
        store.set_many(vec![floor]).await?;
    }
    remove(store, notification).await
}

/// Deletes a notification, with its letter if it is dead. Those before it stay.
pub(super) async fn remove(
    store: &impl KeyValue,
    notification: &Notification,
) -> Result<(), StoreError> {
    let letter = letter(notification);
    let letter = letter.map(|letter| keys::dead_letter(letter.subscription, letter.number));
    let mut paths = vec![keys::notification(notification.id).into_path()];
    paths.extend(letter.map(keys::Key::into_path));
    store.delete_many(paths).await
}

/// The right to change dead letters of a subscription, for a few seconds; `None` while somebody else has it.
pub(super) async fn lock(
    ports: &(impl Clock + KeyValue),
    subscription: SubscriptionId,
) -> Result<Option<Claim>, StoreError> {
    let counter = |window| keys::redeliver_lock(subscription, window);
    Claim::take(ports, LOCK_HOLDS, counter).await
}

/// A page of dead letters, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadPage {
    /// The letters, each with its notification.
    pub letters: Vec<(DeadLetter, Notification)>,
    /// The `before` of the next page, if there may be one. A page may be empty and have one.
    pub next_before: Option<u64>,
}

/// Dead letters of a subscription with numbers below `before`, the newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn page(
    store: &impl KeyValue,
    subscription: SubscriptionId,
    before: Option<u64>,
) -> Result<DeadPage, StoreError> {
    let everything = |_: &DeadLetter, _: &Notification| Wanted::Yes;
    let limits = Limits {
        letters: MAX_PAGE,
        octets: usize::MAX,
    };
    walk(store, subscription, before, limits, everything).await
}

/// Which dead letters are to be sent anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// This notification.
    One(OperationId),
    /// Those that died in this time, its ends included.
    Range {
        /// The earliest.
        from: Timestamp,
        /// The latest.
        to: Timestamp,
    },
    /// All of them.
    All,
}

/// What sending anew came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redelivered {
    /// What is on its way again.
    pub notifications: Vec<OperationId>,
    /// The `before` of the call that goes on, if this was not all.
    pub next_before: Option<u64>,
}

/// Why dead letters are not sent anew.
#[derive(Debug, Clone, Error)]
pub enum RedeliverError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such subscription.
    #[error("There is no such subscription.")]
    NoSubscription,
    /// The subscription is told nothing.
    #[error("expected a subscription that is active or paused, found one that is not")]
    NotActive,
    /// There is no such dead letter.
    #[error("There is no such dead letter.")]
    NotFound,
    /// Another request is sending dead letters of this subscription anew.
    #[error("Another request is sending dead letters of this subscription anew. Try again.")]
    Busy,
}

/// Has dead letters sent anew, each with its `webhook-id` and a day of its own: at most [`MAX_REDELIVERED`] a call, the newest first.
///
/// # Errors
/// See [`RedeliverError`].
pub async fn redeliver<P>(
    ports: &P,
    outbox: &Outbox,
    subscription: SubscriptionId,
    selection: Selection,
    before: Option<u64>,
) -> Result<Redelivered, RedeliverError>
where
    P: Clock + KeyValue + Scheduler,
{
    let subscriptions = crate::subscription::load(ports).await?;
    let found = subscriptions
        .find(subscription)
        .ok_or(RedeliverError::NoSubscription)?;
    match found.state {
        SubscriptionState::Active | SubscriptionState::Paused { .. } => {}
        SubscriptionState::AwaitingValidation | SubscriptionState::Ended { .. } => {
            return Err(RedeliverError::NotActive);
        }
    }
    let lock = lock(ports, subscription)
        .await?
        .ok_or(RedeliverError::Busy)?;
    let revived = revive(ports, outbox, subscription, selection, (before, &lock)).await;
    lock.release(ports).await;
    revived
}

async fn revive<P>(
    ports: &P,
    outbox: &Outbox,
    subscription: SubscriptionId,
    selection: Selection,
    (before, lock): (Option<u64>, &Claim),
) -> Result<Redelivered, RedeliverError>
where
    P: Clock + KeyValue + Scheduler,
{
    let now = ports.now();
    let page = select(ports, subscription, selection, before, now).await?;
    let mut entry = Entry {
        writes: Vec::new(),
        items: Vec::new(),
    };
    let mut spent = Vec::new();
    let mut notifications = Vec::new();
    for (letter, notification) in page.letters {
        let revived = notification.revived(now);
        entry.writes.push(revived.write()?);
        entry.items.extend(revived.item());
        notifications.push(revived.id);
        spent.push(keys::dead_letter(subscription, letter.number).into_path());
    }
    if ports.now() >= lock.ends_at {
        return Err(RedeliverError::Busy);
    }
    if !entry.items.is_empty() {
        outbox.commit(ports, entry).await?;
        // A letter whose notification is not dead is not shown, so losing this error loses nothing but space.
        let _ = ports.delete_many(spent).await;
    }
    Ok(Redelivered {
        notifications,
        next_before: page.next_before,
    })
}

async fn select(
    store: &impl KeyValue,
    subscription: SubscriptionId,
    selection: Selection,
    before: Option<u64>,
    now: Timestamp,
) -> Result<DeadPage, RedeliverError> {
    let (from, to) = match selection {
        Selection::One(id) => return one(store, subscription, id, now).await,
        Selection::Range { from, to } => (from, to),
        Selection::All => (Timestamp::from_millis(0), Timestamp::from_millis(u64::MAX)),
    };
    let limits = Limits {
        letters: MAX_REDELIVERED,
        octets: MAX_OCTETS,
    };
    let wanted = |letter: &DeadLetter, notification: &Notification| {
        if letter.at < from {
            Wanted::NorAnyBefore
        } else if letter.at <= to && is_in_time(notification, now) {
            Wanted::Yes
        } else {
            Wanted::No
        }
    };
    Ok(walk(store, subscription, before, limits, wanted).await?)
}

async fn one(
    store: &impl KeyValue,
    subscription: SubscriptionId,
    id: OperationId,
    now: Timestamp,
) -> Result<DeadPage, RedeliverError> {
    let notification = keys::notification(id).read(store).await?;
    let found = notification
        .filter(|found| found.subscription == subscription && is_in_time(found, now))
        .and_then(|found| Some((letter(&found)?, found)))
        .ok_or(RedeliverError::NotFound)?;
    Ok(DeadPage {
        letters: vec![found],
        next_before: None,
    })
}

fn is_in_time(notification: &Notification, now: Timestamp) -> bool {
    notification
        .due_at
        .is_some_and(|deleted_at| now.plus(TOO_LATE) < deleted_at)
}

/// How much one walk may find.
struct Limits {
    letters: usize,
    octets: usize,
}

/// Whether a letter is looked for.
enum Wanted {
    Yes,
    No,
    /// It is older than any that is.
    NorAnyBefore,
}

/// Goes down the numbers, over those that were deleted or sent anew.
async fn walk(
    store: &impl KeyValue,
    subscription: SubscriptionId,
    before: Option<u64>,
    limits: Limits,
    wanted: impl Fn(&DeadLetter, &Notification) -> Wanted,
) -> Result<DeadPage, StoreError> {
    let count = u64::try_from(keys::dead_count(subscription).value(store).await?).unwrap_or(0);
    let floor = keys::dead_floor(subscription).read(store).await?;
    let floor = floor.map_or(0, |floor| floor.number);
    let start = before.unwrap_or(u64::MAX).min(count.saturating_add(1));
    let mut letters = Vec::new();
    let (mut octets, mut looks) = (0_usize, 0);
    let mut number = start;
    while number > floor.saturating_add(1) {
        if letters.len() >= limits.letters || octets >= limits.octets || looks >= MAX_LOOKS {
            return Ok(DeadPage {
                letters,
                next_before: Some(number),
            });
        }
        number -= 1;
        looks += 1;
        let Some((letter, notification)) = read(store, subscription, number).await? else {
            continue;
        };
        match wanted(&letter, &notification) {
            Wanted::Yes => {
                octets += keys::encode(&notification)?.len();
                letters.push((letter, notification));
            }
            Wanted::No => {}
            Wanted::NorAnyBefore => break,
        }
    }
    Ok(DeadPage {
        letters,
        next_before: None,
    })
}

/// The letter of this number with its notification, if that is dead under it.
async fn read(
    store: &impl KeyValue,
    subscription: SubscriptionId,
    number: u64,
) -> Result<Option<(DeadLetter, Notification)>, StoreError> {
    let Some(found) = keys::dead_letter(subscription, number).read(store).await? else {
        return Ok(None);
    };
    let notification = keys::notification(found.notification).read(store).await?;
    Ok(notification
        .filter(|notification| letter(notification).as_ref() == Some(&found))
        .map(|notification| (found, notification)))
}

/// How the last request of a dead letter ended, if one was made.
#[must_use]
pub fn last_outcome(notification: &Notification) -> Option<Outcome> {
    notification.log.last().map(|made| made.outcome)
}
