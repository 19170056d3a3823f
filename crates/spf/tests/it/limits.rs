//! What a check may cost: section 4.6.4.

use spf::{EvaluationError, SpfResult};

use crate::setup::{evaluate, with_record};

const HOST: &str = "192.0.2.1";

/// Neutral at the end, with so many look-ups and void ones, or an error.
#[track_caller]
fn check(record: &str, rest: &str, expected: Result<(u32, u32), EvaluationError>) {
    let found = evaluate(&with_record(record, rest), HOST);
    match expected {
        Ok(counts) => {
            assert_eq!(found.result, SpfResult::Neutral, "{found:?}");
            assert_eq!((found.lookups, found.void_lookups), counts);
        }
        Err(error) => {
            assert_eq!(found.result, SpfResult::PermError, "{found:?}");
            assert_eq!(found.error, Some(error));
        }
    }
}

fn repeated(count: usize, term: &str) -> String {
    format!("v=spf1{}", format!(" {term}").repeat(count))
}

#[test]
fn ten_terms_may_ask_the_dns() {
    let zone = "b.example A 192.0.2.9\nc.example TXT \"v=spf1\"";
    check(&repeated(10, "a:b.example"), zone, Ok((10, 0)));
    let too_many = Err(EvaluationError::TooManyLookups);
    check(&repeated(11, "a:b.example"), zone, too_many.clone());
    let last = |term: &str| format!("{} {term}", repeated(9, "a:b.example"));
    check(&last("include:c.example"), zone, Ok((10, 0)));
    check(&last("redirect=c.example"), zone, Ok((10, 0)));
    check(&last("a:b.example redirect=c.example"), zone, too_many);
    check(&repeated(20, "ip4:192.0.2.9"), zone, Ok((0, 0)));
}

#[test]
fn terms_of_included_records_count_too() {
    let zone = |count| {
        format!(
            "c.example TXT \"{}\"\nb.example A 192.0.2.9",
            repeated(count, "a:b.example")
        )
    };
    check("v=spf1 include:c.example", &zone(9), Ok((10, 0)));
    let too_many = Err(EvaluationError::TooManyLookups);
    check("v=spf1 include:c.example", &zone(10), too_many);
}

#[test]
fn a_loop_ends_with_the_limit() {
    let too_many = || Err(EvaluationError::TooManyLookups);
    check("v=spf1 include:example.com", "", too_many());
    check("v=spf1 redirect=example.com", "", too_many());
    let zone = "b.example TXT \"v=spf1 include:example.com\"";
    check("v=spf1 include:b.example", zone, too_many());
}

#[test]
fn two_questions_may_have_nothing_as_an_answer() {
    let zone = "c.example TXT \"nothing\"";
    check("v=spf1 a:b.example exists:c.example", zone, Ok((2, 2)));
    let too_many = || Err(EvaluationError::TooManyVoidLookups);
    check(
        "v=spf1 a:b.example a:c.example mx:d.example",
        zone,
        too_many(),
    );
    check("v=spf1 ptr a:c.example mx:d.example", zone, too_many());
}

#[test]
fn a_domain_may_have_ten_mail_exchanges() {
    let zone = |count| -> String {
        let line = |n| format!("example.com MX 10 m{n}.example\nm{n}.example A 192.0.2.9\n");
        (0..count).map(line).collect()
    };
    check("v=spf1 mx", &zone(10), Ok((1, 0)));
    let domain = dns::Name::parse("example.com").unwrap();
    let too_many = Err(EvaluationError::TooManyExchanges { domain });
    check("v=spf1 mx", &zone(11), too_many);
}
