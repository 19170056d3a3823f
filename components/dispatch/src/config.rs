//! The component's configuration, and what an instance keeps between requests.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use guest::{ConfigError, RelayClient, Variables, shared};
use mailer::access::AdminToken;
use mailer::attempt::{Dispatcher, Windows};
use mailer::budget::Budget;
use mailer::keyring::{Keyring, MasterKey};
use mailer::outbox::Outbox;

const NAMES: [&str; 6] = [
    "admin_token",
    "attempt_timeout",
    "master_key",
    "relay_smtputf8",
    "relay_token",
    "relay_url",
];
const LONGEST_ATTEMPT_SECS: u64 = 600;
/// Content under attempt in one instance. Held three times over, it leaves room in the 256 MiB hosts give.
const CONTENT_OCTETS: usize = 32 * 1024 * 1024;

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) admin_token: AdminToken,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) relay: RelayClient,
    /// Attempts under way in this instance.
    pub(crate) in_flight: Cell<usize>,
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

impl Config {
    /// The instance's configuration, read once.
    pub(crate) async fn load() -> Result<Rc<Self>, ConfigError> {
        shared(&CONFIG, async || {
            Self::parse(&Variables::read(&NAMES).await?)
        })
        .await
    }

    fn parse(variables: &Variables) -> Result<Self, ConfigError> {
        let attempt_timeout =
            Duration::from_secs(variables.number("attempt_timeout", 1..=LONGEST_ATTEMPT_SECS)?);
        let dispatcher = Dispatcher {
            keyring: Keyring::new(variables.parse("master_key", MasterKey::parse)?),
            outbox: Outbox::default(),
            windows: Windows::new(attempt_timeout),
            smtputf8: variables.boolean("relay_smtputf8")?,
            budget: Budget::new(CONTENT_OCTETS),
        };
        let relay = RelayClient {
            url: variables.parse("relay_url", origin)?,
            token: variables.parse("relay_token", bearer)?,
            timeout: attempt_timeout,
        };
        let admin_token = variables.parse("admin_token", AdminToken::parse)?;
        Ok(Self {
            admin_token,
            dispatcher,
            relay,
            in_flight: Cell::new(0),
        })
    }
}

/// Checked here, since a path would end up inside every request's target.
fn origin(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = "expected an origin such as http://127.0.0.1:8025, without a path";
    let uri: http::Uri = text.parse().map_err(|_| EXPECTED)?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    let has_no_path = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if is_origin && has_no_path {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(EXPECTED)
    }
}

/// Checked here, since a token that is no field value would look like a message that can never be handed over.
fn bearer(text: &str) -> Result<String, &'static str> {
    let is_token = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic());
    let expected = "expected visible ASCII characters";
    is_token.then(|| text.to_owned()).ok_or(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(origin(text).ok().as_deref(), expected);
    }

    #[test]
    fn the_relay_is_an_origin() {
        check("http://127.0.0.1:8025", Some("http://127.0.0.1:8025"));
        check("https://relay.example/", Some("https://relay.example"));
        check("https://relay.example/path", None);
        check("https://relay.example/?a", None);
        check("ftp://relay.example", None);
        check("relay.example", None);
        check("", None);
    }
}
