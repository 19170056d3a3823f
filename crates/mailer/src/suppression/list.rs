//! The suppression lists of a domain: one for all its senders, one for each sender username, and one for each topic.
//!
//! All lists of a domain are in one record, so an attempt reads them together with the entries. A list that is deleted stops counting with
//! one write; [`sweep`] deletes its entries behind that, a page at a time.

use std::time::Duration;

use envelope::{Domain, LocalPart};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::error::SuppressionError;
use super::shelf::{Scope, Shelf};
use crate::domain::claim::Claim;
use crate::event::derived_id;
use crate::keys::{self, Record};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;
use crate::treatment::Topic;

/// Most lists of a domain: one for all senders, for which there is always room, one for each of its usernames, and 200 for topics. They are
/// read at every attempt, so there are not more: as many take about 50 KB.
pub const MAX_LISTS: usize = 301;
/// What the name of a topic's list begins with. No username has a colon, but one in quotation marks.
const TOPIC_PREFIX: &str = "topic:";
/// Longest name of a resource.
pub const MAX_RESOURCE_NAME: usize = 253;
/// Slots that [`sweep`] empties under one lock.
const SWEPT_AT_ONCE: u64 = 500;

/// How long the lock can be taken for, at least: see [`crate::attempt::Windows`].
const LOCK_HOLDS: Duration = Duration::from_secs(5);
/// Looks at a lock that somebody else holds.
const TRIES: u32 = 20;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(50);

/// The lists of a domain, whether it is deleted or not: they are there again when it is added again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionLists {
    /// Lists there ever were.
    pub generations: u64,
    /// In the order they were made.
    pub lists: Vec<SuppressionList>,
    /// Deleted ones whose entries are not all deleted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doomed: Vec<DoomedList>,
}

impl Record for SuppressionLists {
    const VERSION: u32 = 1;
}

/// A list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionList {
    /// Its name as a resource.
    pub id: String,
    /// The sender username it is for, or [`topic_name`]; empty for all senders of the domain.
    pub list_name: String,
    /// Tells its entries from those of lists that were there before it.
    pub generation: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was put last.
    pub updated_at: Timestamp,
}

/// A list that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoomedList {
    /// The sender username it was for.
    pub list_name: String,
    /// Its generation.
    pub generation: u64,
    /// The slots up to this one are empty.
    pub swept: u64,
}

impl SuppressionLists {
    /// The list that is called `id` as a resource, in any letter case.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&SuppressionList> {
        let mut lists = self.lists.iter();
        lists.find(|list| list.id.eq_ignore_ascii_case(id))
    }

    /// The list that is for a scope.
    #[must_use]
    pub fn for_scope(&self, scope: &Scope) -> Option<&SuppressionList> {
        let username = match scope {
            Scope::Everywhere => return None,
            Scope::Domain(_) => "",
            Scope::Sender(_, username) => username,
        };
        let mut lists = self.lists.iter();
        lists.find(|list| list.list_name.eq_ignore_ascii_case(username))
    }
}

impl SuppressionList {
    /// Where its entries are.
    #[must_use]
    pub fn shelf(&self, domain: &Domain) -> Shelf {
        Shelf {
            scope: Scope::of(domain, &self.list_name),
            generation: self.generation,
        }
    }
}

/// The lists of `domain`.
///
/// # Errors
/// When the store does not answer.
pub async fn read(store: &impl KeyValue, domain: &Domain) -> Result<SuppressionLists, StoreError> {
    let found = keys::suppression_lists(domain).read(store).await?;
    Ok(found.unwrap_or_default())
}

/// The list of `domain` that is called `id`.
///
/// # Errors
/// When there is none, or the store does not answer.
pub async fn get(
    store: &impl KeyValue,
    domain: &Domain,
    id: &str,
) -> Result<SuppressionList, SuppressionError> {
    let lists = read(store, domain).await?;
    let found = lists.find(id).cloned();
    found.ok_or(SuppressionError::NoSuchList)
}

