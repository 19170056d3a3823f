//! Takes events back: what is to be forgotten is told no more, and not kept for having been told.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Notification, Phase, dead};
use crate::event::EventId;
use crate::keys;
use crate::operation::OperationId;
use crate::ports::{Clock, KeyValue, StoreError};

/// What is due this soon is left alone: it may be in hand, on a host whose clock is ahead of ours by half of the usual `attempt_timeout`,
/// and would be written over what is written here.
pub const AHEAD: Duration = Duration::from_secs(30);

/// What became of events that were to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// The notification is without them, or is not there.
    Done,
    /// It is being sent, or soon.
    NotNow,
}

/// Takes `events` out of the notification `id`, and deletes it if none is left.
///
/// # Errors
/// When the store does not answer.
pub async fn withdraw(
    ports: &(impl Clock + KeyValue),
    id: OperationId,
    events: &BTreeSet<EventId>,
) -> Result<Withdrawn, StoreError> {
    let Some(notification) = keys::notification(id).read(ports).await? else {
        return Ok(Withdrawn::Done);
    };
    match notification.phase {
        Phase::Pending | Phase::Delivered => strike(ports, notification, events).await,
        Phase::Dead { .. } => strike_dead(ports, &notification, events).await,
    }
}

/// The same for a dead letter, which somebody may be sending anew.
async fn strike_dead(
    ports: &(impl Clock + KeyValue),
    letter: &Notification,
    events: &BTreeSet<EventId>,
) -> Result<Withdrawn, StoreError> {
    let Some(lock) = dead::lock(ports, letter.subscription).await? else {
        return Ok(Withdrawn::NotNow);
    };
    let struck = match keys::notification(letter.id).read(ports).await {
        Ok(Some(_)) if ports.now() >= lock.ends_at => Ok(Withdrawn::NotNow),
        Ok(Some(notification)) => strike(ports, notification, events).await,
        Ok(None) => Ok(Withdrawn::Done),
        Err(error) => Err(error),
    };
    lock.release(ports).await;
    struck
}

async fn strike(
    ports: &(impl Clock + KeyValue),
    mut notification: Notification,
    events: &BTreeSet<EventId>,
) -> Result<Withdrawn, StoreError> {
    let count = notification.events.len();
    notification
        .events
        .retain(|event| !events.contains(&event.id));
    if notification.events.len() == count {
        return Ok(Withdrawn::Done);
    }
    let soon = ports.now().plus(AHEAD);
    if notification.due_at.is_some_and(|due_at| due_at <= soon) {
        return Ok(Withdrawn::NotNow);
    }
    if notification.events.is_empty() {
        dead::remove(ports, &notification).await?;
    } else {
        // Attempt and time stay, so that what the tick has of it stays true.
        ports.set_many(vec![notification.write()?]).await?;
    }
    Ok(Withdrawn::Done)
}
