//! The example message, and that of RFC 8463, whose RSA signature is relaxed.

use dkim::{VerifyError, verify};

use crate::setup::Zone;

const SIMPLE: &str = include_str!("../vectors/rfc6376-appendix-a.eml");
const SIMPLE_RECORD: &str = include_str!("../vectors/rfc6376-appendix-c.txt");
const RELAXED: &str = include_str!("../vectors/rfc8463-appendix-a.eml");
const RELAXED_RECORD: &str = include_str!("../vectors/rfc8463-appendix-a-rsa.txt");
const THEN: u64 = 1_528_637_909;

type Outcomes = Vec<Result<(), VerifyError>>;

fn simple(message: &str) -> Outcomes {
    let zone = Zone::with("brisbane._domainkey.example.com", SIMPLE_RECORD);
    outcomes(message, &zone)
}

fn relaxed(message: &str) -> Outcomes {
    let zone = Zone::with("test._domainkey.football.example.com", RELAXED_RECORD);
    outcomes(message, &zone)
}

fn outcomes(message: &str, zone: &Zone) -> Outcomes {
    let all = verify(message.as_bytes(), zone, THEN).unwrap();
    all.into_iter().map(|signature| signature.outcome).collect()
}

#[test]
fn the_example_verifies() {
    assert_eq!(simple(SIMPLE), [Ok(())]);
}

#[test]
fn one_more_space_in_the_body_fails_under_simple() {
    let changed = SIMPLE.replace("game. Are", "game.  Are");
    assert_eq!(simple(&changed), [Err(VerifyError::BodyHash)]);
}

#[test]
fn one_more_space_in_the_header_fails_under_simple() {
    let changed = SIMPLE.replace("Is dinner", "Is  dinner");
    assert_eq!(simple(&changed), [Err(VerifyError::SignatureMismatch)]);
}

#[test]
fn the_rsa_signature_of_rfc_8463_verifies() {
    assert_eq!(relaxed(RELAXED), [Err(VerifyError::NoKey), Ok(())]);
}

#[test]
fn refolding_is_tolerated_under_relaxed() {
    let changed = RELAXED
        .replace("From: Joe SixPack <", "FROM :\tJoe\r\n SixPack  \r\n\t<")
        .replace("game.  Are", "game. \t Are  ");
    assert_eq!(relaxed(&changed).last(), Some(&Ok(())));
}

#[test]
fn a_second_subject_above_breaks_an_over_signed_one() {
    let changed = RELAXED.replace("From: Joe", "Subject: Buy!\r\nFrom: Joe");
    assert_eq!(
        relaxed(&changed).last(),
        Some(&Err(VerifyError::SignatureMismatch))
    );
}
