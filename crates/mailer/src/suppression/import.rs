//! Many addresses put on a list, some hundreds at a time.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::error::SuppressionError;
use super::hold::{Hold, PATIENCE};
use super::identity::{Name, Suppressor};
use super::record::Suppression;
use super::rows::{Numbered, Row, RowError, Who};
use super::shelf::{Changes, Found, Shelf};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// Rows that are written at once.
pub const ROWS_AT_ONCE: usize = 500;
/// Most bad lines that a report names; the others are counted.
pub const MAX_BAD_LINES: usize = 100;
/// How many times longer than others it waits for addresses that somebody else changes: longer than who died can hold them.
const PATIENT: u32 = 5;

/// What an import came to so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows read, bad ones too.
    pub rows: u64,
    /// Addresses that were not on the list.
    pub added: u64,
    /// Addresses that were, and of which something else is known now.
    pub updated: u64,
    /// Addresses of which nothing new was said, or that are on the list for good where the row has a lease.
    pub unchanged: u64,
    /// Bad lines.
    pub bad: u64,
    /// The first [`MAX_BAD_LINES`] of them: line and reason.
    pub bad_lines: Vec<(u64, RowError)>,
    /// The line of the last row that was taken in.
    pub line: u64,
}

/// Takes rows into a list.
#[derive(Debug)]
pub struct Import {
    shelf: Shelf,
    // Good rows that are not written yet.
    waiting: Vec<(Name, Row)>,
    report: Report,
    last_line: u64,
}

impl Import {
    /// An import into `shelf`.
    #[must_use]
    pub fn new(shelf: Shelf) -> Self {
        Self {
            shelf,
            waiting: Vec::new(),
            report: Report::default(),
            last_line: 0,
        }
    }

    /// What was done so far. What still waits is counted among the rows only.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Takes a row in, and writes what waits if it is enough.
    ///
    /// # Errors
    /// When the store does not answer, or was written with another hash key. What was reported was written.
    pub async fn take<P: Clock + KeyValue + Scheduler>(
        &mut self,
        ports: &P,
        suppressor: &Suppressor,
        (line, row): Numbered,
    ) -> Result<(), StoreError> {
        self.report.rows += 1;
        self.last_line = line;
        let named = row.and_then(|row| Ok((name_of(suppressor, &row.who)?, row)));
        match named {
            Ok(named) => self.waiting.push(named),
            Err(error) => {
                self.report.bad += 1;
                if self.report.bad_lines.len() < MAX_BAD_LINES {
                    self.report.bad_lines.push((line, error));
                }
            }
        }
        if self.waiting.len() >= ROWS_AT_ONCE {
            self.flush(ports, suppressor).await?;
        }
        Ok(())
    }

    /// Writes what waits. Costs a round of reads, an increment, one `set-many`, and what it takes to hold the addresses: before they are read,
    /// since most are new.
    ///
    /// # Errors
    /// As [`Self::take`], or when somebody else changes the addresses, or the list was deleted.
    pub async fn flush<P: Clock + KeyValue + Scheduler>(
        &mut self,
        ports: &P,
        suppressor: &Suppressor,
    ) -> Result<(), StoreError> {
        let rows = by_name(std::mem::take(&mut self.waiting));
        let hold = Hold::take(ports, rows.keys(), PATIENCE * PATIENT).await?;
        let hold = hold.ok_or_else(|| SuppressionError::Busy.into_store_error())?;
        let decided = self.decided(ports, suppressor, rows).await;
        let made = hold.make(ports, decided.map_err(Into::into)).await;
        let decisions = made.map_err(SuppressionError::into_store_error)?;
        self.count(&decisions);
        Ok(())
    }

    /// What becomes of the entries of `rows`, and the writes for it.
    async fn decided<P: Clock + KeyValue>(
        &self,
        ports: &P,
        suppressor: &Suppressor,
        rows: BTreeMap<Name, Vec<Row>>,
    ) -> Result<(Vec<Decision>, Changes), StoreError> {
        let mode = suppressor.admit(ports).await?;
        if !self.shelf.is_live(ports).await? {
            return Err(StoreError::new("the list was deleted during the import"));
        }
        let finds = rows
            .into_iter()
            .map(|(name, rows)| self.find(ports, name, rows));
        let found = try_join_all(finds).await?.into_iter();
        let now = ports.now();
        let decisions: Vec<Decision> = found
            .map(|(found, rows)| Decision::of(found, rows, suppressor, now))
            .collect();
        let mut changes = self.changes(ports, &decisions).await?;
        if !changes.writes.is_empty() {
            changes.writes.extend(mode);
        }
        Ok((decisions, changes))
    }

