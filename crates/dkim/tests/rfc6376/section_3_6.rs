//! Key records.

use dkim::{PublicKeyRecord, RecordError as E, VerifyError, limits::MAX_RECORD};
use proptest::prelude::*;

use crate::setup::{KEY, KEY_NAME, MESSAGE, NOW, PAIRS, Zone, check, judge, options, signed};

const TINY: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==";

/// A record with the test key, and these tags before it.
fn record(tags: &str) -> String {
    let (_, key) = KEY.public_key_record().split_once("p=").unwrap();
    format!("{tags} p={key}")
}

#[track_caller]
fn accept(tags: &str) {
    let parsed = PublicKeyRecord::parse(record(tags).as_bytes());
    assert_eq!(parsed.map(|key| key.bits()), Ok(2048), "{tags}");
}

#[track_caller]
fn refuse(record: &str, expected: E) {
    let parsed = PublicKeyRecord::parse(record.as_bytes());
    assert_eq!(parsed.map(|_| ()), Err(expected), "{record}");
}

#[test]
fn everything_but_the_key_has_a_default() {
    for tags in [
        "",
        "v=DKIM1;",
        "v=DKIM1; k=rsa; h=sha1:sha256; s=*; t=;",
        "s=tlsrpt : email; n=some=20note; unknown=1;",
    ] {
        accept(tags);
    }
}

#[test]
fn records_for_other_uses_are_refused() {
    refuse(&record("v=DKIM2;"), E::Version);
    refuse(&record("k=rsa; v=DKIM1;"), E::Version);
    refuse(&record("h=sha1;"), E::Hash);
    refuse(&record("k=dsa;"), E::KeyType);
    refuse(&record("s=tlsrpt;"), E::Service);
}

#[test]
fn keys_that_are_none_are_refused() {
    refuse("v=DKIM1", E::MissingKey);
    refuse("v=DKIM1; p=", E::Revoked);
    refuse("p= \t;", E::Revoked);
    refuse("p=?", E::Key);
    refuse("p=AQAB", E::Key);
    refuse(&format!("p={TINY}"), E::Size { found: 512 });
}

#[test]
fn a_bare_rsa_public_key_is_understood() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let (_, key) = KEY.public_key_record().split_once("p=").unwrap();
    // The first 24 octets are the SubjectPublicKeyInfo around it.
    let bare = STANDARD.encode(&STANDARD.decode(key).unwrap()[24..]);
    assert_eq!(
        PublicKeyRecord::parse(format!("p={bare}").as_bytes())
            .unwrap()
            .bits(),
        2048
    );
}

#[test]
fn a_record_longer_than_the_maximum_is_refused() {
    let long = record(&format!("n={};", "x".repeat(MAX_RECORD)));
    assert!(matches!(
        PublicKeyRecord::parse(long.as_bytes()),
        Err(E::TagList(_))
    ));
}

#[test]
fn flags_are_reported_and_obeyed() {
    let message = signed(MESSAGE, &options(PAIRS[3]));
    let zone = |flags: &str| Zone::with(KEY_NAME, record(flags));
    assert!(judge(message.as_bytes(), &zone("t=y;"), NOW).testing);
    assert!(!judge(message.as_bytes(), &zone("t=s;"), NOW).testing);
    check(&message, &zone("t=y:s;"), Ok(()));

    let mut below = options(PAIRS[3]);
    below.auid = Some("a@sub.example.com".parse().unwrap());
    let message = signed(MESSAGE, &below);
    check(&message, &zone(""), Ok(()));
    check(
        &message,
        &zone("t=y : s;"),
        Err(VerifyError::AuidBelowDomain),
    );
}

proptest! {
    #[test]
    fn no_record_panics(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = PublicKeyRecord::parse(&octets);
    }

    #[test]
    fn no_damaged_record_panics(at in 0_usize..400, octet: u8, cut in 0_usize..400) {
        let mut octets = record("v=DKIM1; k=rsa;").into_bytes();
        let at = at % octets.len();
        octets[at] = octet;
        octets.truncate(cut);
        let _ = PublicKeyRecord::parse(&octets);
    }
}
