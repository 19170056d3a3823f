//! The component's configuration.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::{
    ATTEMPT_NAME, ConfigError, DohClient, INSTALLATION_NAMES, Variables, WEBHOOK_NAMES,
    attempt_timeout, installation, master_keys, reach, resolver, shared, webhook_key,
};
use mailer::access::AdminToken;
use mailer::attempt::Windows;
use mailer::domain::Installation;
use mailer::keyring::{MasterKey, MasterKeys};
use mailer::outbox::Outbox;
use mailer::subscription::guard::Guard;
use mailer::suppression::Suppressor;

const NAMES: [&str; 5] = [
    "admin_token",
    ATTEMPT_NAME,
    "master_key",
    "master_key_previous",
    "suppression_hash_key",
];

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) admin_token: AdminToken,
    /// What customers' DNS records point to.
    pub(crate) installation: Installation,
    pub(crate) master_keys: MasterKeys,
    /// Reads and writes the suppression lists.
    pub(crate) suppressor: Suppressor,
    /// Whom DNS is asked of.
    pub(crate) resolver: DohClient,
    /// Seals subscriptions' secrets.
    pub(crate) webhook_key: MasterKey,
    /// Where endpoints may be.
    pub(crate) guard: Guard,
    /// Writes what has to be sent.
    pub(crate) outbox: Outbox,
    /// When those who send claim their attempts.
    pub(crate) windows: Windows,
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

impl Config {
    /// The instance's configuration, read once.
    pub(crate) async fn load() -> Result<Rc<Self>, ConfigError> {
        shared(&CONFIG, async || {
            let names = [&NAMES[..], &INSTALLATION_NAMES, &WEBHOOK_NAMES].concat();
            Self::parse(&Variables::read(&names).await?)
        })
        .await
    }

    fn parse(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            admin_token: variables.parse("admin_token", AdminToken::parse)?,
            installation: installation(variables)?,
            master_keys: master_keys(variables)?,
            suppressor: variables.parse("suppression_hash_key", Suppressor::parse)?,
            resolver: resolver(variables)?,
            webhook_key: webhook_key(variables)?,
            guard: Guard::new(reach(variables)?),
            outbox: Outbox::default(),
            windows: Windows::new(attempt_timeout(variables)?),
        })
    }
}
