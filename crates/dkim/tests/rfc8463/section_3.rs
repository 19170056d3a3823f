//! Signing with Ed25519, alone and beside RSA.

use std::sync::LazyLock;

use dkim::{
    Canonicalization, DkimError, Signer, SigningKey, SigningOptions, VerifyError, keygen, sign,
    sign_with_each, verify,
};
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::setup::{KEY, KEY_NAME, MESSAGE, NOW, PAIRS, Zone, check, options, rng};

pub(crate) static ED25519: LazyLock<SigningKey> = LazyLock::new(|| keygen::ed25519(&mut rng()));

fn relaxed() -> SigningOptions {
    options(Canonicalization::RELAXED)
}

fn zone() -> Zone {
    Zone::with(KEY_NAME, ED25519.public_key_record())
}

/// Options for a second selector.
fn second(canonicalization: Canonicalization) -> SigningOptions {
    let mut options = options(canonicalization);
    options.selector = "s2".parse().unwrap();
    options
}

/// The fields of RSA under the first selector and Ed25519 under the second, and where both are found.
fn side_by_side(message: &[u8], pairs: [Canonicalization; 2]) -> (Result<String, DkimError>, Zone) {
    let (rsa, ed25519) = (options(pairs[0]), second(pairs[1]));
    let signers = [
        Signer {
            options: &rsa,
            key: &KEY,
        },
        Signer {
            options: &ed25519,
            key: &ED25519,
        },
    ];
    let mut zone = Zone::of_key();
    let name = "s2._domainkey.example.com".to_owned();
    zone.0.insert(name, ED25519.public_key_record().into());
    (sign_with_each(message, &signers, &mut rng()), zone)
}

#[test]
fn what_is_signed_verifies_and_says_so() {
    for pair in PAIRS {
        let field = sign(MESSAGE.as_bytes(), &options(pair), &ED25519, &mut rng()).unwrap();
        assert!(
            field.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;"),
            "{field}"
        );
        check(&(field + MESSAGE), &zone(), Ok(()));
    }
}

#[test]
fn a_signature_needs_no_randomness() {
    let with = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        sign(MESSAGE.as_bytes(), &relaxed(), &ED25519, &mut rng).unwrap()
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn a_key_of_the_other_type_is_told_from_a_wrong_one() {
    let ed25519 = sign(MESSAGE.as_bytes(), &relaxed(), &ED25519, &mut rng()).unwrap() + MESSAGE;
    check(&ed25519, &Zone::of_key(), Err(VerifyError::KeyType));
    let rsa = sign(MESSAGE.as_bytes(), &relaxed(), &KEY, &mut rng()).unwrap() + MESSAGE;
    check(&rsa, &zone(), Err(VerifyError::KeyType));
    let other = keygen::ed25519(&mut ChaCha8Rng::seed_from_u64(1));
    let other = Zone::with(KEY_NAME, other.public_key_record());
    check(&ed25519, &other, Err(VerifyError::SignatureMismatch));
}

#[test]
fn two_keys_sign_side_by_side_whatever_the_canonicalization() {
    for first in PAIRS {
        for second in PAIRS {
            let (fields, zone) = side_by_side(MESSAGE.as_bytes(), [first, second]);
            let message = fields.unwrap() + MESSAGE;
            let all = verify(message.as_bytes(), &zone, NOW).unwrap();
            let selectors = all.iter().map(|s| s.selector.as_ref().unwrap().to_string());
            assert_eq!(selectors.collect::<Vec<_>>(), ["s1", "s2"]);
            assert!(all.iter().all(|signature| signature.outcome == Ok(())));
        }
    }
}

#[test]
fn signatures_made_together_are_those_made_alone() {
    let (fields, _) = side_by_side(MESSAGE.as_bytes(), [PAIRS[3]; 2]);
    let alone = |options: &SigningOptions, key: &SigningKey| {
        sign(MESSAGE.as_bytes(), options, key, &mut rng()).unwrap()
    };
    let expected = alone(&relaxed(), &KEY) + &alone(&second(PAIRS[3]), &ED25519);
    assert_eq!(fields.unwrap(), expected);
}

#[test]
fn one_signature_that_cannot_be_made_prevents_all() {
    let (good, mut bad) = (relaxed(), second(PAIRS[3]));
    bad.expires_at = Some(0);
    let signers = [
        Signer {
            options: &good,
            key: &KEY,
        },
        Signer {
            options: &bad,
            key: &ED25519,
        },
    ];
    let found = sign_with_each(MESSAGE.as_bytes(), &signers, &mut rng());
    assert_eq!(found, Err(DkimError::ExpiresBeforeSigning));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_message_that_is_signed_verifies(
        subject in "[ -~\\t]{0,100}",
        body in prop::collection::vec("[ -~\\t]{0,40}\r\n", 0..20),
        seed: u64,
    ) {
        let message = format!("From: a@example.com\r\nSubject: {subject}\r\n\r\n{}", body.concat());
        let key = keygen::ed25519(&mut ChaCha8Rng::seed_from_u64(seed));
        let field = sign(message.as_bytes(), &relaxed(), &key, &mut rng()).unwrap();
        check(&(field + &message), &Zone::with(KEY_NAME, key.public_key_record()), Ok(()));
        let (fields, zone) = side_by_side(message.as_bytes(), [PAIRS[3]; 2]);
        let both = fields.unwrap() + &message;
        let all = verify(both.as_bytes(), &zone, NOW).unwrap();
        prop_assert_eq!(all.len(), 2);
        prop_assert!(all.iter().all(|signature| signature.outcome == Ok(())));
    }
}
