//! The rules that all checked text shares.

/// Why a text cannot be what it was meant to be. Offsets are in octets from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("expected text, found nothing")]
    Empty,
    /// Too many characters.
    #[error("expected at most {limit} characters, found {found}")]
    TooManyChars {
        /// The maximum.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// Too many octets.
    #[error("expected at most {limit} octets, found {found}")]
    TooManyOctets {
        /// The maximum.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// A character that is not allowed, such as CR, LF or NUL.
    #[error("expected no character {found:?}, found one at offset {offset}")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        offset: usize,
    },
    /// A run of ASCII without white space that no header line could hold.
    #[error("expected words of at most {limit} octets, found {found} at offset {offset}")]
    WordTooLong {
        /// The maximum.
        limit: usize,
        /// The length of the word.
        found: usize,
        /// Where the word starts.
        offset: usize,
    },
}

pub(crate) fn limit_chars(text: &str, limit: usize) -> Result<(), TextError> {
    // No text of so few octets has more characters, which spares counting in the usual case.
    if text.len() <= limit {
        return Ok(());
    }
    match text.chars().count() {
        found if found > limit => Err(TextError::TooManyChars { limit, found }),
        _ => Ok(()),
    }
}

pub(crate) fn limit_octets(text: &str, limit: usize) -> Result<(), TextError> {
    match text.len() {
        found if found > limit => Err(TextError::TooManyOctets { limit, found }),
        _ => Ok(()),
    }
}

pub(crate) fn refuse(text: &str, is_refused: impl Fn(char) -> bool) -> Result<(), TextError> {
    match text.char_indices().find(|(_, found)| is_refused(*found)) {
        Some((offset, found)) => Err(TextError::Character { found, offset }),
        None => Ok(()),
    }
}
