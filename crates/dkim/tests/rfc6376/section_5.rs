//! Signing.

use dkim::{
    Algo, BodyHash, Canonicalization, DkimError, HeaderSection, KeyError, MessageError, NameError,
    SignedFields, SigningKey, SigningOptions, VerifyError, limits::MAX_PKCS8, sign, sign_hashed,
};

use crate::setup::{KEY, MESSAGE, NOW, PAIRS, Zone, check, judge, options, rng, signed};

fn relaxed() -> SigningOptions {
    options(Canonicalization::RELAXED)
}

#[track_caller]
fn refuse(message: &str, options: &SigningOptions, expected: DkimError) {
    let found = sign(message.as_bytes(), options, &KEY, &mut rng());
    assert_eq!(found, Err(expected));
}

#[test]
fn the_field_says_what_the_options_say() {
    let mut options = relaxed();
    options.auid = Some("a;b@mail.example.com".parse().unwrap());
    let field = sign(MESSAGE.as_bytes(), &options, &KEY, &mut rng()).unwrap();
    let flat = field.replace("\r\n ", " ");
    assert!(
        flat.starts_with(
            "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; \
         t=1700000000; x=1700000100; i=a=3Bb@mail.example.com; h=From:From:To:To:Cc:"
        ),
        "{flat}"
    );
    assert!(field.ends_with("\r\n"));
    let verdict = judge((field + MESSAGE).as_bytes(), &Zone::of_key(), NOW);
    assert_eq!(verdict.outcome, Ok(()));
    assert_eq!(verdict.auid.unwrap().to_string(), "a;b@mail.example.com");
    assert_eq!(verdict.signed_at, Some(NOW));
    assert_eq!(
        verdict
            .signed_fields
            .iter()
            .filter(|name| *name == "subject")
            .count(),
        2
    );
}

#[test]
fn no_line_is_longer_than_78_columns() {
    for pair in PAIRS {
        let field = sign(MESSAGE.as_bytes(), &options(pair), &KEY, &mut rng()).unwrap();
        assert!(field.lines().all(|line| line.len() <= 78), "{field}");
    }
}

#[test]
fn a_signature_does_not_depend_on_the_blinding() {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    let with = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        sign(MESSAGE.as_bytes(), &relaxed(), &KEY, &mut rng).unwrap()
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn messages_that_transports_change_are_refused() {
    use MessageError as M;
    let head = "From: a@example.com\r\n";
    refuse(head, &relaxed(), DkimError::Message(M::MissingSeparator));
    refuse(
        "From: a\n\nb",
        &relaxed(),
        DkimError::Message(M::BareLineBreak { at: 7 }),
    );
    refuse(
        &format!("{head}\r\na\nb"),
        &relaxed(),
        DkimError::BareLineBreak { at: 1 },
    );
    refuse(
        &format!("{head}\r\na\r\nb\r"),
        &relaxed(),
        DkimError::BareLineBreak { at: 4 },
    );
}

#[test]
fn messages_without_one_author_field_are_refused() {
    refuse(
        "To: a@example.com\r\n\r\n",
        &relaxed(),
        DkimError::MissingFrom,
    );
    let name = "From";
    refuse(
        &format!("From: b\r\n{MESSAGE}"),
        &relaxed(),
        DkimError::RepeatedField { name },
    );
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let mut outside = relaxed();
    outside.auid = Some("@example.org".parse().unwrap());
    refuse(MESSAGE, &outside, DkimError::AuidOutsideDomain);
    let mut expired = relaxed();
    expired.expires_at = Some(NOW);
    refuse(MESSAGE, &expired, DkimError::ExpiresBeforeSigning);
    let mut unnamed = relaxed();
    unnamed.signed_fields = SignedFields::Exactly(vec!["To".parse().unwrap()]);
    refuse(MESSAGE, &unnamed, DkimError::MissingFrom);
    let label = "a".repeat(60);
    let mut long = relaxed();
    long.selector = [label.as_str(); 4].join(".").parse().unwrap();
    let found = 243 + "._domainkey.example.com".len();
    refuse(
        MESSAGE,
        &long,
        DkimError::KeyName(NameError::TooLong { found }),
    );
}

#[test]
fn two_signatures_can_share_one_pass_over_the_body() {
    let (headers, body) = HeaderSection::split(MESSAGE.as_bytes()).unwrap();
    let body = BodyHash::of(Algo::Relaxed, body);
    let field = sign_hashed(&headers, &body, &relaxed(), &KEY, &mut rng()).unwrap();
    assert_eq!(field.clone() + MESSAGE, signed(MESSAGE, &relaxed()));
    let other = options(PAIRS[0]);
    let found = sign_hashed(&headers, &body, &other, &KEY, &mut rng());
    assert_eq!(found, Err(DkimError::BodyCanonicalization));
}

#[test]
fn exactly_the_named_fields_are_signed() {
    let mut exact = relaxed();
    let names = ["Subject", "from"].map(|name| name.parse().unwrap());
    exact.signed_fields = SignedFields::Exactly(names.into());
    let message = signed(MESSAGE, &exact);
    check(&message.replace("To: b", "To: z"), &Zone::of_key(), Ok(()));
    let forged = message.replace("Subject: one", "Subject: two");
    check(
        &forged,
        &Zone::of_key(),
        Err(VerifyError::SignatureMismatch),
    );
}

#[test]
fn keys_survive_storage_and_are_never_shown() {
    let der = KEY.to_pkcs8_der().unwrap();
    let again = SigningKey::from_pkcs8_der(&der).unwrap();
    assert_eq!(again.to_pkcs8_der().unwrap(), der);
    assert_eq!(
        format!("{again:?}"),
        "SigningKey { algorithm: RsaSha256, .. }"
    );
}

#[test]
fn what_is_not_a_good_key_is_refused() {
    let read = |der: &[u8]| SigningKey::from_pkcs8_der(der).map(|_| ());
    assert_eq!(read(b""), Err(KeyError::NotPkcs8));
    let long = vec![0; MAX_PKCS8 + 1];
    assert_eq!(
        read(&long),
        Err(KeyError::TooLong {
            found: MAX_PKCS8 + 1
        })
    );
    let der = KEY.to_pkcs8_der().unwrap();
    assert_eq!(read(&der[..der.len() - 1]), Err(KeyError::NotPkcs8));
    // Somewhere in the private exponent.
    let mut damaged = der.to_vec();
    damaged[400] ^= 1;
    assert_eq!(read(&damaged), Err(KeyError::Inconsistent));
}

#[test]
fn no_damaged_key_panics() {
    let der = KEY.to_pkcs8_der().unwrap();
    for at in 0..der.len() {
        let mut damaged = der.to_vec();
        damaged[at] ^= 0x81;
        let _ = SigningKey::from_pkcs8_der(&damaged);
    }
}
