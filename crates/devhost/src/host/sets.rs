//! Single writes that wait for the disk together: what comes while others are written goes into one transaction, with one fsync.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::key_value::{KeyValue, KeyValueError};

/// The most that one transaction writes.
const MOST: usize = 256;

type Answer = Result<(), KeyValueError>;

/// The single writes of a component's instances.
pub(super) struct Sets {
    store: Arc<dyn KeyValue>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// A thread is at it, and looks again before it ends.
    has_writer: bool,
}

struct Waiting {
    entry: (String, Vec<u8>),
    answer: oneshot::Sender<Answer>,
}

impl Sets {
    pub(super) fn new(store: Arc<dyn KeyValue>) -> Self {
        Self {
            store,
            queue: Mutex::default(),
        }
    }

    /// Sets `key`. Once this returns, the value is stored as [`KeyValue::set`] says.
    ///
    /// # Errors
    /// Those of [`KeyValue::set`].
    pub(super) async fn set(self: &Arc<Self>, key: String, value: Vec<u8>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let entry = (key, value);
        if self.push(Waiting { entry, answer }) {
            let sets = Arc::clone(self);
            tokio::task::spawn_blocking(move || Writer(&sets).run());
        }
        let panicked = || KeyValueError::new("the store panicked");
        answered.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Returns whether a writer has to be started.
    fn push(&self, waiting: Waiting) -> bool {
        let mut queue = self.lock();
        queue.waiting.push(waiting);
        !std::mem::replace(&mut queue.has_writer, true)
    }

    /// Returns what to write next; if that is nothing, there is no writer any more.
    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.lock();
        let count = queue.waiting.len().min(MOST);
        queue.has_writer = count > 0;
        queue.waiting.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Writer<'a>(&'a Sets);

impl Writer<'_> {
    fn run(self) {
        loop {
            let waiting = self.0.take();
            if waiting.is_empty() {
                return;
            }
            let (entries, answers): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .map(|waiting| (waiting.entry, waiting.answer))
                .unzip();
            for (answer, result) in answers.into_iter().zip(self.write(&entries)) {
                // Whoever asked may be gone.
                let _ = answer.send(result);
            }
        }
    }

    fn write(&self, entries: &[(String, Vec<u8>)]) -> Vec<Answer> {
        let store = &self.0.store;
        if entries.len() > 1 && store.set_many(entries).is_ok() {
            return entries.iter().map(|_| Ok(())).collect();
        }
        // One by one, so that nobody fails for what another one writes.
        entries
            .iter()
            .map(|(key, value)| store.set(key, value))
            .collect()
    }
}

impl Drop for Writer<'_> {
    /// After a panic of the store, those who wait are told, and the next one starts a new writer.
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.lock() = Queue::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Condvar,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Waker},
    };

    use super::*;
    use crate::key_value::SqliteKeyValue;

    /// Holds its first write up until it is let go, refuses some keys, and counts transactions.
    struct Gated {
        inner: SqliteKeyValue,
        is_open: (Mutex<bool>, Condvar),
        transactions: AtomicUsize,
    }

    impl Gated {
        fn shut() -> Arc<Self> {
            Arc::new(Self {
                inner: SqliteKeyValue::in_memory().unwrap(),
                is_open: (Mutex::new(false), Condvar::new()),
                transactions: AtomicUsize::new(0),
            })
        }

        fn open(&self) {
            *self.is_open.0.lock().unwrap() = true;
            self.is_open.1.notify_all();
        }

        fn enter(&self, keys: &[&str]) -> Result<(), KeyValueError> {
            let (is_open, changed) = &self.is_open;
            drop(changed.wait_while(is_open.lock().unwrap(), |open| !*open));
            self.transactions.fetch_add(1, Ordering::Relaxed);
            assert!(!keys.contains(&"panic"), "as the test wants it");
            if keys.contains(&"bad") {
                return Err(KeyValueError::new("refused"));
            }
            Ok(())
        }
    }

    impl KeyValue for Gated {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
            self.inner.get(key)
        }

        fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
            self.enter(&[key])?;
            self.inner.set(key, value)
        }

        fn delete(&self, key: &str) -> Result<(), KeyValueError> {
            self.inner.delete(key)
        }

        fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
            self.inner.exists(key)
        }

        fn keys(&self) -> Result<Vec<String>, KeyValueError> {
            self.inner.keys()
        }

        fn increment(&self, key: &str, delta: i64) -> Result<i64, KeyValueError> {
            self.inner.increment(key, delta)
        }

        fn get_many(
            &self,
            keys: &[String],
        ) -> Result<Vec<(String, Option<Vec<u8>>)>, KeyValueError> {
            self.inner.get_many(keys)
        }

        fn set_many(&self, entries: &[(String, Vec<u8>)]) -> Result<(), KeyValueError> {
            let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
            self.enter(&keys)?;
            self.inner.set_many(entries)
        }

        fn delete_many(&self, keys: &[String]) -> Result<(), KeyValueError> {
            self.inner.delete_many(keys)
        }

        fn compare_and_swap(
            &self,
            key: &str,
            expected: Option<&[u8]>,
            new: &[u8],
        ) -> Result<bool, KeyValueError> {
            self.inner.compare_and_swap(key, expected, new)
        }
    }

    /// Sets each of `keys`, all but the first while the first is being written, and returns what each was told.
    async fn set(store: &Arc<Gated>, sets: &Arc<Sets>, keys: &[&str]) -> Vec<Answer> {
        let begin = |key: &&str| {
            let (sets, key) = (Arc::clone(sets), (*key).to_owned());
            async move { sets.set(key, vec![1]).await }
        };
        let mut running = Vec::new();
        for key in keys {
            let mut set = Box::pin(begin(key));
            let mut context = Context::from_waker(Waker::noop());
            assert!(set.as_mut().poll(&mut context).is_pending());
            running.push(set);
        }
        store.open();
        futures::future::join_all(running).await
    }

    #[tokio::test]
    async fn what_comes_during_a_write_is_one_write() {
        let store = Gated::shut();
        let sets = Arc::new(Sets::new(store.clone()));
        let keys: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let answers = set(&store, &sets, &keys).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(store.keys().unwrap().len(), 100);
        // The writer may have taken the first alone, or have begun late.
        assert!(store.transactions.load(Ordering::Relaxed) <= 2);
    }

    #[tokio::test]
    async fn nobody_fails_for_what_another_one_writes() {
        let store = Gated::shut();
        let sets = Arc::new(Sets::new(store.clone()));
        let answers = set(&store, &sets, &["a", "b", "bad", "c"]).await;
        let failed: Vec<bool> = answers.iter().map(Result::is_err).collect();
        assert_eq!(failed, [false, false, true, false]);
        assert_eq!(store.keys().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_panic_fails_those_who_wait_and_no_later_ones() {
        let store = Gated::shut();
        let sets = Arc::new(Sets::new(store.clone()));
        let answers = set(&store, &sets, &["panic", "a"]).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(sets.set("b".to_owned(), vec![1]).await, Ok(()));
        assert_eq!(store.keys().unwrap(), ["b"]);
    }
}
