//! Group commit: concurrent tasks of one instance share one `set-many`, and with it one journal entry and one fsync.
//!
//! The first task to come leads: it lets every other ready task have its turn, takes what they all queued and writes it. If nobody
//! else has [announced](Outbox::announce) an entry, it writes at once: giving up a turn costs a trip out of the instance and back.
//! Tasks that come while it writes queue up, and the first of them leads the next round. A leader that is dropped half-way fails its
//! round and passes the lead on, so nobody waits for ever.
//!
//! Waiting tasks look again and again instead of being woken. Waking a task of another request is not to be had: the guest runtime
//! does it by cancelling a stream that is in a waitable set, which hosts answer with a trap. It costs next to nothing, since a write
//! holds up the whole instance: by the time anybody looks, the result is there.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::journal::{JournalEntry, JournalItem, Position};
use crate::keys;
use crate::listing;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError, Write};

/// A round takes no more messages than this.
const ROUND_ENTRIES: usize = 64;
/// A round takes no more octets than this, unless one message alone is larger.
const ROUND_OCTETS: usize = 4 * 1024 * 1024;
/// How often a leader lets the others have their turn before it writes, if there are others.
const TURNS: usize = 2;
/// Looks at once, one after the other, before a waiting task begins to pause between them.
const EAGER_LOOKS: usize = 16;
/// That pause.
const LOOK_PAUSE: Duration = Duration::from_millis(1);

/// The one writer of an instance. Lives as long as the instance.
#[derive(Default)]
pub struct Outbox {
    position: Cell<Option<Position>>,
    /// Its numbers are noted under the day, so that what was accepted can be listed.
    is_listed: bool,
    queue: RefCell<VecDeque<Queued>>,
    led: Cell<bool>,
    announced: Cell<usize>,
}

/// Says that a task is on its way to [`Outbox::commit`]; taken back when it is dropped.
#[derive(Debug)]
pub struct Announcement<'a>(&'a Outbox);

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// What one task wants written: all of it or nothing.
#[derive(Debug)]
pub struct Entry {
    /// Pairs that belong together.
    pub writes: Vec<Write>,
    /// What the tick shall look at.
    pub items: Vec<JournalItem>,
}

impl Entry {
    fn octets(&self) -> usize {
        self.writes
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }
}

struct Queued {
    entry: Entry,
    slot: Rc<Slot>,
}

impl Outbox {
    /// One whose numbers are noted under the day they are taken on. A number lasts no longer than its day then.
    #[must_use]
    pub fn listing() -> Self {
        Self {
            is_listed: true,
            ..Self::default()
        }
    }

