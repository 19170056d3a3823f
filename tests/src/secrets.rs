//! The secrets of every system under test, and the rest of its variables.

use std::collections::BTreeMap;

/// The first access key.
pub const ACCESS_KEY_PRIMARY: &str = "cHJpbWFyeSBhY2Nlc3Mga2V5IGZvciB0ZXN0cyBvbmx5";
/// The second access key.
pub const ACCESS_KEY_SECONDARY: &str = "c2Vjb25kYXJ5IGFjY2VzcyBrZXkgZm9yIHRlc3RzIG9ubHk=";
/// What operators show.
pub const ADMIN_TOKEN: &str = "admin-token-for-tests-only";
/// What seals private keys.
pub const MASTER_KEY: &str = "dGhpcnR5LXR3byBvY3RldHMgZm9yIHRlc3RzIG9ubHk=";
/// What the relay wants to see.
pub const RELAY_TOKEN: &str = "relay-token-for-tests-only";

/// What the relay signs its events with.
pub const RELAY_EVENT_SECRET: &str = "whsec_cmVsYXkgZXZlbnRzIGZvciB0ZXN0cyBvbmx5";
/// What an MTA says when it brings a report.
pub const REPORT_TOKEN: &str = "report-token-for-tests-only";
/// What makes links.
pub const LINK_KEY: &str = "bGlua3MgaW4gbWFpbCBmb3IgdGVzdHMgb25seSBub3c=";
/// What makes return paths.
pub const RETURN_PATH_KEY: &str = "cmV0dXJuIHBhdGhzIGZvciB0ZXN0cyBvbmx5IG5vdyE=";
/// What seals the secrets of subscriptions.
pub const WEBHOOK_KEY: &str = "d2ViaG9vayBrZXkgb2YgMzIgb2N0ZXRzIGZvciB0ZXM=";

/// How long an attempt may take in systems under test, in seconds. The default of a minute would make whatever waits for
/// the end of a lost attempt wait for two.
const ATTEMPT_TIMEOUT: &str = "10";

/// The variables of a system whose relay is at `relay_url`.
#[must_use]
pub fn variables(relay_url: &str) -> BTreeMap<String, String> {
    let values = [
        ("access_key_primary", ACCESS_KEY_PRIMARY),
        ("access_key_secondary", ACCESS_KEY_SECONDARY),
        ("admin_token", ADMIN_TOKEN),
        ("attempt_timeout", ATTEMPT_TIMEOUT),
        ("link_key", LINK_KEY),
        ("master_key", MASTER_KEY),
        ("relay_event_secret", RELAY_EVENT_SECRET),
        ("relay_token", RELAY_TOKEN),
        ("relay_url", relay_url),
        ("report_token", REPORT_TOKEN),
        ("return_path_key", RETURN_PATH_KEY),
        ("webhook_key", WEBHOOK_KEY),
    ];
    values
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}
