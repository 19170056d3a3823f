//! The managed domain every installation starts with: a subdomain of the operator's, good for sending at once.

use std::time::Duration;

use envelope::Domain;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::index::{self, DomainSlot};
use super::record::{Algorithm, DomainKey, DomainRecord, KeyState, Management, SealedKey};
use crate::keyring::MasterKey;
use crate::keys::{self, Record};
use crate::operation::OperationId;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
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
    Ready(DomainRecord),
    /// Somebody else is making it.
    Running(Provisioning),
    /// The caller has to make it now, with [`provision`].
    Started(Provisioning),
}

/// Finds the managed domain under `base`, or starts making it.
///
/// # Errors
/// When the store does not answer, or `base` is so long that no subdomain fits.
pub async fn start_managed_domain<P>(
    ports: &P,
    base: &Domain,
) -> Result<ManagedDomain, ProvisionError>
where
    P: Clock + Entropy + KeyValue,
{
    let now = ports.now();
    let last = keys::managed_domain().read(ports).await?;
    let generation = match &last {
        Some(done) if done.state == ProvisioningState::Succeeded => {
            let record = keys::domain(&done.domain).read(ports).await?;
            return record
                .map(ManagedDomain::Ready)
                .ok_or_else(|| StoreError::new("the managed domain has no record").into());
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
        }],
        slot: Some(slot),
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
    ports
        .set_many(vec![
            sealed_path.write(&SealedKey { version: 1, sealed })?,
            keys::domain(&record.domain).write(&record)?,
            keys::domain_slot(slot).write(&DomainSlot { domain })?,
            keys::managed_domain().write(&done)?,
        ])
        .await?;
    Ok(record)
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
