//! Domains an operator brings: added, changed, verified, deleted.

use envelope::Domain;

use super::edit::{self, DomainError, Draft, edit};
use super::history::EventKind;
use super::index::{self, DomainSlot};
use super::inquiry::Inquiry;
use super::key_change::{self, MAKING_TIMEOUT};
use super::name::{self, is_within};
use super::observation::observe;
use super::record::{DomainKey, DomainRecord, KeyMaking, Management};
use super::requirement::{Installation, RETURN_PATH_LABEL};
use super::tracking::{check_hosts, tracking_host};
use super::verification::{Finding, FindingResult, Look, RecordKind, Status, Turn, Verification};
use crate::keys;
use crate::operation::OperationId;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler};
use crate::time::Timestamp;

/// What an operator says of a domain he adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDomain {
    /// Mail may be sent from it as soon as it is verified.
    pub linked: bool,
    /// The domain of the return path; `bounces` below the domain when not said.
    pub return_path: Option<String>,
    /// What is to be known of its readers.
    pub engagement: Engagement,
}

/// What an operator says of the engagement of a domain's readers. What is `None` stays as it is, and at first is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engagement {
    /// Whether opens and clicks are tracked.
    pub is_tracked: Option<bool>,
    /// Whether mail is bulk mail unless a message says otherwise.
    pub bulk_by_default: Option<bool>,
    /// The host that links lead through, `Some(None)` to have none.
    pub tracking_host: Option<Option<String>>,
}

/// Adds the domain `text`. Its keys are still to be made, with [`key_change::make_keys`], under the operation in the record.
///
/// A domain that was added before is refused, unless the making of its first keys was cut off: then that begins anew. A domain that was
/// deleted keeps the keys it has, and is verified anew.
///
/// # Errors
/// When the name cannot be held or is held already, somebody else adds it this instant, or the store does not answer.
pub async fn add<P>(
    ports: &P,
    installation: &Installation,
    text: &str,
    new: NewDomain,
) -> Result<DomainRecord, DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let domain = name::admit(text, installation)?;
    let hosts = Hosts::of(&domain, &new)?;
    let found = keys::domain(&domain).read(ports).await?;
    let is_cut_off = |record: &DomainRecord| is_cut_off(record, ports.now());
    if found
        .as_ref()
        .is_some_and(|record| record.deleted_at.is_none() && !is_cut_off(record))
    {
        return Err(DomainError::AlreadyExists);
    }
    let slot = match found.and_then(|record| record.slot) {
        Some(slot) => slot,
        None => index::take_slot(ports).await?,
    };
    let fresh = Fresh {
        slot,
        hosts,
        new,
        token: OperationId::random(ports).to_string(),
        operation: OperationId::random(ports),
    };
    let slot_write = keys::domain_slot(slot).write(&DomainSlot {
        domain: domain.clone(),
    })?;
    edit::create(ports, &domain, slot_write, |found, now| {
        fresh.into_record(&domain, found, now)
    })
    .await
}

/// Whether the keys it began with were never made. A later making that is cut off is taken up by the tick.
fn is_cut_off(record: &DomainRecord, now: Timestamp) -> bool {
    record.is_making_cut_off(now) && !record.keys.iter().any(DomainKey::ever_signed)
}

fn return_path(domain: &Domain, text: &str) -> Result<Domain, DomainError> {
    Domain::parse(text)
        .ok()
        .filter(|path| is_within(path, domain))
        .ok_or_else(|| DomainError::ReturnPath(domain.clone()))
}

/// The names below a domain that have records of their own.
struct Hosts {
    return_path: Option<Domain>,
    tracking_host: Option<Domain>,
}

impl Hosts {
    fn of(domain: &Domain, new: &NewDomain) -> Result<Self, DomainError> {
        let return_path = match &new.return_path {
            Some(text) => Some(return_path(domain, text)?),
            None => Domain::parse(&format!("{RETURN_PATH_LABEL}.{domain}")).ok(),
        };
        let wanted = new.engagement.tracking_host.as_ref();
        let wanted = wanted.and_then(Option::as_ref);
        let tracking_host = wanted.map(|text| tracking_host(domain, text)).transpose()?;
        check_hosts(return_path.as_ref(), tracking_host.as_ref())?;
        Ok(Self {
            return_path,
            tracking_host,
        })
    }
}

