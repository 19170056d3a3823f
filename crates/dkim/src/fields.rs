//! Which header fields a signature covers: RFC 6376 sections 5.4 and 8.15.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

const MAX_FIELD_NAME: usize = 127;

/// The name of a header field, compared without regard to case.
#[derive(Clone, Debug)]
// Invariant: printable ASCII without colon and semicolon, 1 to 127 octets.
pub struct FieldName(String);

/// Why a text is not a field name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldNameError {
    /// The name has no octets or too many.
    #[error("expected a field name of 1 to 127 octets, found {found}")]
    Length {
        /// Octets of the name.
        found: usize,
    },
    /// A character that a field name (or the `h=` tag) cannot hold.
    #[error("expected printable ASCII other than `:` and `;` at offset {at}, found {found:?}")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        at: usize,
    },
}

/// Which header fields to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedFields {
    /// The fields that matter to a reader, over-signed where there must be only one.
    Recommended,
    /// Exactly these names in this order, for reproducing a given `h=`. Must hold From.
    Exactly(Vec<FieldName>),
}

impl FieldName {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for FieldName {}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FieldName {
    type Err = FieldNameError;

    fn from_str(text: &str) -> Result<Self, FieldNameError> {
        if text.is_empty() || text.len() > MAX_FIELD_NAME {
            return Err(FieldNameError::Length { found: text.len() });
        }
        let odd = |(_, c): &(usize, char)| !c.is_ascii_graphic() || matches!(c, ':' | ';');
        match text.char_indices().find(odd) {
            Some((at, found)) => Err(FieldNameError::Character { found, at }),
            None => Ok(Self(text.into())),
        }
    }
}
