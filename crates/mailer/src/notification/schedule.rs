//! What the end of a request means: delivered, again later, or never. Pure.
//!
//! Event Grid's rules: only 200 to 204 are a success, some statuses are not worth another try, and the others are tried again after
//! growing pauses for a day. A redirect is not followed, since it could lead where no endpoint may be.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The pauses after the first tries; the last of them repeats.
pub const PAUSES: [Duration; 10] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(12),
];
/// After this a notification that was not delivered is dead.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(24);
/// An endpoint's Retry-After is honoured up to this.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(6);

/// The least pause after 408.
const AFTER_TIMEOUT_STATUS: Duration = Duration::from_mins(2);
/// The least pause after 429 and 503.
const AFTER_BUSY: Duration = Duration::from_secs(30);
/// Jitter adds at most this part of a pause.
const JITTER_PART: f64 = 0.2;

/// How a request to an endpoint ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With an answer.
    Answered {
        /// Its status.
        status: u16,
        /// What it asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<Duration>,
    },
    /// Without an answer in time.
    TimedOut,
    /// The host's name has no address, or DNS did not say.
    Unresolvable,
    /// Without a connection, or it broke.
    Disconnected,
    /// Not made: the endpoint leads to where none may be.
    NotAllowed,
}

impl Outcome {
    /// The word for it, as Event Grid's dead letters have it where it has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered { status, .. } => match status {
                200..=204 => "Delivered",
                300..=399 => "Redirected",
                400 => "BadRequest",
                401 => "Unauthorized",
                403 => "Forbidden",
                404 => "NotFound",
                408 => "TimedOut",
                410 => "Gone",
                413 => "PayloadTooLarge",
                429 | 503 => "Busy",
                _ => "GenericError",
            },
            Self::TimedOut => "TimedOut",
            Self::Unresolvable => "ResolutionError",
            Self::Disconnected => "SocketError",
            Self::NotAllowed => "EndpointNotAllowed",
        }
    }

    /// The status of the answer, if there was one.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(status),
            Self::TimedOut | Self::Unresolvable | Self::Disconnected | Self::NotAllowed => None,
        }
    }

    /// Whether the endpoint took what it was sent.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(
            self,
            Self::Answered {
                status: 200..=204,
                ..
            }
        )
    }

    /// Whether it says something of the endpoint, and not only of what it was sent.
    #[must_use]
    pub const fn blames_endpoint(self) -> bool {
        !self.is_success()
            && !matches!(
                self,
                Self::Answered {
                    status: 400 | 413,
                    ..
                }
            )
    }

    /// The least pause after it.
    fn least_pause(self) -> Duration {
        match self {
            Self::Answered {
                status,
                retry_after,
            } => {
                let own = match status {
                    408 => AFTER_TIMEOUT_STATUS,
                    429 | 503 => AFTER_BUSY,
                    _ => Duration::ZERO,
                };
                own.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
            }
            Self::TimedOut | Self::Unresolvable | Self::Disconnected | Self::NotAllowed => {
                Duration::ZERO
            }
        }
    }
}

/// Why a notification is not sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeadReason {
    /// The endpoint refused it in a way that another try does not change: 400, 401, 403 or 413.
    Refused,
    /// Its day is over.
    TimeToLiveExceeded,
    /// The subscription has ended.
    SubscriptionEnded,
}

impl DeadReason {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "Refused",
            Self::TimeToLiveExceeded => "TimeToLiveExceeded",
            Self::SubscriptionEnded => "SubscriptionEnded",
        }
    }
}

/// A request that ended.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// How.
    pub outcome: Outcome,
    /// When.
    pub ended_at: Timestamp,
    /// When the notification's day began.
    pub began_at: Timestamp,
    /// Requests since then, this one included; at least 1.
    pub tries: u32,
    /// Evenly spread over all `u32`.
    pub jitter: u32,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it is delivered.
    Delivered,
    /// Another try then.
    Again(Timestamp),
    /// No other try.
    Dead(DeadReason),
    /// No other try, nor any for this subscription.
    EndSubscription,
}

impl Try {
    /// What follows from it. The last try falls on the end of the day, so that none of it is given away.
    #[must_use]
    pub fn decide(&self) -> Decision {
        match self.outcome {
            outcome if outcome.is_success() => Decision::Delivered,
            Outcome::Answered { status: 410, .. } => Decision::EndSubscription,
            Outcome::Answered {
                status: 400 | 401 | 403 | 413,
                ..
            } => Decision::Dead(DeadReason::Refused),
            Outcome::Answered { .. }
            | Outcome::TimedOut
            | Outcome::Unresolvable
            | Outcome::Disconnected
            | Outcome::NotAllowed => self.again(),
        }
    }

