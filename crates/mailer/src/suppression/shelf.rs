//! The entries of one list: found by address, paged through by number.
//!
//! Each entry has a numbered slot that names it, so a list of any length is read without listing the store. Adding one costs a read, an
//! increment and one `set-many` of two keys; a page costs two rounds of reads, with two for each entry. Slots are not used twice: a list
//! that much was removed from has gaps, each of which costs a read.

use std::fmt;

use envelope::{AddrSpec, Domain};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::identity::{Name, Suppressor};
use super::list;
use super::record::Suppression;
use crate::keys::{self, Record};
use crate::ports::{KeyValue, StoreError, Write};

/// Slots one call of [`page`] looks at.
pub const SLOTS_READ: u64 = 1_000;
/// Most entries of one page.
pub const MAX_PAGE: usize = 500;

/// Whose mail a list holds back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everybody's.
    Everywhere,
    /// That of every sender of a domain.
    Domain(Domain),
    /// That of one sender username of a domain, in lower case.
    Sender(Domain, String),
}

impl Scope {
    /// That of `username` at `domain`, in any letter case; of all its senders if it is empty.
    #[must_use]
    pub fn of(domain: &Domain, username: &str) -> Self {
        match username {
            "" => Self::Domain(domain.clone()),
            username => Self::Sender(domain.clone(), username.to_ascii_lowercase()),
        }
    }

    /// Its name in the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Domain(_) => "Domain",
            Self::Sender(..) => "Sender",
        }
    }
}

/// One list: where its entries and slots are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Whose mail it holds back.
    pub scope: Scope,
    /// Which of the lists there have been for that scope.
    pub generation: u64,
}

/// The part of keys that tells lists apart. No domain is `*`.
impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Everywhere => f.write_str("*"),
            Scope::Domain(domain) | Scope::Sender(domain, _) => {
                write!(f, "{domain}/{}", self.generation)
            }
        }
    }
}

/// What a slot names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The name of the entry.
    pub name: Name,
    /// What an operator called it as a resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Record for Slot {
    const VERSION: u32 = 1;
}

/// What is on a list of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is stored under when it is written.
    pub name: Name,
    /// What is stored there.
    pub current: Option<Suppression>,
    /// What is stored under the clear address, from before addresses were hashed.
    pub clear: Option<(Name, Suppression)>,
}

impl Found {
    /// The entry, however it is stored.
    #[must_use]
    pub fn entry(&self) -> Option<&Suppression> {
        let clear = self.clear.as_ref().map(|(_, entry)| entry);
        self.current.as_ref().or(clear)
    }
}

/// What is to be written, and then what is to be deleted.
#[derive(Debug, Default)]
pub struct Changes {
    /// All at once.
    pub writes: Vec<Write>,
    /// Afterwards. What stays behind of it is skipped.
    pub spent: Vec<String>,
}

impl Changes {
    /// Makes them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn apply(self, store: &impl KeyValue) -> Result<(), StoreError> {
        if !self.writes.is_empty() {
            store.set_many(self.writes).await?;
        }
        if !self.spent.is_empty() {
            store.delete_many(self.spent).await?;
        }
        Ok(())
    }
}

impl Shelf {
    /// The list that holds back everybody's mail: what was learnt of bounces and complaints, and what operators add.
    #[must_use]
    pub const fn everywhere() -> Self {
        Self {
            scope: Scope::Everywhere,
            generation: 0,
        }
    }