/// What a record begins with.
struct Fresh {
    slot: u64,
    hosts: Hosts,
    new: NewDomain,
    token: String,
    operation: OperationId,
}

impl Fresh {
    fn into_record(
        self,
        domain: &Domain,
        found: Option<DomainRecord>,
        now: Timestamp,
    ) -> Result<DomainRecord, DomainError> {
        let making = Some(KeyMaking {
            operation: self.operation,
            until: now.plus(MAKING_TIMEOUT),
            next_of: None,
        });
        let blank = DomainRecord {
            management: Management::Customer,
            ownership_token: self.token,
            return_path: self.hosts.return_path,
            linked: self.new.linked,
            tracks_engagement: self.new.engagement.is_tracked.unwrap_or_default(),
            bulk_by_default: self.new.engagement.bulk_by_default.unwrap_or_default(),
            tracking_host: self.hosts.tracking_host,
            slot: Some(self.slot),
            making,
            ..DomainRecord::new(domain.clone(), Management::Customer, now)
        };
        match found {
            None => Ok(blank),
            Some(cut_off) if cut_off.deleted_at.is_none() => {
                if is_cut_off(&cut_off, now) {
                    Ok(DomainRecord { making, ..cut_off })
                } else {
                    Err(DomainError::AlreadyExists)
                }
            }
            // What was accepted before the deletion goes on with these keys.
            Some(deleted) => Ok(DomainRecord {
                keys: deleted.keys,
                events: deleted.events,
                slot: deleted.slot.or(blank.slot),
                ..blank
            }),
        }
    }
}

/// What an operator changes of a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DomainChange {
    /// Whether mail may be sent from it.
    pub linked: Option<bool>,
    /// The domain of the return path.
    pub return_path: Option<String>,
    /// What is to be known of its readers.
    pub engagement: Engagement,
}

/// Changes what `change` names.
///
/// # Errors
/// When the return path is neither the domain nor below it, the tracking host is not below it, both are one, or as [`edit()`].
pub async fn update<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    change: &DomainChange,
) -> Result<DomainRecord, DomainError> {
    let change = |draft: &mut Draft| {
        if let Some(linked) = change.linked {
            set_linked(draft, linked);
        }
        if let Some(text) = &change.return_path {
            set_return_path(draft, text)?;
        }
        set_engagement(draft, &change.engagement)?;
        let record = &draft.record;
        check_hosts(record.return_path.as_ref(), record.tracking_host.as_ref())
    };
    edit(ports, domain, change).await.map(|(record, ())| record)
}

fn set_linked(draft: &mut Draft, linked: bool) {
    if std::mem::replace(&mut draft.record.linked, linked) != linked {
        let kind = if linked {
            EventKind::DomainLinked
        } else {
            EventKind::DomainUnlinked
        };
        draft.note(kind, None, "");
    }
}

fn set_return_path(draft: &mut Draft, text: &str) -> Result<(), DomainError> {
    if draft.record.management == Management::Managed {
        return Err(DomainError::Managed);
    }
    let path = return_path(&draft.record.domain, text)?;
    if draft.record.return_path.as_ref() != Some(&path) {
        draft.note(EventKind::ReturnPathChanged, None, path.as_str());
        draft.record.return_path = Some(path);
        draft.record.verifications.remove(&RecordKind::ReturnPath);
    }
    Ok(())
}

