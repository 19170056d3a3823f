//! A token or password that is never printed and compares in constant time.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The longest secret taken, in characters.
const MAX_CHARACTERS: usize = 512;

/// A secret given by the operator: 1 to 512 visible ASCII characters.
#[derive(Clone)]
// Invariant: visible ASCII, so it can stand in a header field as it is. Held by `parse`.
pub struct Secret(String);

impl Secret {
    /// Takes `text` as a secret; white space around it (a file's last line ending) is dropped.
    ///
    /// # Errors
    /// When it is empty, longer than 512 characters, or has a character outside visible ASCII.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MAX_CHARACTERS || !visible {
            return Err(InvalidSecret);
        }
        Ok(Self(text.to_owned()))
    }

    /// Says whether `candidate` is the secret, in a time that depends on neither.
    pub(crate) fn matches(&self, candidate: &[u8]) -> bool {
        // Hashing first hides the length too.
        Sha256::digest(self.0.as_bytes())
            .ct_eq(&Sha256::digest(candidate))
            .into()
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The text is no secret this relay takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a secret of 1 to 512 visible ASCII characters")]
pub struct InvalidSecret;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: Option<&str>) {
        assert_eq!(
            Secret::parse(input).ok().as_ref().map(Secret::expose),
            expected
        );
    }

    #[test]
    fn only_visible_ascii_is_taken() {
        check("abc", Some("abc"));
        check("abc\r\n", Some("abc"));
        check("", None);
        check(" \n", None);
        check("a b", None);
        check("clé", None);
        check(&"x".repeat(512), Some(&"x".repeat(512)));
        check(&"x".repeat(513), None);
    }

    #[test]
    fn debug_output_hides_the_secret() {
        assert_eq!(format!("{:?}", Secret::parse("hunter2").unwrap()), "Secret");
    }

    #[test]
    fn comparison_is_exact() {
        let secret = Secret::parse("abc").unwrap();
        assert!(secret.matches(b"abc"));
        assert!(!secret.matches(b"ab"));
        assert!(!secret.matches(b"abcd"));
        assert!(!secret.matches(b""));
    }
}
