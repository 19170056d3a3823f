//! What is still to be told of, oldest first. Written with the answer it follows from, deleted when it was told.

use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// The most events that wait: whoever is told comes back within days, or never.
const MAX_WAITING: i64 = 1_000_000;

/// An event that waits, as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingEvent {
    pub(crate) id: i64,
    pub(crate) body: String,
}

impl Store {
    /// The oldest events, at most `most`.
    pub(crate) async fn waiting_events(&self, most: u32) -> Result<Vec<WaitingEvent>, StoreError> {
        self.run(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT id, body FROM events ORDER BY id LIMIT ?1")?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok(WaitingEvent {
                    id: row.get(0)?,
                    body: row.get(1)?,
                })
            };
            statement.query_map([most], row)?.collect()
        })
        .await
    }

    /// Forgets the events up to `id`.
    pub(crate) async fn forget_events(&self, id: i64) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection
                .prepare_cached("DELETE FROM events WHERE id <= ?1")?
                .execute([id])
                .map(drop)
        })
        .await
    }
}

/// Keeps events within the caller's transaction. Beyond the most that may wait, the oldest make room.
pub(super) fn insert(connection: &Connection, events: &[String]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("INSERT INTO events (body) VALUES (?1)")?;
    for body in events {
        statement.execute(params![body])?;
    }
    if !events.is_empty() {
        connection
            .prepare_cached("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?1")?
            .execute([MAX_WAITING])?;
    }
    Ok(())
}
