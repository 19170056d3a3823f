//! Changing the master key: everything sealed with the previous one is sealed with the current one.

use super::edit::{DomainError, Draft, edit_any_state};
use super::index::{self, Deleted};
use super::record::{DomainRecord, KeyState, SealedKey};
use crate::keyring::{MasterKeys, UnsealError};
use crate::keys;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler};

/// Domains of one call.
const PAGE: usize = 50;

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// Keys that are sealed with the current master key.
    pub keys: u64,
    /// Those of them that were not before.
    pub changed: u64,
    /// Further keys, which open with neither master key: they are lost.
    pub failed: u64,
    /// Where to go on, if this was not all.
    pub next_after: Option<u64>,
}

/// Seals the keys of the domains in the next slots behind `after` with the current master key. Can be repeated.
///
/// # Errors
/// As [`super::edit::edit`].
pub async fn reseal<P>(
    ports: &P,
    master_keys: &MasterKeys,
    after: u64,
) -> Result<Resealed, DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let page = index::page(ports, after, PAGE, Deleted::Included).await?;
    let mut done = Resealed {
        keys: 0,
        changed: 0,
        failed: 0,
        next_after: page.next_after,
    };
    for record in &page.records {
        reseal_domain(ports, master_keys, record, &mut done).await?;
    }
    Ok(done)
}

async fn reseal_domain<P>(
    ports: &P,
    master_keys: &MasterKeys,
    record: &DomainRecord,
    done: &mut Resealed,
) -> Result<(), DomainError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let mut fresh = Vec::new();
    for key in record
        .keys
        .iter()
        .filter(|key| key.state != KeyState::Revoked)
    {
        let path = keys::dkim_key(&record.domain, &key.selector);
        let Some(sealed) = path.read(ports).await? else {
            continue;
        };
        match master_keys.reseal(ports, path.path(), &sealed.sealed) {
            Ok(None) => done.keys += 1,
            Ok(Some(text)) => {
                let version = sealed.version;
                let sealed = SealedKey {
                    version,
                    sealed: text,
                };
                fresh.push((key.selector.clone(), path.write(&sealed)?));
            }
            // The others can still be saved.
            Err(UnsealError) => done.failed += 1,
        }
    }
    let changed = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
    if changed == 0 {
        return Ok(());
    }
    let change = |draft: &mut Draft| {
        for (selector, write) in fresh {
            // One that was revoked meanwhile stays gone.
            if draft.record.key(&selector).is_some() {
                draft.write_also(write);
            }
        }
        Ok(())
    };
    match edit_any_state(ports, &record.domain, change).await {
        Ok(()) => {
            done.keys += changed;
            done.changed += changed;
            Ok(())
        }
        // It was forgotten meanwhile, with its keys.
        Err(DomainError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
