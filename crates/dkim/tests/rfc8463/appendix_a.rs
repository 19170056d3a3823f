//! The example, verified. That it is also reproduced is tested beside `sign`.

use dkim::{VerifyError, verify};

use crate::setup::Zone;

const MESSAGE: &str = include_str!("../vectors/rfc8463-appendix-a.eml");
const ED25519_RECORD: &str = include_str!("../vectors/rfc8463-appendix-a-ed25519.txt");
const RSA_RECORD: &str = include_str!("../vectors/rfc8463-appendix-a-rsa.txt");
const THEN: u64 = 1_528_637_909;

#[track_caller]
fn check(message: &str, expected: [Result<(), VerifyError>; 2]) {
    let mut zone = Zone::with("brisbane._domainkey.football.example.com", ED25519_RECORD);
    let rsa = "test._domainkey.football.example.com".to_owned();
    zone.0.insert(rsa, RSA_RECORD.into());
    let all = verify(message.as_bytes(), &zone, THEN).unwrap();
    let outcomes: Vec<_> = all.into_iter().map(|signature| signature.outcome).collect();
    assert_eq!(outcomes, expected);
}

#[test]
fn both_signatures_verify() {
    check(MESSAGE, [Ok(()), Ok(())]);
}

#[test]
fn a_change_breaks_both() {
    let mismatch = Err(VerifyError::SignatureMismatch);
    check(&MESSAGE.replace("dinner", "supper"), [mismatch; 2]);
    let hungry = MESSAGE.replace("hungry", "thirsty");
    check(&hungry, [Err(VerifyError::BodyHash); 2]);
}

#[test]
fn a_damaged_ed25519_signature_leaves_the_other_alone() {
    let damaged = MESSAGE.replace("b=/gCr", "b=/gCs");
    let mismatch = Err(VerifyError::SignatureMismatch);
    check(&damaged, [mismatch, Ok(())]);
    let shortened = MESSAGE.replace("b=/gCr", "b=");
    check(&shortened, [mismatch, Ok(())]);
}
