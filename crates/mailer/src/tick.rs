//! The tick: one bounded step that moves journal entries into the schedule and says which messages to attempt now.
//!
//! Only the holder of the lease writes progress and schedule, in one `set-many` at the end of its step; a step that did not get
//! there is done again. Attempts are not made here: their claims exclude each other, so it does no harm to name one twice.
//!
//! A message under attempt stays on the schedule as a safety net, at the start of its next claim window. It is found stale there
//! once the attempt was recorded, and attempted again when it was not.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::attempt::Windows;
use crate::due::{self, Additions};
use crate::engagement::waiting::Waiting;
use crate::journal::{JournalEntry, JournalItem, NUMBER_DEAD_AFTER, WorkKind};
use crate::keys::{self, Record};
use crate::lease::TickLease;
use crate::ports::{Clock, KeyValue, StoreError, Write};
use crate::time::Timestamp;

/// Entries younger than this are left to the direct path, which usually has them done by then.
pub const DIRECT_PATH_HEAD_START: Duration = Duration::from_secs(3);
/// Journal entries a step reads.
const STEP_ENTRIES: usize = 256;
/// Octets of visits that a step moves, about: it has them in memory, and writes them at once.
const STEP_MOVED_OCTETS: usize = 4 * 1024 * 1024;
/// Empty slots a step passes over.
const STEP_SLOTS: usize = 2_000;
/// A step reads for no longer than this, however slow the store is: what it found has to be written while the lease holds, or the
/// next step would do all of it again, and be as late.
const STEP_READS_FOR: Duration = Duration::from_secs(7);
/// A message that is not there after this was never accepted: a store that writes a `set-many` in parts kept only the journal entry.
const ORPHANED_AFTER: Duration = Duration::from_hours(1);
/// A number under which nothing comes is looked at this often.
const LONGEST_LOOK_AWAY: Duration = Duration::from_secs(15);
/// Progress is written at least once in so many slots, even when nothing happens.
const IDLE_SLOTS: u64 = 30;

/// Journal numbers that are open at once. The others wait until one is over, so that the record of progress stays under half a megabyte.
pub const MAX_OPEN_NUMBERS: usize = 4096;
/// Hosts' clocks differ by less than this many slots. Progress further ahead is of a clock that was ahead, and has been set right.
const CLOCK_SLOTS: u64 = 5;

/// How far the ticks have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TickProgress {
    /// The highest journal number seen.
    pub tail: u64,
    /// Numbers somebody may still write under.
    pub open: Vec<OpenNumber>,
    /// The slot being worked on.
    pub slot: u64,
    /// The entry being worked on in it.
    pub entry: u64,
    /// Items of that entry that are done.
    pub offset: usize,
}

impl Record for TickProgress {
    const VERSION: u32 = 1;
}

impl TickProgress {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.slot.saturating_sub(due::slot_due(now)) > CLOCK_SLOTS
    }

    fn go_to(&mut self, slot: u64) {
        (self.slot, self.entry, self.offset) = (slot, 0, 0);
    }
}

/// A journal number somebody may still write under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenNumber {
    /// The number.
    pub number: u64,
    /// The next entry to read.
    pub next: u64,
    /// When a tick first knew of it.
    pub seen_at: Timestamp,
    /// When a tick last read an entry of it.
    pub active_at: Timestamp,
    /// When to look again: the longer nothing came, the later.
    pub look_at: Timestamp,
    /// Its entries are not deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
}

/// What a tick did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ticked {
    /// There was nothing to do.
    Idle,
    /// Another tick is at work.
    Busy,
    /// One step was done.
    Stepped {
        /// Messages to attempt now.
        attempts: Vec<JournalItem>,
        /// Whether the next step would find work at once.
        more: bool,
    },
}

