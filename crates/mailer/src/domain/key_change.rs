//! Signing keys through their lives: made or imported, seen in DNS, rotated in, retired, revoked.
//!
//! A key signs only after DNS showed it, and stays published for [`RETIRED_FOR`] after it signed last, since what it signed may lie in
//! queues. Its private half is destroyed at the end of that: written over together with the record, then deleted.

use std::time::Duration;

use dkim::{Selector, SigningKey};
use envelope::Domain;

use super::custom::note_sending;
use super::edit::{DomainError, Draft, edit};
use super::history::EventKind;
use super::observation::observe_key;
use super::record::{
    Algorithm, DomainKey, DomainRecord, KeyMaking, KeyState, Management, SealedKey,
};
use super::requirement::DnsRecord;
use super::verification::{FindingResult, RecordKind, Verification};
use crate::entropy::Rng;
use crate::keyring::{MasterKey, generate_rsa};
use crate::keys;
use crate::operation::OperationId;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler};
use crate::time::Timestamp;

/// Most keys of one domain; revoked ones make room.
pub const MAX_KEYS: usize = 16;
/// A making of keys that took longer than this was cut off and is taken up by the tick.
pub const MAKING_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a key stays published after it signed last: longer than mail stays in queues.
pub const RETIRED_FOR: Duration = Duration::from_hours(24 * 7);

/// Random letters of a selector: 40 bits.
const SELECTOR_LETTERS: usize = 8;

/// What a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The next key signs. If the record has a making, its keys are to be made now, with [`make_keys`].
    Rotated(DomainRecord),
    /// There was no next key: it is to be made now, published, and rotated in later.
    NextKeyNeeded(DomainRecord),
}

/// A key that was made or brought, sealed and ready to be stored.
struct NewKey {
    key: DomainKey,
    sealed: SealedKey,
}

impl NewKey {
    fn seal<P: Clock + Entropy>(
        ports: &P,
        master_key: &MasterKey,
        place: (&Domain, String),
        key: &SigningKey,
    ) -> Result<Self, DomainError> {
        let (domain, selector) = place;
        let path = keys::dkim_key(domain, &selector);
        let sealed = master_key.seal(ports, path.path(), &key.to_pkcs8_der()?);
        Ok(Self {
            key: DomainKey {
                selector,
                version: 1,
                record: key.public_key_record().to_owned(),
                algorithm: key.algorithm().into(),
                state: KeyState::Pending,
                since: ports.now(),
                has_signed: false,
            },
            sealed: SealedKey { version: 1, sealed },
        })
    }

    fn add_to(self, draft: &mut Draft) -> Result<(), DomainError> {
        let record = &mut draft.record;
        if record
            .keys
            .iter()
            .any(|other| other.selector == self.key.selector)
        {
            return Err(DomainError::SelectorInUse);
        }
        if record.keys.len() >= MAX_KEYS {
            let revoked = record
                .keys
                .iter()
                .position(|key| key.state == KeyState::Revoked);
            let forgotten = record.keys.remove(revoked.ok_or(DomainError::TooManyKeys)?);
            // Its deletion may have been lost, and nobody will know of it any more.
            destroy(draft, &forgotten.selector)?;
        }
        let record = &mut draft.record;
        let path = keys::dkim_key(&record.domain, &self.key.selector);
        let detail = describe(&self.key);
        record.keys.push(self.key);
        draft.write_also(path.write(&self.sealed)?);
        draft.note(EventKind::KeyAdded, None, detail);
        Ok(())
    }
}

fn describe(key: &DomainKey) -> String {
    format!("{} ({})", key.selector, key.algorithm.as_str())
}

