//! The history of a domain: one event for each change that matters to its operator.

use serde::{Deserialize, Serialize};

use super::verification::RecordKind;
use crate::keys::{self, Record};
use crate::ports::{KeyValue, StoreError};
use crate::time::Timestamp;
use envelope::Domain;

/// Most events of one page.
pub const MAX_PAGE: u64 = 100;

/// One change of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was noted.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The DNS record it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordKind>,
    /// The particulars, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Record for Event {
    const VERSION: u32 = 3;
}

/// What happened to a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// The domain was added, or added again.
    DomainAdded,
    /// The domain was deleted.
    DomainDeleted,
    /// Mail may be sent from it.
    DomainLinked,
    /// Mail may no longer be sent from it.
    DomainUnlinked,
    /// The return path shall be at another domain.
    ReturnPathChanged,
    /// Opens and clicks of its mail are tracked.
    TrackingEnabled,
    /// Opens and clicks of its mail are no longer tracked.
    TrackingDisabled,
    /// Links of its mail shall lead through another host, or none of its own.
    TrackingHostChanged,
    /// Its mail is bulk mail unless a message says otherwise, or is so no longer.
    BulkByDefaultChanged,
    /// A verification was asked for.
    VerificationRequested,
    /// A verification was called off.
    VerificationCancelled,
    /// A record became verified.
    Verified,
    /// A record was not there or wrong, or DNS did not say for as long as it was asked.
    VerificationFailed,
    /// A verified record is wrong now.
    VerificationWarning,
    /// A record that was wrong is right again.
    VerificationRecovered,
    /// All that sending needs is verified.
    SendingStarted,
    /// Something that sending needs is no longer verified.
    SendingStopped,
    /// A key was made or imported.
    KeyAdded,
    /// A key was seen in DNS.
    KeyPublished,
    /// A key that was seen in DNS is there no longer: it does not sign until it is again.
    KeyMissing,
    /// A key began to sign.
    KeyActivated,
    /// A key stopped signing; its DNS record has to stay for now.
    KeyRetired,
    /// A key's private half was destroyed; its DNS record should be removed.
    KeyRevoked,
    /// A sender username was added or changed.
    SenderSet,
    /// A sender username was removed.
    SenderRemoved,
}

impl EventKind {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DomainAdded => "DomainAdded",
            Self::DomainDeleted => "DomainDeleted",
            Self::DomainLinked => "DomainLinked",
            Self::DomainUnlinked => "DomainUnlinked",
            Self::ReturnPathChanged => "ReturnPathChanged",
            Self::TrackingEnabled => "TrackingEnabled",
            Self::TrackingDisabled => "TrackingDisabled",
            Self::TrackingHostChanged => "TrackingHostChanged",
            Self::BulkByDefaultChanged => "BulkByDefaultChanged",
            Self::VerificationRequested => "VerificationRequested",
            Self::VerificationCancelled => "VerificationCancelled",
            Self::Verified => "Verified",
            Self::VerificationFailed => "VerificationFailed",
            Self::VerificationWarning => "VerificationWarning",
            Self::VerificationRecovered => "VerificationRecovered",
            Self::SendingStarted => "SendingStarted",
            Self::SendingStopped => "SendingStopped",
            Self::KeyAdded => "KeyAdded",
            Self::KeyPublished => "KeyPublished",
            Self::KeyMissing => "KeyMissing",
            Self::KeyActivated => "KeyActivated",
            Self::KeyRetired => "KeyRetired",
            Self::KeyRevoked => "KeyRevoked",
            Self::SenderSet => "SenderSet",
            Self::SenderRemoved => "SenderRemoved",
        }
    }
}

/// A page of events, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The events.
    pub events: Vec<Event>,
    /// The `before` of the next page, if there is one.
    pub next_before: Option<u64>,
}

/// The events of `domain` before the number `before`, the newest first, `total` being how many there are.
///
/// # Errors
/// When the store does not answer.
pub async fn page(
    store: &impl KeyValue,
    domain: &Domain,
    total: u64,
    before: Option<u64>,
) -> Result<HistoryPage, StoreError> {
    let end = before.unwrap_or(total).min(total);
    let start = end.saturating_sub(MAX_PAGE);
    let mut events = Vec::new();
    for n in (start..end).rev() {
        events.extend(keys::domain_event(domain, n).read(store).await?);
    }
    Ok(HistoryPage {
        events,
        next_before: (start > 0).then_some(start),
    })
}
