//! Which result comes of which answers: sections 2.6, 4 and 6.1.

use spf::SpfResult::{Fail, Neutral, Pass, PermError, SoftFail, TempError};
use spf::{EvaluationError, SpfResult};

use crate::setup::{check, evaluate, evaluate_sender, with_record};

const HOST: &str = "192.0.2.1";

#[track_caller]
fn check_zone(zone: &str, expected: SpfResult) {
    let found = evaluate(zone, HOST);
    assert_eq!(found.result, expected, "{found:?}");
}

#[test]
fn without_a_record_the_result_is_none() {
    check_zone("", SpfResult::None);
    check_zone("example.com A 192.0.2.1", SpfResult::None);
    check_zone("example.com TXT \"v=spf10 -all\"", SpfResult::None);
    check_zone("example.com TXT \"v=spf1-all\"", SpfResult::None);
}

#[test]
fn an_answer_that_does_not_come_is_temporary() {
    check_zone("example.com SERVFAIL", TempError);
    check_zone("example.com TIMEOUT", TempError);
    check(
        "v=spf1 a:b.example -all",
        "b.example TIMEOUT",
        HOST,
        TempError,
    );
    let zone = "b.example TIMEOUT";
    check("v=spf1 include:b.example -all", zone, HOST, TempError);
    check("v=spf1 redirect=b.example", zone, HOST, TempError);
    // What decides before it does not need it.
    check("v=spf1 ip4:192.0.2.1 a:b.example", zone, HOST, Pass);
}

#[test]
fn several_records_and_broken_ones_are_permanent() {
    let two = "example.com TXT \"v=spf1 -all\"\nexample.com TXT \"V=SPF1\"";
    check_zone(two, PermError);
    check("v=spf1 -all moo", "", HOST, PermError);
    check("v=spf1 ip4:192.0.2.1 all:b.example", "", HOST, PermError);
}

#[test]
fn qualifiers_are_the_results() {
    check("v=spf1 all", "", HOST, Pass);
    check("v=spf1 +all", "", HOST, Pass);
    check("v=spf1 -all", "", HOST, Fail);
    check("v=spf1 ~all", "", HOST, SoftFail);
    check("v=spf1 ?all", "", HOST, Neutral);
    check("v=spf1", "", HOST, Neutral);
    check("v=spf1 -ip4:192.0.2.2", "", HOST, Neutral);
}

#[test]
fn what_is_included_matches_if_it_passes() {
    let table = |included: &str, expected| {
        let zone = format!("b.example TXT \"v=spf1 {included}\"");
        check("v=spf1 ~include:b.example -all", &zone, HOST, expected);
    };
    table("+all", SoftFail);
    table("-all", Fail);
    table("~all", Fail);
    table("?all", Fail);
    table("moo", PermError);
    check("v=spf1 include:b.example ?all", "", HOST, PermError);
}

#[test]
fn a_redirect_stands_in_for_all() {
    let zone = "b.example TXT \"v=spf1 -all\"";
    check("v=spf1 redirect=b.example", zone, HOST, Fail);
    check("v=spf1 redirect=b.example ip4:192.0.2.1", zone, HOST, Pass);
    check("v=spf1 redirect=b.example ?all", zone, HOST, Neutral);
    check("v=spf1 redirect=c.example", zone, HOST, PermError);
}

#[test]
fn a_redirect_changes_the_domain_and_an_include_does_so_for_a_while() {
    let zone = "b.example TXT \"v=spf1 a\"\nb.example A 192.0.2.1\nexample.com A 192.0.2.2";
    check("v=spf1 redirect=b.example", zone, HOST, Pass);
    check("v=spf1 include:b.example -all", zone, HOST, Pass);
    check("v=spf1 include:b.example a -all", zone, "192.0.2.2", Pass);
}

#[test]
fn what_matched_is_told() {
    let record = "v=spf1 ip4:192.0.2.2 ~A:b.example/24//64 -all";
    let found = evaluate(&with_record(record, "b.example A 192.0.2.9"), HOST);
    assert_eq!(found.matched.as_deref(), Some("~a:b.example/24//64"));
    assert_eq!(
        (found.result, found.lookups, found.error),
        (SoftFail, 1, None)
    );
}

#[test]
fn an_error_is_told_with_the_domain_it_is_about() {
    let found = evaluate(&with_record("v=spf1 include:b.example", ""), HOST);
    let domain = dns::Name::parse("b.example").unwrap();
    assert_eq!(found.error, Some(EvaluationError::NoRecord { domain }));
    assert_eq!(found.matched, None);
    let found = evaluate(
        &with_record("v=spf1 include:b.example", "b.example TIMEOUT"),
        HOST,
    );
    let error = found.error.unwrap().to_string();
    assert_eq!(error, "expected the record of b.example, found no answer");
}

#[test]
fn a_sender_without_a_local_part_is_the_postmaster() {
    let zone = with_record(
        "v=spf1 exists:%{l}.%{o}.local -all",
        "postmaster.example.com.local A 127.0.0.2",
    );
    for sender in ["@example.com", "postmaster@example.com", ""] {
        assert_eq!(
            evaluate_sender(&zone, HOST, sender).result,
            Pass,
            "{sender}"
        );
    }
    assert_eq!(evaluate_sender(&zone, HOST, "a@example.com").result, Fail);
}
