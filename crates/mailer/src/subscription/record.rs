//! The record of all subscriptions.

use std::fmt;
use std::str::FromStr;

use envelope::{AddrSpec, Domain};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::secret::SealedSecret;
use super::validation::PendingValidation;
use crate::event::{AppEvent, EventData};
use crate::keys::Record;
use crate::operation::{OperationId, ParseOperationIdError};
use crate::ports::Entropy;
use crate::time::Timestamp;

/// Most subscriptions of an installation.
pub const MAX_SUBSCRIPTIONS: usize = 100;
/// Most events one notification may tell of.
pub const MAX_BATCH_SIZE: u32 = 100;
/// Longest name, in octets.
pub const MAX_NAME_OCTETS: usize = 64;
/// Most sender domains of a filter, and most sender addresses.
pub const MAX_FILTER_ENTRIES: usize = 20;

/// Names a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriptionId(OperationId);

impl SubscriptionId {
    /// A fresh random id.
    #[must_use]
    pub fn random(entropy: &impl Entropy) -> Self {
        Self(OperationId::random(entropy))
    }
}

impl FromStr for SubscriptionId {
    type Err = ParseOperationIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All subscriptions, in the order they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriptions {
    /// At most [`MAX_SUBSCRIPTIONS`].
    pub all: Vec<Subscription>,
}

impl Record for Subscriptions {
    // 2 since filters may name events of unsubscribing.
    const VERSION: u32 = 2;
}

impl Subscriptions {
    /// The subscription `id`, if there is one.
    #[must_use]
    pub fn find(&self, id: SubscriptionId) -> Option<&Subscription> {
        self.all.iter().find(|subscription| subscription.id == id)
    }
}

/// One endpoint that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its name in URLs.
    pub id: SubscriptionId,
    /// What its owner calls it; stands in `aeg-subscription-name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whom to tell.
    pub endpoint: Endpoint,
    /// In which form.
    pub schema: Schema,
    /// Of what.
    pub filter: Filter,
    /// Most events of one notification.
    pub batch_size: u32,
    /// Whether it is told now.
    pub state: SubscriptionState,
    /// It was [`SubscriptionState::Active`] before: what happens while its new endpoint is validated is kept for it.
    pub was_active: bool,
    /// The validation under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<PendingValidation>,
    /// One or two: the current one, then the one before it.
    pub secrets: Vec<SealedSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Subscription {
    /// Whether notifications are made for it, to be sent now or when it is active again.
    #[must_use]
    pub const fn collects(&self) -> bool {
        match self.state {
            SubscriptionState::Active | SubscriptionState::Paused { .. } => true,
            SubscriptionState::AwaitingValidation => self.was_active,
            SubscriptionState::Ended { .. } => false,
        }
    }

    /// The secrets that sign at `now`.
    pub fn live_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SealedSecret> {
        self.secrets
            .iter()
            .filter(move |secret| secret.is_live(now))
    }

    /// What names it in header fields: its name, or its id.
    #[must_use]
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }
}

/// The form in which events are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schema {
    /// The Event Grid schema.
    EventGrid,
    /// `CloudEvents` 1.0.
    CloudEvents,
}

/// Whether a subscription is told of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// Its endpoint has not said yet that it wants to be one.
    AwaitingValidation,
    /// It is.
    Active,
    /// Its owner wants it to wait.
    Paused {
        /// Since when.
        since: Timestamp,
    },
    /// It is told nothing any more.
    Ended {
        /// When that began.
        at: Timestamp,
        /// Why.
        reason: EndReason,
    },
}

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// Its endpoint answered 410.
    Gone,
}

/// What a subscription wants to hear of. An empty list restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The types of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<EventType>,
    /// The domains of senders. If there are sender addresses too, either may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sender_domains: Vec<Domain>,
    /// The addresses of senders, compared in their canonical form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sender_addresses: Vec<AddrSpec>,
}

impl Filter {
    /// Whether `event` is to be told.
    #[must_use]
    pub fn matches(&self, event: &AppEvent) -> bool {
        self.wants_type(EventType::of(&event.data)) && self.wants_sender(&event.sender)
    }

    fn wants_type(&self, event_type: EventType) -> bool {
        self.event_types.is_empty() || self.event_types.contains(&event_type)
    }

