//! Who is let in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use mailer::access::{AccessKeys, AdminToken, BodyHash, Denied, SignedRequest, host_spellings};
use mailer::time::Timestamp;
use sha2::Sha256;

const PRIMARY: &str = "cHJpbWFyeS1rZXktb2YtMjQtb2N0";
const SECONDARY: &str = "c2Vjb25kYXJ5LWtleS0yNC1vY3Q=";
const NOW: Timestamp = Timestamp::from_millis(1_649_873_352_000);
const DATE: &str = "Wed, 13 Apr 2022 18:09:12 GMT";
const SKEW: Duration = Duration::from_secs(900);

/// The field Authorization for `string`, as an SDK makes it.
pub(crate) fn sign(key: &str, string: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(key).unwrap()).unwrap();
    mac.update(string.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    format!("HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}")
}

/// What a caller signs, next to what the server sees.
struct Case<'a> {
    key: &'a str,
    signed_path: &'a str,
    signed_host: &'a str,
    seen_host: &'a str,
    forwarded: Option<&'a str>,
    public: &'a [&'a str],
    sent_at: Timestamp,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            key: PRIMARY,
            signed_path: "/emails:send?api-version=2023-03-31",
            signed_host: "mail.example:8080",
            seen_host: "mail.example:8080",
            forwarded: None,
            public: &[],
            sent_at: NOW,
        }
    }
}

fn judge(case: &Case<'_>) -> Result<(), Denied> {
    let hash = BodyHash::of(b"{}");
    let base64 = hash.to_base64();
    let string = format!(
        "POST\n{}\n{DATE};{};{base64}",
        case.signed_path, case.signed_host
    );
    let authorization = sign(case.key, &string);
    let hosts = host_spellings(case.seen_host, case.forwarded, case.public);
    let request = SignedRequest {
        method: "POST",
        path_and_query: "/emails:send?api-version=2023-03-31",
        date: Some(DATE),
        date_parsed: Some(case.sent_at),
        content_hash: Some(&base64),
        authorization: Some(&authorization),
        hosts: &hosts,
    };
    let keys = AccessKeys::parse(&[PRIMARY, SECONDARY]).unwrap();
    keys.authorize(&request, NOW, SKEW)?
        .check_body(&hash)
        .map(|_| ())
}

#[track_caller]
fn check(case: &Case<'_>, expected: &Result<(), Denied>) {
    assert_eq!(&judge(case), expected);
}

#[test]
fn published_signatures_of_the_scheme_are_reproduced() {
    // Key, host, date and expected values are those the scheme's SDKs test themselves with.
    let empty = BodyHash::of(b"").to_base64();
    let host = "contoso.communicationservices.azure.com";
    for (path, expected) in [
        ("/", "88MDmJhUR3m5QhFxb8ztShsSwlGrg7g/6XPnWf7QEO4="),
        ("/testPath", "RoCrHjw7fb9fpHSbqvRUY2xa8RBS0YvI1cxI1x8AS38="),
        (
            "/testPath?testQuery=yes",
            "il99+rd6V5O136roX/zVePCNle78HmvC4B7tu9zRH3I=",
        ),
    ] {
        let field = sign("pw==", &format!("GET\n{path}\n{DATE};{host};{empty}"));
        assert_eq!(field.split_once("&Signature=").unwrap().1, expected);
    }
}

#[test]
fn both_keys_are_valid_and_no_other() {
    check(&Case::default(), &Ok(()));
    check(
        &Case {
            key: SECONDARY,
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            key: "b3RoZXIta2V5LW9mLTI0LW9jdGV0cw==",
            ..Case::default()
        },
        &Err(Denied::Signature),
    );
}

#[test]
fn every_spelling_of_the_host_that_an_sdk_uses_is_tried() {
    check(
        &Case {
            signed_host: "mail.example",
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            signed_host: "mail.example:443",
            seen_host: "mail.example",
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            signed_host: "mail.example:80",
            seen_host: "mail.example",
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            signed_host: "api.example",
            forwarded: Some("api.example"),
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            signed_host: "api.example:8443",
            forwarded: Some("api.example:8443"),
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            signed_host: "API.Example/base",
            public: &["API.Example/base"],
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            signed_host: "other.example",
            ..Case::default()
        },
        &Err(Denied::Signature),
    );
}

