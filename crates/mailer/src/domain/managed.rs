//! The managed domain every installation starts with: a subdomain of the operator's, good for sending at once.

use std::time::Duration;

use envelope::Domain;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::edit::{self, DomainError};
use super::history::{Event, EventKind};
use super::index::{self, DomainSlot};
use super::record::{Algorithm, DomainKey, DomainRecord, KeyState, Management, SealedKey};
use crate::keyring::MasterKey;
use crate::keys::{self, Record};
use crate::operation::OperationId;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError, Write};
use crate::time::Timestamp;

/// The selector of the first key of a domain.
const FIRST_SELECTOR: &str = "sendlet1";
/// A provisioning that took longer than this was cut off and may be started again.
pub const PROVISIONING_TIMEOUT: Duration = Duration::from_secs(60);

/// How far the managed domain is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioning {
    /// Counts the starts; names the claim.
    pub generation: u32,
    /// What the operator polls.
    pub operation: OperationId,
    /// The domain that is being made.
    pub domain: Domain,
    /// Where it stands.
    pub state: ProvisioningState,
}

impl Record for Provisioning {
    const VERSION: u32 = 1;
}

/// Where a provisioning stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProvisioningState {
    /// The key is being made; given up at this time.
    Running(Timestamp),
    /// The domain is there.
    Succeeded,
}

/// What a request for the managed domain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagedDomain {
    /// It is there.
    Ready(Box<DomainRecord>),
    /// Somebody else is making it.
    Running(Provisioning),
    /// The caller has to make it now, with [`provision`].
    Started(Provisioning),
}

/// Finds the managed domain under `base`, or starts making it. One that version 1 made gets its slot of the index.
///
/// # Errors
/// When the store does not answer, or `base` is so long that no subdomain fits.
pub async fn start_managed_domain<P>(
    ports: &P,
    base: &Domain,
) -> Result<ManagedDomain, ProvisionError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let now = ports.now();
    let last = keys::managed_domain().read(ports).await?;
    let generation = match &last {
        Some(done) if done.state == ProvisioningState::Succeeded => {
            let record = keys::domain(&done.domain).read(ports).await?;
            let record =
                record.ok_or_else(|| StoreError::new("the managed domain has no record"))?;
            let record = slotted(ports, record).await?;
            return Ok(ManagedDomain::Ready(Box::new(record)));
        }
        Some(running) if matches!(running.state, ProvisioningState::Running(until) if now < until) =>
        {
            return Ok(ManagedDomain::Running(running.clone()));
        }
        Some(cut_off) => cut_off.generation + 1,
        None => 1,
    };
    let operation = OperationId::random(ports);
    let domain =
        Domain::parse(&format!("{operation}.{base}")).map_err(|_| ProvisionError::BaseTooLong)?;
    let state = ProvisioningState::Running(now.plus(PROVISIONING_TIMEOUT));
    let provisioning = Provisioning {
        generation,
        operation,
        domain,
        state,
    };
    claim_generation(ports, provisioning).await
}

/// The record with a slot, without which no scan comes to it.
async fn slotted<P>(ports: &P, record: DomainRecord) -> Result<DomainRecord, ProvisionError>
where
    P: Clock + KeyValue + Scheduler,
{
    if record.slot.is_some() {
        return Ok(record);
    }
    let domain = &record.domain;
    let slot = index::take_slot(ports).await?;
    let write = keys::domain_slot(slot).write(&DomainSlot {
        domain: domain.clone(),
    })?;
    let given = edit::edit(ports, domain, |draft| {
        if draft.record.slot.is_none() {
            draft.record.slot = Some(slot);
            draft.write_also(write);
        }
        Ok(())
    });
    match given.await {
        Ok((record, ())) => Ok(record),
        Err(DomainError::Store(error)) => Err(error.into()),
        // Somebody else changes it. The next request for it comes here again.
        Err(_) => Ok(record),
    }
}

