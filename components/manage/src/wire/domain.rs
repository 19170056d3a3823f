//! A domain, as the operator sees it.

use std::collections::BTreeMap;

use mailer::domain::key_change::removable_records;
use mailer::domain::record::{self, DomainKey, DomainRecord, KeyState, Management};
use mailer::domain::requirement::{DnsRecord, TTL_SECS};
use mailer::domain::verification::{RecordKind, Status, Verification};
use mailer::domain::{Installation, SenderUsername};
use mailer::time::Timestamp;
use serde::Serialize;

use super::UserEngagementTracking;

/// One domain.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Domain {
    name: String,
    domain_management: &'static str,
    provisioning_state: &'static str,
    from_sender_domain: String,
    /// The domain of the return path now.
    mail_from_sender_domain: Option<String>,
    linked: bool,
    /// Whether mail may be sent from it now.
    can_send: bool,
    /// The record that keeps it from sending.
    waiting_for: Option<&'static str>,
    user_engagement_tracking: UserEngagementTracking,
    bulk_by_default: bool,
    tracking_host: Option<String>,
    /// Where links in mail that is sent now lead. Without one nothing is tracked, whatever is said above.
    link_origin: Option<String>,
    sender_usernames: Vec<Sender>,
    verification_states: BTreeMap<&'static str, State>,
    verification_records: BTreeMap<&'static str, Record>,
    dkim_keys: Vec<Key>,
    /// Records of revoked keys: to be removed from DNS.
    removable_records: Vec<Record>,
    created_at: String,
}

/// A sender username.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sender {
    username: String,
    display_name: Option<String>,
}

/// Where a verification stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    status: &'static str,
    error_code: Option<&'static str>,
    message: Option<String>,
    last_checked_at: Option<String>,
    failing_since: Option<String>,
}

/// A DNS record.
#[derive(Serialize)]
struct Record {
    r#type: &'static str,
    name: String,
    value: String,
    ttl: u32,
}

/// A signing key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    selector: String,
    algorithm: &'static str,
    state: &'static str,
    since: String,
}

impl Domain {
    pub(crate) fn new(record: &DomainRecord, installation: &Installation, now: Timestamp) -> Self {
        let name = record.domain.to_string();
        let waiting_for = record.missing_to_send();
        Self {
            domain_management: match record.management {
                Management::Managed => "ServiceManaged",
                Management::Customer => "CustomerManaged",
            },
            provisioning_state: match record.making {
                None => "Succeeded",
                // Until the tick takes it up.
                Some(_) if record.is_making_cut_off(now) => "Failed",
                Some(_) => "Creating",
            },
            from_sender_domain: name.clone(),
            mail_from_sender_domain: record
                .return_path_now(installation)
                .map(|domain| domain.to_string()),
            linked: record.linked,
            can_send: record.linked && waiting_for.is_none(),
            waiting_for: waiting_for.map(RecordKind::as_str),
            user_engagement_tracking: record.tracks_engagement.into(),
            bulk_by_default: record.bulk_by_default,
            tracking_host: record.tracking_host.as_ref().map(ToString::to_string),
            link_origin: record.link_origin(installation),
            sender_usernames: record.senders.iter().map(Sender::from).collect(),
            verification_states: states(record),
            verification_records: records(record, installation),
            dkim_keys: record.keys.iter().map(Key::from).collect(),
            removable_records: removable_records(record)
                .into_iter()
                .map(Record::from)
                .collect(),
            created_at: record.created_at.to_rfc3339(),
            name,
        }
    }
}

fn states(record: &DomainRecord) -> BTreeMap<&'static str, State> {
    let state = |kind: RecordKind| (kind.as_str(), State::new(record, kind));
    RecordKind::ALL.into_iter().map(state).collect()
}

fn records(record: &DomainRecord, installation: &Installation) -> BTreeMap<&'static str, Record> {
    let mut records = BTreeMap::new();
    for kind in RecordKind::ALL {
        let mut of_kind = record.records_of(kind, installation).into_iter();
        if let Some(first) = of_kind.next() {
            records.insert(kind.as_str(), Record::from(first));
        }
        // Only the return path has two.
        if let Some(second) = of_kind.next() {
            records.insert("ReturnPathSPF", Record::from(second));
        }
    }
    records
}

impl State {
    fn new(record: &DomainRecord, kind: RecordKind) -> Self {
        let found = record.verifications.get(&kind);
        let fault = found.and_then(|found| found.fault.as_ref());
        let remark = found.and_then(|found| found.remark.clone());
        Self {
            // A managed domain is born verified.
            status: match found {
                None if record.is_verified(kind) => status(Status::Verified),
                None => status(Status::NotStarted),
                Some(found) => status(found.status),
            },
            error_code: fault.map(|fault| fault.code.as_str()),
            message: fault.map(|fault| fault.message.clone()).or(remark),
            last_checked_at: time(found, |found| found.checked_at),
            failing_since: time(found, |found| found.failing_since),
        }
    }
}

fn time(
    found: Option<&Verification>,
    get: impl Fn(&Verification) -> Option<Timestamp>,
) -> Option<String> {
    found.and_then(get).map(Timestamp::to_rfc3339)
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::NotStarted => "NotStarted",
        Status::VerificationRequested => "VerificationRequested",
        Status::VerificationInProgress => "VerificationInProgress",
        Status::VerificationFailed => "VerificationFailed",
        Status::Verified => "Verified",
        Status::CancellationRequested => "CancellationRequested",
    }
}

impl From<&SenderUsername> for Sender {
    fn from(sender: &SenderUsername) -> Self {
        Self {
            username: sender.username.clone(),
            display_name: sender.display_name.clone(),
        }
    }
}

impl From<DnsRecord> for Record {
    fn from(record: DnsRecord) -> Self {
        Self {
            r#type: record.record_type,
            name: record.name,
            value: record.value,
            ttl: TTL_SECS,
        }
    }
}

impl From<&DomainKey> for Key {
    fn from(key: &DomainKey) -> Self {
        let algorithm: record::Algorithm = key.algorithm;
        Self {
            selector: key.selector.clone(),
            algorithm: algorithm.as_str(),
            state: match key.state {
                KeyState::Pending => "pending",
                KeyState::Published => "published",
                KeyState::Active => "active",
                KeyState::Retiring => "retiring",
                KeyState::Revoked => "revoked",
            },
            since: key.since.to_rfc3339(),
        }
    }
}
