//! The JSON that subscribers get: the Event Grid schema and `CloudEvents` 1.0, as Azure Communication Services writes them.
//!
//! Beyond what it writes there are `cause` and `reply` among the details of a delivery, and the time of the attempt, or of what was done, stands in both
//! spellings that its documentation and SDKs have. Events of engagement always have a `recipient`, and `audience`, `reason`, `client` and
//! `link`.

use mailer::envelope::{AddrSpec, Domain};
use mailer::event::{AppEvent, EngagementKind, EventData, ReportStatus};
use mailer::notification::attempt::Delivery;
use mailer::subscription::validation::ValidationCode;
use mailer::subscription::{EventType, Schema};
use mailer::time::Timestamp;
use mailer::treatment::Topic;
use serde::{Deserialize, Serialize};

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

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    DeliveryReport(DeliveryReport<'a>),
    Complaint(Complaint<'a>),
    Engagement(Engagement<'a>),
    Wish(Wish<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryReport<'a> {
    sender: String,
    recipient: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    internet_message_id: Option<&'a str>,
    message_id: String,
    status: &'static str,
    delivery_status_details: Details<'a>,
    // The wire and the documentation.
    #[serde(rename = "deliveryAttemptTimeStamp")]
    attempted_at: String,
    // The example of CloudEvents, and newer SDKs.
    #[serde(rename = "deliveryAttemptTimestamp")]
    attempted_at_again: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    status_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_mail_server_host_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Complaint<'a> {
    sender: String,
    recipient: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    internet_message_id: Option<&'a str>,
    message_id: String,
    feedback_type: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Engagement<'a> {
    sender: String,
    // ACS leaves it out where a message had several.
    recipient: String,
    internet_message_id: &'a str,
    message_id: String,
    // The documentation.
    #[serde(rename = "userActionTimeStamp")]
    acted_at: String,
    // The SDKs.
    #[serde(rename = "userActionTimestamp")]
    acted_at_again: String,
    /// The link that was followed; empty for a view.
    engagement_context: &'a str,
    user_agent: &'a str,
    engagement_type: &'static str,
    audience: &'a str,
    reason: &'a str,
    client: Client<'a>,
    /// The number of the link among those of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<u16>,
}

#[derive(Serialize)]
struct Client<'a> {
    family: &'a str,
    class: &'a str,
}

/// To get no more mail of a kind, or to get it again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wish<'a> {
    sender: String,
    recipient: String,
    internet_message_id: &'a str,
    message_id: String,
    user_action_time_stamp: String,
    /// How it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
}

fn event_grid<'a>(event: &'a AppEvent, source: &'a Source) -> EventGridEvent<'a, Data<'a>> {
    EventGridEvent {
        id: event.id.to_string(),
        topic: &source.topic,
        subject: subject(event),
        data: data(event),
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
        data: data(event),
        event_type: EventType::of(&event.data).name(),
        time: event.at.to_rfc3339(),
        specversion: "1.0",
    }
}

fn subject(event: &AppEvent) -> String {
    format!("sender/{}/message/{}", event.sender, event.message)
}

fn data(event: &AppEvent) -> Data<'_> {
    let (sender, message_id) = (event.sender.to_string(), event.message.to_string());
    match &event.data {
        EventData::DeliveryReport {
            recipient,
            status,
            internet_message_id,
            status_message,
            remote_mta,
            attempted_at,
            cause,
            reply,
        } => Data::DeliveryReport(DeliveryReport {
            sender,
            recipient: recipient.to_string(),
            internet_message_id: internet_message_id.as_deref(),
            message_id,
            status: status_name(*status),
            delivery_status_details: Details {
                status_message,
                recipient_mail_server_host_name: remote_mta.as_deref(),
                cause: cause.as_deref(),
                reply: reply.as_deref(),
            },
            attempted_at: attempted_at.to_rfc3339(),
            attempted_at_again: attempted_at.to_rfc3339(),
        }),
        EventData::Complaint {
            recipient,
            internet_message_id,
            feedback_type,
        } => Data::Complaint(Complaint {
            sender,
            recipient: recipient.to_string(),
            internet_message_id: internet_message_id.as_deref(),
            message_id,
            feedback_type,
        }),
        EventData::Engagement {
            recipient,
            internet_message_id,
            kind,
            user_agent,
            audience,
            reason,
            family,
            class,
        } => {
            let (engagement_type, link, engagement_context) = match kind {
                EngagementKind::View => ("view", None, ""),
                EngagementKind::Click { link, target } => ("click", Some(*link), target.as_str()),
            };
            Data::Engagement(Engagement {
                sender,
                recipient: recipient.to_string(),
                internet_message_id,
                message_id,
                acted_at: event.at.to_rfc3339(),
                acted_at_again: event.at.to_rfc3339(),
                engagement_context,
                user_agent,
                engagement_type,
                audience,
                reason,
                client: Client { family, class },
                link,
            })
        }
        EventData::Unsubscribed {
            recipient,
            internet_message_id,
            by,
            topic,
        } => Data::Wish(Wish {
            by: Some(by.name()),
            ..wish(event, recipient, internet_message_id, topic.as_ref())
        }),
        EventData::Resubscribed {
            recipient,
            internet_message_id,
            topic,
        } => Data::Wish(wish(event, recipient, internet_message_id, topic.as_ref())),
    }
}

fn wish<'a>(
    event: &AppEvent,
    recipient: &AddrSpec,
    internet_message_id: &'a str,
    topic: Option<&'a Topic>,
) -> Wish<'a> {
    Wish {
        sender: event.sender.to_string(),
        recipient: recipient.to_string(),
        internet_message_id,
        message_id: event.message.to_string(),
        user_action_time_stamp: event.at.to_rfc3339(),
        by: None,
        topic: topic.map(Topic::as_str),
    }
}

const fn status_name(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::Delivered => "Delivered",
        ReportStatus::Expanded => "Expanded",
        ReportStatus::Suppressed => "Suppressed",
        ReportStatus::Bounced => "Bounced",
        ReportStatus::Quarantined => "Quarantined",
        ReportStatus::FilteredSpam => "FilteredSpam",
        ReportStatus::Failed => "Failed",
    }
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
