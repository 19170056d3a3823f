//! Applications, which sign their requests: from HTTP header fields to what `mailer::access` judges.

use std::time::Duration;

use http::uri::Authority;
use mailer::access::{AccessKeys, Denied, SignedRequest, Unread, host_spellings};
use mailer::time::Timestamp;
use spin_sdk::http::Request;

use crate::config::{ConfigError, Variables};
use crate::problem::Problem;
use crate::respond::header;

/// The variables that [`applications`] reads.
pub const APPLICATION_NAMES: [&str; 5] = [
    "access_key_primary",
    "access_key_secondary",
    "auth_skew",
    "explain_auth",
    "public_url",
];
const LONGEST_SKEW_SECS: u64 = 86_400;

/// What applications are known by.
pub struct Applications {
    access_keys: AccessKeys,
    auth_skew: Duration,
    explain_auth: bool,
    /// What callers may have configured.
    pub public_urls: Vec<PublicUrl>,
}

/// An endpoint as a caller may have configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// In lower case.
    pub scheme: String,
    /// As Python's SDK takes it: everything behind the scheme but one final slash, so a base path is part of it.
    pub host: String,
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

/// What applications are known by.
///
/// # Errors
/// When a variable is malformed.
pub fn applications(variables: &Variables) -> Result<Applications, ConfigError> {
    let primary = variables.text("access_key_primary");
    let secondary = variables.text("access_key_secondary");
    variables.parse("access_key_secondary", |_| AccessKeys::parse(&[secondary]))?;
    Ok(Applications {
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
    })
}

/// Lets `request` in if it is signed, except for its body.
///
/// # Errors
/// 401, which with `explain_auth` says what was to be signed.
pub fn authorize(
    request: &Request,
    applications: &Applications,
    now: Timestamp,
) -> Result<Unread, Problem> {
    let public: Vec<&str> = applications
        .public_urls
        .iter()
        .map(|url| url.host.as_str())
        .collect();
    let hosts = host_spellings(&host(request), forwarded_host(request).as_deref(), &public);
    let date = header(request, "x-ms-date");
    let signed = SignedRequest {
        method: request.method().as_str(),
        path_and_query: request
            .uri()
            .path_and_query()
            .map_or("/", |both| both.as_str()),
        date,
        date_parsed: date.and_then(parse_date),
        content_hash: header(request, "x-ms-content-sha256"),
        authorization: header(request, "authorization"),
        hosts: &hosts,
    };
    applications
        .access_keys
        .authorize(&signed, now, applications.auth_skew)
        .map_err(|denied| {
            let problem = denial(&denied);
            if applications.explain_auth {
                explained(problem, &signed)
            } else {
                problem
            }
        })
}

/// The answer to a request that is not let in.
#[must_use]
pub fn denial(denied: &Denied) -> Problem {
    Problem::new(401, "Denied", denied.to_string()).with_header("www-authenticate", "HMAC-SHA256")
}

fn explained(problem: Problem, signed: &SignedRequest<'_>) -> Problem {
    let message = format!(
        "{} Expected a signature of the string {:?}.",
        problem.message,
        signed.expected_string()
    );
    Problem { message, ..problem }
}

/// RFC 1123 form, as all the SDKs send it.
fn parse_date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since_epoch = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since_epoch.as_millis())
        .ok()
        .map(Timestamp::from_millis)
}

/// The host as the caller wrote it, port included.
#[must_use]
pub fn host(request: &Request) -> String {
    let authority = || request.uri().authority().map(Authority::as_str);
    header(request, "host")
        .or_else(authority)
        .unwrap_or_default()
        .to_owned()
}

/// The host a proxy says the caller wrote, with the port it says.
#[must_use]
pub fn forwarded_host(request: &Request) -> Option<String> {
    let host = first(header(request, "x-forwarded-host")?);
    let port = header(request, "x-forwarded-port")
        .map(first)
        .filter(|port| !port.is_empty() && !host.contains(':'));
    let authority = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    authority.parse::<Authority>().is_ok().then_some(authority)
}

/// Proxies append to a list; the first entry is the caller's.
#[must_use]
pub fn first(list: &str) -> &str {
    list.split(',').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("access_key_primary", "cHJpbWFyeS1rZXktb2YtMjQtb2N0"),
        ("access_key_secondary", "c2Vjb25kYXJ5LWtleS0yNC1vY3Q="),
        ("auth_skew", "900"),
        ("explain_auth", "false"),
        ("public_url", ""),
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
        assert!(applications(&with(name, value)).is_err(), "{name}={value}");
    }

    #[test]
    fn what_guards_has_no_fallback() {
        assert!(applications(&Variables::of(&GOOD)).is_ok());
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
        let found = applications(&with("public_url", text)).ok();
        let urls = found.map(|found| found.public_urls).unwrap_or_default();
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