    fn again(&self) -> Decision {
        let deadline = deadline(self.began_at);
        if self.ended_at >= deadline {
            return Decision::Dead(DeadReason::TimeToLiveExceeded);
        }
        let pause = self.pause().max(self.outcome.least_pause());
        Decision::Again(self.ended_at.plus(pause).min(deadline))
    }

    fn pause(&self) -> Duration {
        let place = usize::try_from(self.tries.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = PAUSES.last().copied().unwrap_or_default();
        with_jitter(PAUSES.get(place).copied().unwrap_or(last), self.jitter)
    }
}

/// When the day of a notification that began at `began_at` is over.
#[must_use]
pub fn deadline(began_at: Timestamp) -> Timestamp {
    began_at.plus(GIVE_UP_AFTER)
}

/// `pause` and up to a fifth of it more.
#[must_use]
pub fn with_jitter(pause: Duration, jitter: u32) -> Duration {
    let part = f64::from(jitter) / f64::from(u32::MAX);
    pause + pause.mul_f64(JITTER_PART * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Timestamp = Timestamp::from_millis(1_000_000);

    fn tried(outcome: Outcome, tries: u32, jitter: u32) -> Try {
        Try {
            outcome,
            ended_at: BEGAN,
            began_at: BEGAN,
            tries,
            jitter,
        }
    }

    const fn status(status: u16) -> Outcome {
        Outcome::Answered {
            status,
            retry_after: None,
        }
    }

    const fn asking(status: u16, secs: u64) -> Outcome {
        Outcome::Answered {
            status,
            retry_after: Some(Duration::from_secs(secs)),
        }
    }

    #[track_caller]
    fn check(outcome: Outcome, expected: Decision) {
        assert_eq!(tried(outcome, 1, 0).decide(), expected, "{outcome:?}");
    }

    #[track_caller]
    fn pause(outcome: Outcome, tries: u32, jitter: u32, secs: u64) {
        let expected = Decision::Again(BEGAN.plus(Duration::from_secs(secs)));
        assert_eq!(tried(outcome, tries, jitter).decide(), expected);
    }

    #[test]
    fn only_200_to_204_are_a_success() {
        for taken in 200..=204 {
            check(status(taken), Decision::Delivered);
        }
        for not_taken in [205, 206, 207, 226, 299, 304] {
            pause(status(not_taken), 1, 0, 10);
        }
    }

    #[test]
    fn refusals_that_stay_are_not_tried_again_and_410_ends_it_all() {
        for refused in [400, 401, 403, 413] {
            check(status(refused), Decision::Dead(DeadReason::Refused));
            check(asking(refused, 60), Decision::Dead(DeadReason::Refused));
        }
        check(status(410), Decision::EndSubscription);
    }

    #[test]
    fn everything_else_is_tried_again() {
        for other in [
            100, 301, 302, 307, 308, 402, 404, 405, 409, 418, 422, 500, 501, 502, 599,
        ] {
            pause(status(other), 1, 0, 10);
        }
        for other in [
            Outcome::TimedOut,
            Outcome::Unresolvable,
            Outcome::Disconnected,
            Outcome::NotAllowed,
        ] {
            pause(other, 1, 0, 10);
        }
    }

    #[test]
    fn pauses_grow_and_the_last_one_repeats() {
        let expected = [
            10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 43_200,
        ];
        for (tries, secs) in (1..).zip(expected) {
            pause(status(500), tries, 0, secs);
        }
        pause(status(500), u32::MAX, 0, 43_200);
    }

    #[test]
    fn jitter_adds_up_to_a_fifth() {
        pause(status(500), 1, u32::MAX, 12);
        pause(status(500), 4, u32::MAX, 360);
        pause(status(500), 4, u32::MAX / 2 + 1, 330);
    }

    #[test]
    fn some_statuses_ask_for_more_and_retry_after_for_as_much_as_six_hours() {
        pause(status(408), 1, 0, 120);
        pause(status(503), 1, 0, 30);
        pause(status(429), 1, 0, 30);
        pause(status(503), 4, 0, 300);
        pause(asking(503, 45), 1, 0, 45);
        pause(asking(503, 1), 1, 0, 30);
        pause(asking(500, 90), 1, 0, 90);
        pause(asking(429, 10_000_000), 1, 0, 6 * 3600);
    }

    #[test]
    fn the_last_try_is_at_the_end_of_the_day_and_none_after_it() {
        let end = deadline(BEGAN);
        let late = Timestamp::from_millis(end.as_millis() - 60_000);
        let at = |ended_at| Try {
            ended_at,
            ..tried(status(500), 9, 0)
        };
        assert_eq!(at(late).decide(), Decision::Again(end));
        assert_eq!(
            at(end).decide(),
            Decision::Dead(DeadReason::TimeToLiveExceeded)
        );
    }
}
