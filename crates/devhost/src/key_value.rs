//! The key-value store behind `spin:key-value` and `wasi:keyvalue`.

mod sqlite;

pub use self::sqlite::SqliteKeyValue;

/// A key-value store. The host calls it on threads of their own, so an implementation may block.
///
/// Tests wrap a store to count calls or to make some of them fail.
pub trait KeyValue: Send + Sync + 'static {
    /// Returns the value of `key`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError>;

    /// Sets the value of `key`. Once this returns the value survives a crash and a power loss.
    ///
    /// # Errors
    /// When the value could not be stored; then nothing has changed.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError>;

    /// Removes `key`; to remove what is not there is no error.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn delete(&self, key: &str) -> Result<(), KeyValueError>;

    /// Tells whether `key` has a value.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn exists(&self, key: &str) -> Result<bool, KeyValueError>;

    /// Returns every key of the store.
    ///
    /// # Errors
    /// When the store cannot be read, or when the keys take more than a call may return.
    fn keys(&self) -> Result<Vec<String>, KeyValueError>;

    /// Adds `delta` to the counter at `key`, which starts at 0, and returns the sum.
    ///
    /// # Errors
    /// When the store cannot be written, when the value is not a counter, or when the sum does not fit.
    fn increment(&self, key: &str, delta: i64) -> Result<i64, KeyValueError>;

    /// Returns the entries that exist among `keys`, in any order; missing ones are left out, as Spin does on SQLite.
    ///
    /// # Errors
    /// When the store cannot be read.
    #[expect(
        clippy::type_complexity,
        reason = "this is the type `wasi:keyvalue` has"
    )]
    fn get_many(&self, keys: &[String]) -> Result<Vec<(String, Option<Vec<u8>>)>, KeyValueError>;

    /// Sets all entries in one transaction.
    ///
    /// # Errors
    /// When they could not be stored; then nothing has changed.
    fn set_many(&self, entries: &[(String, Vec<u8>)]) -> Result<(), KeyValueError>;

    /// Removes all `keys` in one transaction.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn delete_many(&self, keys: &[String]) -> Result<(), KeyValueError>;

    /// Sets `key` to `new` if its value still is `expected`, and tells whether it did.
    ///
    /// # Errors
    /// When the store cannot be written, or has no such operation.
    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<bool, KeyValueError> {
        let _ = (key, expected, new);
        Err(KeyValueError::new(
            "compare-and-swap is not supported by this store",
        ))
    }
}

/// Why a store could not do what it was asked: a sentence that the component gets to see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyValueError(String);

impl KeyValueError {
    /// Returns an error with this sentence.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}