    /// The writes that put the decided entries where they belong.
    async fn changes(
        &self,
        store: &impl KeyValue,
        decisions: &[Decision],
    ) -> Result<Changes, StoreError> {
        let count = decisions.iter().filter(|one| one.needs_slot()).count();
        let mut slot = match count {
            0 => 0,
            count => self.shelf.take_slots(store, count).await?,
        };
        let mut changes = Changes::default();
        for decision in decisions {
            let Some(entry) = &decision.entry else {
                continue;
            };
            let placed = self.shelf.place(&decision.found, entry.clone(), slot)?;
            changes.writes.extend(placed.writes);
            changes.spent.extend(placed.spent);
            slot += u64::from(decision.needs_slot());
        }
        Ok(changes)
    }

    /// Counts what was written.
    fn count(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            let counter = match (decision.is_news(), decision.found.entry()) {
                (false, _) => &mut self.report.unchanged,
                (true, Some(_)) => &mut self.report.updated,
                (true, None) => &mut self.report.added,
            };
            *counter += 1;
            self.report.unchanged += decision.repeats;
        }
        self.report.line = self.last_line;
    }

    async fn find(
        &self,
        store: &impl KeyValue,
        name: Name,
        rows: Vec<Row>,
    ) -> Result<(Found, Vec<Row>), StoreError> {
        let address = rows.iter().find_map(|row| match &row.who {
            Who::Address(address) => Some(address),
            Who::Hash(_) => None,
        });
        let found = self.shelf.find_named(store, name, address).await?;
        Ok((found, rows))
    }
}

/// What becomes of an entry.
#[derive(Debug)]
struct Decision {
    /// What there is.
    found: Found,
    /// What there will be; none if the rows say nothing new.
    entry: Option<Suppression>,
    /// How many more rows than one there are.
    repeats: u64,
}

impl Decision {
    /// Each row is merged with what the former made.
    fn of(found: Found, rows: Vec<Row>, suppressor: &Suppressor, now: Timestamp) -> Self {
        let repeats = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let mut entry: Option<Suppression> = None;
        for row in rows {
            entry = Some(merged(entry.as_ref().or(found.entry()), row, now));
        }
        if let Some(entry) = &mut entry {
            entry.redact(suppressor);
        }
        let is_same = found.clear.is_none() && found.current == entry;
        Self {
            found,
            entry: entry.filter(|_| !is_same),
            repeats: repeats.saturating_sub(1),
        }
    }

    const fn is_news(&self) -> bool {
        self.entry.is_some()
    }

    fn needs_slot(&self) -> bool {
        let current = self.found.current.as_ref();
        let has_slot = current.is_some_and(|entry| entry.slot.is_some());
        self.is_news() && !has_slot
    }
}

fn by_name(rows: Vec<(Name, Row)>) -> BTreeMap<Name, Vec<Row>> {
    let mut named: BTreeMap<_, Vec<Row>> = BTreeMap::new();
    for (name, row) in rows {
        named.entry(name).or_default().push(row);
    }
    named
}

fn name_of(suppressor: &Suppressor, who: &Who) -> Result<Name, RowError> {
    match who {
        Who::Address(address) => Ok(suppressor.name(address)),
        Who::Hash(name) if suppressor.is_hashed() => Ok(name.clone()),
        Who::Hash(_) => Err(RowError::HashInClear),
    }
}

/// What is known of an address after the row. What is on the list for good stays so.
fn merged(found: Option<&Suppression>, row: Row, now: Timestamp) -> Suppression {
    let for_good = found.filter(|found| found.until.is_none());
    if let Some(found) = for_good
        && row.until.is_some()
    {
        return found.clone();
    }
    let mut entry = found.cloned().unwrap_or_else(|| Suppression::added(now));
    let is_complaint = for_good.is_some_and(|found| found.kind == super::Kind::Complaint);
    if for_good.is_none() {
        entry.since = row.since.unwrap_or(entry.since);
        if entry.until != row.until {
            entry.until = row.until;
            entry.step = 0;
        }
    }
    if !is_complaint {
        entry.kind = row.kind;
    }
    if let Who::Address(address) = &row.who {
        entry.email = Some(address.to_string());
    }
    entry.first_name = row.person.first_name;
    entry.last_name = row.person.last_name;
    entry.notes = row.person.notes;
    entry.reply = row.reply.or(entry.reply);
    entry
}