#[test]
fn a_path_that_lost_its_slash_over_plain_http_is_tried() {
    check(
        &Case {
            signed_path: "emails:send?api-version=2023-03-31",
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            signed_path: "/emails:send?api-version=2025-09-01",
            ..Case::default()
        },
        &Err(Denied::Signature),
    );
}

#[test]
fn the_clock_may_differ_by_the_margin_either_way() {
    check(
        &Case {
            sent_at: Timestamp::from_millis(NOW.as_millis() - 900_000),
            ..Case::default()
        },
        &Ok(()),
    );
    check(
        &Case {
            sent_at: NOW.plus(SKEW),
            ..Case::default()
        },
        &Ok(()),
    );
    let refused = &Err(Denied::Skew(SKEW));
    check(
        &Case {
            sent_at: Timestamp::from_millis(NOW.as_millis() - 900_001),
            ..Case::default()
        },
        refused,
    );
    check(
        &Case {
            sent_at: NOW.plus(Duration::from_millis(900_001)),
            ..Case::default()
        },
        refused,
    );
}

#[track_caller]
fn refused(authorization: Option<&str>, date: Option<&str>, hash: Option<&str>, expected: Denied) {
    let keys = AccessKeys::parse(&[PRIMARY]).unwrap();
    let hosts = ["mail.example".to_owned()];
    let request = SignedRequest {
        method: "GET",
        path_and_query: "/",
        date,
        date_parsed: None,
        content_hash: hash,
        authorization,
        hosts: &hosts,
    };
    assert_eq!(
        keys.authorize(&request, NOW, SKEW).map(|_| ()),
        Err(expected)
    );
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    let good = sign(PRIMARY, "x");
    refused(
        Some(&good),
        None,
        Some("h"),
        Denied::MissingField("x-ms-date"),
    );
    refused(
        Some(&good),
        Some("d"),
        None,
        Denied::MissingField("x-ms-content-sha256"),
    );
    refused(
        None,
        Some("d"),
        Some("h"),
        Denied::MissingField("Authorization"),
    );
    refused(Some(&good), Some("yesterday"), Some("h"), Denied::Date);
    refused(Some("Bearer x"), Some("d"), Some("h"), Denied::Scheme);
    refused(
        Some("HMAC-SHA256 Credential=a&SignedHeaders=host&Signature=AA=="),
        Some("d"),
        Some("h"),
        Denied::Scheme,
    );
    refused(
        Some("HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=@"),
        Some("d"),
        Some("h"),
        Denied::Scheme,
    );
}

#[test]
fn a_body_other_than_the_signed_one_is_refused() {
    let hash = BodyHash::of(b"{}").to_base64();
    let hosts = ["h".to_owned()];
    let authorization = sign(PRIMARY, &format!("POST\n/\n{DATE};h;{hash}"));
    let request = SignedRequest {
        method: "POST",
        path_and_query: "/",
        date: Some(DATE),
        date_parsed: Some(NOW),
        content_hash: Some(&hash),
        authorization: Some(&authorization),
        hosts: &hosts,
    };
    let unread = AccessKeys::parse(&[PRIMARY])
        .unwrap()
        .authorize(&request, NOW, SKEW)
        .unwrap();
    assert_eq!(
        unread.check_body(&BodyHash::of(b"[]")).map(|_| ()),
        Err(Denied::ContentHash)
    );
}

#[test]
fn the_admin_token_is_a_bearer_token_and_long_enough() {
    let token = AdminToken::parse("0123456789abcdef").unwrap();
    assert!(token.authorize(Some("Bearer 0123456789abcdef")).is_some());
    assert!(token.authorize(Some("Bearer 0123456789abcdeF")).is_none());
    assert!(token.authorize(Some("0123456789abcdef")).is_none());
    assert!(token.authorize(Some("Bearer0123456789abcdef")).is_none());
    assert!(token.authorize(Some("Basic 0123456789abcdef")).is_none());
    assert!(token.authorize(Some("bearer 0123456789abcdef")).is_some());
    assert!(token.authorize(Some("BEARER  0123456789abcdef")).is_some());
    assert!(token.authorize(None).is_none());
    assert!(AdminToken::parse("short").is_err());
    assert!(AdminToken::parse("").is_err());
}
