//! What is on its way to a server of the benchmark's, by numbers that are found again in what arrives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Failure;
use crate::load::now;

/// What is lost in between is found by the tick within seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which ones are on their way.
#[derive(Default)]
pub(crate) struct Arrivals {
    last: AtomicU64,
    expected: Mutex<HashMap<u64, oneshot::Sender<Instant>>>,
    unexpected: AtomicU64,
}

/// One that is on its way.
pub(crate) struct Expected {
    pub(crate) number: u64,
    arrival: oneshot::Receiver<Instant>,
}

impl Arrivals {
    /// A number for what will be sent now.
    pub(crate) fn expect(&self) -> Expected {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, arrival) = oneshot::channel();
        self.lock().insert(number, sender);
        Expected { number, arrival }
    }

    /// Notes what has just arrived, by its number if it has one.
    pub(crate) fn note(&self, number: Option<u64>) {
        let at = now();
        let waiting = number.and_then(|number| self.lock().remove(&number));
        match waiting {
            // Who sent it may have given up.
            Some(waiting) => drop(waiting.send(at)),
            None => drop(self.unexpected.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Tells of what came twice, or was sent by nobody.
    pub(crate) fn tell_unexpected(&self, what: &str) {
        let count = self.unexpected.load(Ordering::Relaxed);
        if count > 0 {
            println!("\n{count} {what} arrived more than once, or were none of ours.");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Instant>>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// When it arrives.
    pub(crate) async fn arrives(self) -> Result<Instant, Failure> {
        let arrived = timeout(PATIENCE, self.arrival).await.map_err(|_| {
            let (number, patience) = (self.number, PATIENCE.as_secs());
            format!("number {number} was accepted and did not arrive within {patience} s")
        })??;
        Ok(arrived)
    }
}

/// The number whose digits stand behind `mark` in `text`.
pub(crate) fn number_behind(mark: &[u8], text: &[u8]) -> Option<u64> {
    let at = text.windows(mark.len()).position(|window| window == mark)?;
    let digits = text.get(at + mark.len()..)?;
    let end = digits.iter().position(|octet| !octet.is_ascii_digit())?;
    str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}
