//! What becomes of a message behind the relay, recipient by recipient, and what the application is told of it.
//!
//! Whoever learns something writes an [`EventBatch`] with a journal item, in one `set-many`, and names it to the component that
//! takes batches in ([`crate::digest`]). So an event is durable once its source was answered, whatever crashes after.

use envelope::{AddrSpec, Reply};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::engagement::UnsubscribedBy;
use crate::journal::{JournalItem, WorkKind};
use crate::keys::Record;
use crate::operation::OperationId;
use crate::time::Timestamp;
use crate::treatment::Topic;

/// The most events of one batch.
pub const MAX_BATCH_EVENTS: usize = 100;

/// What was learnt of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventKind {
    /// A server on the way has it, and will try on.
    OutForDelivery,
    /// Not taken yet; somebody will try again (RFC 3464 action `delayed`).
    Deferred,
    /// Taken by the recipient's server.
    Delivered,
    /// The recipient was a list, and was expanded (RFC 3464 action `expanded`).
    Expanded,
    /// Never written to, because of a suppression list.
    Suppressed,
    /// Not delivered, for another reason than the address.
    Failed,
    /// Kept apart as spam or phishing.
    Quarantined,
    /// Refused as spam.
    FilteredSpam,
    /// The address does not take mail.
    Bounced,
    /// The recipient called it unwanted (RFC 5965).
    Complained,
}

impl EventKind {
    /// Every kind, in the order of their ranks.
    pub const ALL: [Self; 10] = [
        Self::OutForDelivery,
        Self::Deferred,
        Self::Delivered,
        Self::Expanded,
        Self::Suppressed,
        Self::Failed,
        Self::Quarantined,
        Self::FilteredSpam,
        Self::Bounced,
        Self::Complained,
    ];

    /// The word that keys and JSON have for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutForDelivery => "outForDelivery",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Expanded => "expanded",
            Self::Suppressed => "suppressed",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
            Self::FilteredSpam => "filteredSpam",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }

    /// What the application is told, if it is told of this: it is not of what is under way still.
    #[must_use]
    pub const fn report_status(self) -> Option<ReportStatus> {
        match self {
            Self::OutForDelivery | Self::Deferred | Self::Complained => None,
            Self::Delivered => Some(ReportStatus::Delivered),
            Self::Expanded => Some(ReportStatus::Expanded),
            Self::Suppressed => Some(ReportStatus::Suppressed),
            Self::Failed => Some(ReportStatus::Failed),
            Self::Quarantined => Some(ReportStatus::Quarantined),
            Self::FilteredSpam => Some(ReportStatus::FilteredSpam),
            Self::Bounced => Some(ReportStatus::Bounced),
        }
    }
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// An attempt of ours.
    Attempt,
    /// The relay, over its signed events.
    Relay,
    /// A delivery status or feedback report that came by mail.
    Report,
    /// The simulator.
    Simulator,
}

/// Whose mail an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventRecipient {
    /// A place in the message's list of recipients.
    Index(usize),
    /// An address, which has to be one of them.
    Address(AddrSpec),
    /// A place in the message's list, which has to be this address's.
    Copy {
        /// The place.
        index: usize,
        /// The address.
        address: AddrSpec,
    },
}

/// One thing that was learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEvent {
    /// The message.
    pub message: OperationId,
    /// The recipient.
    pub recipient: EventRecipient,
    /// What happened.
    pub kind: EventKind,
    /// When, as the source says.
    pub at: Timestamp,
    /// The SMTP reply behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// Cause and party, such as `address/recipient`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The address is not to be written to for a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suppresses: bool,
    /// The server that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_mta: Option<String>,
    /// The feedback type of a complaint (RFC 5965 section 3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_type: Option<String>,
}

/// Events that were learnt together, until they are taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBatch {
    /// Attempts to take it in that ended: 0, or 1 when it is done.
    pub attempt: u32,
    /// When it is due; `None` when it is done.
    pub due_at: Option<Timestamp>,
    /// When it was learnt.
    pub received_at: Timestamp,
    /// Who said so.
    pub source: Source,
    /// At most [`MAX_BATCH_EVENTS`].
    pub events: Vec<DeliveryEvent>,
}

impl Record for EventBatch {
    const VERSION: u32 = 2;
}

impl EventBatch {
    /// A batch that is due at `due_at`.
    #[must_use]
    pub const fn new(
        source: Source,
        events: Vec<DeliveryEvent>,
        received_at: Timestamp,
        due_at: Timestamp,
    ) -> Self {
        Self {
            attempt: 0,
            due_at: Some(due_at),
            received_at,
            source,
            events,
        }
    }

    /// The journal item that stands for taking it in, stored as `id`.
    #[must_use]
    pub fn item(&self, id: OperationId) -> Option<JournalItem> {
        self.due_at.map(|due_at| JournalItem {
            kind: WorkKind::Batch,
            id,
            attempt: self.attempt,
            due_at,
        })
    }
}

/// Names an event by what it says, so that the same thing learnt twice is one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(OperationId);

