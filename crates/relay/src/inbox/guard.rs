//! Keeps other web sites out of the inbox.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, Method, StatusCode, header, uri::Authority};

use super::Inbox;
use crate::problem::Problem;

/// Refuses requests under a foreign name, and changes asked for by another origin.
pub(super) async fn check(
    State(inbox): State<Arc<Inbox>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let fields = request.headers();
    if !is_our_host(fields, &inbox.options.host_names) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_host",
            "expected localhost, a literal address or a configured name in host",
        ));
    }
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if !reads && !is_same_origin(fields) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "expected a request of the inbox's own page",
        ));
    }
    Ok(next.run(request).await)
}

/// Says whether a browser could have come here without a name that somebody else controls.
///
/// A site that rebinds its name to this address still sends that name; literal addresses cannot be rebound.
fn is_our_host(fields: &HeaderMap, names: &[String]) -> bool {
    let Some(authority) = authority(fields) else {
        return false;
    };
    let host = authority.host().to_ascii_lowercase();
    let literal = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(&host);
    literal.parse::<IpAddr>().is_ok()
        || host == "localhost"
        || host.ends_with(".localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(&host))
}

fn authority(fields: &HeaderMap) -> Option<Authority> {
    fields.get(header::HOST)?.to_str().ok()?.parse().ok()
}

/// Says whether a change comes from our own page, or from no page at all.
fn is_same_origin(fields: &HeaderMap) -> bool {
    let site = fields
        .get("sec-fetch-site")
        .map(http::HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin") {
        return false;
    }
    let Some(origin) = fields.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    let host = fields.get(header::HOST).and_then(|host| host.to_str().ok());
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        lines.iter().map(field).collect()
    }

    #[track_caller]
    fn check_host(host: &'static str, expected: bool) {
        let names = ["inbox.example".to_owned()];
        assert_eq!(
            is_our_host(&fields(&[("host", host)]), &names),
            expected,
            "{host}"
        );
    }

    #[test]
    fn only_names_nobody_else_controls_are_ours() {
        check_host("localhost", true);
        check_host("LocalHost:8025", true);
        check_host("mail.localhost:8025", true);
        check_host("127.0.0.1:8025", true);
        check_host("192.0.2.7", true);
        check_host("[::1]:8025", true);
        check_host("inbox.example", true);
        check_host("INBOX.example:80", true);
        check_host("evil.example", false);
        check_host("localhost.evil.example", false);
        check_host("127.0.0.1.evil.example", false);
        check_host("evillocalhost", false);
        check_host("", false);
        check_host("a b", false);
        assert!(!is_our_host(&HeaderMap::new(), &[]));
    }

    #[track_caller]
    fn check_origin(lines: &[(&'static str, &'static str)], expected: bool) {
        let mut fields = fields(lines);
        fields.insert(header::HOST, HeaderValue::from_static("localhost:8025"));
        assert_eq!(is_same_origin(&fields), expected, "{lines:?}");
    }

    #[test]
    fn only_our_own_page_and_programs_may_change_something() {
        check_origin(&[], true);
        check_origin(&[("origin", "http://localhost:8025")], true);
        check_origin(
            &[
                ("origin", "http://localhost:8025"),
                ("sec-fetch-site", "same-origin"),
            ],
            true,
        );
        check_origin(&[("origin", "http://localhost:9999")], false);
        check_origin(&[("origin", "http://evil.example")], false);
        check_origin(&[("origin", "null")], false);
        check_origin(&[("sec-fetch-site", "cross-site")], false);
        check_origin(&[("sec-fetch-site", "same-site")], false);
    }
}
