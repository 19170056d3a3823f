//! What is stored of a sender domain.

use std::collections::BTreeMap;

use dkim::SigningAlgorithm;
use envelope::{Domain, LocalPart};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::verification::{RecordKind, Status, Verification};
use crate::keys::Record;
use crate::operation::OperationId;
use crate::time::Timestamp;

/// The sender every domain has from the start.
pub const DEFAULT_SENDER: &str = "DoNotReply";

/// A domain that mail may be sent from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRecord {
    /// The domain.
    pub domain: Domain,
    /// Who looks after its DNS.
    pub management: Management,
    /// Whether mail may be sent from it, once it is verified.
    pub linked: bool,
    /// Who may send from it.
    pub senders: Vec<SenderUsername>,
    /// Every key that was not forgotten yet, the oldest first. Version 1 had one, which signed.
    #[serde(alias = "active_key", deserialize_with = "keys_of_any_version")]
    pub keys: Vec<DomainKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What the ownership record has to say.
    #[serde(default)]
    pub ownership_token: String,
    /// Where its return path shall be, once that is verified: the domain itself or one below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_path: Option<Domain>,
    /// Whether opens and clicks of its mail are tracked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tracks_engagement: bool,
    /// Whether its mail is bulk mail unless a message says otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bulk_by_default: bool,
    /// The host that links in its mail lead through, once that is verified: one below the domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_host: Option<Domain>,
    /// How far each DNS record is; what is not in it was never looked at.
    #[serde(default)]
    pub verifications: BTreeMap<RecordKind, Verification>,
    /// Keys being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub making: Option<KeyMaking>,
    /// The last making of keys that came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<OperationId>,
    /// How many events its history has.
    #[serde(default)]
    pub events: u64,
    /// Its place in the index, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
    /// When it was deleted: its keys go on signing what was accepted before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Record for DomainRecord {
    const VERSION: u32 = 4;
}

/// Who looks after a domain's DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Management {
    /// A subdomain of the operator's, made by this service.
    Managed,
    /// A domain brought by its owner, who publishes its records.
    Customer,
}

/// A local part that mail may be sent from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderUsername {
    /// The local part; compared without regard to letter case.
    pub username: String,
    /// The display name of messages that bring none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

impl SenderUsername {
    /// The sender every domain has from the start.
    #[must_use]
    pub fn default_sender() -> Self {
        Self {
            username: DEFAULT_SENDER.to_owned(),
            display_name: None,
        }
    }
}

/// One signing key: its public half, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainKey {
    /// The selector it is published under.
    pub selector: String,
    /// Always 1 so far: no key takes the selector of another while the domain remembers that one.
    pub version: u32,
    /// The TXT record to publish.
    pub record: String,
    /// What it signs with.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Where it stands.
    pub state: KeyState,
    /// Since when.
    pub since: Timestamp,
    /// Whether it signed once, so that its public half is needed for a while. Older versions did not say: see [`Self::ever_signed`].
    #[serde(default)]
    pub has_signed: bool,
}

impl DomainKey {
    /// Whether it signs or did once.
    #[must_use]
    pub const fn ever_signed(&self) -> bool {
        self.has_signed || matches!(self.state, KeyState::Active | KeyState::Retiring)
    }
}

/// What a key signs with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// RFC 6376 section 3.3.2.
    #[default]
    RsaSha256,
    /// RFC 8463.
    Ed25519Sha256,
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::RsaSha256 => Self::RsaSha256,
            SigningAlgorithm::Ed25519Sha256 => Self::Ed25519Sha256,
        }
    }
}

impl Algorithm {
    /// As in the tag `a=`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsaSha256 => SigningAlgorithm::RsaSha256.as_str(),
            Self::Ed25519Sha256 => SigningAlgorithm::Ed25519Sha256.as_str(),
        }
    }
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// Made, and not seen in DNS.
    Pending,
    /// Seen in DNS, and not signing.
    Published,
    /// Signs.
    Active,
    /// Signs no more; stays published for what it signed.
    Retiring,
    /// Its private half is gone; its DNS record should be removed.
    Revoked,
}

/// Keys being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMaking {
    /// What the operator polls.
    pub operation: OperationId,
    /// Given up at this time: its instance was stopped.
    pub until: Timestamp,
    /// A key to make although the domain could do without: the next one of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_of: Option<Algorithm>,
}

/// A private key that only the holder of the master key can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// The version it belongs to.
    pub version: u32,
    /// See [`crate::keyring::MasterKey::seal`]. Empty once the key was revoked.
    pub sealed: String,
}

impl SealedKey {
    /// What is written over a key that must not be read any more, in case its deletion is lost.
    pub(super) const fn destroyed() -> Self {
        Self {
            version: 1,
            sealed: String::new(),
        }
    }
}

impl Record for SealedKey {
    const VERSION: u32 = 1;
}

/// A sender that may not send.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SenderError {
    /// Nobody linked the domain, or there is no such domain.
    #[error("The specified sender domain has not been linked.")]
    DomainNotLinked,
    /// A DNS record without which nothing is sent is not verified.
    #[error(
        "The specified sender domain may not send: its {} record is not verified.",
        .0.as_str()
    )]
    DomainNotVerified(RecordKind),
    /// The domain has no such sender username.
    #[error("Invalid email sender username")]
    UnknownUsername,
}