/// Makes the keys that `operation` was started for, one after the other, and ends it.
///
/// # Errors
/// When the store does not answer: the making may be taken up after [`MAKING_TIMEOUT`], with [`resume_making`].
pub async fn make_keys<P>(
    ports: &P,
    master_key: &MasterKey,
    domain: &Domain,
    operation: OperationId,
) -> Result<(), DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    loop {
        let record = keys::domain(domain).read(ports).await?;
        let record = record.ok_or(DomainError::NotFound)?;
        let is_ours = |making: KeyMaking| making.operation == operation;
        if !record.making.is_some_and(is_ours) {
            return Ok(());
        }
        let Some(algorithm) = missing_key(&record) else {
            edit(ports, domain, |draft| {
                draft.record.made = Some(operation);
                draft.record.making = None;
                Ok(())
            })
            .await?;
            return Ok(());
        };
        let key = generate(ports, algorithm).await?;
        let place = (domain, new_selector(ports, algorithm));
        let new = NewKey::seal(ports, master_key, place, &key)?;
        let added = edit(ports, domain, |draft| {
            let is_wanted = missing_key(&draft.record) == Some(algorithm);
            if is_wanted && draft.record.making.is_some_and(is_ours) {
                new.add_to(draft)?;
            }
            Ok(())
        });
        match added.await {
            // One in a million million: another one is drawn.
            Ok(_) | Err(DomainError::SelectorInUse) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes up a making of keys that was cut off, under the same operation. If it is not cut off, or ended, nothing is done.
///
/// # Errors
/// As [`make_keys`].
pub async fn resume_making<P>(
    ports: &P,
    master_key: &MasterKey,
    domain: &Domain,
) -> Result<(), DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let (_, operation) = edit(ports, domain, |draft| {
        let now = draft.now;
        let making = draft.record.making.as_mut();
        let cut_off = making.filter(|making| now >= making.until);
        Ok(cut_off.map(|making| {
            making.until = now.plus(MAKING_TIMEOUT);
            making.operation
        }))
    })
    .await?;
    match operation {
        Some(operation) => make_keys(ports, master_key, domain, operation).await,
        None => Ok(()),
    }
}

async fn generate<P: Entropy + Scheduler>(
    ports: &P,
    algorithm: Algorithm,
) -> Result<SigningKey, DomainError> {
    Ok(match algorithm {
        Algorithm::RsaSha256 => generate_rsa(ports).await?,
        Algorithm::Ed25519Sha256 => dkim::keygen::ed25519(&mut Rng(ports)),
    })
}

/// The next kind of key that a making has to make.
fn missing_key(record: &DomainRecord) -> Option<Algorithm> {
    let (rsa, ed25519) = (Algorithm::RsaSha256, Algorithm::Ed25519Sha256);
    let asked_for = record
        .making
        .and_then(|making| making.next_of)
        .filter(|algorithm| record.next_key(*algorithm).is_none());
    let is_custom = record.management == Management::Customer;
    // The quick one first, so that its record can be published while the others are made.
    let wanted = [
        (ed25519, record.current_key(ed25519).is_none()),
        (rsa, record.current_key(rsa).is_none()),
        (rsa, is_custom && record.next_key(rsa).is_none()),
    ];
    let missing = wanted.into_iter().find(|(_, is_missing)| *is_missing);
    missing.map(|(algorithm, _)| algorithm).or(asked_for)
}

/// A selector that nobody used: another installation may hold the domain as well, and this one may have held and forgotten it.
fn new_selector(entropy: &impl Entropy, algorithm: Algorithm) -> String {
    // RFC 4648 section 6, in lower case.
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r',
        's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let mut octets = [0; SELECTOR_LETTERS];
    entropy.fill(&mut octets);
    let letters = octets.map(|octet| LETTERS.get(usize::from(octet % 32)).copied());
    let letters: String = letters.into_iter().flatten().collect();
    match algorithm {
        Algorithm::RsaSha256 => format!("sendlet-{letters}"),
        Algorithm::Ed25519Sha256 => format!("sendlet-ed-{letters}"),
    }
}

/// Takes a private key of the operator's own as next key of its kind, or as first one if there is none. A next key that was there
/// before is revoked.
///
/// # Errors
/// When the key or the selector cannot be used, keys are being made, or as [`edit`].
pub async fn import<P>(
    ports: &P,
    master_key: &MasterKey,
    domain: &Domain,
    selector: &str,
    pem: &str,
) -> Result<DomainRecord, DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let selector = parse_selector(selector, domain)?;
    let key = SigningKey::from_pkcs8_pem(pem)?;
    let new = NewKey::seal(ports, master_key, (domain, selector), &key)?;
    let change = |draft: &mut Draft| {
        let making = draft.record.making;
        if making.is_some_and(|making| draft.now < making.until) {
            return Err(DomainError::KeysBeingMade);
        }
        let algorithm = new.key.algorithm;
        let replaced = draft
            .record
            .next_key(algorithm)
            .map(|key| key.selector.clone());
        new.add_to(draft)?;
        if let Some(selector) = replaced {
            retire_or_revoke(draft, &selector)?;
        }
        if algorithm == Algorithm::RsaSha256 {
            draft.record.verifications.remove(&RecordKind::Dkim2);
        }
        Ok(())
    };
    edit(ports, domain, change).await.map(|(record, ())| record)
}

