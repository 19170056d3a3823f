//! What operators do with one address of a list.

use envelope::{AddrSpec, Domain};

use super::edit::held_name;
use super::error::SuppressionError;
use super::hold::Hold;
use super::identity::{Name, Suppressor};
use super::list::{self, SuppressionList, check_resource_name, locked};
use super::record::{Kind, Person, Suppression};
use super::shelf::{Changes, Found, Shelf, Slot, read_slot};
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

    /// What it is stored under.
    fn name(&self, suppressor: &Suppressor) -> Name {
        match self {
            Self::Address(address) => suppressor.name(address),
            Self::Hash(name) => name.clone(),
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
/// When a text cannot be stored, somebody else changes the address, or the store does not answer.
pub async fn put<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    suppressor: &Suppressor,
    address: &AddrSpec,
    person: Person,
) -> Result<((Name, Suppression), bool), SuppressionError> {
    person.check()?;
    let hold = Hold::of(ports, [&suppressor.name(address)]).await?;
    let decided = put_changes(ports, suppressor, address, person).await;
    hold.make(ports, decided).await
}

/// What was put, whether it is new, and what that changes.
async fn put_changes<P: Clock + KeyValue>(
    ports: &P,
    suppressor: &Suppressor,
    address: &AddrSpec,
    person: Person,
) -> Result<(((Name, Suppression), bool), Changes), SuppressionError> {
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
    Ok((((found.name, entry), is_new), changes))
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
/// [`SuppressionError::NoSuchAddress`], or when somebody else changes the address, or the store does not answer.
pub async fn remove<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    suppressor: &Suppressor,
    target: &Target,
) -> Result<(), SuppressionError> {
    suppressor.admit(ports).await?;
    let hold = Hold::of(ports, [&target.name(suppressor)]).await?;
    let shelf = Shelf::everywhere();
    let found = target.find(ports, suppressor, &shelf).await;
    let decided = match found {
        Ok(found) if found.entry().is_none() => Err(SuppressionError::NoSuchAddress),
        Ok(found) => Ok(((), shelf.remove(&found))),
        Err(error) => Err(error.into()),
    };
    hold.make(ports, decided).await
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
/// When a text or name cannot be stored, the address is on the list under another name, the list is gone, somebody else changes it, or the
/// store does not answer.
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
        let is_new = called.is_none();
        let before = called.map(|(name, _)| held_name(suppressor, &name));
        let names = [suppressor.name(&new.address)].into_iter().chain(before);
        let names: Vec<Name> = names.collect();
        let hold = Hold::of(ports, &names).await?;
        let decided = Put::read(ports, suppressor, &shelf, new).await;
        let decided = match decided {
            Ok(put) => put.changes(ports, suppressor, &shelf).await,
            Err(error) => Err(error.into()),
        };
        let decided = in_time(ports.now(), ends_at, decided).map(|(placed, mut changes)| {
            changes.writes.extend(mode);
            ((placed, is_new), changes)
        });
        hold.make(ports, decided).await
    })
    .await
}

/// What was decided, if the lock of the domain's lists has not ended.
fn in_time<T>(
    now: Timestamp,
    ends_at: Timestamp,
    decided: Result<T, SuppressionError>,
) -> Result<T, SuppressionError> {
    decided.and_then(|decided| {
        let is_in_time = now < ends_at;
        is_in_time.then_some(decided).ok_or(SuppressionError::Busy)
    })
}

/// An address that is put on the list of a domain.
struct Put {
    new: NewAddress,
    /// What has the name by now.
    called: Option<(Name, Suppression)>,
    /// What there is of the address.
    found: Found,
}

impl Put {
    /// Reads what may be news of somebody else since it was read first; the lock keeps only what has the name.
    async fn read(
        store: &impl KeyValue,
        suppressor: &Suppressor,
        shelf: &Shelf,
        new: NewAddress,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            called: find_listed(store, shelf, &new.id).await?,
            found: shelf.find(store, suppressor, &new.address).await?,
            new,
        })
    }

    /// What is placed, and what that changes.
    async fn changes<P: Clock + KeyValue>(
        self,
        ports: &P,
        suppressor: &Suppressor,
        shelf: &Shelf,
    ) -> Result<((Name, Suppression), Changes), SuppressionError> {
        let Self {
            new,
            called,
            mut found,
        } = self;
        let now = ports.now();
        // Who resubscribed is on it no more.
        let is_other = |entry: &Suppression| {
            entry.applies(now) && !resource_name(entry).eq_ignore_ascii_case(&new.id)
        };
        if found.entry().is_some_and(is_other) {
            return Err(SuppressionError::AlreadyListed);
        }
        let slot = called.as_ref().and_then(|(_, entry)| entry.slot);
        let moved = called.as_ref().map(|(name, _)| name.clone());
        let moved = moved.filter(|name| *name != found.name);
        let before = called.map(|(_, entry)| entry);
        let mut entry = before.unwrap_or_else(|| Suppression::added(now));
        make_own(&mut entry);
        let is_imported = imported(&new.id).is_some();
        entry.id = (!is_imported).then_some(new.id);
        write_person(&mut entry, &new.address, new.person, now);
        entry.redact(suppressor);
        let mut changes = match slot {
            Some(slot) => {
                // Its slot names the new address now, so what was stored under the old one must not take it along.
                found.clear = None;
                shelf.place(&found, entry.clone(), slot)?
            }
            None => shelf.place_anew(ports, &found, entry.clone()).await?,
        };
        let spent = moved.map(|name| keys::suppression_entry(&shelf.scope, &name));
        changes.spent.extend(spent.map(keys::Key::into_path));
        entry.slot = entry.slot.or(slot);
        Ok(((found.name, entry), changes))
    }
}

/// Takes an address off the list of a domain.
///
/// # Errors
/// When there is none, somebody else changes the lists or the address, or the store does not answer.
pub async fn remove_listed<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    (domain, list): (&Domain, &str),
    id: &str,
) -> Result<(), SuppressionError> {
    locked(ports, domain, async |ends_at| {
        let shelf = list::get(ports, domain, list).await?.shelf(domain);
        let called = find_listed(ports, &shelf, id).await?;
        let (name, _) = called.ok_or(SuppressionError::NoSuchAddress)?;
        let hold = Hold::of(ports, [&name]).await?;
        let decided = match find_listed(ports, &shelf, id).await {
            Ok(Some((now, entry))) if now == name => Ok(((), shelf.remove(&alone(now, entry)))),
            // An import has put it under its hash.
            Ok(Some(_)) => Err(SuppressionError::Busy),
            Ok(None) => Err(SuppressionError::NoSuchAddress),
            Err(error) => Err(error.into()),
        };
        let decided = in_time(ports.now(), ends_at, decided);
        hold.make(ports, decided).await
    })
    .await
}

const fn alone(name: Name, entry: Suppression) -> Found {
    Found {
        name,
        current: Some(entry),
        clear: None,
    }
}