/// Nothing is sent from a customer's domain unless all of these are verified.
const NEEDED_TO_SEND: [RecordKind; 3] = [RecordKind::Domain, RecordKind::Spf, RecordKind::Dkim];

impl RecordKind {
    /// Whether mail may be sent without it.
    #[must_use]
    pub fn is_needed_to_send(self) -> bool {
        NEEDED_TO_SEND.contains(&self)
    }
}

impl DomainRecord {
    /// A domain with nothing but its name and its default sender.
    #[must_use]
    pub fn new(domain: Domain, management: Management, now: Timestamp) -> Self {
        Self {
            domain,
            management,
            linked: true,
            senders: vec![SenderUsername::default_sender()],
            keys: Vec::new(),
            created_at: now,
            ownership_token: String::new(),
            return_path: None,
            tracks_engagement: false,
            bulk_by_default: false,
            tracking_host: None,
            verifications: BTreeMap::new(),
            making: None,
            made: None,
            events: 0,
            slot: None,
            deleted_at: None,
        }
    }

    /// Where the verification of a record stands.
    #[must_use]
    pub fn status(&self, kind: RecordKind) -> Status {
        self.verifications
            .get(&kind)
            .map_or(Status::NotStarted, |verification| verification.status)
    }

    /// Whether a record is verified, or needs no verification because the domain is the service's own.
    #[must_use]
    pub fn is_verified(&self, kind: RecordKind) -> bool {
        let is_our_own = self.management == Management::Managed && kind.is_needed_to_send();
        is_our_own || self.status(kind) == Status::Verified
    }

    /// The first record that keeps mail from being sent.
    #[must_use]
    pub fn missing_to_send(&self) -> Option<RecordKind> {
        NEEDED_TO_SEND
            .into_iter()
            .find(|kind| !self.is_verified(*kind))
    }

    /// Whether a making of keys ran out of its time.
    #[must_use]
    pub fn is_making_cut_off(&self, now: Timestamp) -> bool {
        self.making.is_some_and(|making| now >= making.until)
    }

    /// The sender username for `local_part`.
    ///
    /// # Errors
    /// When the domain is not linked, not verified, or has no such username.
    pub fn sender(&self, local_part: &LocalPart) -> Result<&SenderUsername, SenderError> {
        if !self.linked || self.deleted_at.is_some() {
            return Err(SenderError::DomainNotLinked);
        }
        if let Some(kind) = self.missing_to_send() {
            return Err(SenderError::DomainNotVerified(kind));
        }
        self.find_sender(local_part.content())
            .ok_or(SenderError::UnknownUsername)
    }

    /// The sender username spelt `username`, in any letter case.
    #[must_use]
    pub fn find_sender(&self, username: &str) -> Option<&SenderUsername> {
        self.senders
            .iter()
            .find(|sender| sender.username.eq_ignore_ascii_case(username))
    }

    /// The keys that sign now: one of RSA, and one of Ed25519 when that is verified too.
    pub fn signing_keys(&self) -> impl Iterator<Item = &DomainKey> {
        self.keys.iter().filter(|key| key.state == KeyState::Active)
    }

    /// The key of `algorithm` that signs, or will be the first to.
    #[must_use]
    pub fn current_key(&self, algorithm: Algorithm) -> Option<&DomainKey> {
        let mut usable = self.usable_keys(algorithm);
        let active = usable.clone().find(|key| key.state == KeyState::Active);
        active.or_else(|| usable.next())
    }

    /// The key of `algorithm` that takes over at the next rotation.
    #[must_use]
    pub fn next_key(&self, algorithm: Algorithm) -> Option<&DomainKey> {
        let current = self.current_key(algorithm)?;
        self.usable_keys(algorithm)
            .find(|key| key.selector != current.selector)
    }

    fn usable_keys(&self, algorithm: Algorithm) -> impl Iterator<Item = &DomainKey> + Clone {
        self.keys.iter().filter(move |key| {
            key.algorithm == algorithm
                && matches!(
                    key.state,
                    KeyState::Pending | KeyState::Published | KeyState::Active
                )
        })
    }

    /// The key under `selector`, unless it was revoked.
    #[must_use]
    pub fn key(&self, selector: &str) -> Option<&DomainKey> {
        self.keys
            .iter()
            .find(|key| key.selector == selector && key.state != KeyState::Revoked)
    }
}

/// Version 1 had a single key, which signed.
fn keys_of_any_version<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<DomainKey>, D::Error> {
    #[derive(Deserialize)]
    struct ActiveKey {
        selector: String,
        version: u32,
        record: String,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Keys {
        All(Vec<DomainKey>),
        Active(ActiveKey),
    }
    Ok(match Keys::deserialize(deserializer)? {
        Keys::All(keys) => keys,
        Keys::Active(key) => vec![DomainKey {
            selector: key.selector,
            version: key.version,
            record: key.record,
            algorithm: Algorithm::RsaSha256,
            state: KeyState::Active,
            since: Timestamp::from_millis(0),
            has_signed: true,
        }],
    })
}
