//! Section 6.6.3.

use dmarc::{DiscoverError, Policy, RecordError, discover};
use dns::ResolveError;
use dns::zone::{Zone, ready};

use crate::domain;

/// The policy that applies, and whether it is the organizational domain's. What is asked has to be these names.
#[track_caller]
fn check(zone: &str, from: &str, expected: Option<(Policy, bool)>, asked: &[&str]) {
    let zone = Zone::parse(zone).unwrap();
    let found = ready(discover(&zone, &domain(from))).unwrap().unwrap();
    let found = found.map(|found| (found.policy(), found.from_organizational));
    assert_eq!(found, expected);
    let names: Vec<_> = zone
        .asked()
        .into_iter()
        .map(|question| question.name.to_string())
        .collect();
    assert_eq!(names, asked);
}

#[track_caller]
fn refuse(zone: &str, from: &str, expected: &str) -> DiscoverError {
    let zone = Zone::parse(zone).unwrap();
    let error = ready(discover(&zone, &domain(from))).unwrap().unwrap_err();
    assert_eq!(error.to_string(), expected);
    error
}

const ORGANIZATIONAL: &str = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=quarantine\"";

#[test]
fn a_domain_has_its_own_policy() {
    let own = Some((Policy::Reject, false));
    check(ORGANIZATIONAL, "example.com", own, &["_dmarc.example.com"]);
    let zone =
        format!("{ORGANIZATIONAL}\n_dmarc.a.example.com TXT \"v=DMARC1; p=none; sp=reject\"");
    let own = Some((Policy::None, false));
    check(&zone, "a.example.com", own, &["_dmarc.a.example.com"]);
}

#[test]
fn a_subdomain_has_that_of_its_organizational_domain() {
    let inherited = Some((Policy::Quarantine, true));
    let asked = ["_dmarc.b.a.example.com", "_dmarc.example.com"];
    check(ORGANIZATIONAL, "b.a.example.com", inherited, &asked);
    // Nothing between the two is asked.
    let zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=none\"";
    check(zone, "b.a.example.com", None, &asked);
    let zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"";
    check(
        zone,
        "b.a.example.com",
        Some((Policy::Reject, true)),
        &asked,
    );
}

#[test]
fn without_a_record_there_is_no_policy() {
    check("", "example.com", None, &["_dmarc.example.com"]);
    check(
        "_dmarc.example.com TXT \"v=spf1\"",
        "example.com",
        None,
        &["_dmarc.example.com"],
    );
    check("", "co.uk", None, &["_dmarc.co.uk"]);
}

#[test]
fn a_domain_too_long_for_a_record_of_its_own_has_that_of_the_organizational_one() {
    let label = "a".repeat(59);
    let long = format!("{label}.{label}.{label}.{label}.example.com");
    let inherited = Some((Policy::Quarantine, true));
    check(ORGANIZATIONAL, &long, inherited, &["_dmarc.example.com"]);
}

#[test]
fn what_is_unknown_is_not_taken_for_nothing() {
    let error = refuse(
        "_dmarc.example.com TIMEOUT",
        "example.com",
        "expected the text of _dmarc.example.com, found no answer",
    );
    assert!(matches!(
        error,
        DiscoverError::Resolve {
            source: ResolveError::Timeout,
            ..
        }
    ));
    let zone = "_dmarc.a.example.com SERVFAIL\n_dmarc.example.com TXT \"v=DMARC1; p=none\"";
    refuse(
        zone,
        "a.example.com",
        "expected the text of _dmarc.a.example.com, found no answer",
    );
}

#[test]
fn a_record_of_no_use_is_an_error() {
    let expected = "expected one good record of _dmarc.example.com, found otherwise";
    let error = refuse(
        "_dmarc.example.com TXT \"v=DMARC1\"",
        "example.com",
        expected,
    );
    assert!(matches!(
        error,
        DiscoverError::Record {
            source: RecordError::MissingPolicy,
            ..
        }
    ));
    let error = refuse(
        &format!("{ORGANIZATIONAL}\n{ORGANIZATIONAL}"),
        "a.example.com",
        expected,
    );
    assert!(matches!(
        error,
        DiscoverError::Record {
            source: RecordError::Multiple,
            ..
        }
    ));
}
