//! Takes events back: what is to be forgotten is told no more, and not kept for having been told.

use std::collections::BTreeSet;

use super::{Notification, Phase, dead};
use crate::attempt::Windows;
use crate::event::EventId;
use crate::journal::JournalItem;
use crate::keys;
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// What it takes to take events back.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawer<'a> {
    /// When attempts are claimed; the same as those of who makes them.
    pub windows: Windows,
    /// Writes for all tasks of the instance.
    pub outbox: &'a Outbox,
}

/// What became of events that were to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// The notification is without them, or is not there.
    Done,
    /// It is being sent, or a crash left it so.
    NotNow,
}

/// Takes `events` out of the notification `id`, and deletes it if none is left.
///
/// # Errors
/// When the store does not answer.
pub async fn withdraw<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    withdrawer: Withdrawer<'_>,
    id: OperationId,
    events: &BTreeSet<EventId>,
) -> Result<Withdrawn, StoreError> {
    let withdrawal = Withdrawal {
        ports,
        withdrawer,
        events,
    };
    withdrawal.of(id).await
}

/// Events to take back.
struct Withdrawal<'a, P> {
    ports: &'a P,
    withdrawer: Withdrawer<'a>,
    events: &'a BTreeSet<EventId>,
}

impl<P: Clock + KeyValue + Scheduler> Withdrawal<'_, P> {
    async fn of(&self, id: OperationId) -> Result<Withdrawn, StoreError> {
        let read_at = self.ports.now();
        let Some(notification) = keys::notification(id).read(self.ports).await? else {
            return Ok(Withdrawn::Done);
        };
        match notification.phase {
            Phase::Pending | Phase::Delivered => self.strike(notification, read_at).await,
            Phase::Dead { .. } => self.strike_dead(&notification).await,
        }
    }

    /// The same for a dead letter, which somebody may be sending anew.
    async fn strike_dead(&self, letter: &Notification) -> Result<Withdrawn, StoreError> {
        let Some(lock) = dead::lock(self.ports, letter.subscription).await? else {
            return Ok(Withdrawn::NotNow);
        };
        let read_at = self.ports.now();
        let struck = match keys::notification(letter.id).read(self.ports).await {
            Ok(Some(_)) if self.ports.now() >= lock.ends_at => Ok(Withdrawn::NotNow),
            Ok(Some(notification)) => self.strike(notification, read_at).await,
            Ok(None) => Ok(Withdrawn::Done),
            Err(error) => Err(error),
        };
        lock.release(self.ports).await;
        struck
    }

    /// Takes the events out of what was read at `read_at`.
    async fn strike(
        &self,
        notification: Notification,
        read_at: Timestamp,
    ) -> Result<Withdrawn, StoreError> {
        let mut left = notification.clone();
        left.events.retain(|event| !self.events.contains(&event.id));
        if left.events.len() == notification.events.len() {
            return Ok(Withdrawn::Done);
        }
        let windows = &self.withdrawer.windows;
        let now = self.ports.now();
        let item = notification.item();
        let Some(item) = item.filter(|item| windows.may_be_claimed(item.due_at, now)) else {
            // In nobody's hand. Attempt and time stay, so that what the tick has of it stays true.
            return self.write(&left, None).await;
        };
        let claimed = windows.claim_as_read(self.ports, item, read_at).await?;
        let Some(window) = claimed.filter(|window| self.ports.now() < window.ends_at) else {
            return Ok(Withdrawn::NotNow);
        };
        // The claim that is used up was this attempt's, so what is left has the next one.
        let next = left.put_off(item.due_at.max(self.ports.now()));
        let written = self.write(&next, next.item()).await;
        if written.is_err() {
            // Whoever sends it meanwhile as it was leaves it to the repeat that this asks for.
            window.give_back(self.ports, item).await;
        }
        written
    }

    async fn write(
        &self,
        left: &Notification,
        item: Option<JournalItem>,
    ) -> Result<Withdrawn, StoreError> {
        if left.events.is_empty() {
            dead::remove(self.ports, left).await?;
        } else {
            let entry = Entry {
                writes: vec![left.write()?],
                items: item.into_iter().collect(),
            };
            self.withdrawer.outbox.commit(self.ports, entry).await?;
        }
        Ok(Withdrawn::Done)
    }
}
