//! The component's configuration, and what an instance keeps between requests.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use guest::{
    ATTEMPT_NAME, ConfigError, DohClient, INSTALLATION_NAMES, LINK_NAMES, OPERATION_LOG_NAMES,
    OperationLog, RETURN_PATH_NAMES, RelayClient, Variables, attempt_timeout, installation,
    link_keys, master_keys, operation_log, origin, resolver, return_path_keys, shared,
};
use mailer::access::AdminToken;
use mailer::attempt::{Dispatcher, Windows};
use mailer::budget::Budget;
use mailer::keyring::Keyring;
use mailer::outbox::Outbox;
use mailer::suppression::Suppressor;

const NAMES: [&str; 8] = [
    "admin_token",
    ATTEMPT_NAME,
    "master_key",
    "master_key_previous",
    "relay_smtputf8",
    "relay_token",
    "relay_url",
    "suppression_hash_key",
];
/// Content under attempt in one instance. Held three times over, it leaves room in the 256 MiB hosts give.
const CONTENT_OCTETS: usize = 32 * 1024 * 1024;
/// Copies under way in one instance besides the first of each attempt: each has a connection to the relay.
const COPIES: usize = 128;

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) admin_token: AdminToken,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) relay: RelayClient,
    /// Whom DNS is asked of.
    pub(crate) resolver: DohClient,
    /// Attempts under way in this instance.
    pub(crate) in_flight: Rc<Cell<usize>>,
    /// What operators analyse.
    pub(crate) log: OperationLog,
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

impl Config {
    /// The instance's configuration, read once.
    pub(crate) async fn load() -> Result<Rc<Self>, ConfigError> {
        shared(&CONFIG, async || {
            let names = [
                &NAMES[..],
                &INSTALLATION_NAMES,
                &LINK_NAMES,
                &OPERATION_LOG_NAMES,
                &RETURN_PATH_NAMES,
            ]
            .concat();
            Self::parse(&Variables::read(&names).await?)
        })
        .await
    }

    fn parse(variables: &Variables) -> Result<Self, ConfigError> {
        let attempt_timeout = attempt_timeout(variables)?;
        let dispatcher = Dispatcher {
            keyring: Keyring::new(master_keys(variables)?),
            outbox: Outbox::default(),
            windows: Windows::new(attempt_timeout),
            smtputf8: variables.boolean("relay_smtputf8")?,
            installation: installation(variables)?,
            return_path_keys: return_path_keys(variables)?,
            link_keys: link_keys(variables)?,
            suppressor: variables.parse("suppression_hash_key", Suppressor::parse)?,
            budget: Budget::new(CONTENT_OCTETS),
            copies: Budget::new(COPIES),
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
            resolver: resolver(variables)?,
            relay,
            in_flight: Rc::default(),
            log: operation_log(variables)?,
        })
    }
}

/// Checked here, since a token that is no field value would look like a message that can never be handed over.
fn bearer(text: &str) -> Result<String, &'static str> {
    let is_token = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic());
    let expected = "expected visible ASCII characters";
    is_token.then(|| text.to_owned()).ok_or(expected)
}
