//! The right to do something alone until a window of time ends, by a counter: see [`crate::attempt`].

use std::time::Duration;

use crate::attempt::Windows;
use crate::keys::{Counter, Key};
use crate::ports::{Clock, KeyValue, StoreError};
use crate::time::Timestamp;

/// A claim that was won.
#[derive(Debug)]
pub(crate) struct Claim {
    paths: Vec<String>,
    /// Its holder writes nothing after this.
    pub(crate) ends_at: Timestamp,
}

impl Claim {
    /// Claims the window of now, which leaves at least `holds` of time; `counter` is that of a window. `None` while somebody else holds it.
    pub(crate) async fn take<P: Clock + KeyValue>(
        ports: &P,
        holds: Duration,
        counter: impl Fn(u64) -> Key<Counter>,
    ) -> Result<Option<Self>, StoreError> {
        const EPOCH: Timestamp = Timestamp::from_millis(0);
        let Some(window) = Windows::new(holds).claimable(EPOCH, ports.now()) else {
            return Ok(None);
        };
        let mut paths = Vec::new();
        for number in window.number..=window.last {
            let counter = counter(number);
            if counter.increment(ports).await? != 1 {
                return Ok(None);
            }
            paths.push(counter.into_path());
        }
        let ends_at = window.ends_at;
        Ok(Some(Self { paths, ends_at }))
    }

    /// Lets others in before the window ends. If that fails, they wait for it.
    pub(crate) async fn release<P: Clock + KeyValue>(self, ports: &P) {
        Self::release_all(vec![self], ports).await;
    }

    /// Does so for all of `claims` at once.
    pub(crate) async fn release_all<P: Clock + KeyValue>(claims: Vec<Self>, ports: &P) {
        let now = ports.now();
        let running = claims.into_iter().filter(|claim| now < claim.ends_at);
        let paths: Vec<String> = running.flat_map(|claim| claim.paths).collect();
        if !paths.is_empty() {
            let _ = ports.delete_many(paths).await;
        }
    }
}