/// Does one step, naming at most `budget` messages to attempt.
///
/// # Errors
/// When the store does not answer; the step is then done again by a later tick.
pub async fn tick<P: Clock + KeyValue>(
    ports: &P,
    windows: Windows,
    budget: usize,
) -> Result<Ticked, StoreError> {
    // Without progress there is work: to write down where to begin. Otherwise a first journal number that was taken and never
    // written under would hide all the others.
    if let Some(progress) = keys::tick_progress().read(ports).await?
        && !has_work(ports, &progress).await?
    {
        return Ok(Ticked::Idle);
    }
    let Some(lease) = TickLease::take(ports).await? else {
        return Ok(Ticked::Busy);
    };
    // Read again: the lease's last holder may have written since.
    let progress = read_progress(ports).await?;
    let mut step = Step::new(progress, windows, ports.now(), budget);
    step.turn_back(ports).await?;
    step.open_numbers(ports).await?;
    // Who comes first may use up all there is, so they take turns.
    if lease.generation.is_multiple_of(2) {
        step.read_journal(ports).await?;
        step.read_schedule(ports).await?;
    } else {
        step.read_schedule(ports).await?;
        step.read_journal(ports).await?;
    }
    step.commit(ports, lease).await
}

async fn read_progress<P: Clock + KeyValue>(ports: &P) -> Result<TickProgress, StoreError> {
    let start = || TickProgress {
        tail: 0,
        open: Vec::new(),
        slot: due::slot_due(ports.now()),
        entry: 0,
        offset: 0,
    };
    Ok(keys::tick_progress()
        .read(ports)
        .await?
        .unwrap_or_else(start))
}

