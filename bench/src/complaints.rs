//! The log of a host: written to a file, as `cargo run` writes it to standard error, with what went wrong kept.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use devhost::{LogEvent, LogSink};

/// What components complained of, and what failed. Nothing of it is expected while a benchmark runs.
#[derive(Clone, Default)]
pub(crate) struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    /// Returns what receives the events.
    pub(crate) fn log_to(&self, path: &Path) -> std::io::Result<LogSink> {
        let (file, complaints) = (Mutex::new(File::create(path)?), self.clone());
        Ok(Arc::new(move |event| {
            if is_complaint(event) {
                complaints.lock().push(event.to_string());
            }
            let line = format!("{event}\n");
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // The log is no part of the measure: a full disk is found out by the store.
            let _ = file.write_all(line.as_bytes());
        }))
    }

    /// Tells them, the first few in full.
    pub(crate) fn tell(&self, name: &str) {
        const SHOWN: usize = 3;
        let complaints = self.lock();
        if complaints.is_empty() {
            return;
        }
        println!("\n{name} complained {} times:", complaints.len());
        for complaint in complaints.iter().take(SHOWN) {
            println!("  {complaint}");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines of the operation log tell what was to be done.
fn is_complaint(event: &LogEvent<'_>) -> bool {
    match event {
        LogEvent::Request { .. } => false,
        LogEvent::Guest { line, .. } => !line.contains("\"Category\":"),
        LogEvent::Failure { .. } => true,
    }
}
