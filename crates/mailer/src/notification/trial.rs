//! Trying a subscription out: made-up events on the same way as real ones, whatever its filter.

use envelope::AddrSpec;

use super::fan_out;
use crate::event::{AppEvent, EventData, EventId, EventKind, ReportStatus};
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler};
use crate::subscription::{
    Filter, Subscription, SubscriptionError, SubscriptionId, SubscriptionState, Subscriptions,
};
use crate::time::Timestamp;

/// Most made-up events of one trial.
pub const MAX_EVENTS: usize = 100;

/// Has `count` reports of a delivery that never was told to the subscription `id`, and gives the notifications that tell of them.
///
/// # Errors
/// See [`SubscriptionError`]; the subscription has to be active or paused.
pub async fn try_out<P>(
    ports: &P,
    outbox: &Outbox,
    id: SubscriptionId,
    address: &AddrSpec,
    count: usize,
) -> Result<Vec<OperationId>, SubscriptionError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let subscriptions = crate::subscription::load(ports).await?;
    let subscription = subscriptions.find(id).ok_or(SubscriptionError::NotFound)?;
    match subscription.state {
        SubscriptionState::Active | SubscriptionState::Paused { .. } => {}
        SubscriptionState::AwaitingValidation | SubscriptionState::Ended { .. } => {
            return Err(SubscriptionError::State { expected: "active" });
        }
    }
    let unfiltered = Subscriptions {
        all: vec![Subscription {
            filter: Filter::default(),
            ..subscription.clone()
        }],
    };
    let (message, now) = (OperationId::random(ports), ports.now());
    let events: Vec<AppEvent> = (0..count.min(MAX_EVENTS))
        .map(|place| event(message, place, address, now))
        .collect();
    let notifications = fan_out(&unfiltered, message, &events, now);
    let mut entry = Entry {
        writes: Vec::new(),
        items: Vec::new(),
    };
    for notification in &notifications {
        entry.writes.push(notification.write()?);
        entry.items.extend(notification.item());
    }
    outbox.commit(ports, entry).await?;
    Ok(notifications.iter().map(|made| made.id).collect())
}

fn event(message: OperationId, place: usize, address: &AddrSpec, now: Timestamp) -> AppEvent {
    AppEvent {
        id: EventId::of(message, place, EventKind::Delivered, 0),
        at: now,
        sender: address.clone(),
        message,
        data: EventData::DeliveryReport {
            recipient: address.clone(),
            status: ReportStatus::Delivered,
            internet_message_id: None,
            status_message: "This is a test; no message was sent.".to_owned(),
            remote_mta: None,
            attempted_at: now,
            cause: None,
            reply: None,
        },
    }
}
