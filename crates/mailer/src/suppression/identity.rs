//! Under which name an address is stored: its canonical form, or the HMAC-SHA256 of that, for those who may not keep addresses.
//!
//! With a hash key nothing is written that holds an address. What was written before under clear names is still looked up, and goes when
//! the address is put on the list again, or removed. The first write under a key leaves the key's fingerprint in the store. From then on
//! whoever has another key, or none, reads no list at all: to be told that nobody is suppressed would be worse.

use std::fmt;

use envelope::AddrSpec;
use serde::{Deserialize, Serialize};

use crate::hash_key::{HashKey, ParseHashKeyError};
use crate::keys::{self, Record};
use crate::ports::{KeyValue, StoreError, Write};

/// The length of a HMAC-SHA256 in hexadecimal digits.
const HASH_DIGITS: usize = 64;

/// How addresses are named in the store.
#[derive(Default)]
pub struct Suppressor {
    key: Option<HashKey>,
}

impl fmt::Debug for Suppressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.is_hashed() { "hashed" } else { "clear" };
        write!(f, "Suppressor({mode})")
    }
}

/// The fingerprint of the key that names are made with. Absent until something is written under one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashMode {
    /// In hexadecimal digits.
    pub fingerprint: String,
}

impl Record for HashMode {
    const VERSION: u32 = 1;
}

/// What an address is stored under: its canonical form or a hash of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// The canonical form of `address`.
    #[must_use]
    pub fn clear(address: &AddrSpec) -> Self {
        Self(address.canonical())
    }

    /// The hash that `text` is, if it is one.
    #[must_use]
    pub fn parse_hash(text: &str) -> Option<Self> {
        let is_digit = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
        let is_hash = text.len() == HASH_DIGITS && text.bytes().all(is_digit);
        is_hash.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a hash: every address has an at sign.
    #[must_use]
    pub fn is_hash(&self) -> bool {
        !self.0.contains('@')
    }
}

impl Suppressor {
    /// With the key whose base64 is given; with none, if the text is empty.
    ///
    /// # Errors
    /// When it is not the base64 of at least 16 octets.
    pub fn parse(text: &str) -> Result<Self, ParseHashKeyError> {
        let key = HashKey::parse(text)?;
        Ok(Self { key })
    }

    /// Whether only hashes of addresses are kept.
    #[must_use]
    pub const fn is_hashed(&self) -> bool {
        self.key.is_some()
    }

    /// What `address` is stored under.
    #[must_use]
    pub fn name(&self, address: &AddrSpec) -> Name {
        let clear = Name::clear(address);
        match &self.key {
            Some(key) => Name(key.hash(clear.as_str())),
            None => clear,
        }
    }

    /// Everything `address` may be stored under, with what it is stored under now first.
    #[must_use]
    pub fn names(&self, address: &AddrSpec) -> Vec<Name> {
        let mut names = vec![self.name(address)];
        if self.is_hashed() {
            names.push(Name::clear(address));
        }
        names
    }

    /// Whether lists that were written under `found` can be read.
    ///
    /// # Errors
    /// When they were written with another key.
    pub fn check(&self, found: Option<&HashMode>) -> Result<(), StoreError> {
        match found {
            Some(found) if self.mode().as_ref() != Some(found) => Err(StoreError::new(
                "the suppression lists were written with another suppression_hash_key",
            )),
            _ => Ok(()),
        }
    }

    fn mode(&self) -> Option<HashMode> {
        let key = self.key.as_ref()?;
        // No address, so no name collides with it.
        let fingerprint = key.hash("fingerprint");
        Some(HashMode { fingerprint })
    }

    /// What has to be written together with a list's entries: nothing, once the fingerprint is there.
    ///
    /// # Errors
    /// As [`Self::check`], or when the store does not answer.
    pub async fn admit(&self, store: &impl KeyValue) -> Result<Option<Write>, StoreError> {
        let found = keys::suppression_mode().read(store).await?;
        self.check(found.as_ref())?;
        let missing = self.mode().filter(|_| found.is_none());
        missing
            .map(|mode| keys::suppression_mode().write(&mode))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed() -> Suppressor {
        Suppressor::parse("AAECAwQFBgcICQoLDA0ODw==").unwrap()
    }

    #[test]
    fn a_key_has_at_least_16_octets() {
        assert!(!Suppressor::parse("").unwrap().is_hashed());
        assert!(hashed().is_hashed());
        for text in ["AAECAwQFBgcICQoLDA0O", "x", "no base64"] {
            assert!(Suppressor::parse(text).is_err(), "{text}");
        }
    }

    /// The expected value is that of `printf %s ann@example.com | openssl mac -digest SHA256 -macopt hexkey:000102…0f HMAC`.
    #[test]
    fn a_name_is_the_hmac_of_the_canonical_form() {
        let address = AddrSpec::parse("Ann@Example.COM").unwrap();
        let name = hashed().name(&address);
        assert_eq!(name.as_str(), EXPECTED);
        assert!(name.is_hash());
        assert_eq!(Name::parse_hash(name.as_str()), Some(name.clone()));
        let names = hashed().names(&address);
        assert_eq!(names, [name, Name("ann@example.com".to_owned())]);
        assert_eq!(Suppressor::default().names(&address).len(), 1);
    }

    const EXPECTED: &str = "078e42de7cd8ec90dd41918db0ecb1728c1a1c4ce1097c28c360656eb2ab0911";

    #[test]
    fn lists_of_another_key_are_not_read() {
        let mode = hashed().mode();
        let other = Suppressor::parse("Dw4NDAsKCQgHBgUEAwIBAA==").unwrap();
        assert!(hashed().check(mode.as_ref()).is_ok());
        assert!(hashed().check(None).is_ok());
        assert!(Suppressor::default().check(None).is_ok());
        assert!(other.check(mode.as_ref()).is_err());
        assert!(Suppressor::default().check(mode.as_ref()).is_err());
    }
}
