//! Key records with `k=ed25519`.

use base64::{Engine, engine::general_purpose::STANDARD};
use dkim::{PublicKeyRecord, RecordError as E, SigningAlgorithm};

use crate::{section_3::ED25519, setup::KEY};

#[track_caller]
fn parse(record: &str) -> PublicKeyRecord {
    PublicKeyRecord::parse(record.as_bytes()).unwrap()
}

#[track_caller]
fn refuse(record: &str, expected: E) {
    let parsed = PublicKeyRecord::parse(record.as_bytes());
    assert_eq!(parsed.map(|_| ()), Err(expected), "{record}");
}

fn encoded() -> &'static str {
    ED25519.public_key_record().split_once("p=").unwrap().1
}

#[test]
fn a_record_knows_its_algorithm_and_size() {
    let ed25519 = parse(ED25519.public_key_record());
    assert_eq!(ed25519.algorithm(), SigningAlgorithm::Ed25519Sha256);
    assert_eq!(ed25519.bits(), 256);
    let rsa = parse(KEY.public_key_record());
    assert_eq!(rsa.algorithm(), SigningAlgorithm::RsaSha256);
    assert_eq!(rsa.bits(), 2048);
}

#[test]
fn the_same_key_is_recognised_however_it_is_written() {
    let ed25519 = parse(ED25519.public_key_record());
    assert!(ed25519.same_key(&parse(&format!("k=ed25519; t=y; p= {}", encoded()))));
    let (_, rsa) = KEY.public_key_record().split_once("p=").unwrap();
    let bare = STANDARD.encode(&STANDARD.decode(rsa).unwrap()[24..]);
    let rsa = parse(KEY.public_key_record());
    assert!(rsa.same_key(&parse(&format!("p={bare}"))));
    assert!(!rsa.same_key(&ed25519));
    let other = dkim::keygen::ed25519(&mut crate::setup::rng());
    assert!(ed25519.same_key(&parse(other.public_key_record())));
}

#[test]
fn keys_of_another_type_than_the_record_says_are_refused() {
    let (_, rsa) = KEY.public_key_record().split_once("p=").unwrap();
    refuse(&format!("k=ed25519; p={rsa}"), E::Key);
    refuse(&format!("k=rsa; p={}", encoded()), E::Key);
    refuse(&format!("p={}", encoded()), E::Key);
    refuse(&format!("k=Ed25519; p={}", encoded()), E::KeyType);
    refuse(&format!("k=x25519; p={}", encoded()), E::KeyType);
}

#[test]
fn the_hash_and_the_revocation_apply_to_ed25519_too() {
    refuse(&format!("k=ed25519; h=sha1; p={}", encoded()), E::Hash);
    refuse("k=ed25519; p=", E::Revoked);
    refuse("k=ed25519", E::MissingKey);
}

#[test]
fn octets_that_are_no_key_are_refused() {
    let record = |octets: &[u8]| format!("k=ed25519; p={}", STANDARD.encode(octets));
    refuse(&record(&[9; 31]), E::Key);
    refuse(&record(&[9; 33]), E::Key);
    // y = 2 is on no point of the curve.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    refuse(&record(&no_point), E::Key);
    // y = 1 is the neutral element.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    refuse(&record(&neutral), E::Key);
}