fn set_engagement(draft: &mut Draft, change: &Engagement) -> Result<(), DomainError> {
    let record = &mut draft.record;
    let was_tracked = record.tracks_engagement;
    record.tracks_engagement = change.is_tracked.unwrap_or(was_tracked);
    let was_bulk = record.bulk_by_default;
    record.bulk_by_default = change.bulk_by_default.unwrap_or(was_bulk);
    let (is_tracked, is_bulk) = (record.tracks_engagement, record.bulk_by_default);
    if is_tracked != was_tracked {
        let kind = if is_tracked {
            EventKind::TrackingEnabled
        } else {
            EventKind::TrackingDisabled
        };
        draft.note(kind, None, "");
    }
    if is_bulk != was_bulk {
        let detail = if is_bulk { "on" } else { "off" };
        draft.note(EventKind::BulkByDefaultChanged, None, detail);
    }
    match &change.tracking_host {
        Some(host) => set_tracking_host(draft, host.as_deref()),
        None => Ok(()),
    }
}

fn set_tracking_host(draft: &mut Draft, text: Option<&str>) -> Result<(), DomainError> {
    if text.is_some() && draft.record.management == Management::Managed {
        return Err(DomainError::Managed);
    }
    let parse = |text: &str| tracking_host(&draft.record.domain, text);
    let host = text.map(parse).transpose()?;
    if draft.record.tracking_host != host {
        let shown = host.as_ref().map_or("none", Domain::as_str);
        draft.note(EventKind::TrackingHostChanged, None, shown);
        draft.record.tracking_host = host;
        draft.record.verifications.remove(&RecordKind::Tracking);
    }
    Ok(())
}

/// Deletes a domain: nothing new is accepted from it, and what was accepted goes on with the keys it has.
///
/// # Errors
/// When the service manages it, or as [`edit()`].
pub async fn remove<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
) -> Result<(), DomainError> {
    let change = |draft: &mut Draft| {
        if draft.record.management == Management::Managed {
            return Err(DomainError::Managed);
        }
        draft.record.deleted_at = Some(draft.now);
        draft.record.linked = false;
        draft.record.making = None;
        draft.record.verifications.clear();
        draft.note(EventKind::DomainDeleted, None, "");
        Ok(())
    };
    edit(ports, domain, change).await.map(|_| ())
}

/// Asks for the verification of those of `kinds` that the domain publishes. What is verified already stays so, and is looked at again.
///
/// # Errors
/// As [`edit()`].
pub async fn request_verification<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    kinds: &[RecordKind],
) -> Result<DomainRecord, DomainError> {
    let change = |draft: &mut Draft| {
        let now = draft.now;
        for &kind in kinds {
            if !draft.record.publishes(kind) {
                continue;
            }
            let verification = draft
                .record
                .verifications
                .entry(kind)
                .or_insert_with(|| Verification::requested(now));
            if verification.status == Status::Verified {
                verification.next_at = Some(now);
            } else {
                *verification = Verification::requested(now);
                draft.note(EventKind::VerificationRequested, Some(kind), "");
            }
        }
        Ok(())
    };
    edit(ports, domain, change).await.map(|(record, ())| record)
}

/// Calls the verification of `kind` off.
///
/// # Errors
/// When it was not asked for or has succeeded, or as [`edit()`].
pub async fn cancel_verification<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    kind: RecordKind,
) -> Result<DomainRecord, DomainError> {
    let change = |draft: &mut Draft| {
        let now = draft.now;
        let verification = draft
            .record
            .verifications
            .get_mut(&kind)
            .filter(|found| {
                !matches!(
                    found.status,
                    Status::Verified | Status::CancellationRequested
                )
            })
            .ok_or(DomainError::NothingToCancel)?;
        verification.status = Status::CancellationRequested;
        verification.next_at = Some(now);
        draft.note(EventKind::VerificationCancelled, Some(kind), "");
        Ok(())
    };
    edit(ports, domain, change).await.map(|(record, ())| record)
}

