//! How far a DNS record is verified, and what a look at DNS means for that. Pure.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How long a record that was asked for is looked for by itself.
pub const LOOKED_FOR: Duration = Duration::from_hours(72);
/// How long a verified record that sending depends on may be wrong before sending stops.
pub const GRACE: Duration = Duration::from_hours(24);
/// How often a verified record is looked at, at most; a little earlier for some, so that not all come at once.
const DAILY: Duration = Duration::from_hours(24);
/// By how much of a day looks are spread.
const SPREAD: Duration = Duration::from_hours(4);
/// When a record that turned wrong is looked at again.
const HOURLY: Duration = Duration::from_hours(1);
/// When DNS is asked again after it did not answer.
const SOON: Duration = Duration::from_mins(15);
/// The first pause before a record that was asked for is looked for again; doubles up to an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// A DNS record, or group of records, that is verified on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecordKind {
    /// The TXT record that proves ownership.
    Domain,
    /// RFC 7208.
    Spf,
    /// The key record of the RSA key that signs: RFC 6376 section 3.6.
    Dkim,
    /// The key record of the RSA key that signs next.
    Dkim2,
    /// The key record of the Ed25519 key: RFC 8463.
    DkimEd25519,
    /// RFC 7489.
    Dmarc,
    /// MX and SPF of the domain of the return path.
    ReturnPath,
    /// The CNAME record of the tracking host.
    Tracking,
}

impl RecordKind {
    /// All of them, in the order an operator deals with them.
    pub const ALL: [Self; 8] = [
        Self::Domain,
        Self::Spf,
        Self::Dkim,
        Self::Dkim2,
        Self::DkimEd25519,
        Self::Dmarc,
        Self::ReturnPath,
        Self::Tracking,
    ];

    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "Domain",
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dkim2 => "DKIM2",
            Self::DkimEd25519 => "DKIMEd25519",
            Self::Dmarc => "DMARC",
            Self::ReturnPath => "ReturnPath",
            Self::Tracking => "Tracking",
        }
    }

    /// The kind of that name, as written there.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a verification stands, in Azure's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Nobody asked.
    NotStarted,
    /// Asked for, not looked at yet.
    VerificationRequested,
    /// Looked at, and DNS did not say anything certain.
    VerificationInProgress,
    /// The record is not there or wrong. It is looked for again for [`LOOKED_FOR`] after it was asked for.
    VerificationFailed,
    /// The record is there and right.
    Verified,
    /// The operator wants no more of it.
    CancellationRequested,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Stable; programs compare it.
    pub code: FaultCode,
    /// What was expected and what was found.
    pub message: String,
}

impl Fault {
    /// The fault `code`, explained.
    #[must_use]
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultCode {
    /// There is no such name in DNS (NXDOMAIN).
    DomainDoesNotExist,
    /// The name has no such record.
    RecordNotFound,
    /// There is such a record, and it says something else.
    RecordMismatch,
    /// There are several where only one may be.
    MultipleRecords,
    /// The record is not well formed.
    RecordMalformed,
    /// SPF needs more than ten look-ups, or finds nothing at more than two of them, or leads to more records than are fetched.
    TooManyLookups,
    /// SPF lets everybody send.
    PassesAll,
    /// The key record says that the key is revoked.
    KeyRevoked,
    /// The key record holds another key.
    OtherKey,
    /// There is no key to publish yet.
    NoKey,
    /// The installation has no host that a tracking host could be an alias of.
    NoTrackingUrl,
    /// The resolver failed (SERVFAIL): broken DNSSEC, or the domain's servers do not answer.
    DnsServerFailure,
    /// The resolver refused.
    DnsRefused,
    /// The resolver did not answer in time.
    DnsTimeout,
    /// The resolver cannot be reached.
    DnsUnreachable,
    /// The answer was cut short.
    DnsTruncated,
    /// The answer is about something else than what was asked.
    DnsAnswerForged,
    /// The answer cannot be read.
    DnsAnswerMalformed,
}

impl FaultCode {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DomainDoesNotExist => "DomainDoesNotExist",
            Self::RecordNotFound => "RecordNotFound",
            Self::RecordMismatch => "RecordMismatch",
            Self::MultipleRecords => "MultipleRecords",
            Self::RecordMalformed => "RecordMalformed",
            Self::TooManyLookups => "TooManyLookups",
            Self::PassesAll => "PassesAll",
            Self::KeyRevoked => "KeyRevoked",
            Self::OtherKey => "OtherKey",
            Self::NoKey => "NoKey",
            Self::NoTrackingUrl => "NoTrackingUrl",
            Self::DnsServerFailure => "DnsServerFailure",
            Self::DnsRefused => "DnsRefused",
            Self::DnsTimeout => "DnsTimeout",
            Self::DnsUnreachable => "DnsUnreachable",
            Self::DnsTruncated => "DnsTruncated",
            Self::DnsAnswerForged => "DnsAnswerForged",
            Self::DnsAnswerMalformed => "DnsAnswerMalformed",
        }
    }
}

/// What a look at DNS came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the record is right.
    pub result: FindingResult,
    /// How long DNS will give the same answer.
    pub ttl: Duration,
}

/// Whether a record is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingResult {
    /// It is there and right. With a remark, if something could be better.
    Confirmed(Option<String>),
    /// It is not there, or wrong.
    Refuted(Fault),
    /// DNS did not say: nothing is taken back because of that.
    Unknown(Fault),
}

