//! Which domains there are: a numbered slot for each, so that they can be listed without listing the store.

use envelope::Domain;
use serde::{Deserialize, Serialize};

use super::record::DomainRecord;
use crate::keys::{self, Record};
use crate::ports::{KeyValue, StoreError};

/// Slots one call reads.
pub const SLOTS_READ: u64 = 1_000;

/// All domains, in the order they were added: how version 1 kept them. Still read, no longer written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainIndex {
    /// Their names.
    pub domains: Vec<Domain>,
}

impl Record for DomainIndex {
    const VERSION: u32 = 1;
}

/// The domain that has a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainSlot {
    /// Its name.
    pub domain: Domain,
}

impl Record for DomainSlot {
    const VERSION: u32 = 1;
}

/// Some domains, in the order they were added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainPage {
    /// Their records.
    pub records: Vec<DomainRecord>,
    /// The `after` of the next page, if there is one.
    pub next_after: Option<u64>,
}

/// At most `limit` domains in the slots behind `after`; those that were deleted too, if `deleted` says so. The first page has those
/// without a slot besides.
///
/// # Errors
/// When the store does not answer.
pub async fn page(
    store: &impl KeyValue,
    after: u64,
    limit: usize,
    deleted: Deleted,
) -> Result<DomainPage, StoreError> {
    let last = slots(store).await?;
    let mut records = Vec::new();
    if after == 0 {
        records.extend(unslotted(store).await?);
    }
    let mut slot = after;
    let room = records.len().saturating_add(limit);
    while slot < last && records.len() < room && slot - after < SLOTS_READ {
        slot += 1;
        let Some(found) = read_slot(store, slot).await? else {
            continue;
        };
        if found.deleted_at.is_none() || deleted == Deleted::Included {
            records.push(found);
        }
    }
    Ok(DomainPage {
        records,
        next_after: (slot < last).then_some(slot),
    })
}

/// Whether deleted domains are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// They are.
    Included,
    /// They are not.
    Hidden,
}

/// The number of the last slot.
///
/// # Errors
/// When the store does not answer.
pub async fn slots(store: &impl KeyValue) -> Result<u64, StoreError> {
    let count = keys::domain_count().value(store).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A new slot's number. One that is never written stays a gap.
///
/// # Errors
/// When the store does not answer.
pub async fn take_slot(store: &impl KeyValue) -> Result<u64, StoreError> {
    let slot = keys::domain_count().increment(store).await?;
    u64::try_from(slot).map_err(|_| StoreError::new("domain-count is negative"))
}

/// The record of the domain that has `slot`.
///
/// # Errors
/// When the store does not answer.
pub async fn read_slot(
    store: &impl KeyValue,
    slot: u64,
) -> Result<Option<DomainRecord>, StoreError> {
    match keys::domain_slot(slot).read(store).await? {
        Some(found) => keys::domain(&found.domain).read(store).await,
        None => Ok(None),
    }
}

/// The domains that version 1 listed.
async fn unslotted(store: &impl KeyValue) -> Result<Vec<DomainRecord>, StoreError> {
    let index = keys::domain_index().read(store).await?.unwrap_or_default();
    let mut records = Vec::new();
    for domain in &index.domains {
        let found = keys::domain(domain).read(store).await?;
        records.extend(found.filter(|record| record.slot.is_none()));
    }
    Ok(records)
}