/// Makes a list, or notes that it was put again. Without a `list_name` it is for all senders. Gives whether it is new.
///
/// # Errors
/// When a name is none, or taken, or another than it was, when the domain has as many lists as it may, or the store does not answer.
pub async fn put<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    id: &str,
    list_name: Option<&str>,
) -> Result<(SuppressionList, bool), SuppressionError> {
    check_resource_name(id)?;
    let list_name = list_name.map(checked).transpose()?;
    edit(ports, domain, |lists, now| {
        let found = lists.lists.iter_mut();
        let found = found
            .into_iter()
            .find(|list| list.id.eq_ignore_ascii_case(id));
        if let Some(found) = found {
            let same = |name: &String| found.list_name.eq_ignore_ascii_case(name);
            if !list_name.as_ref().is_none_or(same) {
                return Err(SuppressionError::ListNameFixed);
            }
            found.updated_at = now;
            return Ok((found.clone(), false));
        }
        let list = add(lists, id, list_name.unwrap_or_default(), now)?;
        Ok((list, true))
    })
    .await
}

/// The name of the list of those who want no more mail about `topic`.
#[must_use]
pub fn topic_name(topic: &Topic) -> String {
    format!("{TOPIC_PREFIX}{topic}")
}

/// The list of that name, made if it is not there; if there is no room, the one for all senders, made if it is not there.
///
/// # Errors
/// When somebody else changes the lists, or the store does not answer.
pub async fn ensure<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    list_name: &str,
) -> Result<SuppressionList, SuppressionError> {
    let lists = read(ports, domain).await?;
    if let Some(found) = lists.for_scope(&Scope::of(domain, list_name)) {
        return Ok(found.clone());
    }
    edit(ports, domain, |lists, now| {
        match found_or_added(lists, domain, list_name, now) {
            Err(SuppressionError::TooManyLists) => found_or_added(lists, domain, "", now),
            other => other,
        }
    })
    .await
}

fn found_or_added(
    lists: &mut SuppressionLists,
    domain: &Domain,
    list_name: &str,
    now: Timestamp,
) -> Result<SuppressionList, SuppressionError> {
    if let Some(found) = lists.for_scope(&Scope::of(domain, list_name)) {
        return Ok(found.clone());
    }
    // A name that nobody else has: the generation it will have is in it.
    let number = lists.generations.saturating_add(1);
    let id = format!(
        "unsubscribed-{}",
        derived_id(&format!("{domain}/{list_name}/{number}"))
    );
    add(lists, &id, list_name.to_owned(), now)
}

fn add(
    lists: &mut SuppressionLists,
    id: &str,
    list_name: String,
    now: Timestamp,
) -> Result<SuppressionList, SuppressionError> {
    let mut names = lists.lists.iter().map(|list| &list.list_name);
    if names.any(|name| name.eq_ignore_ascii_case(&list_name)) {
        return Err(SuppressionError::ListNameInUse);
    }
    let has_one_for_all = || lists.lists.iter().any(|list| list.list_name.is_empty());
    let is_reserved = !list_name.is_empty() && !has_one_for_all();
    if lists.lists.len() + usize::from(is_reserved) >= MAX_LISTS {
        return Err(SuppressionError::TooManyLists);
    }
    lists.generations = lists.generations.saturating_add(1);
    let list = SuppressionList {
        id: id.to_owned(),
        list_name,
        generation: lists.generations,
        created_at: now,
        updated_at: now,
    };
    lists.lists.push(list.clone());
    Ok(list)
}

/// Deletes a list. Its entries do not count from now on; [`sweep`] deletes them.
///
/// # Errors
/// When there is no such list, or the store does not answer.
pub async fn remove<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    id: &str,
) -> Result<(), SuppressionError> {
    edit(ports, domain, |lists, _| {
        let list = lists.find(id).cloned();
        let list = list.ok_or(SuppressionError::NoSuchList)?;
        lists
            .lists
            .retain(|other| other.generation != list.generation);
        lists.doomed.push(DoomedList {
            list_name: list.list_name,
            generation: list.generation,
            swept: 0,
        });
        Ok(())
    })
    .await
}

