//! The variables about sender domains: what the installation's own DNS is, whom DNS is asked of, and what seals keys.

use std::net::IpAddr;

use mailer::domain::{Installation, TrackingOrigin};
use mailer::envelope::Domain;
use mailer::keyring::{MasterKey, MasterKeys};

use crate::config::{ConfigError, Variables};
use crate::doh::DohClient;

/// The variables that [`installation`] and [`resolver`] read.
pub const INSTALLATION_NAMES: [&str; 5] = [
    "bounce_host",
    "doh_url",
    "managed_domain",
    "sending_addresses",
    "tracking_url",
];

/// The host that takes reports, below the base domain, unless the operator names another.
const BOUNCE_LABEL: &str = "mx";

/// What the installation's own DNS is.
///
/// # Errors
/// When a variable is malformed.
pub fn installation(variables: &Variables) -> Result<Installation, ConfigError> {
    let base = variables.parse("managed_domain", Domain::parse)?;
    let bounce_host = variables.parse("bounce_host", |text| match text {
        "" => Domain::parse(&format!("{BOUNCE_LABEL}.{base}")),
        host => Domain::parse(host),
    })?;
    Ok(Installation {
        sending_addresses: variables.parse("sending_addresses", addresses)?,
        tracking_origin: variables.parse("tracking_url", |text| match text {
            "" => Ok(None),
            text => TrackingOrigin::parse(text).map(Some),
        })?,
        bounce_host,
        base,
    })
}

fn addresses(text: &str) -> Result<Vec<IpAddr>, &'static str> {
    let parse = |address: &str| address.parse();
    text.split_ascii_whitespace()
        .map(parse)
        .collect::<Result<_, _>>()
        .map_err(|_| "expected IP addresses separated by spaces")
}

/// The keys that seal other keys: `master_key`, and while it is being changed `master_key_previous`.
///
/// # Errors
/// When a variable is malformed.
pub fn master_keys(variables: &Variables) -> Result<MasterKeys, ConfigError> {
    let previous = variables.parse("master_key_previous", |text| match text {
        "" => Ok(None),
        text => MasterKey::parse(text).map(Some),
    })?;
    Ok(MasterKeys {
        current: variables.parse("master_key", MasterKey::parse)?,
        previous,
    })
}

/// Whom DNS is asked of.
///
/// # Errors
/// When the variable is malformed.
pub fn resolver(variables: &Variables) -> Result<DohClient, ConfigError> {
    Ok(DohClient {
        origin: variables.parse("doh_url", origin)?,
    })
}

/// A scheme and an authority, such as `http://127.0.0.1:8025`; checked here, since a path would end up inside every request's target.
///
/// # Errors
/// When `text` is anything else.
pub fn origin(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = "expected an origin such as http://127.0.0.1:8025, without a path";
    let uri: http::Uri = text.parse().map_err(|_| EXPECTED)?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    let has_no_path = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if is_origin && has_no_path {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(EXPECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("bounce_host", ""),
        ("doh_url", "https://dns.example"),
        ("managed_domain", "mail.example"),
        ("sending_addresses", "192.0.2.1 2001:db8::1"),
        ("tracking_url", ""),
    ];

    fn with(name: &'static str, value: &'static str) -> Variables {
        let mut values = GOOD;
        let pair = values.iter_mut().find(|(n, _)| *n == name);
        if let Some(pair) = pair {
            pair.1 = value;
        }
        Variables::of(&values)
    }

    #[track_caller]
    fn refused(name: &'static str, value: &'static str) {
        assert!(installation(&with(name, value)).is_err(), "{name}={value}");
    }

    #[test]
    fn an_installation_is_named_by_its_variables() {
        let found = installation(&Variables::of(&GOOD)).ok();
        let host = found.as_ref().map(|found| found.bounce_host.as_str());
        assert_eq!(host, Some("mx.mail.example"));
        assert_eq!(found.map(|found| found.sending_addresses.len()), Some(2));
        refused("managed_domain", "");
        refused("managed_domain", "localhost");
        refused("bounce_host", "192.0.2.1");
        refused("sending_addresses", "192.0.2.1,192.0.2.2");
        refused("tracking_url", "links.example.net");
        refused("tracking_url", "https://links.example.net/c");
    }

    #[test]
    fn links_lead_nowhere_until_the_operator_says() {
        let found = installation(&with("tracking_url", " ")).ok();
        assert_eq!(found.map(|found| found.tracking_origin), Some(None));
        let found = installation(&with("tracking_url", "https://Links.Example.Net/")).ok();
        let origin = found.and_then(|found| found.tracking_origin);
        let origin = origin.map(|origin| origin.to_string());
        assert_eq!(origin.as_deref(), Some("https://links.example.net"));
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(origin(text).ok().as_deref(), expected);
    }

    #[test]
    fn an_origin_has_no_path() {
        check("http://127.0.0.1:8025", Some("http://127.0.0.1:8025"));
        check("https://relay.example/", Some("https://relay.example"));
        check("https://relay.example/path", None);
        check("https://relay.example/?a", None);
        check("ftp://relay.example", None);
        check("relay.example", None);
        check("", None);
    }
}