    /// Whether the list is there, and was not deleted or made anew. As long as somebody holds an address, none comes on a list that is made
    /// after he asked: so he writes over nothing of it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn is_live(&self, store: &impl KeyValue) -> Result<bool, StoreError> {
        let (Scope::Domain(domain) | Scope::Sender(domain, _)) = &self.scope else {
            return Ok(true);
        };
        let lists = list::read(store, domain).await?;
        let list = lists.for_scope(&self.scope);
        Ok(list.is_some_and(|list| list.generation == self.generation))
    }

    /// The entry called `name`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(
        &self,
        store: &impl KeyValue,
        name: &Name,
    ) -> Result<Option<Suppression>, StoreError> {
        let found = keys::suppression_entry(&self.scope, name)
            .read(store)
            .await?;
        Ok(found.filter(|entry| entry.generation == self.generation))
    }

    /// What is on the list of `address`, in one round of reads.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find(
        &self,
        store: &impl KeyValue,
        suppressor: &Suppressor,
        address: &AddrSpec,
    ) -> Result<Found, StoreError> {
        self.find_named(store, suppressor.name(address), Some(address))
            .await
    }

    /// What is on the list under `name`; under the clear form of `address` too, if that is another.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find_named(
        &self,
        store: &impl KeyValue,
        name: Name,
        address: Option<&AddrSpec>,
    ) -> Result<Found, StoreError> {
        let other = address.map(Name::clear).filter(|clear| *clear != name);
        let names = std::iter::once(&name).chain(&other);
        let read = try_join_all(names.map(|name| self.read(store, name))).await?;
        let mut read = read.into_iter();
        let current = read.next().flatten();
        let clear = other.zip(read.next().flatten());
        Ok(Found {
            name,
            current,
            clear,
        })
    }

    /// Numbers for so many new entries: the first of them.
    ///
    /// # Errors
    /// When the store does not answer. Slots that are never written stay gaps.
    pub async fn take_slots(&self, store: &impl KeyValue, count: usize) -> Result<u64, StoreError> {
        let delta = i64::try_from(count).map_err(|_| StoreError::new("too many slots"))?;
        let last = keys::suppression_count(self).add(store, delta).await?;
        let first = last.saturating_sub(delta).saturating_add(1);
        u64::try_from(first).map_err(|_| StoreError::new("suppression-count is negative"))
    }

    /// The number of the last slot.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn slots(&self, store: &impl KeyValue) -> Result<u64, StoreError> {
        let count = keys::suppression_count(self).value(store).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Puts `entry` where `found` says: in its slot if it has one, else in `slot`.
    ///
    /// # Errors
    /// As [`keys::encode`].
    pub fn place(
        &self,
        found: &Found,
        mut entry: Suppression,
        slot: u64,
    ) -> Result<Changes, StoreError> {
        let kept = found.current.as_ref().and_then(|current| current.slot);
        let slot = kept.unwrap_or(slot);
        entry.slot = Some(slot);
        entry.generation = self.generation;
        let named = Slot {
            name: found.name.clone(),
            id: entry.id.clone(),
        };
        let mut writes = Vec::new();
        if let Some(id) = &entry.id {
            writes.push(keys::suppression_id(self, id).write(&named)?);
        }
        writes.push(keys::suppression_slot(self, slot).write(&named)?);
        writes.push(keys::suppression_entry(&self.scope, &found.name).write(&entry)?);
        let clear = found.clear.as_ref();
        let spent = clear.map_or_else(Vec::new, |(name, entry)| self.paths(name, entry, &[]));
        Ok(Changes { writes, spent })
    }

    /// Puts `entry` where `found` says, in a new slot if it needs one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn place_anew(
        &self,
        store: &impl KeyValue,
        found: &Found,
        entry: Suppression,
    ) -> Result<Changes, StoreError> {
        let kept = found.current.as_ref().and_then(|current| current.slot);
        let slot = match kept {
            Some(slot) => slot,
            None => self.take_slots(store, 1).await?,
        };
        self.place(found, entry, slot)
    }

    /// Everything that is stored of `found`.
    #[must_use]
    pub fn remove(&self, found: &Found) -> Changes {
        let current = found.current.as_ref().map(|entry| (&found.name, entry));
        let clear = found.clear.as_ref().map(|(name, entry)| (name, entry));
        let both = current.into_iter().chain(clear);
        let spent = both.flat_map(|(name, entry)| {
            let id = entry.id.as_deref();
            self.paths(name, entry, id.as_slice())
        });
        Changes {
            writes: Vec::new(),
            spent: spent.collect(),
        }
    }

    /// The keys of an entry.
    fn paths(&self, name: &Name, entry: &Suppression, ids: &[&str]) -> Vec<String> {
        let mut paths = vec![keys::suppression_entry(&self.scope, name).into_path()];
        paths.extend(
            entry
                .slot
                .map(|slot| keys::suppression_slot(self, slot).into_path()),
        );
        let ids = ids.iter();
        paths.extend(ids.map(|id| keys::suppression_id(self, id).into_path()));
        paths
    }
}

/// Some entries of a list, in the order they were added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Each with its name.
    pub entries: Vec<(Name, Suppression)>,
    /// The `after` of the next page, if there is one.
    pub next_after: Option<u64>,
}

/// At most `limit` entries in the slots behind `after`.
///
/// # Errors
/// When the store does not answer.
pub async fn page(
    store: &impl KeyValue,
    shelf: &Shelf,
    after: u64,
    limit: usize,
) -> Result<Page, StoreError> {
    let last = shelf.slots(store).await?;
    let limit = limit.clamp(1, MAX_PAGE);
    let end = last.min(after.saturating_add(SLOTS_READ));
    let (mut entries, mut slot) = (Vec::new(), after);
    while slot < end && entries.len() < limit {
        let room = u64::try_from(limit - entries.len()).unwrap_or(u64::MAX);
        let upto = end.min(slot.saturating_add(room));
        let read = (slot + 1..=upto).map(|slot| read_slot(store, shelf, slot));
        entries.extend(try_join_all(read).await?.into_iter().flatten());
        slot = upto;
    }
    Ok(Page {
        entries,
        next_after: (slot < last).then_some(slot),
    })
}

/// The entry that has `slot`; none if it was removed, or added twice and has another.
pub(super) async fn read_slot(
    store: &impl KeyValue,
    shelf: &Shelf,
    slot: u64,
) -> Result<Option<(Name, Suppression)>, StoreError> {
    let Some(Slot { name, .. }) = keys::suppression_slot(shelf, slot).read(store).await? else {
        return Ok(None);
    };
    let found = shelf.read(store, &name).await?;
    let found = found.filter(|entry| entry.slot == Some(slot));
    Ok(found.map(|entry| (name, entry)))
}