/// Deletes some of what deleted lists left. Gives whether there is more.
///
/// # Errors
/// When the store does not answer, or somebody else changes the lists.
pub async fn sweep<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
) -> Result<bool, SuppressionError> {
    locked(ports, domain, async |ends_at| {
        let mut lists = read(ports, domain).await?;
        let Some(doomed) = lists.doomed.first().cloned() else {
            return Ok(false);
        };
        let shelf = &Shelf {
            scope: Scope::of(domain, &doomed.list_name),
            generation: doomed.generation,
        };
        let last = shelf.slots(ports).await?;
        let upto = last.min(doomed.swept.saturating_add(SWEPT_AT_ONCE));
        let slots = (doomed.swept + 1)..=upto;
        let read = slots.clone().map(|slot| async move {
            let slot = keys::suppression_slot(shelf, slot).read(ports).await?;
            let Some(slot) = slot else {
                return Ok::<_, StoreError>(None);
            };
            let entry = shelf.read(ports, &slot.name).await?;
            Ok(Some((slot, entry.is_some())))
        });
        let found = try_join_all(read).await?;
        let mut spent: Vec<String> = slots
            .map(|slot| keys::suppression_slot(shelf, slot).into_path())
            .collect();
        // The entries' keys are those of a list that was made since, whose entries may have come in between.
        let is_alone = lists.for_scope(&shelf.scope).is_none();
        for (slot, is_there) in found.into_iter().flatten() {
            let id = slot.id.as_deref();
            spent.extend(id.map(|id| keys::suppression_id(shelf, id).into_path()));
            if is_alone && is_there {
                spent.push(keys::suppression_entry(&shelf.scope, &slot.name).into_path());
            }
        }
        lists.doomed.remove(0);
        if upto < last {
            let swept = upto;
            lists.doomed.insert(0, DoomedList { swept, ..doomed });
        } else {
            spent.push(keys::suppression_count(shelf).into_path());
        }
        if ports.now() >= ends_at {
            return Err(SuppressionError::Busy);
        }
        ports.delete_many(spent).await?;
        let write = keys::suppression_lists(domain).write(&lists)?;
        ports.set_many(vec![write]).await?;
        Ok(!lists.doomed.is_empty())
    })
    .await
}

fn checked(list_name: &str) -> Result<String, SuppressionError> {
    if list_name.is_empty() {
        return Ok(String::new());
    }
    if let Some(topic) = list_name.strip_prefix(TOPIC_PREFIX) {
        let topic = Topic::parse(topic).map_err(|_| SuppressionError::ListName)?;
        return Ok(topic_name(&topic));
    }
    let username = LocalPart::parse(list_name).map_err(|_| SuppressionError::ListName)?;
    Ok(username.content().to_owned())
}

/// Whether lists and addresses can be called `name`.
pub(super) fn check_resource_name(name: &str) -> Result<(), SuppressionError> {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    let is_name = (1..=MAX_RESOURCE_NAME).contains(&name.len()) && name.bytes().all(allowed);
    if is_name {
        Ok(())
    } else {
        Err(SuppressionError::ResourceName)
    }
}

async fn edit<P: Clock + KeyValue + Scheduler, T>(
    ports: &P,
    domain: &Domain,
    change: impl FnOnce(&mut SuppressionLists, Timestamp) -> Result<T, SuppressionError>,
) -> Result<T, SuppressionError> {
    locked(ports, domain, async |ends_at| {
        let mut lists = read(ports, domain).await?;
        let given = change(&mut lists, ports.now())?;
        if ports.now() >= ends_at {
            return Err(SuppressionError::Busy);
        }
        let write = keys::suppression_lists(domain).write(&lists)?;
        ports.set_many(vec![write]).await?;
        Ok(given)
    })
    .await
}

/// Does `work` while nobody else changes the lists of `domain` or edits what is on them; it is told until when.
pub(super) async fn locked<P: Clock + KeyValue + Scheduler, T>(
    ports: &P,
    domain: &Domain,
    work: impl AsyncFnOnce(Timestamp) -> Result<T, SuppressionError>,
) -> Result<T, SuppressionError> {
    for attempt in 1..=TRIES {
        let counter = |window| keys::suppression_lock(domain, window);
        if let Some(lock) = Claim::take(ports, LOCK_HOLDS, counter).await? {
            let result = work(lock.ends_at).await;
            lock.release(ports).await;
            return result;
        }
        if attempt < TRIES {
            ports.sleep(PAUSE).await;
        }
    }
    Err(SuppressionError::Busy)
}
