//! The variable about attempts, which all have to read alike: who claims has to count the same windows.

use std::time::Duration;

use crate::config::{ConfigError, Variables};

/// The variable that [`attempt_timeout`] reads.
pub const ATTEMPT_NAME: &str = "attempt_timeout";

const LONGEST_ATTEMPT_SECS: u64 = 600;

/// How long an attempt may take.
///
/// # Errors
/// When the variable is not a number from 1 to 600.
pub fn attempt_timeout(variables: &Variables) -> Result<Duration, ConfigError> {
    let secs = variables.number(ATTEMPT_NAME, 1..=LONGEST_ATTEMPT_SECS)?;
    Ok(Duration::from_secs(secs))
}
