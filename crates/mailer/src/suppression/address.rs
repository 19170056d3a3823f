//! What operators do with one address of a list.

use envelope::{AddrSpec, Domain};

use super::error::SuppressionError;
use super::identity::{Name, Suppressor};
use super::list::{self, SuppressionList, check_resource_name, locked};
use super::record::{Kind, Person, Suppression};
use super::shelf::{Found, Shelf, Slot, read_slot};
use crate::keys;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// What names an imported address of a domain's list begins with; its slot follows.
const SLOT_PREFIX: &str = "slot-";

/// What an operator calls an address of the list that holds back everybody's mail: itself, or what it is stored under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The address.
    Address(AddrSpec),
    /// Its hash.
    Hash(Name),
}

impl Target {
    /// The address or hash that `text` is.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, SuppressionError> {
        match Name::parse_hash(text) {
            Some(name) => Ok(Self::Hash(name)),
            None => Ok(Self::Address(AddrSpec::parse(text)?)),
        }
    }

    /// What is on `shelf` of it.
    ///
    /// # Errors
    /// When the store does not answer, or was written with another hash key.
    pub async fn find(
        &self,
        store: &impl KeyValue,
        suppressor: &Suppressor,
        shelf: &Shelf,
    ) -> Result<Found, StoreError> {
        match self {
            Self::Address(address) => shelf.find(store, suppressor, address).await,
            Self::Hash(name) => shelf.find_named(store, name.clone(), None).await,
        }
    }
}

/// What is on the list that holds back everybody's mail of `target`.
///
/// # Errors
/// [`SuppressionError::NoSuchAddress`], or when the store does not answer.
pub async fn get(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    target: &Target,
) -> Result<(Name, Suppression), SuppressionError> {
    suppressor.admit(store).await?;
    let found = target.find(store, suppressor, &Shelf::everywhere()).await?;
    named(found).ok_or(SuppressionError::NoSuchAddress)
}

fn named(found: Found) -> Option<(Name, Suppression)> {
    let current = found.current.map(|entry| (found.name, entry));
    current.or(found.clear)
}

/// Holds back everybody's mail to `address`, for good. Gives whether that is new. A complaint stays one.
///
/// # Errors
/// When a text cannot be stored, or the store does not answer.
pub async fn put<P: Clock + KeyValue>(
    ports: &P,
    suppressor: &Suppressor,
    address: &AddrSpec,
    person: Person,
) -> Result<((Name, Suppression), bool), SuppressionError> {
    person.check()?;
    let shelf = Shelf::everywhere();
    let mode = suppressor.admit(ports).await?;
    let found = shelf.find(ports, suppressor, address).await?;
    let now = ports.now();
    let is_new = found.entry().is_none();
    let before = found.entry().filter(|entry| entry.until.is_none()).cloned();
    let mut entry = before.unwrap_or_else(|| Suppression::added(now));
    make_own(&mut entry);
    write_person(&mut entry, address, person, now);
    entry.redact(suppressor);
    let mut changes = shelf.place_anew(ports, &found, entry.clone()).await?;
    changes.writes.extend(mode);
    changes.apply(ports).await?;
    Ok(((found.name, entry), is_new))
}

/// What an operator writes is not for the recipient to take back.
fn make_own(entry: &mut Suppression) {
    if entry.kind == Kind::Unsubscribed {
        entry.kind = Kind::Added;
        entry.until = None;
    }
}

fn write_person(entry: &mut Suppression, address: &AddrSpec, person: Person, now: Timestamp) {
    entry.email = Some(address.to_string());
    entry.first_name = person.first_name;
    entry.last_name = person.last_name;
    entry.notes = person.notes;
    entry.modified_at = Some(now);
}

/// Takes an address off the list that holds back everybody's mail, whatever put it there.
///
/// # Errors
/// [`SuppressionError::NoSuchAddress`], or when the store does not answer.
pub async fn remove(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    target: &Target,
) -> Result<(), SuppressionError> {
    suppressor.admit(store).await?;
    let shelf = Shelf::everywhere();
    let found = target.find(store, suppressor, &shelf).await?;
    if found.entry().is_none() {
        return Err(SuppressionError::NoSuchAddress);
    }
    shelf.remove(&found).apply(store).await?;
    Ok(())
}

/// What an address of a domain's list is called as a resource.
#[must_use]
pub fn resource_name(entry: &Suppression) -> String {
    let slot = || format!("{SLOT_PREFIX}{}", entry.slot.unwrap_or(0));
    entry.id.clone().unwrap_or_else(slot)
}

/// The address that is called `id` on the list of a domain.
///
/// # Errors
/// When there is none, or the store does not answer.
pub async fn get_listed(
    store: &impl KeyValue,
    domain: &Domain,
    list: &SuppressionList,
    id: &str,
) -> Result<(Name, Suppression), SuppressionError> {
    let found = find_listed(store, &list.shelf(domain), id).await?;
    found.ok_or(SuppressionError::NoSuchAddress)
}