/// Starts `provisioning` in the first generation that nobody else claimed.
///
/// Who claimed one and died before it wrote that down leaves a claim that nobody can win any more. After [`STUCK`] tries it is
/// passed over, so that it does not stand in the way for ever.
async fn claim_generation<P: KeyValue>(
    ports: &P,
    mut provisioning: Provisioning,
) -> Result<ManagedDomain, ProvisionError> {
    const STUCK: i64 = 5;
    loop {
        let claim = keys::managed_domain_claim(provisioning.generation);
        match claim.increment(ports).await? {
            1 => break,
            tries if tries > STUCK => provisioning.generation += 1,
            _ => {
                let running = keys::managed_domain().read(ports).await?;
                return running
                    .filter(|running| running.generation >= provisioning.generation)
                    .map(ManagedDomain::Running)
                    .ok_or(ProvisionError::Busy);
            }
        }
    }
    ports
        .set_many(vec![keys::managed_domain().write(&provisioning)?])
        .await?;
    Ok(ManagedDomain::Started(provisioning))
}

/// Makes the key of `provisioning`'s domain and stores both, letting other tasks run between the steps of the search.
///
/// # Errors
/// When the store does not answer; the provisioning may be started again after [`PROVISIONING_TIMEOUT`].
pub async fn provision<P>(
    ports: &P,
    master_key: &MasterKey,
    provisioning: Provisioning,
) -> Result<DomainRecord, ProvisionError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let key = crate::keyring::generate_rsa(ports).await?;
    let sealed_path = keys::dkim_key(&provisioning.domain, FIRST_SELECTOR);
    let sealed = master_key.seal(ports, sealed_path.path(), &key.to_pkcs8_der()?);
    let slot = index::take_slot(ports).await?;
    let now = ports.now();
    let record = DomainRecord {
        keys: vec![DomainKey {
            selector: FIRST_SELECTOR.to_owned(),
            version: 1,
            record: key.public_key_record().to_owned(),
            algorithm: Algorithm::RsaSha256,
            // Its DNS is the operator's own, so it needs no proof.
            state: KeyState::Active,
            since: now,
            has_signed: true,
        }],
        slot: Some(slot),
        events: FIRST_EVENTS,
        ..DomainRecord::new(provisioning.domain.clone(), Management::Managed, now)
    };
    let current = keys::managed_domain().read(ports).await?;
    if current.is_none_or(|current| current.generation != provisioning.generation) {
        // This one took so long that another was started.
        return Err(ProvisionError::Busy);
    }
    let domain = record.domain.clone();
    let done = Provisioning {
        state: ProvisioningState::Succeeded,
        ..provisioning
    };
    let mut writes = first_events(&record)?;
    writes.extend([
        sealed_path.write(&SealedKey { version: 1, sealed })?,
        keys::domain(&record.domain).write(&record)?,
        keys::domain_slot(slot).write(&DomainSlot { domain })?,
        keys::managed_domain().write(&done)?,
    ]);
    ports.set_many(writes).await?;
    Ok(record)
}

/// How many events [`first_events`] gives.
const FIRST_EVENTS: u64 = 2;

/// What the history of a domain that was just made begins with.
fn first_events(record: &DomainRecord) -> Result<Vec<Write>, StoreError> {
    let event = |kind, detail: &str| Event {
        at: record.created_at,
        kind,
        record: None,
        detail: detail.to_owned(),
    };
    let key = format!("{FIRST_SELECTOR} ({})", Algorithm::RsaSha256.as_str());
    let events = [
        event(EventKind::DomainAdded, ""),
        event(EventKind::KeyAdded, &key),
    ];
    let numbered = (0..FIRST_EVENTS).zip(&events);
    numbered
        .map(|(n, event)| keys::domain_event(&record.domain, n).write(event))
        .collect()
}

/// Why the managed domain could not be made.
#[derive(Debug, Clone, Error)]
pub enum ProvisionError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The variable `managed_domain` leaves no room for a subdomain.
    #[error("managed_domain is too long for a subdomain")]
    BaseTooLong,
    /// Another request started it this instant.
    #[error("the managed domain is being made by another request")]
    Busy,
    /// The new key could not be made or encoded.
    #[error(transparent)]
    Key(#[from] dkim::KeyError),
}
