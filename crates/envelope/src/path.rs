//! Reverse paths: the argument of `MAIL FROM` (RFC 5321 section 4.1.1.2).

use core::fmt;

use crate::{AddrSpec, AddrSpecError};

/// Where reports about a message go; null for messages that must never be reported about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReversePath {
    /// `<>`: notifications carry it so that they are never answered (RFC 5321 section 4.5.5).
    Null,
    /// Reports go to this address.
    Address(AddrSpec),
}

/// Why a text is not a [`ReversePath`]. Offsets are in octets from after the opening bracket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReversePathError {
    /// The text is not in angle brackets.
    #[error("expected a path in angle brackets, found none")]
    MissingBrackets,
    /// What the brackets hold is not an address.
    #[error(transparent)]
    Address(#[from] AddrSpecError),
}

impl ReversePath {
    /// Parses `<>` or `<local-part@domain>`.
    ///
    /// # Errors
    ///
    /// Says what is missing, or what is wrong with the address.
    pub fn parse(text: &str) -> Result<Self, ReversePathError> {
        let inner = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .ok_or(ReversePathError::MissingBrackets)?;
        if inner.is_empty() {
            return Ok(Self::Null);
        }
        Ok(Self::Address(AddrSpec::parse(inner)?))
    }

    /// The address, unless the path is null.
    #[must_use]
    pub fn address(&self) -> Option<&AddrSpec> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

text_form!(ReversePath, ReversePathError);

impl From<AddrSpec> for ReversePath {
    fn from(address: AddrSpec) -> Self {
        Self::Address(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let result = ReversePath::parse(text)
            .map(|path| path.to_string())
            .map_err(|error| error.to_string());
        let expected = expected.map(str::to_string).map_err(str::to_string);
        assert_eq!(result, expected);
    }

    #[test]
    fn paths_are_in_angle_brackets() {
        check("<>", Ok("<>"));
        check("<Ann@Example.com>", Ok("<Ann@example.com>"));
        check("<\"a>b\"@example.com>", Ok("<\"a>b\"@example.com>"));
        let missing = Err("expected a path in angle brackets, found none");
        check("", missing);
        check("<", missing);
        check("ann@example.com", missing);
        check("<ann@example.com> SIZE=1", missing);
        check(
            "<ann>",
            Err("expected an at sign, found the end at offset 3"),
        );
        check("< >", Err("expected an at sign, found the end at offset 1"));
    }
}
