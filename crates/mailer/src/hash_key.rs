//! Keys under which addresses are hashed: HMAC-SHA256 (RFC 2104) of the canonical form, in hexadecimal digits.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use thiserror::Error;

use crate::token_key::keyed;

/// A key that addresses are hashed with.
#[derive(Clone)]
pub struct HashKey {
    // Wiped when dropped (`hmac/zeroize`).
    mac: Hmac<Sha256>,
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

/// The text is not a hash key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected at least 16 octets in base64, or nothing")]
pub struct ParseHashKeyError;

impl HashKey {
    /// The key whose base64 is given; none, if the text is empty.
    ///
    /// # Errors
    /// When it is not the base64 of at least 16 octets.
    pub fn parse(text: &str) -> Result<Option<Self>, ParseHashKeyError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let mac = keyed(text).ok_or(ParseHashKeyError)?;
        Ok(Some(Self { mac }))
    }

    /// The hash of `text`, in 64 hexadecimal digits.
    #[must_use]
    pub fn hash(&self, text: &str) -> String {
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        let octets = mac.finalize().into_bytes();
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}