/// How far one record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Where it stands.
    pub status: Status,
    /// What was wrong at the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What could be better, though it is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// When the operator asked for it.
    pub requested_at: Timestamp,
    /// When it was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Since when a record that was verified is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Looks since it was asked for.
    pub looks: u32,
    /// When to look again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// What changed for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It became verified.
    Verified,
    /// It was not there or wrong at the first look, or DNS did not say for as long as it was asked.
    Failed,
    /// It was verified and is wrong now; nothing is stopped yet.
    Warned,
    /// It was wrong and is right again before anything was stopped.
    Recovered,
    /// It was verified, and was wrong for too long.
    Lost,
}

/// The circumstances of a look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// When it was made.
    pub now: Timestamp,
    /// Whether a verified record may be wrong for [`GRACE`].
    pub has_grace: bool,
    /// Evenly spread over all `u32`.
    pub jitter: u32,
}

impl Verification {
    /// A verification that was just asked for.
    #[must_use]
    pub const fn requested(now: Timestamp) -> Self {
        Self {
            status: Status::VerificationRequested,
            fault: None,
            remark: None,
            requested_at: now,
            checked_at: None,
            failing_since: None,
            looks: 0,
            next_at: Some(now),
        }
    }

    /// A record that needs no look, because it was seen this instant.
    #[must_use]
    pub fn seen(now: Timestamp) -> Self {
        Self {
            status: Status::Verified,
            checked_at: Some(now),
            next_at: Some(now.plus(DAILY)),
            ..Self::requested(now)
        }
    }

    /// The verification after a look at DNS, and what changed for the operator.
    #[must_use]
    pub fn after(&self, finding: &Finding, look: Look) -> (Self, Option<Turn>) {
        let mut next = self.clone();
        next.looks = self.looks.saturating_add(1);
        next.checked_at = Some(look.now);
        let turn = match &finding.result {
            FindingResult::Confirmed(remark) => next.confirm(remark.clone()),
            FindingResult::Refuted(fault) => next.refute(fault, look),
            FindingResult::Unknown(fault) => next.leave_open(fault),
        };
        next.next_at = next.next_look(finding, look);
        let turn = if next.next_at.is_none() {
            turn.or_else(|| next.give_up())
        } else {
            turn
        };
        (next, turn)
    }

    /// Ends a verification about which DNS never said anything; the fault says how it failed to.
    fn give_up(&mut self) -> Option<Turn> {
        let is_open = self.status == Status::VerificationInProgress;
        is_open.then(|| {
            self.status = Status::VerificationFailed;
            Turn::Failed
        })
    }

    fn confirm(&mut self, remark: Option<String>) -> Option<Turn> {
        self.fault = None;
        self.remark = remark;
        let was_failing = self.failing_since.take().is_some();
        let was_verified = std::mem::replace(&mut self.status, Status::Verified);
        match was_verified {
            Status::Verified if was_failing => Some(Turn::Recovered),
            Status::Verified => None,
            _ => Some(Turn::Verified),
        }
    }

    fn refute(&mut self, fault: &Fault, look: Look) -> Option<Turn> {
        self.fault = Some(fault.clone());
        self.remark = None;
        let was_verified = self.status == Status::Verified;
        if was_verified && look.has_grace {
            let Some(since) = self.failing_since else {
                self.failing_since = Some(look.now);
                return Some(Turn::Warned);
            };
            if look.now.since(since) < GRACE {
                return None;
            }
        }
        self.failing_since = None;
        // Lost records are looked for as if they had been asked for now.
        if was_verified {
            self.requested_at = look.now;
            self.looks = 0;
        }
        let before = std::mem::replace(&mut self.status, Status::VerificationFailed);
        match before {
            Status::Verified => Some(Turn::Lost),
            Status::VerificationFailed => None,
            _ => Some(Turn::Failed),
        }
    }

    fn leave_open(&mut self, fault: &Fault) -> Option<Turn> {
        match self.status {
            // What was found out before stands.
            Status::Verified | Status::VerificationFailed => {}
            _ => {
                self.status = Status::VerificationInProgress;
                self.fault = Some(fault.clone());
            }
        }
        None
    }

    fn next_look(&self, finding: &Finding, look: Look) -> Option<Timestamp> {
        let is_open = matches!(finding.result, FindingResult::Unknown(_));
        let pause = match self.status {
            Status::Verified if is_open => SOON,
            Status::Verified if self.failing_since.is_some() => HOURLY,
            Status::Verified => DAILY - share(SPREAD, look.jitter),
            _ if look.now.since(self.requested_at) >= LOOKED_FOR => return None,
            _ => FIRST_PAUSE
                .saturating_mul(1 << self.looks.clamp(1, 8).saturating_sub(1))
                .min(HOURLY),
        };
        // Asking before that gives the same answer. An operator who mended a record should not have to wait longer, though.
        let ttl = if self.status == Status::Verified {
            Duration::ZERO
        } else {
            finding.ttl.min(HOURLY)
        };
        Some(look.now.plus(pause.max(ttl)))
    }
}

/// The part of `whole` that `jitter` is of all `u32`.
fn share(whole: Duration, jitter: u32) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis.saturating_mul(u64::from(jitter)) >> 32)
}
