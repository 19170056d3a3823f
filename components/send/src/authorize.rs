//! From HTTP header fields to what `mailer::access` judges.

use guest::{Problem, Request, header};
use http::uri::Authority;
use mailer::access::{Denied, SignedRequest, Unread, host_spellings};
use mailer::time::Timestamp;

use crate::config::Config;

/// Lets `request` in if it is signed, except for its body.
pub(crate) fn authorize(
    request: &Request,
    config: &Config,
    now: Timestamp,
) -> Result<Unread, Problem> {
    let public: Vec<&str> = config
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
    config
        .access_keys
        .authorize(&signed, now, config.auth_skew)
        .map_err(|denied| {
            let problem = denial(&denied);
            if config.explain_auth {
                explained(problem, &signed)
            } else {
                problem
            }
        })
}

/// The answer to a request that is not let in.
pub(crate) fn denial(denied: &Denied) -> Problem {
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
pub(crate) fn host(request: &Request) -> String {
    let authority = || request.uri().authority().map(Authority::as_str);
    header(request, "host")
        .or_else(authority)
        .unwrap_or_default()
        .to_owned()
}

/// The host a proxy says the caller wrote, with the port it says.
pub(crate) fn forwarded_host(request: &Request) -> Option<String> {
    let host = first(header(request, "x-forwarded-host")?);
    let port = header(request, "x-forwarded-port")
        .map(first)
        .filter(|port| !port.is_empty() && !host.contains(':'));
    let authority = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    authority.parse::<Authority>().is_ok().then_some(authority)
}

/// Proxies append to a list; the first entry is the caller's.
pub(crate) fn first(list: &str) -> &str {
    list.split(',').next().unwrap_or_default().trim()
}
