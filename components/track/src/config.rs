//! The component's configuration, and what an instance keeps between requests.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use guest::{ConfigError, LINK_NAMES, Variables, link_keys, shared};
use mailer::engagement::gatherer::Gatherer;
use mailer::link::LinkKeys;
use mailer::nudge::Nudges;

/// The longest that visits wait to be taken in. Nobody waits for that, and a request for each batch would cost as much as storing it does.
const PAUSE: Duration = Duration::from_millis(50);
const NAMES: [&str; 1] = ["engagement_user_agents"];

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) link_keys: LinkKeys,
    /// Whether the User-Agent fields of visits are kept.
    pub(crate) keeps_user_agents: bool,
    pub(crate) gatherer: Gatherer,
    pub(crate) nudges: Rc<Nudges>,
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

impl Config {
    /// The instance's configuration, read once.
    pub(crate) async fn load() -> Result<Rc<Self>, ConfigError> {
        shared(&CONFIG, async || {
            let names = [&NAMES[..], &LINK_NAMES].concat();
            let variables = Variables::read(&names).await?;
            Ok(Self {
                link_keys: link_keys(&variables)?,
                keeps_user_agents: variables.boolean("engagement_user_agents")?,
                gatherer: Gatherer::default(),
                nudges: Rc::new(Nudges::every(PAUSE)),
            })
        })
        .await
    }
}
