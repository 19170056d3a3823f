//! The relay's SQLite database: answers by idempotency key, and captured messages.
//!
//! One connection, locked exclusively, so that a second relay on the same folder fails at its start. Every write is
//! flushed before it is answered (`synchronous=FULL`). Queries run on Tokio's blocking threads.

mod answers;
mod events;
mod messages;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::Connection;

pub(crate) use self::{
    answers::StoredAnswer,
    events::WaitingEvent,
    messages::{Arrival, Kept, Listed, Page, Retention},
};
use crate::{StartError, problem::Problem};

/// The database's name in the state folder.
const FILE_NAME: &str = "relay.sqlite";
/// The schema this build writes.
const VERSION: u32 = 2;
/// How long to wait for a relay that is just ending on the same folder.
const LOCK_WAIT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
CREATE TABLE answers (
    key TEXT PRIMARY KEY,
    reverse_path TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (answered_at);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    reverse_path TEXT NOT NULL,
    forward_paths TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    summary TEXT NOT NULL,
    search TEXT NOT NULL,
    dkim TEXT
) STRICT;
CREATE TABLE sources (
    id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    source BLOB NOT NULL
) STRICT;
";

/// What version 2 added.
const EVENTS: &str = "
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL
) STRICT;
PRAGMA user_version = 2;
";

/// A handle on the database; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

/// A query failed, or its thread did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("a database task ended early")]
    Task,
}

impl Store {
    /// Opens the database in `folder`, making both if missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, StartError> {
        make_private_folder(folder).map_err(|source| StartError::State {
            path: folder.to_owned(),
            source,
        })?;
        let connection = Connection::open(folder.join(FILE_NAME)).map_err(StartError::Database)?;
        prepare(&connection).map_err(StartError::Database)?;
        let found = version(&connection).map_err(StartError::Database)?;
        let upgrade = match found {
            0 => format!("BEGIN;{SCHEMA}{EVENTS}COMMIT;"),
            1 => format!("BEGIN;{EVENTS}COMMIT;"),
            VERSION => String::new(),
            found => {
                return Err(StartError::NewerDatabase {
                    expected: VERSION,
                    found,
                });
            }
        };
        connection
            .execute_batch(&upgrade)
            .map_err(StartError::Database)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            // A panic in a query rolls its transaction back, so the connection is good to use again.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            query(&mut connection)
        });
        Ok(task.await.map_err(|_| StoreError::Task)??)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(
            "storage_unavailable",
            "the relay cannot use its storage now",
            5,
            error.to_string(),
        )
    }
}

fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Captured mail is nobody else's business on a shared machine.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(LOCK_WAIT)?;
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         BEGIN EXCLUSIVE; COMMIT;",
    )
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store
            .0
            .lock()
            .unwrap()
            .execute_batch("PRAGMA user_version = 3")
            .unwrap();
        drop(store);
        let error = Store::open(folder.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a database of version 2 or older, found 3"
        );
    }

    #[test]
    fn a_database_of_the_first_version_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
        let first = format!("{SCHEMA} PRAGMA user_version = 1;");
        connection.execute_batch(&first).unwrap();
        drop(connection);
        let store = Store::open(folder.path()).unwrap();
        let connection = store.0.lock().unwrap();
        assert_eq!(version(&connection).unwrap(), VERSION);
        events::insert(&connection, &["{}".to_owned()]).unwrap();
    }

    #[test]
    fn a_state_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Store::open(&file.join("below")).unwrap_err();
        assert!(matches!(error, StartError::State { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_state_folder_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        drop(Store::open(&state).unwrap());
        assert_eq!(
            fs::metadata(&state).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
}
