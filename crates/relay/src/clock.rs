//! The one place where this crate reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; a clock set before that reads 0.
pub(crate) fn now_ms() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the relay is a host: time enters here and is an argument elsewhere"
    )]
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
