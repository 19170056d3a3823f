//! The component's configuration.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::{
    APPLICATION_NAMES, Applications, ConfigError, OPERATION_LOG_NAMES, OperationLog, Variables,
    applications, operation_log, shared,
};
use mailer::budget::Budget;
use mailer::nudge::Nudges;
use mailer::submission::Policy;
use mailer::submit::Acceptor;

const NAMES: [&str; 1] = ["relay_smtputf8"];
/// Request bodies in hand in one instance. Held three times over, they leave room in the 256 MiB hosts give.
const BODY_OCTETS: usize = 48 * 1024 * 1024;

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) applications: Applications,
    pub(crate) policy: Policy,
    pub(crate) acceptor: Acceptor,
    pub(crate) nudges: Rc<Nudges>,
    /// Bodies being read and stored.
    pub(crate) budget: Budget,
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
            let names = [&NAMES[..], &APPLICATION_NAMES, &OPERATION_LOG_NAMES].concat();
            Self::parse(&Variables::read(&names).await?)
        })
        .await
    }

    fn parse(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            applications: applications(variables)?,
            policy: Policy {
                smtputf8: variables.boolean("relay_smtputf8")?,
            },
            acceptor: Acceptor::listing(),
            nudges: Rc::default(),
            budget: Budget::new(BODY_OCTETS),
            log: operation_log(variables)?,
        })
    }
}
