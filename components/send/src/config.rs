//! The component's configuration.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use guest::{ConfigError, Variables, shared};
use mailer::access::AccessKeys;
use mailer::budget::Budget;
use mailer::nudge::Nudges;
use mailer::submission::Policy;
use mailer::submit::Acceptor;

const NAMES: [&str; 6] = [
    "access_key_primary",
    "access_key_secondary",
    "auth_skew",
    "explain_auth",
    "public_url",
    "relay_smtputf8",
];
const LONGEST_SKEW_SECS: u64 = 86_400;
/// Request bodies in hand in one instance. Held three times over, they leave room in the 256 MiB hosts give.
const BODY_OCTETS: usize = 48 * 1024 * 1024;

/// What an instance needs besides the store.
pub(crate) struct Config {
    pub(crate) access_keys: AccessKeys,
    pub(crate) auth_skew: Duration,
    pub(crate) explain_auth: bool,
    /// What callers may have configured.
    pub(crate) public_urls: Vec<PublicUrl>,
    pub(crate) policy: Policy,
    pub(crate) acceptor: Acceptor,
    pub(crate) nudges: Rc<Nudges>,
    /// Bodies being read and stored.
    pub(crate) budget: Budget,
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
        let primary = variables.text("access_key_primary");
        let secondary = variables.text("access_key_secondary");
        variables.parse("access_key_secondary", |_| AccessKeys::parse(&[secondary]))?;
        Ok(Self {
            access_keys: variables.parse("access_key_primary", |_| {
                AccessKeys::parse(&[primary, secondary])
            })?,
            auth_skew: Duration::from_secs(variables.number("auth_skew", 1..=LONGEST_SKEW_SECS)?),
            explain_auth: variables.boolean("explain_auth")?,
            public_urls: variables
                .text("public_url")
                .split_ascii_whitespace()
                .map(PublicUrl::new)
                .collect(),
            policy: Policy {
                smtputf8: variables.boolean("relay_smtputf8")?,
            },
            acceptor: Acceptor::default(),
            nudges: Rc::default(),
            budget: Budget::new(BODY_OCTETS),
        })
    }
}

/// An endpoint as a caller may have configured it.
pub(crate) struct PublicUrl {
    pub(crate) scheme: String,
    /// As Python's SDK takes it: everything behind the scheme but one final slash, so a base path is part of it.
    pub(crate) host: String,
}

impl PublicUrl {
    fn new(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        Self {
            scheme: scheme.to_ascii_lowercase(),
            host: rest.strip_suffix('/').unwrap_or(rest).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 6] = [
        ("access_key_primary", "cHJpbWFyeS1rZXktb2YtMjQtb2N0"),
        ("access_key_secondary", "c2Vjb25kYXJ5LWtleS0yNC1vY3Q="),
        ("auth_skew", "900"),
        ("explain_auth", "false"),
        ("public_url", ""),
        ("relay_smtputf8", "false"),
    ];

    fn with(name: &'static str, value: &'static str) -> Variables {
        let mut values = GOOD;
        values
            .iter_mut()
            .filter(|(n, _)| *n == name)
            .for_each(|pair| pair.1 = value);
        Variables::of(&values)
    }

    #[track_caller]
    fn refused(name: &'static str, value: &'static str) {
        assert!(Config::parse(&with(name, value)).is_err(), "{name}={value}");
    }

    #[test]
    fn what_guards_has_no_fallback() {
        assert!(Config::parse(&Variables::of(&GOOD)).is_ok());
        refused("access_key_primary", "");
        refused("access_key_primary", "not base64!");
        refused("access_key_secondary", "c2hvcnQ=");
        refused("auth_skew", "0");
        refused("auth_skew", "fifteen");
        refused("explain_auth", "yes");
    }

    #[test]
    fn public_urls_keep_scheme_case_port_and_path() {
        let text = "https://Mail.Example.com:443/base/ HTTP://b.example/ c.example";
        let config = Config::parse(&with("public_url", text)).ok();
        let urls = config.map(|config| config.public_urls).unwrap_or_default();
        let urls: Vec<_> = urls
            .iter()
            .map(|url| (url.scheme.as_str(), url.host.as_str()))
            .collect();
        let expected = [
            ("https", "Mail.Example.com:443/base"),
            ("http", "b.example"),
            ("https", "c.example"),
        ];
        assert_eq!(urls, expected);
    }
}
