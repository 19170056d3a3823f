//! Waiting for what takes a while.

use std::{panic::Location, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long a condition may take to come true before the test fails. Far more than it ever takes, so that a slow machine
/// does not fail it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `look` finds something, and returns that.
///
/// # Panics
/// When it found nothing within [`PATIENCE`]; the message names `what` and the caller.
#[track_caller]
pub fn eventually<T, F: AsyncFnMut() -> Option<T>>(
    what: &str,
    mut look: F,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        let looking = async {
            let mut looks = interval(PAUSE);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                if let Some(found) = look().await {
                    return found;
                }
            }
        };
        timeout(PATIENCE, looking)
            .await
            .unwrap_or_else(|_| panic!("{caller}: waited {} s in vain: {what}", PATIENCE.as_secs()))
    }
}
