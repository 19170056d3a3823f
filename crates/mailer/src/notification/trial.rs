//! Trying a subscription out: made-up events on the same way as real ones, whatever its filter.

use audience::{Audience, Client, Reason};
use envelope::AddrSpec;

use super::fan_out;
use crate::engagement::UnsubscribedBy;
use crate::event::{AppEvent, EngagementKind, EventData, EventId, EventKind, ReportStatus};
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler};
use crate::subscription::{
    EventType, Filter, Subscription, SubscriptionError, SubscriptionId, SubscriptionState,
    Subscriptions,
};
use crate::time::Timestamp;

/// Most made-up events of one trial.
pub const MAX_EVENTS: usize = 100;

/// What is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial<'a> {
    /// Whose mail it is about, and who is said to have got it.
    pub address: &'a AddrSpec,
    /// What happened.
    pub event_type: EventType,
    /// How often, at most [`MAX_EVENTS`].
    pub count: usize,
}

/// Has events that never happened told to the subscription `id`, and gives the notifications that tell of them.
///
/// # Errors
/// See [`SubscriptionError`]; the subscription has to be active or paused.
pub async fn try_out<P>(
    ports: &P,
    outbox: &Outbox,
    id: SubscriptionId,
    trial: Trial<'_>,
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
    let events: Vec<AppEvent> = (0..trial.count.min(MAX_EVENTS))
        .map(|place| event(message, place, trial, now))
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

fn event(message: OperationId, place: usize, trial: Trial<'_>, now: Timestamp) -> AppEvent {
    let recipient = trial.address.clone();
    let internet_message_id = format!("<{message}@{}>", trial.address.domain());
    let data = match trial.event_type {
        EventType::DeliveryReport => EventData::DeliveryReport {
            recipient,
            status: ReportStatus::Delivered,
            internet_message_id: None,
            status_message: "This is a test; no message was sent.".to_owned(),
            remote_mta: None,
            attempted_at: now,
            cause: None,
            reply: None,
        },
        EventType::Complaint => EventData::Complaint {
            recipient,
            internet_message_id: Some(internet_message_id),
            feedback_type: "abuse".to_owned(),
        },
        EventType::Engagement => engagement(recipient, internet_message_id, place),
        EventType::Unsubscribe => EventData::Unsubscribed {
            recipient,
            internet_message_id,
            by: UnsubscribedBy::OneClick,
            topic: None,
        },
        EventType::Resubscribe => EventData::Resubscribed {
            recipient,
            internet_message_id,
            topic: None,
        },
    };
    AppEvent {
        id: EventId::of(message, place, EventKind::Delivered, 0),
        at: now,
        sender: trial.address.clone(),
        message,
        data,
    }
}

/// A click, then a view, and so on.
fn engagement(recipient: AddrSpec, internet_message_id: String, place: usize) -> EventData {
    let kind = if place.is_multiple_of(2) {
        EngagementKind::Click {
            link: 0,
            target: "https://example.com/test".to_owned(),
        }
    } else {
        EngagementKind::View
    };
    let client = Client::UNKNOWN;
    EventData::Engagement {
        recipient,
        internet_message_id,
        kind,
        user_agent: client.family.to_string(),
        audience: Audience::Human.to_string(),
        reason: Reason::NOTHING.to_string(),
        family: client.family.to_string(),
        class: client.class.to_string(),
    }
}
