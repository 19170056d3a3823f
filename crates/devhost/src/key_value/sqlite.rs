//! A store in one SQLite file, with the table Spin uses, so that either host can open the other's file.

use std::{
    path::Path,
    rc::Rc,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{
    Connection, OptionalExtension as _, Transaction, TransactionBehavior, params, types::Value,
};

use super::{KeyValue, KeyValueError};

/// The name of the one store in the file.
const STORE: &str = "default";

/// The most a call returns to a component, as in Spin.
const MAX_RESULT_BYTES: usize = 128 * 1024 * 1024;

/// How long to wait for another process that holds the file, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
)";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (store, key) DO UPDATE SET value = ?3";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = ?1";
const GET_MANY: &str =
    "SELECT key, value FROM spin_key_value WHERE store = ?1 AND key IN rarray(?2)";
const DELETE_MANY: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key IN rarray(?2)";

/// A store in a SQLite file: one connection behind a lock, every write on the disk before it returns.
pub struct SqliteKeyValue {
    connection: Mutex<Connection>,
}

impl SqliteKeyValue {
    /// Opens the file, and creates it if need be.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a SQLite database.
    pub fn open(path: &Path) -> Result<Self, KeyValueError> {
        let connection = Connection::open(path)?;
        // With WAL a commit is one fsync; `synchronous = FULL` makes it happen at every commit, not at checkpoints
        // only, so that a message acknowledged survives the power going.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Self::prepare(connection)
    }

    /// Returns an empty store that lives as long as this value.
    ///
    /// # Errors
    /// When SQLite cannot allocate it.
    pub fn in_memory() -> Result<Self, KeyValueError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(connection: Connection) -> Result<Self, KeyValueError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute(SCHEMA, [])?;
        rusqlite::vtab::array::load_module(&connection)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction is rolled back when a panic unwinds through it, so the connection stays usable.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a transaction that holds the write lock from its start, so that no other process can write between
    /// what `work` reads and what it writes.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, KeyValueError>,
    ) -> Result<T, KeyValueError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

impl KeyValue for SqliteKeyValue {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        let value = read(&self.lock(), key)?;
        let mut budget = Budget::new();
        budget.spend(value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        write(&self.lock(), key, value)
    }

    fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.lock()
            .prepare_cached(DELETE)?
            .execute(params![STORE, key])?;
        Ok(())
    }

    fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
        Ok(self
            .lock()
            .prepare_cached(EXISTS)?
            .exists(params![STORE, key])?)
    }

    fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(KEYS)?;
        let mut rows = statement.query([STORE])?;
        let (mut keys, mut budget) = (Vec::new(), Budget::new());
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            budget.spend(size_of::<String>() + key.len())?;
            keys.push(key);
        }
        Ok(keys)
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        self.write(|transaction| {
            let sum = counter(read(transaction, key)?)?
                .checked_add(delta)
                .ok_or_else(|| KeyValueError::new("the counter does not fit 64 bits"))?;
            write(transaction, key, &sum.to_le_bytes())?;
            Ok(sum)
        })
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<(String, Option<Vec<u8>>)>, KeyValueError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(GET_MANY)?;
        let mut rows = statement.query(params![STORE, array(keys)])?;
        let (mut entries, mut budget) = (Vec::new(), Budget::new());
        while let Some(row) = rows.next()? {
            let (key, value): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
            budget.spend(key.len() + value.len())?;
            entries.push((key, Some(value)));
        }
        Ok(entries)
    }

    fn set_many(&self, entries: &[(String, Vec<u8>)]) -> Result<(), KeyValueError> {
        self.write(|transaction| {
            entries
                .iter()
                .try_for_each(|(key, value)| write(transaction, key, value))
        })
    }

    fn delete_many(&self, keys: &[String]) -> Result<(), KeyValueError> {
        self.lock()
            .prepare_cached(DELETE_MANY)?
            .execute(params![STORE, array(keys)])?;
        Ok(())
    }

    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<bool, KeyValueError> {
        self.write(|transaction| {
            let unchanged = read(transaction, key)?.as_deref() == expected;
            if unchanged {
                write(transaction, key, new)?;
            }
            Ok(unchanged)
        })
    }
}

fn read(connection: &Connection, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
    Ok(connection
        .prepare_cached(GET)?
        .query_row(params![STORE, key], |row| row.get(0))
        .optional()?)
}

fn write(connection: &Connection, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
    connection
        .prepare_cached(SET)?
        .execute(params![STORE, key, value])?;
    Ok(())
}