/// Looks at every record of `domain` that is due for it, and writes down what that means. What is left when the [`Inquiry`] is spent
/// stays due.
///
/// # Errors
/// As [`edit()`].
pub async fn check<P, R>(
    ports: &P,
    resolver: &R,
    installation: &Installation,
    domain: &Domain,
) -> Result<DomainRecord, DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
    R: dns::Resolver,
{
    let record = keys::domain(domain).read(ports).await?;
    let record = record
        .filter(|record| record.deleted_at.is_none())
        .ok_or(DomainError::NotFound)?;
    let inquiry = Inquiry::begin(ports, resolver);
    let mut seen = Vec::new();
    for kind in record.due_kinds(ports.now()) {
        if inquiry.is_spent() {
            break;
        }
        if record.status(kind) != Status::CancellationRequested {
            let finding = observe(&inquiry, &record, installation, kind).await;
            seen.push((kind, subject(&record, kind), finding));
        }
    }
    let mut jitter = [0; 4];
    ports.fill(&mut jitter);
    let jitter = u32::from_le_bytes(jitter);
    let change = |draft: &mut Draft| {
        let was_sending = draft.record.missing_to_send().is_none();
        settle_cancellations(&mut draft.record);
        for (kind, subject_then, finding) in &seen {
            if &subject(&draft.record, *kind) == subject_then {
                apply(draft, *kind, finding, jitter);
            }
        }
        key_change::revoke_retired(draft)?;
        note_sending(draft, was_sending);
        Ok(())
    };
    edit(ports, domain, change).await.map(|(record, ())| record)
}

/// What a look at `kind` is about. A finding about something else than what the record has by now is worth nothing.
fn subject(record: &DomainRecord, kind: RecordKind) -> (String, String) {
    let what = match kind {
        RecordKind::Domain | RecordKind::Spf | RecordKind::Dmarc => String::new(),
        RecordKind::ReturnPath => record.wanted_return_path().to_string(),
        RecordKind::Tracking => record
            .tracking_host
            .as_ref()
            .map_or_else(String::new, Domain::to_string),
        RecordKind::Dkim | RecordKind::Dkim2 | RecordKind::DkimEd25519 => record
            .key_of(kind)
            .map(|key| key.selector.clone())
            .unwrap_or_default(),
    };
    // A domain that was deleted and added again has another token, and proves everything anew.
    (record.ownership_token.clone(), what)
}

fn settle_cancellations(record: &mut DomainRecord) {
    record
        .verifications
        .retain(|_, verification| verification.status != Status::CancellationRequested);
}

fn apply(draft: &mut Draft, kind: RecordKind, finding: &Finding, jitter: u32) {
    let Some(verification) = draft.record.verifications.get(&kind) else {
        return;
    };
    let look = Look {
        now: draft.now,
        has_grace: kind.is_needed_to_send(),
        jitter,
    };
    let (next, turn) = verification.after(finding, look);
    let detail = next.fault.as_ref().map_or_else(String::new, |fault| {
        format!("{}: {}", fault.code.as_str(), fault.message)
    });
    draft.record.verifications.insert(kind, next);
    if let Some(turn) = turn {
        draft.note(turn.event(), Some(kind), detail);
    }
    match finding.result {
        FindingResult::Confirmed(_) => key_change::seen_in_dns(draft, kind),
        FindingResult::Refuted(_) => key_change::missed_in_dns(draft, kind),
        FindingResult::Unknown(_) => {}
    }
}

impl Turn {
    const fn event(self) -> EventKind {
        match self {
            Self::Verified => EventKind::Verified,
            Self::Failed | Self::Lost => EventKind::VerificationFailed,
            Self::Warned => EventKind::VerificationWarning,
            Self::Recovered => EventKind::VerificationRecovered,
        }
    }
}

/// Notes that sending began or stopped, if it did.
pub(super) fn note_sending(draft: &mut Draft, was_sending: bool) {
    match (was_sending, draft.record.missing_to_send()) {
        (true, Some(kind)) => draft.note(EventKind::SendingStopped, Some(kind), ""),
        (false, None) => draft.note(EventKind::SendingStarted, None, ""),
        (true, None) | (false, Some(_)) => {}
    }
}

impl DomainRecord {
    /// The records that are due for a look.
    pub fn due_kinds(&self, now: Timestamp) -> impl Iterator<Item = RecordKind> {
        self.verifications
            .iter()
            .filter(move |(_, verification)| verification.next_at.is_some_and(|at| at <= now))
            .map(|(kind, _)| *kind)
    }
}
