//! Sections 4.2 and 6.6.2.

use dmarc::DmarcResult::{Fail, Pass};
use dmarc::{Authenticated, Discovered, Policy, Record, Verdict, evaluate};
use envelope::Domain;

use crate::domain;

const RELAXED: &str = "v=DMARC1; p=reject; sp=quarantine";
const STRICT: &str = "v=DMARC1; p=reject; sp=quarantine; adkim=s; aspf=s";

fn verdict(from: &str, record: &str, spf: Option<&str>, dkim: &[&str]) -> Verdict {
    let policy = Discovered {
        record: Record::parse(record.as_bytes()).unwrap(),
        from_organizational: from != "example.com",
    };
    let spf = spf.map(domain);
    let dkim: Vec<Domain> = dkim.iter().map(|text| domain(text)).collect();
    let auth = Authenticated {
        spf: spf.as_ref(),
        dkim: &dkim,
    };
    evaluate(&domain(from), &policy, &auth)
}

/// A message from example.com, aligned by SPF and by DKIM or not.
#[track_caller]
fn check(record: &str, spf: Option<&str>, dkim: &[&str], aligned: (bool, bool)) {
    let found = verdict("example.com", record, spf, dkim);
    assert_eq!((found.spf_aligned, found.dkim_aligned), aligned);
    let passes = aligned.0 || aligned.1;
    let expected = if passes {
        (Pass, Policy::None)
    } else {
        (Fail, Policy::Reject)
    };
    assert_eq!((found.result, found.disposition), expected);
}

#[test]
fn one_aligned_domain_is_enough() {
    check(RELAXED, Some("example.com"), &[], (true, false));
    check(RELAXED, None, &["example.com"], (false, true));
    check(
        RELAXED,
        Some("a.example.com"),
        &["b.example.com"],
        (true, true),
    );
    check(
        RELAXED,
        Some("bounces.other.net"),
        &["other.net", "example.com"],
        (false, true),
    );
}

#[test]
fn others_do_not_help() {
    check(RELAXED, None, &[], (false, false));
    check(RELAXED, Some("other.net"), &["other.net"], (false, false));
    check(
        STRICT,
        Some("a.example.com"),
        &["a.example.com"],
        (false, false),
    );
    check(
        STRICT,
        Some("example.com"),
        &["a.example.com"],
        (true, false),
    );
    check(
        STRICT,
        Some("a.example.com"),
        &["example.com"],
        (false, true),
    );
}

#[test]
fn each_alignment_is_its_own() {
    let strict_dkim = "v=DMARC1; p=reject; adkim=s";
    check(
        strict_dkim,
        Some("a.example.com"),
        &["a.example.com"],
        (true, false),
    );
    let strict_spf = "v=DMARC1; p=reject; aspf=s";
    check(
        strict_spf,
        Some("a.example.com"),
        &["a.example.com"],
        (false, true),
    );
}

#[test]
fn a_subdomain_is_under_the_policy_for_subdomains() {
    let found = verdict("a.example.com", RELAXED, None, &[]);
    assert_eq!(
        (found.result, found.disposition),
        (Fail, Policy::Quarantine)
    );
    let found = verdict("a.example.com", "v=DMARC1; p=reject", None, &[]);
    assert_eq!(found.disposition, Policy::Reject);
    let found = verdict("a.example.com", RELAXED, None, &["example.com"]);
    assert_eq!((found.result, found.disposition), (Pass, Policy::None));
}
