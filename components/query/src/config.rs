//! The component's configuration.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::{APPLICATION_NAMES, Applications, ConfigError, Variables, applications, shared};
use mailer::access::AdminToken;

const NAMES: [&str; 1] = ["admin_token"];

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) admin_token: AdminToken,
    pub(crate) applications: Applications,
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

impl Config {
    /// The instance's configuration, read once.
    pub(crate) async fn load() -> Result<Rc<Self>, ConfigError> {
        shared(&CONFIG, async || {
            let names = [&NAMES[..], &APPLICATION_NAMES].concat();
            let variables = Variables::read(&names).await?;
            Ok(Self {
                admin_token: variables.parse("admin_token", AdminToken::parse)?,
                applications: applications(&variables)?,
            })
        })
        .await
    }
}
