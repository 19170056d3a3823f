//! The envelope itself: one reverse path and the forward paths (RFC 5321 section 2.3.1).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::{AddrSpec, ReversePath};

/// Most forward paths in one envelope. Every SMTP server takes at least 100 (RFC 5321 section 4.5.3.1.8); whoever
/// hands over an envelope may have to split it.
pub const MAX_FORWARD_PATHS: usize = 1000;

/// Who a message is from and for, as the transport sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Envelope {
    /// The argument of `MAIL FROM`.
    pub reverse_path: ReversePath,
    // Invariant: 1 to 1000, and no two with the same canonical form. Held by `new`; there is no setter.
    forward_paths: Vec<AddrSpec>,
}

/// Why there is no [`Envelope`] to be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Nobody to deliver to.
    #[error("expected at least one forward path, found none")]
    NoForwardPath,
    /// More than [`MAX_FORWARD_PATHS`].
    #[error("expected at most {MAX_FORWARD_PATHS} forward paths, found {found}")]
    TooManyForwardPaths {
        /// How many different ones there are.
        found: usize,
    },
}

impl Envelope {
    /// Makes an envelope. Of addresses with one [canonical](AddrSpec::canonical) form only the first is kept, so
    /// nobody gets a message twice.
    ///
    /// # Errors
    ///
    /// If no forward path is given, or more than [`MAX_FORWARD_PATHS`] different ones.
    pub fn new(
        reverse_path: ReversePath,
        mut forward_paths: Vec<AddrSpec>,
    ) -> Result<Self, EnvelopeError> {
        let mut seen = BTreeSet::new();
        forward_paths.retain(|address| seen.insert(address.canonical()));
        match forward_paths.len() {
            0 => Err(EnvelopeError::NoForwardPath),
            1..=MAX_FORWARD_PATHS => Ok(Self {
                reverse_path,
                forward_paths,
            }),
            found => Err(EnvelopeError::TooManyForwardPaths { found }),
        }
    }

    /// The arguments of `RCPT TO`, in the order given. Never empty.
    #[must_use]
    pub fn forward_paths(&self) -> &[AddrSpec] {
        &self.forward_paths
    }

    /// Whether any address needs SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        let reverse = self.reverse_path.address();
        reverse
            .into_iter()
            .chain(&self.forward_paths)
            .any(AddrSpec::needs_smtputf8)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Envelope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "Envelope", deny_unknown_fields)]
        struct Unchecked {
            reverse_path: ReversePath,
            forward_paths: Vec<AddrSpec>,
        }
        let unchecked = Unchecked::deserialize(deserializer)?;
        Self::new(unchecked.reverse_path, unchecked.forward_paths).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec;

    fn address(text: &str) -> AddrSpec {
        AddrSpec::parse(text).unwrap()
    }

    #[test]
    fn one_person_is_one_forward_path() {
        let paths = vec![
            address("Ann@example.com"),
            address("bob@example.com"),
            address("ann@EXAMPLE.com"),
        ];
        let envelope = Envelope::new(ReversePath::Null, paths).unwrap();
        assert_eq!(
            envelope.forward_paths(),
            [address("Ann@example.com"), address("bob@example.com")]
        );
    }

    #[test]
    fn an_envelope_is_for_1_to_1000() {
        let many = |count: usize| -> Vec<AddrSpec> {
            (0..count)
                .map(|index| address(&format!("u{index}@example.com")))
                .collect()
        };
        let result =
            |count| Envelope::new(ReversePath::Null, many(count)).map_err(|e| e.to_string());
        assert_eq!(
            result(0),
            Err("expected at least one forward path, found none".to_string())
        );
        assert!(result(1).is_ok());
        assert!(result(1000).is_ok());
        assert_eq!(
            result(1001),
            Err("expected at most 1000 forward paths, found 1001".to_string())
        );
    }

    #[test]
    fn either_side_can_need_smtputf8() {
        let needs = |from: &str, to: &str| {
            Envelope::new(address(from).into(), vec![address(to)])
                .unwrap()
                .needs_smtputf8()
        };
        assert!(!needs("a@example.com", "b@bücher.example"));
        assert!(needs("ü@example.com", "b@example.com"));
        assert!(needs("a@example.com", "ü@example.com"));
    }
}