async fn find_listed(
    store: &impl KeyValue,
    shelf: &Shelf,
    id: &str,
) -> Result<Option<(Name, Suppression)>, StoreError> {
    let is_it = |entry: &Suppression| resource_name(entry).eq_ignore_ascii_case(id);
    if let Some(slot) = imported(id) {
        let found = read_slot(store, shelf, slot).await?;
        return Ok(found.filter(|(_, entry)| is_it(entry)));
    }
    let Some(Slot { name, .. }) = keys::suppression_id(shelf, id).read(store).await? else {
        return Ok(None);
    };
    let found = shelf.read(store, &name).await?;
    Ok(found.filter(is_it).map(|entry| (name, entry)))
}

/// The slot of an imported address that is called `id`.
fn imported(id: &str) -> Option<u64> {
    let (prefix, slot) = id.split_at_checked(SLOT_PREFIX.len())?;
    let is_number = !slot.is_empty() && slot.bytes().all(|octet| octet.is_ascii_digit());
    let is_imported = prefix.eq_ignore_ascii_case(SLOT_PREFIX) && is_number;
    is_imported.then(|| slot.parse().unwrap_or(u64::MAX))
}

/// An address for the list of a domain.
#[derive(Debug, Clone)]
pub struct NewAddress {
    /// What it is to be called as a resource.
    pub id: String,
    /// The address.
    pub address: AddrSpec,
    /// What is written about it.
    pub person: Person,
}

/// Puts an address on the list of a domain, or changes what is called so. Gives whether it is new.
///
/// # Errors
/// When a text or name cannot be stored, the address is on the list under another name, the list is gone, or the store does not answer.
pub async fn put_listed<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    suppressor: &Suppressor,
    (domain, list): (&Domain, &str),
    new: NewAddress,
) -> Result<((Name, Suppression), bool), SuppressionError> {
    check_resource_name(&new.id)?;
    new.person.check()?;
    locked(ports, domain, async |ends_at| {
        let mode = suppressor.admit(ports).await?;
        let shelf = list::get(ports, domain, list).await?.shelf(domain);
        let called = find_listed(ports, &shelf, &new.id).await?;
        if called.is_none() && imported(&new.id).is_some() {
            return Err(SuppressionError::ReservedName);
        }
        let mut found = shelf.find(ports, suppressor, &new.address).await?;
        let now = ports.now();
        // Who resubscribed is on it no more.
        let is_other = |entry: &Suppression| {
            entry.applies(now) && !resource_name(entry).eq_ignore_ascii_case(&new.id)
        };
        if found.entry().is_some_and(is_other) {
            return Err(SuppressionError::AlreadyListed);
        }
        let is_new = called.is_none();
        let before = called.as_ref().map(|(_, entry)| entry.clone());
        let slot = before.as_ref().and_then(|entry| entry.slot);
        let mut entry = before.unwrap_or_else(|| Suppression::added(ports.now()));
        make_own(&mut entry);
        let is_imported = imported(&new.id).is_some();
        entry.id = (!is_imported).then(|| new.id.clone());
        write_person(&mut entry, &new.address, new.person, ports.now());
        entry.redact(suppressor);
        let moved = called.filter(|(name, _)| *name != found.name);
        let mut changes = match slot {
            Some(slot) => {
                // Its slot names the new address now, so what was stored under the old one must not take it along.
                found.clear = None;
                shelf.place(&found, entry.clone(), slot)?
            }
            None => shelf.place_anew(ports, &found, entry.clone()).await?,
        };
        let spent = moved.map(|(name, _)| keys::suppression_entry(&shelf.scope, &name));
        changes.spent.extend(spent.map(keys::Key::into_path));
        changes.writes.extend(mode);
        entry.slot = entry.slot.or(slot);
        if ports.now() >= ends_at {
            return Err(SuppressionError::Busy);
        }
        changes.apply(ports).await?;
        Ok(((found.name, entry), is_new))
    })
    .await
}

/// Takes an address off the list of a domain.
///
/// # Errors
/// When there is none, somebody else changes the lists, or the store does not answer.
pub async fn remove_listed<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    (domain, list): (&Domain, &str),
    id: &str,
) -> Result<(), SuppressionError> {
    locked(ports, domain, async |ends_at| {
        let shelf = list::get(ports, domain, list).await?.shelf(domain);
        let called = find_listed(ports, &shelf, id).await?;
        let (name, entry) = called.ok_or(SuppressionError::NoSuchAddress)?;
        let found = Found {
            name,
            current: Some(entry),
            clear: None,
        };
        if ports.now() >= ends_at {
            return Err(SuppressionError::Busy);
        }
        shelf.remove(&found).apply(ports).await?;
        Ok(())
    })
    .await
}
