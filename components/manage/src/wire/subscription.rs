//! Subscriptions and their dead letters, as the operator sees them.

use mailer::event::AppEvent;
use mailer::notification::health::EndpointHealth;
use mailer::notification::{self, DeliveryAttempt, Notification, dead};
use mailer::operation::OperationId;
use mailer::subscription::record::EndReason;
use mailer::subscription::{self, EventType, SubscriptionState};
use mailer::time::Timestamp;
use serde::Serialize;

/// One subscription.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    id: String,
    name: Option<String>,
    endpoint_url: String,
    event_delivery_schema: &'static str,
    included_event_types: Vec<&'static str>,
    sender_domains: Vec<String>,
    sender_addresses: Vec<String>,
    batch_size: u32,
    state: &'static str,
    /// Why it ended, and when.
    ended: Option<Ended>,
    /// The validation that is waited for.
    validation: Option<Validation>,
    /// Those that sign now, the current one first; never the secrets themselves.
    secrets: Vec<Secret>,
    /// What is known of the endpoint; null in lists.
    health: Option<Health>,
    created_at: String,
    updated_at: String,
}

/// A subscription with its secret, for the one time that is shown.
#[derive(Serialize)]
pub(crate) struct NewSubscription<'a> {
    #[serde(flatten)]
    pub(crate) subscription: Subscription,
    pub(crate) secret: &'a str,
}

#[derive(Serialize)]
struct Ended {
    at: String,
    reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    /// Until when the link works.
    until: String,
    /// What the endpoint answered to the question.
    last_outcome: Option<&'static str>,
    last_http_status_code: Option<u16>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    created_at: String,
    expires_at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    failures: u32,
    last_failure: Option<Attempt>,
    held_until: Option<String>,
}

/// One request to an endpoint.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    at: String,
    outcome: &'static str,
    http_status_code: Option<u16>,
}

impl From<&DeliveryAttempt> for Attempt {
    fn from(made: &DeliveryAttempt) -> Self {
        Self {
            at: made.at.to_rfc3339(),
            outcome: made.outcome.name(),
            http_status_code: made.outcome.status(),
        }
    }
}

impl Subscription {
    pub(crate) fn new(
        subscription: &subscription::Subscription,
        health: Option<&EndpointHealth>,
        now: Timestamp,
    ) -> Self {
        let filter = &subscription.filter;
        Self {
            id: subscription.id.to_string(),
            name: subscription.name.clone(),
            endpoint_url: subscription.endpoint.as_str().to_owned(),
            event_delivery_schema: subscription.schema.name(),
            included_event_types: filter.event_types.iter().map(|t| t.name()).collect(),
            sender_domains: filter
                .sender_domains
                .iter()
                .map(ToString::to_string)
                .collect(),
            sender_addresses: filter
                .sender_addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
            batch_size: subscription.batch_size,
            state: state(subscription.state),
            ended: ended(subscription.state),
            validation: subscription.validation.as_ref().map(|pending| Validation {
                until: pending.until.to_rfc3339(),
                last_outcome: pending.answer.map(unconfirmed),
                last_http_status_code: pending.answer.and_then(notification::Outcome::status),
            }),
            secrets: subscription
                .live_secrets(now)
                .map(|secret| Secret {
                    created_at: secret.created_at.to_rfc3339(),
                    expires_at: secret.expires_at.map(Timestamp::to_rfc3339),
                })
                .collect(),
            health: health.map(|health| Health {
                failures: health.failures,
                last_failure: health.last_failure.as_ref().map(Attempt::from),
                held_until: health.hold(now).map(Timestamp::to_rfc3339),
            }),
            created_at: subscription.created_at.to_rfc3339(),
            updated_at: subscription.updated_at.to_rfc3339(),
        }
    }
}

/// An answer of success that did not confirm.
const fn unconfirmed(outcome: notification::Outcome) -> &'static str {
    if outcome.is_success() {
        "NotConfirmed"
    } else {
        outcome.name()
    }
}

const fn state(state: SubscriptionState) -> &'static str {
    match state {
        SubscriptionState::AwaitingValidation => "AwaitingValidation",
        SubscriptionState::Active => "Active",
        SubscriptionState::Paused { .. } => "Paused",
        SubscriptionState::Ended { .. } => "Ended",
    }
}

fn ended(state: SubscriptionState) -> Option<Ended> {
    match state {
        SubscriptionState::Ended { at, reason } => Some(Ended {
            at: at.to_rfc3339(),
            reason: match reason {
                EndReason::Gone => "Gone",
            },
        }),
        SubscriptionState::AwaitingValidation
        | SubscriptionState::Active
        | SubscriptionState::Paused { .. } => None,
    }
}

/// A notification that could not be delivered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetter {
    notification: String,
    dead_letter_reason: &'static str,
    dead_lettered_at: String,
    delivery_attempts: u32,
    last_delivery_outcome: Option<&'static str>,
    last_http_status_code: Option<u16>,
    last_delivery_attempt_time: Option<String>,
    publish_time: String,
    /// When it is deleted.
    kept_until: Option<String>,
    events: Vec<Event>,
    attempts: Vec<Attempt>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: String,
    event_type: &'static str,
    message_id: String,
    event_time: String,
}

impl From<&AppEvent> for Event {
    fn from(event: &AppEvent) -> Self {
        Self {
            id: event.id.to_string(),
            event_type: EventType::of(&event.data).name(),
            message_id: event.message.to_string(),
            event_time: event.at.to_rfc3339(),
        }
    }
}

impl DeadLetter {
    pub(crate) fn new(letter: &dead::DeadLetter, notification: &Notification) -> Self {
        let last = notification.attempts().last();
        Self {
            notification: letter.notification.to_string(),
            dead_letter_reason: letter.reason.name(),
            dead_lettered_at: letter.at.to_rfc3339(),
            delivery_attempts: notification.tries,
            last_delivery_outcome: last.map(|made| made.outcome.name()),
            last_http_status_code: last.and_then(|made| made.outcome.status()),
            last_delivery_attempt_time: last.map(|made| made.at.to_rfc3339()),
            publish_time: notification.created_at.to_rfc3339(),
            kept_until: notification.due_at.map(Timestamp::to_rfc3339),
            events: notification.events.iter().map(Event::from).collect(),
            attempts: notification.attempts().iter().map(Attempt::from).collect(),
        }
    }
}

/// Notifications that are on their way.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    notifications: Vec<String>,
    /// The path that goes on, if this was not all.
    next_link: Option<String>,
}

impl Named {
    pub(crate) fn new(notifications: &[OperationId], next_link: Option<String>) -> Self {
        Self {
            notifications: notifications.iter().map(ToString::to_string).collect(),
            next_link,
        }
    }
}