    /// Announces an entry, so that a leader waits a little for it. Held until the task is done; without it the entry is written all
    /// the same, only less often together with others.
    #[must_use = "dropped, it announces nothing"]
    pub fn announce(&self) -> Announcement<'_> {
        self.announced.set(self.announced.get().saturating_add(1));
        Announcement(self)
    }

    /// Whether tasks are on their way that have queued nothing yet.
    fn expects_more(&self) -> bool {
        self.announced.get() > self.queue.borrow().len()
    }

    /// Writes `entry` together with what other tasks of the instance have to write.
    ///
    /// # Errors
    /// When the store did not say that it wrote; the entry may be there all the same.
    pub async fn commit<P: Clock + KeyValue + Scheduler>(
        &self,
        ports: &P,
        entry: Entry,
    ) -> Result<(), StoreError> {
        let waiter = Waiter {
            outbox: self,
            slot: Rc::default(),
        };
        self.queue.borrow_mut().push_back(Queued {
            entry,
            slot: Rc::clone(&waiter.slot),
        });
        if !self.led.replace(true) {
            self.lead(ports).await;
        }
        loop {
            match waiter.news(ports).await {
                News::Written(result) => return result,
                News::Lead => self.lead(ports).await,
            }
        }
    }

    /// Writes one round. The leader's own entry is the first of the queue, so it is in it.
    async fn lead<P: Clock + KeyValue + Scheduler>(&self, ports: &P) {
        let mut round = Round {
            outbox: self,
            slots: Vec::new(),
        };
        for _ in 0..TURNS {
            if !self.expects_more() {
                break;
            }
            ports.yield_now().await;
        }
        let entries = self.take_round(&mut round);
        let result = self.write(ports, entries).await;
        round.finish(&result);
    }

    fn take_round(&self, round: &mut Round<'_>) -> Vec<Entry> {
        let mut queue = self.queue.borrow_mut();
        let mut entries: Vec<Entry> = Vec::new();
        let mut octets = 0;
        while let Some(next) = queue.front() {
            octets += next.entry.octets();
            if entries.len() == ROUND_ENTRIES || (octets > ROUND_OCTETS && !entries.is_empty()) {
                break;
            }
            let Some(Queued { entry, slot }) = queue.pop_front() else {
                break;
            };
            round.slots.push(slot);
            entries.push(entry);
        }
        entries
    }

    async fn write<P: Clock + KeyValue>(
        &self,
        ports: &P,
        entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        let mut items = Vec::new();
        let mut writes: Vec<Write> = Vec::new();
        for entry in entries {
            items.extend(entry.items);
            writes.extend(entry.writes);
        }
        if items.is_empty() {
            return ports.set_many(writes).await;
        }
        // Taken out, so that a failed or dropped write leaves none: what it wrote is not known, and must not be overwritten.
        let position = self.open_position(ports, &mut writes).await?;
        let entry = JournalEntry {
            at: ports.now(),
            items,
            stays: self.is_listed,
        };
        writes.push(keys::journal(position.number, position.next).write(&entry)?);
        ports.set_many(writes).await?;
        self.position.set(Some(position.advanced()));
        Ok(())
    }

    /// Where to write next; what has to be written with the first entry under a new number is added to `writes`.
    async fn open_position<P: Clock + KeyValue>(
        &self,
        ports: &P,
        writes: &mut Vec<Write>,
    ) -> Result<Position, StoreError> {
        let now = ports.now();
        let is_open = |position: &Position| {
            let same_day = position.taken_at.day() == now.day();
            position.is_open(now) && (same_day || !self.is_listed)
        };
        if let Some(position) = self.position.take().filter(is_open) {
            return Ok(position);
        }
        let number = keys::journal_tail().increment(ports).await?;
        let number =
            u64::try_from(number).map_err(|_| StoreError::new("journal/tail is negative"))?;
        if self.is_listed {
            writes.push(listing::note(ports, number, now).await?);
        }
        Ok(Position {
            number,
            next: 0,
            taken_at: now,
        })
    }

    fn pass_lead(&self) {
        match self.queue.borrow().front() {
            Some(next) => next.slot.call_to_lead(),
            None => self.led.set(false),
        }
    }
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        let announced = &self.0.announced;
        announced.set(announced.get().saturating_sub(1));
    }
}

/// A round under way. Dropped unfinished, it fails its entries; either way it passes the lead on.
struct Round<'a> {
    outbox: &'a Outbox,
    slots: Vec<Rc<Slot>>,
}

impl Round<'_> {
    fn finish(mut self, result: &Result<(), StoreError>) {
        for slot in self.slots.drain(..) {
            slot.written(result.clone());
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        for slot in self.slots.drain(..) {
            slot.written(Err(StoreError::new(
                "the task that wrote for this one was dropped",
            )));
        }
        self.outbox.pass_lead();
    }
}

/// A task that waits for its entry. Dropped while called to lead, it passes the call on.
struct Waiter<'a> {
    outbox: &'a Outbox,
    slot: Rc<Slot>,
}

impl Waiter<'_> {
    async fn news(&self, ports: &impl Scheduler) -> News {
        let mut looks = 0;
        loop {
            if let Some(result) = self.slot.result.take() {
                return News::Written(result);
            }
            if self.slot.lead.take() {
                return News::Lead;
            }
            looks += 1;
            if looks < EAGER_LOOKS {
                ports.yield_now().await;
            } else {
                ports.sleep(LOOK_PAUSE).await;
            }
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.outbox
            .queue
            .borrow_mut()
            .retain(|queued| !Rc::ptr_eq(&queued.slot, &self.slot));
        if self.slot.lead.take() {
            self.outbox.pass_lead();
        }
    }
}

enum News {
    Written(Result<(), StoreError>),
    Lead,
}

/// Where a waiting task is told what became of its entry.
#[derive(Default)]
struct Slot {
    result: Cell<Option<Result<(), StoreError>>>,
    lead: Cell<bool>,
}

impl Slot {
    fn written(&self, result: Result<(), StoreError>) {
        self.result.set(Some(result));
    }

    fn call_to_lead(&self) {
        self.lead.set(true);
    }
}
