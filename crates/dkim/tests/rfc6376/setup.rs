//! A key, a resolver and a message to start from.

use std::{collections::HashMap, sync::LazyLock};

use dkim::{
    Algo, Canonicalization, KeyLookup, KeyLookupError, SignedFields, SigningKey, SigningOptions,
    VerifiedSignature, VerifyError, keygen::RsaKeySearch, sign, verify,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

pub(crate) const NOW: u64 = 1_700_000_000;
pub(crate) const KEY_NAME: &str = "s1._domainkey.example.com";
pub(crate) const MESSAGE: &str = "From: A <a@example.com>\r\nTo: b@example.net,\r\n\tc@example.net\r\n\
    Subject: one  two\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.com>\r\n\
    X-Free: not signed\r\n\r\nhello  world\r\n\r\nbye \r\n\r\n";

pub(crate) const PAIRS: [Canonicalization; 4] = [
    pair(Algo::Simple, Algo::Simple),
    pair(Algo::Simple, Algo::Relaxed),
    pair(Algo::Relaxed, Algo::Simple),
    pair(Algo::Relaxed, Algo::Relaxed),
];

const fn pair(header: Algo, body: Algo) -> Canonicalization {
    Canonicalization { header, body }
}

/// A key that is made once, and always the same.
pub(crate) static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let mut rng = rng();
    let mut search = RsaKeySearch::new(2048).unwrap();
    std::iter::repeat_with(|| search.step(&mut rng))
        .find_map(|found| found)
        .unwrap()
});

pub(crate) fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(6376)
}

/// Records by name. A name that is not there does not exist.
pub(crate) struct Zone(pub(crate) HashMap<String, Vec<u8>>);

impl Zone {
    pub(crate) fn with(name: &str, record: impl Into<Vec<u8>>) -> Self {
        Self(HashMap::from([(name.to_owned(), record.into())]))
    }

    pub(crate) fn of_key() -> Self {
        Self::with(KEY_NAME, KEY.public_key_record())
    }
}

impl KeyLookup for Zone {
    fn txt(&self, name: &str) -> Result<Option<Vec<u8>>, KeyLookupError> {
        Ok(self.0.get(name).cloned())
    }
}

pub(crate) fn options(canonicalization: Canonicalization) -> SigningOptions {
    SigningOptions {
        domain: "example.com".parse().unwrap(),
        selector: "s1".parse().unwrap(),
        auid: None,
        canonicalization,
        signed_at: NOW,
        expires_at: Some(NOW + 100),
        signed_fields: SignedFields::Recommended,
    }
}

pub(crate) fn signed(message: &str, options: &SigningOptions) -> String {
    let field = sign(message.as_bytes(), options, &KEY, &mut rng()).unwrap();
    field + message
}

/// The only signature of a message.
#[track_caller]
pub(crate) fn judge(message: &[u8], zone: &Zone, now: u64) -> VerifiedSignature {
    let mut all = verify(message, zone, now).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[track_caller]
pub(crate) fn check(message: &str, zone: &Zone, expected: Result<(), VerifyError>) {
    assert_eq!(judge(message.as_bytes(), zone, NOW).outcome, expected);
}
