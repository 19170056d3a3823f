//! One request at a time for each idempotency key.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// The keys being worked on. Holds an entry only while somebody works or waits on its key.
#[derive(Debug, Default)]
pub(crate) struct KeyLocks(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The right to work on a key; dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct KeyGuard {
    locks: Arc<KeyLocks>,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl KeyLocks {
    /// Waits until nobody else works on `key`.
    pub(crate) async fn lock(self: Arc<Self>, key: &str) -> KeyGuard {
        let lock = {
            let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(entries.entry(key.to_owned()).or_default())
        };
        let mut waiting = KeyGuard {
            locks: self,
            key: key.to_owned(),
            guard: None,
        };
        waiting.guard = Some(lock.lock_owned().await);
        waiting
    }
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.guard = None;
        let mut entries = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Entries are only cloned under this lock, so a count of one means that nobody else wants the key.
        if entries
            .get(&self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            entries.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_held_by_one_and_forgotten_after_the_last() {
        let locks = Arc::new(KeyLocks::default());
        let first = Arc::clone(&locks).lock("k").await;
        let waits = timeout(Duration::from_secs(1), Arc::clone(&locks).lock("k")).await;
        assert!(waits.is_err(), "the second must wait");
        let other = timeout(Duration::from_secs(1), Arc::clone(&locks).lock("other")).await;
        assert!(other.is_ok(), "another key must not wait");
        drop((first, other));
        let again = timeout(Duration::from_secs(1), Arc::clone(&locks).lock("k")).await;
        assert!(again.is_ok());
        drop(again);
        assert!(locks.0.lock().unwrap().is_empty());
    }
}
