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