impl EventId {
    /// The event of `kind` about a recipient of a message; `number` tells apart those that can happen repeatedly.
    #[must_use]
    pub fn of(message: OperationId, recipient: usize, kind: EventKind, number: u64) -> Self {
        let text = format!("event/{message}/{recipient}/{}/{number}", kind.name());
        Self(derived_id(&text))
    }
}

impl From<OperationId> for EventId {
    fn from(id: OperationId) -> Self {
        Self(id)
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The id that follows from `text`: a UUID of version 8 (RFC 9562 section 5.8) with the start of its SHA-256.
#[must_use]
pub fn derived_id(text: &str) -> OperationId {
    derived_from(text, &[])
}

/// The id that follows from `text` and `octets` behind it, as [`derived_id`] gives it.
#[must_use]
pub fn derived_from(text: &str, octets: &[u8]) -> OperationId {
    let hash: [u8; 32] = Sha256::new_with_prefix(text)
        .chain_update(octets)
        .finalize()
        .into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(hash.first_chunk::<16>().unwrap_or(&[0; 16]));
    OperationId::from(Uuid::new_v8(bytes))
}

/// What the application is told happened to a recipient, in the words of ACS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportStatus {
    /// Taken by the recipient's server.
    Delivered,
    /// The recipient was a list, and was expanded.
    Expanded,
    /// On a suppression list, never tried.
    Suppressed,
    /// The address does not take mail.
    Bounced,
    /// Kept apart as spam or phishing.
    Quarantined,
    /// Refused as spam.
    FilteredSpam,
    /// Not delivered for another reason.
    Failed,
}

/// An event as the application is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppEvent {
    /// The same for every repeat.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// The address in the message's From field.
    pub sender: AddrSpec,
    /// The operation the message was accepted as.
    pub message: OperationId,
    /// What happened.
    pub data: EventData,
}

/// What happened, by the type of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EventData {
    /// What became of a recipient.
    DeliveryReport {
        /// Whom it was for.
        recipient: AddrSpec,
        /// What became of it.
        status: ReportStatus,
        /// The Message-ID field; absent for what was never sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        internet_message_id: Option<String>,
        /// A sentence, or the reply's text.
        status_message: String,
        /// The server that said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remote_mta: Option<String>,
        /// When the attempt that this is about was made.
        attempted_at: Timestamp,
        /// Cause and party, such as `address/recipient`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        /// The SMTP reply, in one line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply: Option<String>,
    },
    /// A recipient called the message unwanted.
    Complaint {
        /// Who did.
        recipient: AddrSpec,
        /// The Message-ID field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        internet_message_id: Option<String>,
        /// As RFC 5965 section 3.1 has it, such as `abuse`.
        feedback_type: String,
    },
    /// A recipient opened a message or followed a link, or a machine did.
    Engagement {
        /// Whose copy it was.
        recipient: AddrSpec,
        /// The Message-ID field.
        internet_message_id: String,
        /// What was done.
        kind: EngagementKind,
        /// The User-Agent field if it is kept, else the program's name.
        user_agent: String,
        /// Who did it, in the words of `audience`.
        audience: String,
        /// Why that is assumed.
        reason: String,
        /// The program, such as `Gmail`.
        family: String,
        /// What it runs on, such as `mobile`.
        class: String,
    },
    /// A recipient wants no more mail of this kind.
    Unsubscribed {
        /// Who.
        recipient: AddrSpec,
        /// The Message-ID field of the message in which that was said.
        internet_message_id: String,
        /// How it was said.
        by: UnsubscribedBy,
        /// Mail of what topic; none for all of the sender's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<Topic>,
    },
    /// A recipient who had unsubscribed wants mail of this kind again.
    Resubscribed {
        /// Who.
        recipient: AddrSpec,
        /// The Message-ID field of the message in which that was said.
        internet_message_id: String,
        /// Mail of what topic; none for all of the sender's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<Topic>,
    },
}

impl EventData {
    /// Whose copy of the message it is about.
    #[must_use]
    pub const fn recipient(&self) -> &AddrSpec {
        match self {
            Self::DeliveryReport { recipient, .. }
            | Self::Complaint { recipient, .. }
            | Self::Engagement { recipient, .. }
            | Self::Unsubscribed { recipient, .. }
            | Self::Resubscribed { recipient, .. } => recipient,
        }
    }

    /// The Message-ID field of the message; none if it was never sent.
    #[must_use]
    pub fn internet_message_id(&self) -> Option<&str> {
        match self {
            Self::DeliveryReport {
                internet_message_id: id,
                ..
            }
            | Self::Complaint {
                internet_message_id: id,
                ..
            } => id.as_deref(),
            Self::Engagement {
                internet_message_id: id,
                ..
            }
            | Self::Unsubscribed {
                internet_message_id: id,
                ..
            }
            | Self::Resubscribed {
                internet_message_id: id,
                ..
            } => Some(id),
        }
    }
}

/// What was done with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EngagementKind {
    /// The tracking image was fetched.
    View,
    /// A link was followed.
    Click {
        /// Its number among the links of the message, from 0.
        link: u16,
        /// Where it leads.
        target: String,
    },
}
