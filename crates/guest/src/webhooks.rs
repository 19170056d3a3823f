//! The variables about event subscriptions.

use mailer::keyring::MasterKey;
use mailer::subscription::Reach;

use crate::config::{ConfigError, Variables};

/// The variables that [`webhook_key`] and [`reach`] read.
pub const WEBHOOK_NAMES: [&str; 2] = ["webhook_key", "webhook_private_endpoints"];

/// The key that seals subscriptions' secrets. Not the master key: who tells subscribers needs no DKIM keys.
///
/// # Errors
/// When the variable is malformed.
pub fn webhook_key(variables: &Variables) -> Result<MasterKey, ConfigError> {
    variables.parse("webhook_key", MasterKey::parse)
}

/// How far endpoints may be reached.
///
/// # Errors
/// When the variable is malformed.
pub fn reach(variables: &Variables) -> Result<Reach, ConfigError> {
    Ok(match variables.boolean("webhook_private_endpoints")? {
        true => Reach::Anything,
        false => Reach::Public,
    })
}
