//! The daily look at every domain's records: part of the tick.
//!
//! A scan goes round the slots of the index, some of them each time, and looks at the domains that are due. How far it came is written
//! down only so that no domain is left out. A domain stays due until the look at it was written down, so scans meet it again meanwhile;
//! a claim keeps them from looking at it twice at once.

use std::time::Duration;

use envelope::Domain;
use serde::{Deserialize, Serialize};

use super::claim::Claim;
use super::custom;
use super::edit::{DomainError, edit, edit_deleted};
use super::index;
use super::inquiry;
use super::key_change::{self, destroy, revoke_retired};
use super::record::DomainRecord;
use super::requirement::Installation;
use crate::keyring::MasterKey;
use crate::keys::{self, Record};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// The time between two scans.
const PAUSE: Duration = Duration::from_secs(10);
/// Slots one scan reads.
const SCAN_SLOTS: u64 = 64;
/// Domains one scan looks at in DNS: each costs several look-ups.
const SCAN_LOOKS: usize = 4;
/// How long a look at a domain may take: its questions, the last of which takes a few seconds more, and what it writes.
const CHECK_HOLDS: Duration = inquiry::MAX_TIME.saturating_add(Duration::from_secs(10));
/// How long the keys of a deleted domain are kept: longer than a message is tried.
pub const DELETED_KEPT_FOR: Duration = Duration::from_hours(24 * 5);

/// How far the scan came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainScan {
    /// The last slot that was read.
    pub slot: u64,
    /// When to go on.
    pub next_at: Timestamp,
}

impl Record for DomainScan {
    const VERSION: u32 = 1;
}

/// What a scan has to do about a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chore {
    /// Look at its records.
    Check(Domain),
    /// Make the keys whose making was cut off.
    MakeKeys(Domain),
    /// Revoke keys that were retired for long enough.
    RevokeRetired(Domain),
    /// Forget it, with its keys and its history.
    Purge(Domain),
}

/// What is due about the domains in the next slots, if it is time for a scan.
///
/// # Errors
/// When the store does not answer.
pub async fn scan<P: Clock + KeyValue>(ports: &P) -> Result<Vec<Chore>, StoreError> {
    let now = ports.now();
    let scan = keys::domain_scan().read(ports).await?;
    // A time far ahead comes from a clock that was wrong.
    let is_early = |scan: &DomainScan| now < scan.next_at && scan.next_at.since(now) <= PAUSE;
    if scan.as_ref().is_some_and(is_early) {
        return Ok(Vec::new());
    }
    let last = index::slots(ports).await?;
    if last == 0 {
        return Ok(Vec::new());
    }
    let mut slot = scan.map_or(0, |scan| scan.slot);
    let mut chores = Vec::new();
    for _ in 0..SCAN_SLOTS.min(last) {
        slot = if slot >= last { 1 } else { slot + 1 };
        if let Some(record) = index::read_slot(ports, slot).await? {
            chores.extend(record.chore(now));
        }
        if chores.len() >= SCAN_LOOKS {
            break;
        }
    }
    let next_at = now.plus(PAUSE);
    let scan = keys::domain_scan().write(&DomainScan { slot, next_at })?;
    ports.set_many(vec![scan]).await?;
    Ok(chores)
}

impl DomainRecord {
    fn chore(&self, now: Timestamp) -> Option<Chore> {
        let domain = || self.domain.clone();
        if let Some(deleted_at) = self.deleted_at {
            let is_over = now.since(deleted_at) >= DELETED_KEPT_FOR;
            return is_over.then(|| Chore::Purge(domain()));
        }
        if self.is_making_cut_off(now) {
            return Some(Chore::MakeKeys(domain()));
        }
        if self.due_kinds(now).next().is_some() {
            return Some(Chore::Check(domain()));
        }
        let is_due = self.keys.iter().any(|key| key.is_retired_out(now));
        is_due.then(|| Chore::RevokeRetired(domain()))
    }
}

/// Does `chore`.
///
/// # Errors
/// As [`edit`]; what was not done is found again by a later scan.
pub async fn run<P, R>(
    ports: &P,
    resolver: &R,
    installation: &Installation,
    master_key: &MasterKey,
    chore: &Chore,
) -> Result<(), DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
    R: dns::Resolver,
{
    match chore {
        Chore::Check(domain) => check_once(ports, resolver, installation, domain).await,
        Chore::MakeKeys(domain) => key_change::resume_making(ports, master_key, domain).await,
        Chore::RevokeRetired(domain) => edit(ports, domain, revoke_retired).await.map(|_| ()),
        Chore::Purge(domain) => purge(ports, domain).await,
    }
}

/// Looks at a domain's records, unless a scan before this one had somebody do that who is not done yet.
async fn check_once<P, R>(
    ports: &P,
    resolver: &R,
    installation: &Installation,
    domain: &Domain,
) -> Result<(), DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
    R: dns::Resolver,
{
    let counter = |window| keys::domain_check(domain, window);
    let Some(claim) = Claim::take(ports, CHECK_HOLDS, counter).await? else {
        return Ok(());
    };
    let checked = custom::check(ports, resolver, installation, domain).await;
    claim.release(ports).await;
    checked.map(|_| ())
}

async fn purge<P>(ports: &P, domain: &Domain) -> Result<(), DomainError>
where
    P: Clock + KeyValue + Scheduler,
{
    edit_deleted(ports, domain, |draft| {
        for key in draft.record.keys.clone() {
            destroy(draft, &key.selector)?;
        }
        let record = &draft.record;
        let events = (0..record.events).map(|n| keys::domain_event(domain, n).into_path());
        let mut spent: Vec<String> = events.collect();
        spent.extend(record.slot.map(|slot| keys::domain_slot(slot).into_path()));
        spent.push(keys::domain(domain).into_path());
        spent.into_iter().for_each(|path| draft.delete_after(path));
        Ok(())
    })
    .await
}
