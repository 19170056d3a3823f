//! The lease that makes one tick at a time the writer of the schedule.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::keys::{self, Record};
use crate::ports::{Clock, KeyValue, StoreError, Write};
use crate::time::Timestamp;

/// How long a tick may work; a crashed one holds the others up for no longer.
pub const LEASE: Duration = Duration::from_secs(20);
/// A tick writes nothing when less than this is left, so that clocks may differ and writes may be slow.
const MARGIN: Duration = Duration::from_secs(5);

/// Who leads, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TickLease {
    /// Counts leaders; names the claim that decides who is next.
    pub generation: u64,
    /// The lease runs out here; in the past once it was given back.
    pub until: Timestamp,
}

impl Record for TickLease {
    const VERSION: u32 = 1;
}

impl TickLease {
    /// Takes the lease, or gives `None` when another tick holds it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn take<P: Clock + KeyValue>(ports: &P) -> Result<Option<Self>, StoreError> {
        let now = ports.now();
        let last = keys::tick_lease().read(ports).await?.unwrap_or(Self {
            generation: 0,
            until: Timestamp::from_millis(0),
        });
        if last.is_taken(now) {
            return Ok(None);
        }
        let generation = Self::next_generation(ports, last.generation).await?;
        let Some(generation) = generation else {
            return Ok(None);
        };
        // The claim of a generation that is over was deleted, so a tick that stood still since it read the lease can win it again.
        let led = keys::tick_lease().read(ports).await?;
        if led.is_some_and(|led| led.generation >= generation) {
            return Ok(None);
        }
        let lease = Self {
            generation,
            until: now.plus(LEASE),
        };
        ports
            .set_many(vec![keys::tick_lease().write(&lease)?])
            .await?;
        Ok(Some(lease))
    }

    /// The generation after `last` if this tick is the first to claim it.
    ///
    /// A tick that claimed and died before it wrote the lease leaves a claim that nobody can win any more. The counter then goes on
    /// rising with every try, and after [`STUCK`] tries the generation is passed over.
    async fn next_generation(store: &impl KeyValue, last: u64) -> Result<Option<u64>, StoreError> {
        const STUCK: i64 = 30;
        let mut generation = last + 1;
        loop {
            match keys::tick_claim(generation).increment(store).await? {
                1 => return Ok(Some(generation)),
                tries if tries > STUCK => generation += 1,
                _ => return Ok(None),
            }
        }
    }

    /// Whether its holder may be at work. One that reaches further than any can is of a clock that was ahead, and has been set right.
    fn is_taken(&self, now: Timestamp) -> bool {
        now < self.until && self.until.since(now) <= LEASE + MARGIN
    }

    /// Whether there is time to write.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now.plus(MARGIN) < self.until
    }

    /// Whether nobody else took it, as one whose clock is ahead may have done.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_current(&self, store: &impl KeyValue) -> Result<bool, StoreError> {
        Ok(keys::tick_lease().read(store).await?.as_ref() == Some(self))
    }

    /// The write that gives the lease back.
    ///
    /// # Errors
    /// As [`crate::keys::encode`].
    pub fn give_back(&self, now: Timestamp) -> Result<Write, StoreError> {
        keys::tick_lease().write(&Self {
            until: now,
            ..*self
        })
    }

    /// The key of the claim that no one needs once this lease is written.
    #[must_use]
    pub fn spent_claim(&self) -> String {
        keys::tick_claim(self.generation.saturating_sub(1)).into_path()
    }
}