/// Looks without writing, so that an idle system is not written to every second.
async fn has_work<P: Clock + KeyValue>(
    ports: &P,
    progress: &TickProgress,
) -> Result<bool, StoreError> {
    let now = ports.now();
    let due_slot = due::slot_due(now);
    if due_slot.saturating_sub(progress.slot) > IDLE_SLOTS || progress.is_ahead(now) {
        return Ok(true);
    }
    if ports
        .exists(keys::journal(progress.tail.saturating_add(1), 0).path())
        .await?
    {
        return Ok(true);
    }
    for open in progress.open.iter().filter(|open| open.look_at <= now) {
        if open.is_dead(now)
            || ports
                .exists(keys::journal(open.number, open.next).path())
                .await?
        {
            return Ok(true);
        }
    }
    for slot in progress.slot..=due_slot {
        let entry = if slot == progress.slot {
            progress.entry
        } else {
            0
        };
        if ports.exists(keys::due(slot, entry).path()).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl OpenNumber {
    const fn new(number: u64, now: Timestamp) -> Self {
        Self {
            number,
            next: 0,
            seen_at: now,
            active_at: now,
            look_at: now,
            stays: false,
        }
    }

    /// The same, if none of its times can lie ahead.
    fn turned_back(self, now: Timestamp) -> Self {
        Self {
            seen_at: self.seen_at.min(now),
            active_at: self.active_at.min(now),
            look_at: self.look_at.min(now.plus(LONGEST_LOOK_AWAY)),
            ..self
        }
    }

    fn is_dead(&self, now: Timestamp) -> bool {
        now.since(self.seen_at) > NUMBER_DEAD_AFTER
    }

    fn found_nothing(&mut self, now: Timestamp) {
        self.look_at = now.plus((now.since(self.active_at) / 4).min(LONGEST_LOOK_AWAY));
    }
}

/// One step under way.
struct Step {
    progress: TickProgress,
    windows: Windows,
    now: Timestamp,
    budget: usize,
    attempts: Vec<JournalItem>,
    additions: Additions,
    /// Batches of visits that get keys of their own.
    moved: Vec<Write>,
    spent: Vec<String>,
    more: bool,
}

impl Step {
    fn new(progress: TickProgress, windows: Windows, now: Timestamp, budget: usize) -> Self {
        Self {
            progress,
            windows,
            now,
            budget,
            attempts: Vec::new(),
            additions: Additions::default(),
            moved: Vec::new(),
            spent: Vec::new(),
            more: false,
        }
    }

    /// Additions go behind everything this step may read.
    fn first_slot(&self) -> u64 {
        due::slot_due(self.now).max(self.progress.slot) + 1
    }

    fn schedule(&mut self, item: JournalItem, time: Timestamp) {
        let first = self.first_slot();
        self.additions.add(item, time, first);
    }

    /// Has an item attempted, if its window can be claimed now, and looked at again when the next one begins.
    fn attempt(&mut self, item: JournalItem) {
        if self.windows.claimable(item.due_at, self.now).is_some() {
            self.attempts.push(item);
        }
        self.schedule(item, self.windows.next_start(item.due_at, self.now));
    }

    fn has_budget(&self) -> bool {
        self.attempts.len() < self.budget
    }

    fn has_moved_enough(&self) -> bool {
        let octets = self.moved.iter().map(|(_, value)| value.len());
        octets.sum::<usize>() > STEP_MOVED_OCTETS
    }

    async fn open_numbers(&mut self, store: &impl KeyValue) -> Result<(), StoreError> {
        let tail = u64::try_from(keys::journal_tail().value(store).await?).unwrap_or(0);
        let room = MAX_OPEN_NUMBERS.saturating_sub(self.progress.open.len());
        let numbers = self.progress.tail.saturating_add(1)..=tail;
        for number in numbers.take(room) {
            self.progress.open.push(OpenNumber::new(number, self.now));
            self.progress.tail = number;
        }
        Ok(())
    }

    /// Takes back what was written down by a clock that was ahead and has been set right since: otherwise nothing would be read until
    /// the time it showed. What that clock scheduled behind its own time still waits for it.
    async fn turn_back<P: Clock + KeyValue>(&mut self, ports: &P) -> Result<(), StoreError> {
        let now = self.now;
        for open in &mut self.progress.open {
            *open = open.turned_back(now);
        }
        // To the end of its slot first: entries behind a gap would not be found again.
        if self.progress.is_ahead(now) && self.read_slot(ports).await? {
            self.progress.go_to(due::slot_due(now));
        }
        Ok(())
    }

    fn has_time(&self, clock: &impl Clock) -> bool {
        clock.now().since(self.now) < STEP_READS_FOR
    }

    async fn read_journal<P: Clock + KeyValue>(&mut self, ports: &P) -> Result<(), StoreError> {
        let mut left = STEP_ENTRIES;
        for mut open in std::mem::take(&mut self.progress.open) {
            let keep =
                open.look_at > self.now || self.read_number(ports, &mut open, &mut left).await?;
            if keep {
                self.progress.open.push(open);
            }
        }
        self.more |= left == 0;
        Ok(())
    }

    /// Reads what is new under one number; `false` when nothing more can come.
    async fn read_number<P: Clock + KeyValue>(
        &mut self,
        ports: &P,
        open: &mut OpenNumber,
        left: &mut usize,
    ) -> Result<bool, StoreError> {
        let first = open.next;
        while *left > 0 {
            if !self.has_time(ports) {
                self.more = true;
                break;
            }
            let Some(entry) = keys::journal(open.number, open.next).read(ports).await? else {
                let over = open.is_dead(self.now) && open.next == first;
                if over && !open.stays {
                    delete_entries(ports, open).await?;
                }
                open.found_nothing(self.now);
                return Ok(!over);
            };
            if self.now.since(entry.at) < DIRECT_PATH_HEAD_START {
                break;
            }
            if !self.has_budget() || self.has_moved_enough() {
                self.more = true;
                break;
            }
            self.take_entry(ports, &entry).await?;
            open.stays |= entry.stays;
            if let Some(visits) = Waiting::in_entry((open.number, open.next), entry) {
                self.moved.extend(visits.moved()?);
            }
            open.next += 1;
            open.active_at = self.now;
            *left -= 1;
        }
        Ok(true)
    }

    async fn take_entry(
        &mut self,
        store: &impl KeyValue,
        entry: &JournalEntry,
    ) -> Result<(), StoreError> {
        for &item in &entry.items {
            if entry.visits.is_none() && !self.is_open(store, item).await? {
                continue;
            }
            // Usually the direct path is at it, or the attempt is not due yet.
            if item.due_at > self.now
                || keys::claim(item.id, item.attempt, 0)
                    .is_taken(store)
                    .await?
            {
                self.schedule(item, self.windows.next_start(item.due_at, self.now));
            } else {
                self.attempt(item);
            }
        }
        Ok(())
    }

    async fn read_schedule<P: Clock + KeyValue>(&mut self, ports: &P) -> Result<(), StoreError> {
        let due_slot = due::slot_due(self.now);
        for _ in 0..STEP_SLOTS {
            if !self.read_slot(ports).await? {
                self.more = true;
                return Ok(());
            }
            if self.progress.slot >= due_slot {
                return Ok(());
            }
            self.progress.go_to(self.progress.slot + 1);
        }
        self.more = true;
        Ok(())
    }

    /// Reads the slot on from where it stands; `false` when the budget or the time ended first.
    async fn read_slot<P: Clock + KeyValue>(&mut self, ports: &P) -> Result<bool, StoreError> {
        if !self.has_time(ports) {
            return Ok(false);
        }
        while let Some(entry) = keys::due(self.progress.slot, self.progress.entry)
            .read(ports)
            .await?
        {
            for &item in entry.items.iter().skip(self.progress.offset) {
                if !self.has_budget() || !self.has_time(ports) {
                    return Ok(false);
                }
                if self.is_open(ports, item).await? {
                    self.attempt(item);
                }
                self.progress.offset += 1;
            }
            self.spent
                .push(keys::due(self.progress.slot, self.progress.entry).into_path());
            self.progress.entry += 1;
            self.progress.offset = 0;
        }
        Ok(true)
    }

    async fn commit<P: Clock + KeyValue>(
        self,
        ports: &P,
        lease: TickLease,
    ) -> Result<Ticked, StoreError> {
        let mut writes: Vec<Write> = self.additions.into_writes(ports).await?;
        let is_current = lease.is_current(ports).await?;
        // Judged last, when nothing is left that takes time but the write itself.
        let now = ports.now();
        if !is_current || !lease.holds(now) {
            return Err(StoreError::new("the step took longer than its lease"));
        }
        writes.extend(self.moved);
        writes.push(keys::tick_progress().write(&self.progress)?);
        writes.push(lease.give_back(now)?);
        ports.set_many(writes).await?;
        let mut spent = self.spent;
        spent.push(lease.spent_claim());
        // What stays behind when this fails is never read again, so losing the error loses nothing but space.
        let _ = ports.delete_many(spent).await;
        Ok(Ticked::Stepped {
            attempts: self.attempts,
            more: self.more,
        })
    }

    /// Whether the attempt that `item` stands for has not ended. Once it has, another item stands for the next one.
    ///
    /// A batch is gone once it was taken in, and so is a notification that nobody needs any more.
    async fn is_open(&self, store: &impl KeyValue, item: JournalItem) -> Result<bool, StoreError> {
        if item.kind != WorkKind::Message {
            let progress = keys::work_progress(item.kind, item.id).read(store).await?;
            return Ok(progress.is_some_and(|progress| {
                progress.attempt == item.attempt && progress.due_at.is_some()
            }));
        }
        if let Some(state) = keys::state(item.id).read(store).await? {
            return Ok(state.attempt == item.attempt && state.due_at.is_some());
        }
        let is_old = self.now.since(item.due_at) > ORPHANED_AFTER;
        Ok(item.attempt == 0 && (!is_old || store.exists(keys::message(item.id).path()).await?))
    }
}

async fn delete_entries(store: &impl KeyValue, open: &OpenNumber) -> Result<(), StoreError> {
    const AT_ONCE: usize = 256;
    let paths: Vec<String> = (0..open.next)
        .map(|n| keys::journal(open.number, n).into_path())
        .collect();
    for some in paths.chunks(AT_ONCE) {
        store.delete_many(some.to_vec()).await?;
    }
    Ok(())
}