    fn wants_sender(&self, sender: &AddrSpec) -> bool {
        if self.sender_domains.is_empty() && self.sender_addresses.is_empty() {
            return true;
        }
        let canonical = sender.canonical();
        self.sender_domains.contains(sender.domain())
            || self
                .sender_addresses
                .iter()
                .any(|wanted| wanted.canonical() == canonical)
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventType {
    /// What became of a recipient.
    DeliveryReport,
    /// What a recipient did with a message.
    Engagement,
    /// A recipient called a message unwanted. ACS has no such event.
    Complaint,
    /// A recipient wants no more mail of a kind. ACS has no such event.
    Unsubscribe,
    /// A recipient wants it again. ACS has no such event.
    Resubscribe,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::DeliveryReport,
        Self::Engagement,
        Self::Complaint,
        Self::Unsubscribe,
        Self::Resubscribe,
    ];

    /// The type of an event.
    #[must_use]
    pub const fn of(data: &EventData) -> Self {
        match data {
            EventData::DeliveryReport { .. } => Self::DeliveryReport,
            EventData::Complaint { .. } => Self::Complaint,
            EventData::Engagement { .. } => Self::Engagement,
            EventData::Unsubscribed { .. } => Self::Unsubscribe,
            EventData::Resubscribed { .. } => Self::Resubscribe,
        }
    }

    /// Its name in events and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeliveryReport => "Microsoft.Communication.EmailDeliveryReportReceived",
            Self::Engagement => "Microsoft.Communication.EmailEngagementTrackingReportReceived",
            Self::Complaint => "Sendlet.EmailComplaintReceived",
            Self::Unsubscribe => "Sendlet.EmailUnsubscribed",
            Self::Resubscribe => "Sendlet.EmailResubscribed",
        }
    }

    /// The type of this name, whatever its letter case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event_type| event_type.name().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventId, EventKind, ReportStatus};

    fn event(sender: &str) -> AppEvent {
        let message = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34".parse().unwrap();
        AppEvent {
            id: EventId::of(message, 0, EventKind::Delivered, 0),
            at: Timestamp::from_millis(0),
            sender: AddrSpec::parse(sender).unwrap(),
            message,
            data: EventData::DeliveryReport {
                recipient: AddrSpec::parse("bob@example.org").unwrap(),
                status: ReportStatus::Delivered,
                internet_message_id: None,
                status_message: String::new(),
                remote_mta: None,
                attempted_at: Timestamp::from_millis(0),
                cause: None,
                reply: None,
            },
        }
    }

    #[track_caller]
    fn check(types: &[EventType], domains: &[&str], addresses: &[&str], expected: bool) {
        let filter = Filter {
            event_types: types.to_vec(),
            sender_domains: domains.iter().map(|d| Domain::parse(d).unwrap()).collect(),
            sender_addresses: addresses
                .iter()
                .map(|a| AddrSpec::parse(a).unwrap())
                .collect(),
        };
        assert_eq!(filter.matches(&event("news@shop.example.com")), expected);
    }

    #[test]
    fn an_empty_list_restricts_nothing_and_of_senders_either_list_may_match() {
        check(&[], &[], &[], true);
        check(&[EventType::DeliveryReport], &[], &[], true);
        check(&[EventType::Engagement], &[], &[], false);
        check(&[], &["shop.example.com"], &[], true);
        check(&[], &["SHOP.example.com"], &[], true);
        check(&[], &["example.com"], &[], false);
        check(&[], &[], &["news@shop.example.com"], true);
        check(&[], &[], &["news@SHOP.example.com"], true);
        check(&[], &[], &["other@shop.example.com"], false);
        check(&[], &["a.example"], &["news@shop.example.com"], true);
        check(
            &[EventType::Complaint],
            &["shop.example.com"],
            &["news@shop.example.com"],
            false,
        );
    }

    #[test]
    fn names_of_types_are_read_in_any_letter_case() {
        for event_type in EventType::ALL {
            let upper = event_type.name().to_uppercase();
            assert_eq!(EventType::parse(&upper), Some(event_type));
        }
        assert_eq!(EventType::parse("Microsoft.Communication.Other"), None);
    }
}
