//! The page's files, and the header fields that keep everything in its place.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

const INDEX: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/inbox.css");
const SCRIPT: &str = include_str!("page/inbox.js");

/// The policy of the page itself: nothing but our own files.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The policy of an HTML body: styles and pictures that it brings itself, no scripts, no origin, no network.
pub(super) const FRAME_POLICY: &str = "default-src 'none'; img-src data:; font-src data:; \
    style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";
/// The policy of everything else, which is not meant to be looked at in a browser.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Media types that a saved part keeps; the rest is saved as octets.
const HARMLESS_TYPES: [&str; 8] = [
    "application/pdf",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "message/rfc822",
    "text/calendar",
    "text/plain",
];

/// `GET /`
pub(super) async fn index() -> Response {
    file("text/html; charset=utf-8", INDEX)
}

/// `GET /assets/inbox.css`
pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE)
}

/// `GET /assets/inbox.js`
pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", SCRIPT)
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let fields = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    (fields, text).into_response()
}

/// An answer that a browser saves and never shows.
pub(super) fn download(name: &str, media_type: &str, content: Vec<u8>) -> Response {
    let harmless = HARMLESS_TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(media_type));
    let mut response = content.into_response();
    let fields = response.headers_mut();
    let media_type = HeaderValue::from_static(harmless.unwrap_or("application/octet-stream"));
    fields.insert(header::CONTENT_TYPE, media_type);
    fields.insert(header::CONTENT_DISPOSITION, disposition(name));
    response
}

/// Writes a file name for `Content-Disposition` (RFC 6266) in the form that takes any character (RFC 8187).
fn disposition(name: &str) -> HeaderValue {
    // What a path could be made of is left out; browsers do the same, but not all and not always.
    let name: String = name
        .chars()
        .filter(|character| !character.is_control() && !"/\\".contains(*character))
        .collect();
    let encoded: String = name.bytes().map(encode).collect();
    HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}"))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

fn encode(octet: u8) -> String {
    if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
        char::from(octet).to_string()
    } else {
        format!("%{octet:02X}")
    }
}

/// Adds what every answer of the inbox needs.
pub(super) async fn harden(mut response: Response) -> Response {
    let fields = response.headers_mut();
    let policy = HeaderValue::from_static(DATA_POLICY);
    fields
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(
            disposition(name).to_str().unwrap(),
            format!("attachment; filename*=UTF-8''{expected}")
        );
    }

    #[test]
    fn file_names_cannot_leave_their_field_or_folder() {
        check("report.pdf", "report.pdf");
        check("é \"x\".pdf", "%C3%A9%20%22x%22.pdf");
        check("../../etc/passwd", "....etcpasswd");
        check("a\r\nSet-Cookie: b", "aSet-Cookie%3A%20b");
        check("c:\\x", "c%3Ax");
    }

    #[test]
    fn only_harmless_types_are_kept() {
        for (given, expected) in [
            ("image/png", "image/png"),
            ("text/html", "application/octet-stream"),
            ("image/svg+xml", "application/octet-stream"),
            ("application/javascript", "application/octet-stream"),
        ] {
            let response = download("x", given, Vec::new());
            assert_eq!(
                response.headers().get(header::CONTENT_TYPE).unwrap(),
                expected
            );
        }
    }
}