fn parse_selector(text: &str, domain: &Domain) -> Result<String, DomainError> {
    let selector: Selector = text.parse().map_err(|_| DomainError::Selector)?;
    let is_ldh = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.');
    let text = selector.as_str();
    let fits = dns::Name::parse(&format!("{text}._domainkey.{domain}")).is_ok();
    if text.len() <= MAX_SELECTOR_OCTETS && text.bytes().all(is_ldh) && fits {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(DomainError::Selector)
    }
}

/// The longest selector, in all its labels. In front of a long domain even less has room.
const MAX_SELECTOR_OCTETS: usize = 63;

/// Lets the next key of `algorithm` take over, if DNS shows it now.
///
/// # Errors
/// When DNS does not show it, keys are being made, or as [`edit`].
pub async fn rotate<P, R>(
    ports: &P,
    resolver: &R,
    domain: &Domain,
    algorithm: Algorithm,
) -> Result<Rotation, DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
    R: dns::Resolver,
{
    let record = keys::domain(domain).read(ports).await?;
    let record = record
        .filter(|record| record.deleted_at.is_none())
        .ok_or(DomainError::NotFound)?;
    let operation = OperationId::random(ports);
    let Some(next) = record.next_key(algorithm) else {
        let (record, ()) = edit(ports, domain, |draft| {
            start_making(draft, operation, Some(algorithm))
        })
        .await?;
        return Ok(Rotation::NextKeyNeeded(record));
    };
    match observe_key(resolver, &record, next).await.result {
        FindingResult::Confirmed(_) => {}
        FindingResult::Refuted(fault) | FindingResult::Unknown(fault) => {
            return Err(DomainError::NextKeyNotPublished(fault.message));
        }
    }
    let (record, ()) = edit(ports, domain, |draft| {
        let was_sending = draft.record.missing_to_send().is_none();
        switch(draft, algorithm, &next.selector)?;
        note_sending(draft, was_sending);
        let is_custom = draft.record.management == Management::Customer;
        if is_custom && algorithm == Algorithm::RsaSha256 {
            start_making(draft, operation, None)?;
        }
        Ok(())
    })
    .await?;
    Ok(Rotation::Rotated(record))
}

fn start_making(
    draft: &mut Draft,
    operation: OperationId,
    next_of: Option<Algorithm>,
) -> Result<(), DomainError> {
    let now = draft.now;
    if draft.record.making.is_some_and(|making| now < making.until) {
        return Err(DomainError::KeysBeingMade);
    }
    draft.record.making = Some(KeyMaking {
        operation,
        until: now.plus(MAKING_TIMEOUT),
        next_of,
    });
    Ok(())
}

fn switch(draft: &mut Draft, algorithm: Algorithm, next: &str) -> Result<(), DomainError> {
    let current = draft.record.current_key(algorithm);
    let current = current.map(|key| key.selector.clone());
    let still_next = draft
        .record
        .next_key(algorithm)
        .is_some_and(|key| key.selector == next);
    if !still_next {
        return Err(DomainError::Busy);
    }
    if let Some(selector) = current {
        retire_or_revoke(draft, &selector)?;
    }
    set_state(draft, next, KeyState::Active, EventKind::KeyActivated);
    let seen = Verification::seen(draft.now);
    match algorithm {
        Algorithm::RsaSha256 => {
            draft.record.verifications.insert(RecordKind::Dkim, seen);
            draft.record.verifications.remove(&RecordKind::Dkim2);
        }
        Algorithm::Ed25519Sha256 => {
            let kind = RecordKind::DkimEd25519;
            draft.record.verifications.insert(kind, seen);
        }
    }
    Ok(())
}