/// Reads a counter the way Spin writes it: eight bytes, the lowest first.
fn counter(stored: Option<Vec<u8>>) -> Result<i64, KeyValueError> {
    let Some(bytes) = stored else { return Ok(0) };
    let found = bytes.len();
    let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| {
        KeyValueError(format!(
            "expected a counter of 8 bytes, found a value of {found} bytes"
        ))
    })?;
    Ok(i64::from_le_bytes(bytes))
}

fn array(keys: &[String]) -> Rc<Vec<Value>> {
    Rc::new(keys.iter().cloned().map(Value::from).collect())
}

/// What a call may still return.
struct Budget(usize);

impl Budget {
    fn new() -> Self {
        Self(MAX_RESULT_BYTES)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), KeyValueError> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(|| {
            KeyValueError(format!(
                "the result exceeds the limit of {MAX_RESULT_BYTES} bytes"
            ))
        })?;
        Ok(())
    }
}

impl From<rusqlite::Error> for KeyValueError {
    fn from(error: rusqlite::Error) -> Self {
        Self(format!("sqlite: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> SqliteKeyValue {
        SqliteKeyValue::in_memory().unwrap()
    }

    #[test]
    fn values_are_set_replaced_and_removed() {
        let store = store();
        assert_eq!(store.get("k").unwrap(), None);
        store.set("k", b"1").unwrap();
        store.set("k", b"").unwrap();
        assert_eq!(store.get("k").unwrap(), Some(Vec::new()));
        assert!(store.exists("k").unwrap());
        store.delete("k").unwrap();
        store.delete("k").unwrap();
        assert!(!store.exists("k").unwrap());
    }

    #[test]
    fn a_counter_is_eight_bytes_the_lowest_first() {
        let store = store();
        assert_eq!(store.increment("n", 0).unwrap(), 0);
        assert_eq!(store.increment("n", 258).unwrap(), 258);
        assert_eq!(store.get("n").unwrap().unwrap(), [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(store.increment("n", -300).unwrap(), -42);
    }

    #[test]
    fn what_is_no_counter_or_overflows_is_refused_and_kept() {
        let store = store();
        store.set("text", b"abc").unwrap();
        assert!(store.increment("text", 1).is_err());
        assert_eq!(store.get("text").unwrap().unwrap(), b"abc");
        store.increment("n", i64::MAX).unwrap();
        assert!(store.increment("n", 1).is_err());
        assert_eq!(store.increment("n", 0).unwrap(), i64::MAX);
    }

    #[test]
    fn many_are_set_read_and_removed_at_once() {
        let store = store();
        let entry = |key: &str| (key.to_owned(), key.as_bytes().to_vec());
        store
            .set_many(&[entry("a"), entry("b"), entry("c")])
            .unwrap();
        let mut found = store
            .get_many(&["a".into(), "missing".into(), "c".into()])
            .unwrap();
        found.sort();
        assert_eq!(
            found,
            [
                ("a".into(), Some(b"a".to_vec())),
                ("c".into(), Some(b"c".to_vec()))
            ]
        );
        store
            .delete_many(&["a".into(), "missing".into(), "b".into()])
            .unwrap();
        assert_eq!(store.keys().unwrap(), ["c"]);
    }

    #[test]
    fn a_swap_needs_the_value_that_was_seen() {
        let store = store();
        assert!(store.compare_and_swap("k", None, b"1").unwrap());
        assert!(!store.compare_and_swap("k", None, b"2").unwrap());
        assert!(!store.compare_and_swap("k", Some(b"0"), b"2").unwrap());
        assert!(store.compare_and_swap("k", Some(b"1"), b"2").unwrap());
        assert_eq!(store.get("k").unwrap().unwrap(), b"2");
    }

    #[test]
    fn every_commit_is_flushed_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteKeyValue::open(&folder.path().join("store.db")).unwrap();
        let connection = store.lock();
        let mode: String = connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .unwrap();
        let synchronous: i64 = connection
            .query_row("PRAGMA synchronous", [], |row| row.get(0))
            .unwrap();
        // 2 is FULL; with 1, NORMAL, a power loss takes back the last commits of a WAL file.
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }

    #[test]
    fn the_file_has_the_table_spin_makes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        SqliteKeyValue::open(&path).unwrap().set("k", b"v").unwrap();
        let row = Connection::open(&path).unwrap().query_row(
            "SELECT store, key, value FROM spin_key_value",
            [],
            |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                ))
            },
        );
        assert_eq!(
            row.unwrap(),
            ("default".to_owned(), "k".to_owned(), b"v".to_vec())
        );
    }

    #[test]
    fn counters_of_many_threads_lose_nothing() {
        let store = store();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| assert!(store.increment("n", 1).is_ok())));
            }
        });
        assert_eq!(store.increment("n", 0).unwrap(), 200);
    }
}
