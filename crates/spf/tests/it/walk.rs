//! What a record costs, told without a client.

use dns::Name;
use dns::zone::{Zone, ready};
use spf::{CountError, LookupError, Lookups, Record, count_lookups, limits};

use crate::setup::domain;

fn count(record: &str, zone: &str) -> Result<Lookups, CountError> {
    let zone = Zone::parse(zone).unwrap();
    let record = Record::parse(record.as_bytes()).unwrap();
    ready(count_lookups(&zone, &domain("example.com"), &record)).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[track_caller]
fn check_terms(record: &str, zone: &str, terms: u32) {
    assert_eq!(count(record, zone).unwrap().terms, terms);
}

#[track_caller]
fn check_all(record: &str, zone: &str, expected: bool) {
    let found = count(record, zone).unwrap();
    assert_eq!(found.all_pass_reachable, expected, "{found:?}");
}

#[test]
fn every_term_that_asks_the_dns_is_counted() {
    check_terms("v=spf1 ip4:192.0.2.1 ip6:::1 -all", "", 0);
    check_terms("v=spf1 a mx ptr exists:%{i}.example -all", "", 4);
    let zone = "b.example TXT \"v=spf1 a mx include:c.example\"\nc.example TXT \"v=spf1 a -all\"";
    check_terms("v=spf1 include:b.example -all", zone, 5);
    check_terms("v=spf1 include:b.example include:b.example -all", zone, 10);
    check_terms("v=spf1 mx redirect=c.example", zone, 3);
    // Behind `all` nothing is asked.
    check_terms("v=spf1 mx -all a redirect=c.example", zone, 1);
}

#[test]
fn targets_that_pass_are_told_once_each() {
    let zone = "_spf.b.example TXT \"v=spf1 include:c.%{d}\"\nc._spf.b.example TXT \"v=spf1\"";
    let found = count(
        "v=spf1 include:_spf.b.example ?include:_spf.b.example",
        zone,
    )
    .unwrap();
    let expected = [name("_spf.b.example"), name("c._spf.b.example")];
    assert_eq!(found.passing_targets, expected);
    assert!(!found.has_unknown_targets);
}

#[track_caller]
fn check_passing(record: &str, expected: &[&str]) {
    let zone = "b.example TXT \"v=spf1\"\nc.example TXT \"v=spf1 include:b.example\"\n\
        d.example TXT \"v=spf1 redirect=b.example\"";
    let expected: Vec<Name> = expected.iter().map(|text| name(text)).collect();
    assert_eq!(count(record, zone).unwrap().passing_targets, expected);
}

#[test]
fn a_target_passes_only_if_every_qualifier_on_the_way_does() {
    check_passing("v=spf1 include:c.example -all", &["c.example", "b.example"]);
    check_passing("v=spf1 -include:b.example -all", &[]);
    check_passing("v=spf1 ~include:b.example -all", &[]);
    check_passing("v=spf1 ?include:b.example -all", &[]);
    check_passing("v=spf1 ?include:c.example -all", &[]);
    check_passing("v=spf1 -all include:b.example", &[]);
    check_passing("v=spf1 redirect=b.example", &["b.example"]);
    check_passing("v=spf1 redirect=d.example", &["d.example", "b.example"]);
    check_passing("v=spf1 ?include:d.example", &[]);
    check_passing("v=spf1 redirect=b.example -all", &[]);
}

#[test]
fn a_target_that_depends_on_the_sender_is_left_out() {
    let found = count("v=spf1 include:%{l}.example -all", "").unwrap();
    assert_eq!((found.terms, found.has_unknown_targets), (1, true));
}

#[test]
fn all_that_passes_is_found_wherever_it_counts() {
    let zone = "b.example TXT \"v=spf1 +all\"\nc.example TXT \"v=spf1 include:b.example\"\n\
        d.example TXT \"v=spf1 ?include:b.example\"";
    check_all("v=spf1 +all", zone, true);
    check_all("v=spf1 a", zone, false);
    check_all("v=spf1 -all +all", zone, false);
    check_all("v=spf1 include:c.example -all", zone, true);
    check_all("v=spf1 -include:c.example -all", zone, false);
    check_all("v=spf1 include:d.example -all", zone, false);
    check_all("v=spf1 redirect=c.example", zone, true);
    check_all("v=spf1 redirect=c.example -all", zone, false);
    check_all("v=spf1 ip4:192.0.2.1/0 -all", zone, true);
    check_all("v=spf1 -ip6:::/0 -all", zone, false);
    check_all("v=spf1 a/0 -all", zone, true);
}

#[test]
fn a_loop_is_found() {
    let closes = |text| Err(CountError::Loop { domain: name(text) });
    assert_eq!(
        count("v=spf1 include:example.com", ""),
        closes("example.com")
    );
    let zone =
        "b.example TXT \"v=spf1 redirect=c.example\"\nc.example TXT \"v=spf1 include:b.example\"";
    assert_eq!(count("v=spf1 include:b.example", zone), closes("b.example"));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let missing = CountError::NoRecord {
        domain: name("b.example"),
    };
    assert_eq!(count("v=spf1 include:b.example", ""), Err(missing));
    let broken = count("v=spf1 include:b.example", "b.example TXT \"v=spf1 moo\"");
    assert!(matches!(
        broken,
        Err(CountError::Lookup(LookupError::Record { .. }))
    ));
    let silent = count("v=spf1 include:b.example", "b.example TIMEOUT");
    assert!(matches!(
        silent,
        Err(CountError::Lookup(LookupError::Resolve { .. }))
    ));
}

#[test]
fn the_walk_has_a_maximum() {
    let includes = |count| format!("v=spf1{}", " include:b.example".repeat(count));
    let zone = "b.example TXT \"v=spf1\"";
    assert!(count(&includes(limits::MAX_WALKED_RECORDS), zone).is_ok());
    let found = count(&includes(limits::MAX_WALKED_RECORDS + 1), zone);
    assert_eq!(found, Err(CountError::TooManyRecords));
}
