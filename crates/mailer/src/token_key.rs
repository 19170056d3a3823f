//! Keys of tokens that travel through the world and come back: return paths and links.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// The fewest octets of a key.
const MIN_KEY_OCTETS: usize = 16;
/// How many keys before the one in use are known.
pub const MAX_PREVIOUS_KEYS: usize = 8;

/// A key that makes tokens, and knows its own again.
#[derive(Clone)]
pub struct TokenKey {
    // Keyed once. Wiped when dropped (`hmac/zeroize`).
    mac: Hmac<Sha256>,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

/// The text is not a key for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected at least {MIN_KEY_OCTETS} octets in base64")]
pub struct ParseTokenKeyError;

/// The text is no list of keys that were used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParsePreviousKeysError {
    /// One of them is none.
    #[error(transparent)]
    Key(#[from] ParseTokenKeyError),
    /// There are more than are known.
    #[error("expected at most {MAX_PREVIOUS_KEYS} keys")]
    TooMany,
}

impl TokenKey {
    /// The key whose base64 is `text`.
    ///
    /// # Errors
    /// When `text` is not the base64 of enough octets.
    pub fn parse(text: &str) -> Result<Self, ParseTokenKeyError> {
        let mac = keyed(text).ok_or(ParseTokenKeyError)?;
        Ok(Self { mac })
    }

    /// The keys that `text` lists with white space between, each in base64; none if it is empty.
    ///
    /// # Errors
    /// When one is no key, or there are more than eight.
    pub fn parse_previous(text: &str) -> Result<Vec<Self>, ParsePreviousKeysError> {
        let keys = text.split_ascii_whitespace().map(Self::parse);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.len() > MAX_PREVIOUS_KEYS {
            return Err(ParsePreviousKeysError::TooMany);
        }
        Ok(keys)
    }

    /// HMAC-SHA256 over `claim`; `context` keeps the uses of a key apart.
    pub(crate) fn mac(&self, context: &[u8], claim: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(context);
        mac.update(claim);
        mac
    }

    /// Says which key made a token, without saying anything of the key.
    pub(crate) fn id(&self, context: &[u8]) -> u8 {
        let tag = self.mac(context, &[]).finalize().into_bytes();
        tag.first().copied().unwrap_or_default()
    }
}

/// HMAC-SHA256 under the key whose base64 is `text`; none if that is not base64, or of too few octets.
pub(crate) fn keyed(text: &str) -> Option<Hmac<Sha256>> {
    let octets = STANDARD.decode(text.trim()).map(Zeroizing::new).ok()?;
    if octets.len() < MIN_KEY_OCTETS {
        return None;
    }
    // HMAC takes keys of any length, so this does not fail.
    Hmac::new_from_slice(&octets).ok()
}
