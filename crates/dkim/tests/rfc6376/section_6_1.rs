//! Verifying.

use dkim::{
    KeyLookup, KeyLookupError, MessageError, RecordError, SignatureError, VerifyError,
    limits::{MAX_CLOCK_SKEW, MAX_SIGNATURES},
    signatures, verify,
};
use proptest::prelude::*;

use crate::setup::{KEY, KEY_NAME, MESSAGE, NOW, PAIRS, Zone, check, judge, options, signed};

struct Unreachable;

impl KeyLookup for Unreachable {
    fn txt(&self, _: &str) -> Result<Option<Vec<u8>>, KeyLookupError> {
        Err(KeyLookupError)
    }
}

fn relaxed() -> String {
    signed(MESSAGE, &options(PAIRS[3]))
}

#[test]
fn a_message_without_signatures_has_no_verdicts() {
    assert_eq!(verify(MESSAGE.as_bytes(), &Zone::of_key(), NOW), Ok(vec![]));
}

#[test]
fn octets_that_are_no_message_are_an_error() {
    let found = verify(b"From: a", &Zone::of_key(), NOW);
    assert_eq!(found, Err(MessageError::MissingSeparator));
}

#[test]
fn the_two_steps_give_what_the_one_gives() {
    let message = relaxed();
    let mut found = signatures(message.as_bytes()).unwrap();
    assert_eq!(found.len(), 1);
    let signature = found.remove(0);
    assert_eq!(signature.key_name(), Some(KEY_NAME));
    assert_eq!(signature.domain().unwrap().as_str(), "example.com");
    assert_eq!(signature.selector().unwrap().as_str(), "s1");
    let record = KEY.public_key_record().as_bytes();
    let verdict = signature.verify_with(Ok(Some(record)), NOW);
    assert_eq!(verdict, judge(message.as_bytes(), &Zone::of_key(), NOW));
}

#[test]
fn times_are_kept() {
    let message = relaxed();
    let at = |now| judge(message.as_bytes(), &Zone::of_key(), now).outcome;
    assert_eq!(at(NOW + 100), Ok(()));
    assert_eq!(at(NOW + 101), Err(VerifyError::Expired));
    assert_eq!(at(NOW - MAX_CLOCK_SKEW), Ok(()));
    assert_eq!(
        at(NOW - MAX_CLOCK_SKEW - 1),
        Err(VerifyError::FromTheFuture)
    );
}

#[test]
fn only_an_unanswered_look_up_may_end_otherwise_later() {
    let all = verify(relaxed().as_bytes(), &Unreachable, NOW).unwrap();
    let error = all[0].outcome.unwrap_err();
    assert_eq!(error, VerifyError::KeyUnavailable);
    assert!(error.is_transient());
    check(&relaxed(), &Zone::with("x", ""), Err(VerifyError::NoKey));
    assert!(!VerifyError::NoKey.is_transient());
}

#[test]
fn a_revoked_key_verifies_nothing() {
    let zone = Zone::with(KEY_NAME, "v=DKIM1; p=");
    check(
        &relaxed(),
        &zone,
        Err(VerifyError::Record(RecordError::Revoked)),
    );
}

#[test]
fn a_signature_field_that_cannot_be_read_is_reported_as_such() {
    let message = format!("DKIM-Signature: v=1; v=1\r\n{MESSAGE}");
    let verdict = judge(message.as_bytes(), &Zone::of_key(), NOW);
    assert!(matches!(
        verdict.outcome,
        Err(VerifyError::Signature(SignatureError::TagList(_)))
    ));
    assert_eq!(verdict.domain, None);
}

#[test]
fn each_signature_has_its_own_verdict() {
    let once = relaxed();
    let other = once.replace("d=example.com", "d=example.org");
    let (field, _) = other.split_once("From: A").unwrap();
    let all = verify((field.to_owned() + &once).as_bytes(), &Zone::of_key(), NOW).unwrap();
    let outcomes: Vec<_> = all.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Err(VerifyError::NoKey), Ok(())]);
}

#[test]
fn the_number_of_signatures_considered_has_a_maximum() {
    let message = "DKIM-Signature: v=1\r\n".repeat(MAX_SIGNATURES + 1) + MESSAGE;
    assert_eq!(
        signatures(message.as_bytes()).unwrap().len(),
        MAX_SIGNATURES
    );
}

#[test]
fn a_body_length_must_count_the_whole_body() {
    let message = relaxed();
    let with = |length: u64| {
        let message = message.replace("s=s1;", &format!("s=s1; l={length};"));
        judge(message.as_bytes(), &Zone::of_key(), NOW).outcome
    };
    let found = "hello world\r\n\r\nbye\r\n".len() as u64;
    // The tag was not signed, so the header no longer fits; the length itself is accepted.
    assert_eq!(with(found), Err(VerifyError::SignatureMismatch));
    for signed in [0, found - 1, found + 1] {
        assert_eq!(with(signed), Err(VerifyError::BodyLength { signed, found }));
    }
}

