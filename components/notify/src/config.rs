//! The component's configuration, and what an instance keeps between requests.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use guest::{
    ATTEMPT_NAME, ConfigError, DohClient, OPERATION_LOG_NAMES, OperationLog, Variables,
    WEBHOOK_NAMES, attempt_timeout, operation_log, reach, resolver, shared, webhook_key,
};
use mailer::attempt::Windows;
use mailer::digest::turns::Turns;
use mailer::envelope::Domain;
use mailer::notification::Notifier;
use mailer::notification::lanes::Lanes;
use mailer::outbox::Outbox;
use mailer::subscription::guard::Guard;
use mailer::subscription::known::KnownSubscriptions;
use mailer::suppression::Suppressor;

use crate::wire::Source;

const NAMES: [&str; 5] = [
    ATTEMPT_NAME,
    "doh_url",
    "managed_domain",
    "public_url",
    "suppression_hash_key",
];
/// How long a request to an endpoint may take, unless the whole attempt has to be shorter: as Event Grid's.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) notifier: Notifier,
    /// Writes the managed suppression list.
    pub(crate) suppressor: Suppressor,
    /// Keeps apart batches that tell of one message.
    pub(crate) turns: Turns,
    /// Whom DNS is asked of.
    pub(crate) resolver: DohClient,
    /// How long a request to an endpoint may take.
    pub(crate) timeout: Duration,
    /// What events come from.
    pub(crate) source: Source,
    /// Where the public reaches us, without a slash at the end, if that is known.
    pub(crate) public_url: Option<String>,
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
            let names = [&NAMES[..], &OPERATION_LOG_NAMES, &WEBHOOK_NAMES].concat();
            Self::parse(&Variables::read(&names).await?)
        })
        .await
    }

    fn parse(variables: &Variables) -> Result<Self, ConfigError> {
        let attempt_timeout = attempt_timeout(variables)?;
        let notifier = Notifier {
            key: webhook_key(variables)?,
            outbox: Outbox::default(),
            windows: Windows::new(attempt_timeout),
            subscriptions: KnownSubscriptions::default(),
            guard: Guard::new(reach(variables)?),
            lanes: Lanes::default(),
        };
        let public_url = variables.text("public_url").split_ascii_whitespace().next();
        Ok(Self {
            notifier,
            suppressor: variables.parse("suppression_hash_key", Suppressor::parse)?,
            turns: Turns::default(),
            resolver: resolver(variables)?,
            timeout: REQUEST_TIMEOUT.min(attempt_timeout),
            source: Source::of(&variables.parse("managed_domain", Domain::parse)?),
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            in_flight: Rc::default(),
            log: operation_log(variables)?,
        })
    }
}
