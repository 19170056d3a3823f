//! The component's configuration, and what an instance keeps between requests.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::{ConfigError, RETURN_PATH_NAMES, Variables, return_path_keys, shared};
use mailer::access::BearerToken;
use mailer::budget::Budget;
use mailer::nudge::Nudges;
use mailer::outbox::Outbox;
use mailer::return_path::ReturnPathKeys;
use mailer::subscription::secret::Secret;

const NAMES: [&str; 2] = ["relay_event_secret", "report_token"];
/// Bodies that one instance holds at once.
const BODY_OCTETS: usize = 64 * 1024 * 1024;
/// The most secrets that are live at once.
const MAX_SECRETS: usize = 2;

/// What an instance needs besides the store.
pub(crate) struct Config {
    /// What the relay signs its events with.
    pub(crate) relay_event_secrets: Vec<Secret>,
    /// What an MTA says when it brings a report.
    pub(crate) report_token: BearerToken,
    pub(crate) return_path_keys: ReturnPathKeys,
    pub(crate) outbox: Outbox,
    pub(crate) nudges: Rc<Nudges>,
    pub(crate) budget: Budget,
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

impl Config {
    /// The instance's configuration, read once.
    pub(crate) async fn load() -> Result<Rc<Self>, ConfigError> {
        shared(&CONFIG, async || {
            let names = [&NAMES[..], &RETURN_PATH_NAMES].concat();
            Self::parse(&Variables::read(&names).await?)
        })
        .await
    }

    fn parse(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            relay_event_secrets: variables.parse("relay_event_secret", secrets)?,
            report_token: variables.parse("report_token", BearerToken::parse)?,
            return_path_keys: return_path_keys(variables)?,
            outbox: Outbox::default(),
            nudges: Rc::default(),
            budget: Budget::new(BODY_OCTETS),
        })
    }
}

fn secrets(text: &str) -> Result<Vec<Secret>, String> {
    let secrets: Result<Vec<Secret>, _> =
        text.split_ascii_whitespace().map(Secret::parse).collect();
    let secrets = secrets.map_err(|error| error.to_string())?;
    if (1..=MAX_SECRETS).contains(&secrets.len()) {
        Ok(secrets)
    } else {
        Err("expected one secret, or two separated by a space".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<usize>) {
        assert_eq!(
            secrets(text).ok().map(|found| found.len()),
            expected,
            "{text}"
        );
    }

    #[test]
    fn one_or_two_secrets_are_live() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        check("", None);
        check(secret, Some(1));
        check(&format!("{secret} {secret}"), Some(2));
        check(&format!("{secret} {secret} {secret}"), None);
        check("secret", None);
    }
}
