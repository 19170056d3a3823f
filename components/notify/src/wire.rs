//! The JSON that subscribers get: the Event Grid schema and `CloudEvents` 1.0, as Azure Communication Services writes them.
//!
//! Beyond what it writes there are `cause` and `reply` among the details of a delivery, and the time of the attempt, or of what was done, stands in both
//! spellings that its documentation and SDKs have. Events of engagement always have a `recipient`, and `audience`, `reason`, `client` and
//! `link`.

mod data;

use mailer::envelope::Domain;
use mailer::event::AppEvent;
use mailer::notification::attempt::Delivery;
use mailer::subscription::validation::ValidationCode;
use mailer::subscription::{EventType, Schema};
use mailer::time::Timestamp;
use serde::{Deserialize, Serialize};

use self::data::Data;

pub(crate) const JSON: &str = "application/json; charset=utf-8";
const CLOUD_EVENT: &str = "application/cloudevents+json; charset=utf-8";
const CLOUD_EVENTS: &str = "application/cloudevents-batch+json; charset=utf-8";
pub(crate) const DATA_VERSION: &str = "1.0";
pub(crate) const METADATA_VERSION: &str = "1";

/// What events come from: a path in the form of an Azure resource's, the same for as long as the managed domain is.
pub(crate) struct Source {
    host: String,
    topic: String,
    source: String,
}

impl Source {
    /// The installation whose base domain is `managed`.
    pub(crate) fn of(managed: &Domain) -> Self {
        let path = |provider: &str| {
            format!(
                "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sendlet/providers/{provider}/{managed}"
            )
        };
        Self {
            host: managed.to_string(),
            topic: path("microsoft.communication/communicationservices"),
            source: path("Microsoft.Communication/communicationServices"),
        }
    }

    /// Who asks, in a handshake.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// A body and what it is.
pub(crate) struct Told {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

/// The body of a notification; `None` if one could not be written as JSON, which none of ours is.
pub(crate) fn notification(delivery: &Delivery<'_>, source: &Source) -> Option<Told> {
    let events = &delivery.notification.events;
    let (content_type, body) = match delivery.subscription.schema {
        Schema::EventGrid => {
            let events = events.iter().map(|event| event_grid(event, source));
            (JSON, serde_json::to_vec(&events.collect::<Vec<_>>()))
        }
        Schema::CloudEvents => {
            let mut events = events.iter().map(|event| cloud_event(event, source));
            if delivery.subscription.batch_size > 1 || events.len() != 1 {
                let body = serde_json::to_vec(&events.collect::<Vec<_>>());
                (CLOUD_EVENTS, body)
            } else {
                (CLOUD_EVENT, serde_json::to_vec(&events.next()?))
            }
        }
    };
    Some(Told {
        content_type,
        body: body.ok()?,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventGridEvent<'a, T> {
    id: String,
    topic: &'a str,
    subject: String,
    data: T,
    event_type: &'static str,
    data_version: &'static str,
    metadata_version: &'static str,
    event_time: String,
}

#[derive(Serialize)]
struct CloudEvent<'a> {
    id: String,
    source: &'a str,
    subject: String,
    data: Data<'a>,
    #[serde(rename = "type")]
    event_type: &'static str,
    time: String,
    specversion: &'static str,
}

fn event_grid<'a>(event: &'a AppEvent, source: &'a Source) -> EventGridEvent<'a, Data<'a>> {
    EventGridEvent {
        id: event.id.to_string(),
        topic: &source.topic,
        subject: subject(event),
        data: Data::of(event),
        event_type: EventType::of(&event.data).name(),
        data_version: DATA_VERSION,
        metadata_version: METADATA_VERSION,
        event_time: event.at.to_rfc3339(),
    }
}

fn cloud_event<'a>(event: &'a AppEvent, source: &'a Source) -> CloudEvent<'a> {
    CloudEvent {
        id: event.id.to_string(),
        source: &source.source,
        subject: subject(event),
        data: Data::of(event),
        event_type: EventType::of(&event.data).name(),
        time: event.at.to_rfc3339(),
        specversion: "1.0",
    }
}

fn subject(event: &AppEvent) -> String {
    format!("sender/{}/message/{}", event.sender, event.message)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    validation_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_url: Option<String>,
}

/// The question of Event Grid's handshake.
pub(crate) fn validation(
    code: ValidationCode,
    link: Option<String>,
    source: &Source,
    now: Timestamp,
) -> Option<Vec<u8>> {
    let event = EventGridEvent {
        id: code.to_string(),
        topic: &source.topic,
        subject: String::new(),
        data: Validation {
            validation_code: code.to_string(),
            validation_url: link,
        },
        event_type: "Microsoft.EventGrid.SubscriptionValidationEvent",
        data_version: "2",
        metadata_version: METADATA_VERSION,
        event_time: now.to_rfc3339(),
    };
    serde_json::to_vec(&[event]).ok()
}

#[derive(Deserialize)]
struct ValidationAnswer {
    #[serde(rename = "validationResponse")]
    response: String,
}

/// The code in the answer to it.
pub(crate) fn validation_response(body: &[u8]) -> Option<ValidationCode> {
    let answer: ValidationAnswer = serde_json::from_slice(body).ok()?;
    ValidationCode::parse(&answer.response)
}
