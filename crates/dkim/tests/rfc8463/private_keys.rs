//! Private keys that operators bring: PKCS#8 in DER (RFC 5958, 8410) and PEM (RFC 7468).

use base64::{Engine, engine::general_purpose::STANDARD};
use dkim::{KeyError, PemError, SigningAlgorithm, SigningKey};

use crate::{section_3::ED25519, setup::KEY};

/// RFC 8410 section 10.3, the first key.
const RFC_8410: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
/// The same with attributes and the public key.
const RFC_8410_WITH_PUBLIC: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";
/// The public key of RFC 8410 section 10.1, without what is around it.
const RFC_8410_PUBLIC: &str = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

fn pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    )
}

#[track_caller]
fn refuse(text: &str, expected: KeyError) {
    assert_eq!(SigningKey::from_pkcs8_pem(text).map(|_| ()), Err(expected));
}

#[test]
fn keys_survive_storage_and_are_never_shown() {
    for key in [&*ED25519, &*KEY] {
        let der = key.to_pkcs8_der().unwrap();
        for again in [
            SigningKey::from_pkcs8_der(&der).unwrap(),
            SigningKey::from_pkcs8_pem(&pem(&der)).unwrap(),
        ] {
            assert_eq!(again.to_pkcs8_der().unwrap(), der);
            assert_eq!(again.public_key_record(), key.public_key_record());
        }
    }
    let shown = format!("{:?}", *ED25519);
    assert_eq!(shown, "SigningKey { algorithm: Ed25519Sha256, .. }");
}

#[test]
fn the_example_keys_of_rfc_8410_are_read() {
    for text in [RFC_8410, RFC_8410_WITH_PUBLIC] {
        let key = SigningKey::from_pkcs8_pem(text).unwrap();
        assert_eq!(key.algorithm(), SigningAlgorithm::Ed25519Sha256);
        let record = format!("v=DKIM1; k=ed25519; p={RFC_8410_PUBLIC}");
        assert_eq!(key.public_key_record(), record);
        assert_eq!(pem(&key.to_pkcs8_der().unwrap()), RFC_8410);
    }
}

#[test]
fn a_public_key_that_is_not_that_of_the_private_one_is_noticed() {
    let wrong = RFC_8410_WITH_PUBLIC.replace("rXAxZuE=", "rXAxZuA=");
    refuse(&wrong, KeyError::Inconsistent);
}

#[test]
fn keys_that_are_none_are_refused_with_their_reason() {
    let der = ED25519.to_pkcs8_der().unwrap();
    let with = |at: usize, octet: u8| {
        let mut damaged = der.to_vec();
        damaged[at] = octet;
        pem(&damaged)
    };
    // X25519 and Ed448 in place of Ed25519.
    refuse(&with(11, 110), KeyError::UnsupportedAlgorithm);
    refuse(&with(11, 113), KeyError::UnsupportedAlgorithm);
    // The head of the inner octet string.
    refuse(&with(14, 5), KeyError::NotPkcs8);
    refuse(&pem(&der[..47]), KeyError::NotPkcs8);
    refuse(&pem(b""), KeyError::NotPkcs8);
    let found = 4097;
    refuse(&pem(&vec![0; found]), KeyError::TooLong { found });
    refuse("", KeyError::Pem(PemError::NoBlock));
}

#[test]
fn no_damaged_ed25519_key_panics() {
    let der = ED25519.to_pkcs8_der().unwrap();
    for at in 0..der.len() {
        for bit in 0..8 {
            let mut damaged = der.to_vec();
            damaged[at] ^= 1 << bit;
            let _ = SigningKey::from_pkcs8_der(&damaged);
        }
    }
}
