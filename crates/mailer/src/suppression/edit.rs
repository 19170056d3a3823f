//! Changes of entries that follow from what was heard: decided while the addresses are held, and written with what else follows from it.

use std::collections::BTreeMap;

use envelope::AddrSpec;
use futures::future::try_join_all;

use super::hold::{Hold, PATIENCE};
use super::identity::{Name, Suppressor};
use super::record::{Kind, Suppression};
use super::shelf::{Found, Shelf};
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError, Write};

/// Something that was heard of an address on a list.
pub(super) trait Change {
    /// The list.
    fn shelf(&self) -> &Shelf;
    /// The address.
    fn address(&self) -> &AddrSpec;
    /// What it makes of an entry; `None` if it changes nothing.
    fn after(&self, known: Option<&Suppression>) -> Option<Suppression>;
}

/// Writes about addresses that are held until they are made.
#[derive(Debug, Default)]
#[must_use = "dropped, it holds others up until its window ends"]
pub struct Edit {
    writes: Vec<Write>,
    hold: Hold,
}

impl Edit {
    /// What it writes; nothing, if nothing changes.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Has what was heard decided. Of what was heard of one address each sees what the former made. Nothing is
    /// held of an address whose entry stays as it is.
    ///
    /// `None` if somebody else changes the entries for too long, or a list was deleted meanwhile.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn decide<P: Clock + KeyValue + Scheduler, C: Change>(
        ports: &P,
        suppressor: &Suppressor,
        heard: &[C],
    ) -> Result<Option<Self>, StoreError> {
        if heard.is_empty() {
            return Ok(Some(Self::default()));
        }
        let mode = suppressor.admit(ports).await?;
        let places = by_place(suppressor, heard);
        let changed = changed(ports, suppressor, places).await?;
        let names = changed.iter().map(|one| &one.found.name);
        let Some(hold) = Hold::take(ports, names, PATIENCE).await? else {
            return Ok(None);
        };
        // What was found before may be another's by now.
        let places = changed.into_iter().map(|one| one.heard).collect();
        match placed(ports, suppressor, places).await {
            Ok(Some(mut writes)) => {
                let mode = mode.filter(|_| !writes.is_empty());
                writes.extend(mode);
                Ok(Some(Self { writes, hold }))
            }
            other => {
                hold.release(ports).await;
                other.map(|_| None)
            }
        }
    }

    /// Writes `entry` and this in one `set-many`, and lets others in. Gives whether there was time for it. If the write fails, it may be on
    /// its way yet, so the addresses stay held until the window ends.
    ///
    /// # Errors
    /// As [`Outbox::commit`].
    pub async fn commit<P: Clock + KeyValue + Scheduler>(
        self,
        ports: &P,
        outbox: &Outbox,
        mut entry: Entry,
    ) -> Result<bool, StoreError> {
        let is_in_time = self.hold.lasts(ports.now());
        if is_in_time {
            entry.writes.extend(self.writes);
            outbox.commit(ports, entry).await?;
        }
        self.hold.release(ports).await;
        Ok(is_in_time)
    }
}

/// All that was heard of one address on one list.
type Heard<'a, C> = Vec<&'a C>;

fn by_place<'a, C: Change>(suppressor: &Suppressor, heard: &'a [C]) -> Vec<Heard<'a, C>> {
    let mut places: BTreeMap<_, Heard<'a, C>> = BTreeMap::new();
    for one in heard {
        let shelf = one.shelf();
        let place = (&shelf.scope, shelf.generation);
        let name = suppressor.name(one.address());
        places.entry((place, name)).or_default().push(one);
    }
    places.into_values().collect()
}

/// What is there, and what becomes of it.
struct Changed<'a, C> {
    heard: Heard<'a, C>,
    found: Found,
    entry: Suppression,
}

impl<'a, C: Change> Changed<'a, C> {
    fn shelf(&self) -> Option<&'a Shelf> {
        self.heard.first().map(|one| one.shelf())
    }
}

/// The places where something changes.
async fn changed<'a, C: Change>(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    places: Vec<Heard<'a, C>>,
) -> Result<Vec<Changed<'a, C>>, StoreError> {
    let look = async |heard: Heard<'a, C>| {
        let Some(first) = heard.first() else {
            return Ok(None);
        };
        let (shelf, address) = (first.shelf(), first.address());
        let found = shelf.find(store, suppressor, address).await?;
        let entry = after_all(found.entry(), &heard);
        Ok::<_, StoreError>(entry.map(|mut entry| {
            entry.redact(suppressor);
            Changed {
                heard,
                found,
                entry,
            }
        }))
    };
    let found = try_join_all(places.into_iter().map(look)).await?;
    Ok(found.into_iter().flatten().collect())
}

fn after_all<C: Change>(found: Option<&Suppression>, heard: &[&C]) -> Option<Suppression> {
    let mut entry = None;
    for one in heard {
        entry = one.after(entry.as_ref().or(found)).or(entry);
    }
    entry
}

/// The writes for what changes; `None` if a list is not there any more.
async fn placed<C: Change>(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    places: Vec<Heard<'_, C>>,
) -> Result<Option<Vec<Write>>, StoreError> {
    let changed = changed(store, suppressor, places).await?;
    // The places of one list follow each other, and it is looked at once.
    let mut shelves: Vec<&Shelf> = changed.iter().filter_map(Changed::shelf).collect();
    shelves.dedup();
    for shelf in shelves {
        if !shelf.is_live(store).await? {
            return Ok(None);
        }
    }
    let mut writes = Vec::new();
    for one in changed {
        let Some(shelf) = one.shelf() else {
            continue;
        };
        let Changed { found, entry, .. } = one;
        let found = written_over(found, &entry);
        writes.extend(shelf.place_anew(store, &found, entry).await?.writes);
    }
    Ok(Some(writes))
}

/// Where the entry goes. What is stored under a clear address stays, as nothing can be deleted together with writes, and is looked up as
/// well; but for who wants mail again it would go on counting, so that is written over where it is.
fn written_over(found: Found, entry: &Suppression) -> Found {
    let is_wanted_again = entry.kind == Kind::Unsubscribed && entry.until.is_some();
    let clear = found.clear.filter(|_| is_wanted_again);
    let (name, current) = match (found.current, clear) {
        (None, Some((name, entry))) => (name, Some(entry)),
        (current, _) => (found.name, current),
    };
    Found {
        name,
        current,
        clear: None,
    }
}

/// What an address is stored under; whoever changes it holds this name.
pub(super) fn held_name(suppressor: &Suppressor, name: &Name) -> Name {
    match AddrSpec::parse(name.as_str()) {
        Ok(address) => suppressor.name(&address),
        Err(_) => name.clone(),
    }
}
