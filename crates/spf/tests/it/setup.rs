//! Checks against a zone.

use dns::zone::{Zone, ready};
use envelope::Domain;
use spf::{CheckHost, Evaluation, SpfResult, check_host};

pub(crate) fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// The check of `strong-bad@example.com` from a host that calls itself `mta.example.net`.
pub(crate) fn evaluate(zone: &str, ip: &str) -> Evaluation {
    evaluate_sender(zone, ip, "strong-bad@example.com")
}

/// The check of a sender of `example.com`.
pub(crate) fn evaluate_sender(zone: &str, ip: &str, sender: &str) -> Evaluation {
    let zone = Zone::parse(zone).unwrap();
    let of = CheckHost {
        ip: ip.parse().unwrap(),
        domain: &domain("example.com"),
        sender,
        helo: "mta.example.net",
    };
    ready(check_host(&zone, of)).unwrap()
}

/// A zone in which `example.com` has a record.
pub(crate) fn with_record(record: &str, rest: &str) -> String {
    format!("example.com TXT \"{record}\"\n{rest}")
}

/// Checks `example.com` with a record, and a zone besides.
#[track_caller]
pub(crate) fn check(record: &str, rest: &str, ip: &str, expected: SpfResult) {
    let found = evaluate(&with_record(record, rest), ip);
    assert_eq!(found.result, expected, "{found:?}");
}