#[test]
fn over_signed_fields_cannot_be_added() {
    let message = relaxed();
    let add = |field: &str| message.replacen("From: A", &format!("{field}\r\nFrom: A"), 1);
    for field in [
        "Cc: x",
        "Reply-To: x",
        "Content-Type: text/html",
        "Subject: x",
        "To: x",
    ] {
        check(
            &add(field),
            &Zone::of_key(),
            Err(VerifyError::SignatureMismatch),
        );
    }
    check(
        &add("From: x"),
        &Zone::of_key(),
        Err(VerifyError::SignatureMismatch),
    );
    check(&add("Received: x"), &Zone::of_key(), Ok(()));
    check(&add("List-Id: x"), &Zone::of_key(), Ok(()));
}

/// Without over-signing, a From added on top is what the reader sees: never accepted.
#[test]
fn an_added_author_is_never_accepted() {
    let mut once = options(PAIRS[3]);
    let names = ["From", "Subject"].map(|name| name.parse().unwrap());
    once.signed_fields = dkim::SignedFields::Exactly(names.into());
    let forged = format!("From: evil@example.net\r\n{}", signed(MESSAGE, &once));
    check(&forged, &Zone::of_key(), Err(VerifyError::FromNotCovered));
}

#[test]
fn refolding_the_signature_field_is_tolerated_under_relaxed() {
    let message = relaxed();
    check(
        &message.replacen("\r\n ", "\r\n\t  ", 3),
        &Zone::of_key(),
        Ok(()),
    );
    check(
        &message.replacen("DKIM-Signature", "dkim-signature", 1),
        &Zone::of_key(),
        Ok(()),
    );
    let simple = signed(MESSAGE, &options(PAIRS[0]));
    let mismatch = Err(VerifyError::SignatureMismatch);
    check(
        &simple.replacen("\r\n ", "\r\n\t", 1),
        &Zone::of_key(),
        mismatch,
    );
}

/// Space around and inside the value of `b=` was not there when the hash was made.
#[test]
fn the_signature_itself_may_be_refolded_even_under_simple() {
    let simple = signed(MESSAGE, &options(PAIRS[0]));
    check(
        &simple.replacen(" b=", " b=\r\n\t ", 1),
        &Zone::of_key(),
        Ok(()),
    );
    check(
        &simple.replacen("==\r\nFrom", "=\r\n =\r\nFrom", 1),
        &Zone::of_key(),
        Ok(()),
    );
}

/// Every octet of the signature field but white space and b=, of the signed fields, and of the body
/// counts.
#[test]
fn any_changed_octet_fails_under_simple() {
    let message = signed(MESSAGE, &options(PAIRS[0]));
    let free = message.find("X-Free").unwrap();
    let free = free..message[free..].find('\n').unwrap() + free + 1;
    let zone = Zone::of_key();
    for at in (0..message.len()).filter(|at| !free.contains(at)) {
        let mut changed = message.clone().into_bytes();
        changed[at] ^= 1;
        let passes =
            verify(&changed, &zone, NOW).is_ok_and(|all| all.iter().any(|one| one.outcome.is_ok()));
        assert!(
            !passes,
            "offset {at}: {:?}",
            char::from(message.as_bytes()[at])
        );
    }
}

proptest! {
    #[test]
    fn no_message_panics(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = verify(&octets, &Zone::of_key(), NOW);
    }

    #[test]
    fn no_signature_field_panics(list in "[vabcdhistxql=;: \r\n\t0-9A-Za-z@./-]{0,200}") {
        let message = format!("DKIM-Signature:{list}\r\n{MESSAGE}");
        let _ = verify(message.as_bytes(), &Zone::of_key(), NOW);
    }

    #[test]
    fn no_damaged_message_panics_or_passes(at in 0_usize..1500, octet: u8) {
        let message = relaxed_once();
        let at = at % message.len();
        let mut changed = message.as_bytes().to_vec();
        changed[at] = octet;
        let _ = verify(&changed, &Zone::of_key(), NOW);
        changed.truncate(at);
        let all = verify(&changed, &Zone::of_key(), NOW).unwrap_or_default();
        prop_assert!(all.iter().all(|one| one.outcome.is_err()) || at + 8 > message.len());
    }
}

fn relaxed_once() -> &'static str {
    static ONCE: std::sync::LazyLock<String> = std::sync::LazyLock::new(relaxed);
    &ONCE
}
