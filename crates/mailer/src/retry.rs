//! When a message is tried again: exponentially, with jitter, from 5 seconds to an hour, for 72 hours in all.

use std::time::Duration;

use crate::time::Timestamp;

/// The first pause.
pub const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// No pause is longer, unless the relay asks for it.
pub const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// A relay's Retry-After is honoured up to this.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(6);
/// After this a message that was not handed over has failed (RFC 5321 section 4.5.4.1 asks for at least 4 to 5 days of an MTA;
/// what waits here is the relay, not the recipient's server).
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(72);

/// What decides the next attempt's time.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// Attempts that ended, this one included; at least 1.
    pub attempts: u32,
    /// What the relay asked for.
    pub retry_after: Option<Duration>,
    /// Evenly spread over all `u32`.
    pub jitter: u32,
}

impl Retry {
    /// When to try again after an attempt that ended at `now`, or `None` when the time is up.
    ///
    /// The last attempt falls on the end of the 72 hours, so that none of them is given away.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let deadline = self.accepted_at.plus(GIVE_UP_AFTER);
        if now >= deadline {
            return None;
        }
        let asked = self
            .retry_after
            .unwrap_or_default()
            .min(LONGEST_RETRY_AFTER);
        Some(now.plus(self.pause().max(asked)).min(deadline))
    }

    /// Doubled with every attempt, then between that and half of that more.
    fn pause(&self) -> Duration {
        const DOUBLINGS: u32 = 10;
        let exponent = self.attempts.saturating_sub(1).min(DOUBLINGS);
        let base = FIRST_PAUSE.saturating_mul(1 << exponent);
        let spread = base / 2;
        let jitter = spread.mul_f64(f64::from(self.jitter) / f64::from(u32::MAX));
        (base + jitter).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: Timestamp = Timestamp::from_millis(1_000_000);

    #[track_caller]
    fn check(attempts: u32, jitter: u32, retry_after: Option<u64>, expected_secs: u64) {
        let retry = Retry {
            accepted_at: ACCEPTED,
            attempts,
            jitter,
            retry_after: retry_after.map(Duration::from_secs),
        };
        let next = retry.next(ACCEPTED).expect("in time");
        assert_eq!(next.since(ACCEPTED).as_secs(), expected_secs);
    }

    #[test]
    fn pauses_double_from_five_seconds_to_an_hour() {
        check(1, 0, None, 5);
        check(2, 0, None, 10);
        check(3, 0, None, 20);
        check(9, 0, None, 1280);
        check(11, 0, None, 3600);
        check(u32::MAX, u32::MAX, None, 3600);
    }

    #[test]
    fn jitter_adds_up_to_half() {
        check(1, u32::MAX, None, 7);
        check(2, u32::MAX / 2, None, 12);
    }

    #[test]
    fn retry_after_is_honoured_when_it_is_longer_up_to_six_hours() {
        check(1, 0, Some(60), 60);
        check(4, 0, Some(1), 40);
        check(1, 0, Some(10_000_000), 6 * 3600);
    }

    #[test]
    fn the_last_attempt_is_at_the_deadline_and_none_after_it() {
        let retry = Retry {
            accepted_at: ACCEPTED,
            attempts: 90,
            jitter: 0,
            retry_after: None,
        };
        let deadline = ACCEPTED.plus(GIVE_UP_AFTER);
        let late = Timestamp::from_millis(deadline.as_millis() - 60_000);
        assert_eq!(retry.next(late), Some(deadline));
        assert_eq!(retry.next(deadline), None);
    }
}
