//! The component's configuration.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::{ConfigError, Variables, shared};
use mailer::access::AdminToken;
use mailer::envelope::Domain;
use mailer::keyring::MasterKey;

const NAMES: [&str; 3] = ["admin_token", "managed_domain", "master_key"];

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) admin_token: AdminToken,
    pub(crate) managed_domain: Domain,
    pub(crate) master_key: MasterKey,
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
        Ok(Self {
            admin_token: variables.parse("admin_token", AdminToken::parse)?,
            managed_domain: variables.parse("managed_domain", Domain::parse)?,
            master_key: variables.parse("master_key", MasterKey::parse)?,
        })
    }
}
