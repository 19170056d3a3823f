//! The `data` of events, by type.

use mailer::event::{AppEvent, EngagementKind, EventData, ReportStatus};
use mailer::treatment::Topic;
use serde::Serialize;

/// What an event tells.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Data<'a> {
    DeliveryReport(DeliveryReport<'a>),
    Complaint(Complaint<'a>),
    Engagement(Engagement<'a>),
    Wish(Wish<'a>),
}

/// What all have.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    sender: String,
    // ACS leaves it out of engagement where a message had several.
    recipient: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    internet_message_id: Option<&'a str>,
    message_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryReport<'a> {
    #[serde(flatten)]
    about: About<'a>,
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
pub(super) struct Complaint<'a> {
    #[serde(flatten)]
    about: About<'a>,
    feedback_type: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Engagement<'a> {
    #[serde(flatten)]
    about: About<'a>,
    #[serde(flatten)]
    done: Done<'a>,
    user_agent: &'a str,
    audience: &'a str,
    reason: &'a str,
    client: Client<'a>,
}

/// What was done, and when.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    // The documentation.
    #[serde(rename = "userActionTimeStamp")]
    acted_at: String,
    // The SDKs.
    #[serde(rename = "userActionTimestamp")]
    acted_at_again: String,
    engagement_type: &'static str,
    /// The link that was followed; empty for a view.
    engagement_context: &'a str,
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
pub(super) struct Wish<'a> {
    #[serde(flatten)]
    about: About<'a>,
    user_action_time_stamp: String,
    /// How it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
}

impl<'a> About<'a> {
    fn of(event: &'a AppEvent) -> Self {
        Self {
            sender: event.sender.to_string(),
            recipient: event.data.recipient().to_string(),
            internet_message_id: event.data.internet_message_id(),
            message_id: event.message.to_string(),
        }
    }
}

impl<'a> Data<'a> {
    pub(super) fn of(event: &'a AppEvent) -> Self {
        let about = About::of(event);
        match &event.data {
            EventData::DeliveryReport {
                status,
                status_message,
                remote_mta,
                attempted_at,
                cause,
                reply,
                ..
            } => Self::DeliveryReport(DeliveryReport {
                about,
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
            EventData::Complaint { feedback_type, .. } => Self::Complaint(Complaint {
                about,
                feedback_type,
            }),
            EventData::Engagement {
                kind,
                user_agent,
                audience,
                reason,
                family,
                class,
                ..
            } => Self::Engagement(Engagement {
                about,
                done: Done::of(event, kind),
                user_agent,
                audience,
                reason,
                client: Client { family, class },
            }),
            EventData::Unsubscribed { by, topic, .. } => {
                let by = Some(by.name());
                Self::Wish(Wish::of(event, about, by, topic.as_ref()))
            }
            EventData::Resubscribed { topic, .. } => {
                Self::Wish(Wish::of(event, about, None, topic.as_ref()))
            }
        }
    }
}

impl<'a> Done<'a> {
    fn of(event: &AppEvent, kind: &'a EngagementKind) -> Self {
        let (engagement_type, link, engagement_context) = match kind {
            EngagementKind::View => ("view", None, ""),
            EngagementKind::Click { link, target } => ("click", Some(*link), target.as_str()),
        };
        Self {
            acted_at: event.at.to_rfc3339(),
            acted_at_again: event.at.to_rfc3339(),
            engagement_type,
            engagement_context,
            link,
        }
    }
}

impl<'a> Wish<'a> {
    fn of(
        event: &AppEvent,
        about: About<'a>,
        by: Option<&'static str>,
        topic: Option<&'a Topic>,
    ) -> Self {
        Self {
            about,
            user_action_time_stamp: event.at.to_rfc3339(),
            by,
            topic: topic.map(Topic::as_str),
        }
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
