//! The field by which a proxy in front says that a client is in a data centre.

use audience::{DataCentreMark, InvalidMark};
use proptest::prelude::*;

#[track_caller]
fn check(mark: &str, values: &[&str], expected: bool) {
    let mark = DataCentreMark::parse(mark).unwrap();
    let values = values.iter().map(|value| value.as_bytes());
    assert_eq!(mark.is_in(values), expected);
}

#[test]
fn a_field_that_is_there_says_so_unless_its_value_denies_it() {
    for value in ["1", "true", "hosting", "\u{e4}"] {
        check("x-data-centre", &[value], true);
    }
    for value in ["", " ", "0", "false", " False "] {
        check("x-data-centre", &[value], false);
    }
    check("x-data-centre", &[], false);
}

#[test]
fn of_a_field_with_several_values_one_says_so() {
    check("x-network=hosting", &["hosting"], true);
    check("x-network=Hosting", &[" HOSTING "], true);
    for value in ["residential", "hosting2", "", "true"] {
        check("x-network=hosting", &[value], false);
    }
}

/// Breaks if a client could hide what the proxy adds behind a field of its own.
#[test]
fn one_of_several_fields_is_enough() {
    check("x-network=hosting", &["residential", "hosting"], true);
    check("x-data-centre", &["0", "1"], true);
}

#[test]
fn names_are_those_of_fields() {
    let name = |text| DataCentreMark::parse(text).map(|mark| mark.name().to_owned());
    assert_eq!(
        name("X-Amzn-WAF-Hosting"),
        Ok("x-amzn-waf-hosting".to_owned())
    );
    assert_eq!(name("x=a=b"), Ok("x".to_owned()));
    let long = "x".repeat(65);
    let long_value = format!("x={long}");
    for wrong in [
        "",
        "=",
        "x=",
        "=x",
        "x y",
        "x: y",
        "x=a b",
        "\u{e4}",
        "x=\u{e4}",
        &long,
        &long_value,
    ] {
        assert_eq!(name(wrong), Err(InvalidMark), "{wrong}");
    }
}

proptest! {
    #[test]
    fn whatever_is_said_gets_an_answer(text in ".{0,80}", values in prop::collection::vec(any::<Vec<u8>>(), 0..4)) {
        if let Ok(mark) = DataCentreMark::parse(&text) {
            prop_assert!(mark.name().is_ascii() && (1..=64).contains(&mark.name().len()));
            let is_in = mark.is_in(values.iter().map(Vec::as_slice));
            prop_assert!(!is_in || !values.is_empty());
        }
    }
}
