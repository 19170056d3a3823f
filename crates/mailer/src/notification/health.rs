//! What is known of an endpoint: one that failed several times in a row is left alone for a moment, with all that is due for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::DeliveryAttempt;
use super::schedule::Outcome;
use crate::keys::Record;
use crate::time::Timestamp;

/// After this many failures in a row an endpoint is left alone.
pub const PATIENCE: u32 = 5;

/// How the last requests to an endpoint ended. Of two that write at once the later wins, which costs a failure's count at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointHealth {
    /// Failures since the last success.
    pub failures: u32,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<DeliveryAttempt>,
    /// When it is tried again, if it is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

impl Record for EndpointHealth {
    const VERSION: u32 = 1;
}

impl EndpointHealth {
    /// When it is tried again, if it is left alone at `now`. A time that lies further ahead than any pause is of a clock that was ahead.
    #[must_use]
    pub fn hold(&self, now: Timestamp) -> Option<Timestamp> {
        self.held_until
            .filter(|until| *until > now && until.since(now) <= LONGEST_HOLD)
    }

    /// What is known after `made`; `None` when that is nothing new.
    #[must_use]
    pub fn after(&self, made: DeliveryAttempt) -> Option<Self> {
        if made.outcome.is_success() {
            return (self.failures > 0).then(|| Self {
                last_failure: self.last_failure,
                ..Self::default()
            });
        }
        if !made.outcome.blames_endpoint() {
            return None;
        }
        let failures = self.failures.saturating_add(1);
        Some(Self {
            failures,
            last_failure: Some(made),
            held_until: (failures >= PATIENCE).then(|| made.at.plus(hold(made.outcome))),
        })
    }
}

/// The longest of the pauses below.
const LONGEST_HOLD: Duration = Duration::from_mins(5);

/// How long an endpoint is left alone: as Event Grid does.
const fn hold(outcome: Outcome) -> Duration {
    match outcome {
        Outcome::Disconnected => Duration::from_secs(30),
        Outcome::Unresolvable
        | Outcome::NotAllowed
        | Outcome::Answered {
            status: 401 | 403 | 404,
            ..
        } => LONGEST_HOLD,
        Outcome::TimedOut | Outcome::Answered { .. } => Duration::from_secs(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    fn after(outcomes: &[Outcome]) -> EndpointHealth {
        outcomes
            .iter()
            .fold(EndpointHealth::default(), |health, &outcome| {
                let made = DeliveryAttempt { at: AT, outcome };
                health.after(made).unwrap_or(health)
            })
    }

    const fn status(status: u16) -> Outcome {
        Outcome::Answered {
            status,
            retry_after: None,
        }
    }

    #[track_caller]
    fn held_for(outcomes: &[Outcome], expected: Option<u64>) {
        let found = after(outcomes).hold(AT).map(|until| until.since(AT));
        assert_eq!(found, expected.map(Duration::from_secs));
    }

    #[test]
    fn five_failures_in_a_row_and_the_endpoint_is_left_alone() {
        held_for(&[status(500); 4], None);
        held_for(&[status(500); 5], Some(10));
        held_for(&[Outcome::Disconnected; 5], Some(30));
        held_for(&[Outcome::Unresolvable; 7], Some(300));
        let [fail, well] = [status(500), status(200)];
        held_for(&[fail, fail, fail, fail, well, fail], None);
        // These are about what was sent.
        held_for(&[status(400); 9], None);
    }

    #[test]
    fn a_success_forgets_the_failures_and_says_nothing_new_without_them() {
        let made = DeliveryAttempt {
            at: AT,
            outcome: status(200),
        };
        assert_eq!(EndpointHealth::default().after(made), None);
        let well = after(&[status(500), status(200)]);
        assert_eq!((well.failures, well.held_until), (0, None));
        assert!(well.last_failure.is_some());
    }

    #[test]
    fn a_hold_of_a_clock_that_was_ahead_holds_nothing() {
        let health = after(&[status(500); 5]);
        assert_eq!(health.hold(Timestamp::from_millis(1_000)), None);
    }
}
