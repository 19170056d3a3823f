//! The variables about return paths.

use mailer::return_path::ReturnPathKeys;
use mailer::token_key::TokenKey;

use crate::config::{ConfigError, Variables};

/// The variables that [`return_path_keys`] reads.
pub const RETURN_PATH_NAMES: [&str; 2] = ["return_path_key", "return_path_key_previous"];

/// The keys of return paths: `return_path_key`, and those before it that `return_path_key_previous` lists.
///
/// # Errors
/// When a variable is malformed.
pub fn return_path_keys(variables: &Variables) -> Result<ReturnPathKeys, ConfigError> {
    Ok(ReturnPathKeys {
        current: variables.parse("return_path_key", TokenKey::parse)?,
        previous: variables.parse("return_path_key_previous", TokenKey::parse_previous)?,
    })
}