fn set_state(draft: &mut Draft, selector: &str, state: KeyState, event: EventKind) {
    let now = draft.now;
    let found = draft
        .record
        .keys
        .iter_mut()
        .find(|key| key.selector == selector);
    if let Some(key) = found {
        key.has_signed = key.ever_signed() || state == KeyState::Active;
        key.state = state;
        key.since = now;
        let detail = describe(key);
        draft.note(event, None, detail);
    }
}

/// Ends the use of a key. One that never signed is revoked, since nothing needs its public half.
fn retire_or_revoke(draft: &mut Draft, selector: &str) -> Result<(), DomainError> {
    if draft
        .record
        .key(selector)
        .is_some_and(DomainKey::ever_signed)
    {
        set_state(draft, selector, KeyState::Retiring, EventKind::KeyRetired);
        return Ok(());
    }
    revoke(draft, selector)
}

fn revoke(draft: &mut Draft, selector: &str) -> Result<(), DomainError> {
    set_state(draft, selector, KeyState::Revoked, EventKind::KeyRevoked);
    destroy(draft, selector)
}

/// Destroys the private half of a key: the deletion may be lost, the write with the record cannot.
pub(super) fn destroy(draft: &mut Draft, selector: &str) -> Result<(), DomainError> {
    let path = || keys::dkim_key(&draft.record.domain, selector);
    let (write, spent) = (path().write(&SealedKey::destroyed())?, path().into_path());
    draft.write_also(write);
    draft.delete_after(spent);
    Ok(())
}

/// Revokes the keys that were retired for long enough.
///
/// # Errors
/// Never, as [`keys::encode`].
pub(super) fn revoke_retired(draft: &mut Draft) -> Result<(), DomainError> {
    let due: Vec<String> = draft
        .record
        .keys
        .iter()
        .filter(|key| key.is_retired_out(draft.now))
        .map(|key| key.selector.clone())
        .collect();
    due.iter().try_for_each(|selector| revoke(draft, selector))
}

impl DomainKey {
    /// Whether it was retired so long ago that nothing needs it any more.
    #[must_use]
    pub fn is_retired_out(&self, now: Timestamp) -> bool {
        self.state == KeyState::Retiring && now.since(self.since) >= RETIRED_FOR
    }
}

/// DNS shows the key of `kind`: the first of its kind begins to sign, another waits for its rotation.
pub(super) fn seen_in_dns(draft: &mut Draft, kind: RecordKind) {
    let Some(key) = draft.record.key_of(kind).cloned() else {
        return;
    };
    let is_current = kind != RecordKind::Dkim2;
    match key.state {
        KeyState::Pending | KeyState::Published if is_current => {
            set_state(
                draft,
                &key.selector,
                KeyState::Active,
                EventKind::KeyActivated,
            );
        }
        KeyState::Pending => {
            set_state(
                draft,
                &key.selector,
                KeyState::Published,
                EventKind::KeyPublished,
            );
        }
        KeyState::Published | KeyState::Active | KeyState::Retiring | KeyState::Revoked => {}
    }
}

/// DNS does not show the key of `kind`. The RSA key signs on, since sending stops before it is given up; the others step back.
pub(super) fn missed_in_dns(draft: &mut Draft, kind: RecordKind) {
    if kind == RecordKind::Dkim {
        return;
    }
    let Some(selector) = draft.record.key_of(kind).map(|key| key.selector.clone()) else {
        return;
    };
    let was_shown = draft
        .record
        .key(&selector)
        .is_some_and(|key| matches!(key.state, KeyState::Published | KeyState::Active));
    if was_shown {
        set_state(draft, &selector, KeyState::Pending, EventKind::KeyMissing);
    }
}

/// The DNS records that may be removed: those of revoked keys.
#[must_use]
pub fn removable_records(record: &DomainRecord) -> Vec<DnsRecord> {
    let revoked = record
        .keys
        .iter()
        .filter(|key| key.state == KeyState::Revoked);
    revoked.map(|key| record.key_record(key)).collect()
}
