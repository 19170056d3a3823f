//! The component's configuration, and what an instance keeps between requests.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use audience::{DataCentreMark, InvalidMark};
use guest::{ConfigError, LINK_NAMES, Variables, link_keys, shared};
use mailer::engagement::gatherer::Gatherer;
use mailer::link::LinkKeys;
use mailer::nudge::Nudges;

use crate::visitor::Visitors;

/// The longest that visits wait to be taken in. Nobody waits for that, and a request for each batch would cost as much as storing it does.
const PAUSE: Duration = Duration::from_millis(50);
const NAMES: [&str; 2] = ["engagement_user_agents", DATA_CENTRE];
const DATA_CENTRE: &str = "engagement_data_centre_field";

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) link_keys: LinkKeys,
    pub(crate) visitors: Visitors,
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
                visitors: Visitors {
                    keeps_user_agents: variables.boolean("engagement_user_agents")?,
                    data_centre: variables.parse(DATA_CENTRE, data_centre)?,
                },
                gatherer: Gatherer::default(),
                nudges: Rc::new(Nudges::every(PAUSE)),
            })
        })
        .await
    }
}

/// Without a field nobody says who is in a data centre.
fn data_centre(text: &str) -> Result<Option<DataCentreMark>, InvalidMark> {
    match text {
        "" => Ok(None),
        _ => DataCentreMark::parse(text).map(Some),
    }
}
