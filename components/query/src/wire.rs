//! The JSON of answers.

mod engagement;

use mailer::delivery::AttemptEntry;
use mailer::engagement::tally::{Engagement, Judged, Totals};
use mailer::notification::Notification;
use mailer::operation::OperationId;
use mailer::outcome::{Outcome, RecipientView};
use mailer::time::Timestamp;
use mailer::timeline::{RecipientStory, Timeline};
use serde::Serialize;

/// Visits of one recipient that a timeline shows, the last ones.
const MAX_VISITS_SHOWN: usize = 200;

/// A message, with what became of it for each recipient.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    id: OperationId,
    accepted_at: String,
    sender: String,
    internet_message_id: String,
    engagement: engagement::Message,
    recipients: Vec<Recipient>,
}

/// One recipient.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    address: String,
    status: &'static str,
    at: String,
    /// The last SMTP reply behind the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    /// Cause and party, such as `address/recipient`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_mta: Option<String>,
    /// It was delivered, whatever came after.
    was_delivered: bool,
    /// The recipient called it unwanted.
    complained: bool,
    engagement: engagement::Recipient,
}

/// What happened to a message, in order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entries {
    id: OperationId,
    entries: Vec<Entry>,
}

/// One thing that happened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    at: String,
    #[serde(flatten)]
    what: What,
    #[serde(skip)]
    order: Timestamp,
}

#[derive(Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum What {
    /// The application handed it in.
    Accepted,
    /// It was handed to the relay, or tried to be.
    Attempt {
        recipients: Vec<String>,
        status: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply: Option<String>,
    },
    /// Somebody behind the relay told of it, or an attempt of ours ended it.
    Event {
        event: &'static str,
        event_id: String,
        recipient: String,
        source: mailer::event::Source,
        received_at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        remote_mta: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        feedback_type: Option<String>,
    },
    /// A recipient did something with it, or a machine did.
    Engagement(engagement::Visit),
    /// A subscriber was told of events, or tried to be.
    Webhook {
        subscription: String,
        notification: OperationId,
        outcome: &'static str,
        is_success: bool,
    },
}

/// A message in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    id: OperationId,
    accepted_at: String,
    sender: String,
    /// How many recipients have which status.
    recipients: std::collections::BTreeMap<&'static str, usize>,
}

/// A page of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) value: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_link: Option<String>,
}

impl Message {
    /// `engagements` are those of the recipients, in their order.
    pub(crate) fn new(timeline: &Timeline, engagements: &[Engagement]) -> Self {
        let record = &timeline.record;
        let stories = timeline.recipients.iter().zip(engagements);
        Self {
            id: record.id,
            accepted_at: record.accepted_at.to_rfc3339(),
            sender: record.from.address.to_string(),
            internet_message_id: record.message_id.clone(),
            engagement: engagement::Message::from(&Totals::of(engagements)),
            recipients: stories
                .map(|(story, engagement)| Recipient::new(story, engagement))
                .collect(),
        }
    }
}

impl Recipient {
    fn new(story: &RecipientStory, engagement: &Engagement) -> Self {
        let view: &RecipientView = &story.view;
        Self {
            address: story.address.to_string(),
            status: view.status.name(),
            at: view.at.to_rfc3339(),
            reply: view.reply.as_ref().map(ToString::to_string),
            cause: view.class.clone(),
            remote_mta: view.remote_mta.clone(),
            was_delivered: view.was_delivered,
            complained: view.complained,
            engagement: engagement::Recipient::from(engagement),
        }
    }
}

impl From<&Timeline> for Listed {
    fn from(timeline: &Timeline) -> Self {
        let mut recipients = std::collections::BTreeMap::new();
        for story in &timeline.recipients {
            *recipients.entry(story.view.status.name()).or_insert(0) += 1;
        }
        Self {
            id: timeline.record.id,
            accepted_at: timeline.record.accepted_at.to_rfc3339(),
            sender: timeline.record.from.address.to_string(),
            recipients,
        }
    }
}

impl Entries {
    /// Everything that is known of a message, oldest first.
    pub(crate) fn new(
        timeline: &Timeline,
        engagements: &[Engagement],
        notifications: &[Notification],
    ) -> Self {
        let mut entries = vec![Entry::new(timeline.record.accepted_at, What::Accepted)];
        let attempts = timeline.state.log.iter();
        entries.extend(attempts.flat_map(|entry| attempt(timeline, entry)));
        for story in &timeline.recipients {
            let outcomes = story.outcomes.iter();
            entries.extend(outcomes.map(|outcome| event(story, outcome)));
        }
        for (story, engagement) in timeline.recipients.iter().zip(engagements) {
            let surplus = engagement.visits.len().saturating_sub(MAX_VISITS_SHOWN);
            let shown = engagement.visits.iter().skip(surplus);
            entries.extend(shown.map(|visit| visited(story, visit)));
        }
        entries.extend(notifications.iter().flat_map(webhook));
        entries.sort_by_key(|entry| entry.order);
        Self {
            id: timeline.record.id,
            entries,
        }
    }
}

impl Entry {
    fn new(at: Timestamp, what: What) -> Self {
        Self {
            at: at.to_rfc3339(),
            what,
            order: at,
        }
    }
}

fn attempt<'a>(
    timeline: &'a Timeline,
    entry: &'a AttemptEntry,
) -> impl Iterator<Item = Entry> + 'a {
    entry.results.iter().map(|result| {
        let stories = result
            .recipients
            .iter()
            .filter_map(|&index| timeline.recipients.get(index));
        let what = What::Attempt {
            recipients: stories.map(|story| story.address.to_string()).collect(),
            status: format!("{:?}", result.status),
            reply: result.reply.as_ref().map(ToString::to_string),
        };
        Entry::new(entry.at, what)
    })
}

fn event(story: &RecipientStory, outcome: &Outcome) -> Entry {
    let what = What::Event {
        event: outcome.kind.name(),
        event_id: outcome.id.to_string(),
        recipient: story.address.to_string(),
        source: outcome.source,
        received_at: outcome.received_at.to_rfc3339(),
        reply: outcome.reply.as_ref().map(ToString::to_string),
        cause: outcome.class.clone(),
        remote_mta: outcome.remote_mta.clone(),
        feedback_type: outcome.feedback_type.clone(),
    };
    Entry::new(outcome.at, what)
}

fn visited(story: &RecipientStory, visit: &Judged) -> Entry {
    let shown = engagement::Visit::new(story.address.to_string(), visit);
    Entry::new(visit.fact.at, What::Engagement(shown))
}

fn webhook(notification: &Notification) -> impl Iterator<Item = Entry> + '_ {
    notification.attempts().iter().map(|made| {
        let what = What::Webhook {
            subscription: notification.subscription.to_string(),
            notification: notification.id,
            outcome: made.outcome.name(),
            is_success: made.outcome.is_success(),
        };
        Entry::new(made.at, what)
    })
}
