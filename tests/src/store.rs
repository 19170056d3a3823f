//! A store that counts what it is asked, and fails when told to.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use devhost::{KeyValue, KeyValueError};
use mailer::keys::{Key, Record, decode};

/// Which calls fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Faults {
    /// None.
    #[default]
    None,
    /// Every n-th, whatever it is. Every other failure comes after the call has done its work, as when a store's answer
    /// is lost: a caller must not take a failed write for one that was not made.
    EveryNth(u64),
    /// Every write; reads go on.
    Writes,
    /// Everything.
    All,
}

/// A store in memory.
#[derive(Debug, Default)]
pub struct TestStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, Vec<u8>>,
    calls: BTreeMap<&'static str, u64>,
    counted: u64,
    failed: u64,
    faults: Faults,
}

/// What becomes of one call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Works,
    FailsBefore,
    FailsAfter,
}

impl State {
    fn judge(&mut self, operation: &'static str, writes: bool) -> Verdict {
        *self.calls.entry(operation).or_default() += 1;
        self.counted += 1;
        let fails = match self.faults {
            Faults::None => false,
            Faults::EveryNth(n) => self.counted.is_multiple_of(n),
            Faults::Writes => writes,
            Faults::All => true,
        };
        if !fails {
            return Verdict::Works;
        }
        self.failed += 1;
        let is_nth = matches!(self.faults, Faults::EveryNth(_));
        if is_nth && self.failed.is_multiple_of(2) {
            Verdict::FailsAfter
        } else {
            Verdict::FailsBefore
        }
    }

    fn add(&mut self, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        let old = self.entries.get(key).map_or(Ok(0), |bytes| {
            let bytes = <[u8; 8]>::try_from(bytes.as_slice());
            bytes
                .map(i64::from_le_bytes)
                .map_err(|_| KeyValueError::new("the value is not a counter"))
        });
        let sum = old?
            .checked_add(delta)
            .ok_or_else(|| KeyValueError::new("the counter does not fit"))?;
        self.entries
            .insert(key.to_owned(), sum.to_le_bytes().to_vec());
        Ok(sum)
    }
}

impl TestStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has calls fail from now on, counted anew.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.lock();
        state.counted = 0;
        state.faults = faults;
    }

    /// The calls so far, by operation; failed ones too.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.lock().calls.clone()
    }

    /// The calls that failed so far.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.lock().failed
    }

    /// Everything in the store.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().entries.clone()
    }

    /// Puts entries into the store, uncounted.
    pub fn extend(&self, entries: impl IntoIterator<Item = (String, Vec<u8>)>) {
        self.lock().entries.extend(entries);
    }

    /// Returns the record under `key`, uncounted.
    ///
    /// # Panics
    /// When what is there is no such record.
    #[must_use]
    pub fn record<T: Record>(&self, key: &Key<T>) -> Option<T> {
        let bytes = self.lock().entries.get(key.path()).cloned()?;
        Some(decode(&bytes).expect("a record of its key's type"))
    }

    fn run<T>(
        &self,
        operation: &'static str,
        writes: bool,
        work: impl FnOnce(&mut State) -> Result<T, KeyValueError>,
    ) -> Result<T, KeyValueError> {
        let mut state = self.lock();
        let verdict = state.judge(operation, writes);
        let failure = || Err(KeyValueError::new("the test wants this call to fail"));
        match verdict {
            Verdict::Works => work(&mut state),
            Verdict::FailsBefore => failure(),
            Verdict::FailsAfter => work(&mut state).and_then(|_| failure()),
        }
    }
}

impl KeyValue for TestStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.run("get", false, |state| Ok(state.entries.get(key).cloned()))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        self.run("set", true, |state| {
            state.entries.insert(key.to_owned(), value.to_vec());
            Ok(())
        })
    }

    fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.run("delete", true, |state| {
            state.entries.remove(key);
            Ok(())
        })
    }

    fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
        self.run("exists", false, |state| Ok(state.entries.contains_key(key)))
    }

    fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.run("keys", false, |state| {
            Ok(state.entries.keys().cloned().collect())
        })
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        self.run("increment", true, |state| state.add(key, delta))
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<(String, Option<Vec<u8>>)>, KeyValueError> {
        self.run("get_many", false, |state| {
            let found = keys
                .iter()
                .filter_map(|key| Some((key.clone(), Some(state.entries.get(key)?.clone()))));
            Ok(found.collect())
        })
    }

    fn set_many(&self, entries: &[(String, Vec<u8>)]) -> Result<(), KeyValueError> {
        self.run("set_many", true, |state| {
            state.entries.extend(entries.iter().cloned());
            Ok(())
        })
    }

    fn delete_many(&self, keys: &[String]) -> Result<(), KeyValueError> {
        self.run("delete_many", true, |state| {
            for key in keys {
                state.entries.remove(key);
            }
            Ok(())
        })
    }
}
