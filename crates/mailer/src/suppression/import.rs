//! Many addresses put on a list, some hundreds at a time.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::identity::{Name, Suppressor};
use super::record::Suppression;
use super::rows::{Numbered, Row, RowError, Who};
use super::shelf::{Changes, Found, Shelf};
use crate::ports::{Clock, KeyValue, StoreError};
use crate::time::Timestamp;

/// Rows that are written at once.
pub const ROWS_AT_ONCE: usize = 500;
/// Most bad lines that a report names; the others are counted.
pub const MAX_BAD_LINES: usize = 100;

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
    // Good rows that are not written yet, by name: of two for one address the later counts.
    waiting: BTreeMap<Name, Row>,
    report: Report,
    last_line: u64,
}

impl Import {
    /// An import into `shelf`.
    #[must_use]
    pub fn new(shelf: Shelf) -> Self {
        Self {
            shelf,
            waiting: BTreeMap::new(),
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
    pub async fn take<P: Clock + KeyValue>(
        &mut self,
        ports: &P,
        suppressor: &Suppressor,
        (line, row): Numbered,
    ) -> Result<(), StoreError> {
        self.report.rows += 1;
        self.last_line = line;
        let named = row.and_then(|row| Ok((name_of(suppressor, &row.who)?, row)));
        match named {
            Ok((name, row)) => {
                if self.waiting.insert(name, row).is_some() {
                    self.report.unchanged += 1;
                }
            }
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

    /// Writes what waits. Costs a round of reads, an increment and one `set-many`.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn flush<P: Clock + KeyValue>(
        &mut self,
        ports: &P,
        suppressor: &Suppressor,
    ) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        let mode = suppressor.admit(ports).await?;
        let found = waiting
            .into_iter()
            .map(|(name, row)| self.find(ports, name, row));
        let found = try_join_all(found).await?;
        let now = ports.now();
        let decided: Vec<(Found, Option<Suppression>)> = found
            .into_iter()
            .map(|(found, row)| {
                let mut entry = merged(found.entry(), row, now);
                entry.redact(suppressor);
                let is_same = found.clear.is_none() && found.current.as_ref() == Some(&entry);
                (found, (!is_same).then_some(entry))
            })
            .collect();
        let needs_slot = |(found, entry): &&(Found, Option<Suppression>)| {
            let has_slot = found
                .current
                .as_ref()
                .is_some_and(|entry| entry.slot.is_some());
            entry.is_some() && !has_slot
        };
        let count = decided.iter().filter(needs_slot).count();
        let mut slot = match count {
            0 => 0,
            count => self.shelf.take_slots(ports, count).await?,
        };
        let mut changes = Changes::default();
        changes.writes.extend(mode);
        let (mut added, mut updated, mut unchanged) = (0, 0, 0);
        for decision in &decided {
            let takes_slot = needs_slot(&decision);
            let (found, entry) = decision;
            let Some(entry) = entry else {
                unchanged += 1;
                continue;
            };
            let placed = self.shelf.place(found, entry.clone(), slot)?;
            changes.writes.extend(placed.writes);
            changes.spent.extend(placed.spent);
            slot += u64::from(takes_slot);
            match found.entry() {
                Some(_) => updated += 1,
                None => added += 1,
            }
        }
        if added + updated > 0 {
            changes.apply(ports).await?;
        }
        self.report.added += added;
        self.report.updated += updated;
        self.report.unchanged += unchanged;
        self.report.line = self.last_line;
        Ok(())
    }

    async fn find(
        &self,
        store: &impl KeyValue,
        name: Name,
        row: Row,
    ) -> Result<(Found, Row), StoreError> {
        let address = match &row.who {
            Who::Address(address) => Some(address),
            Who::Hash(_) => None,
        };
        let found = self.shelf.find_named(store, name, address).await?;
        Ok((found, row))
    }
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
