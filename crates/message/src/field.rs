//! Header fields that callers may add: names, bodies, and the subject (RFC 5322 sections 2.2 and 3.6).

use core::fmt;

use crate::TextError;
use crate::text::{limit_chars, limit_octets, refuse};

/// Longest field name: with its colon it leaves room on a line of 78.
pub const MAX_FIELD_NAME_OCTETS: usize = 76;

/// Longest field body, unfolded.
pub const MAX_FIELD_BODY_OCTETS: usize = 8192;

/// Longest run of ASCII without white space in a field body, so that a line of 998 holds it beside any name.
pub const MAX_FIELD_WORD_OCTETS: usize = 900;

/// Longest subject.
pub const MAX_SUBJECT_CHARS: usize = 998;

/// Fields that the service alone writes, in lower case: those that say who sent what to whom and when, those that
/// transports add and trust, and those that must agree with the body.
///
/// Everything else is the caller's: `List-*`, `In-Reply-To`, `References`, `Importance`, `Auto-Submitted`,
/// `Feedback-ID`, `X-*` and whatever is invented next.
pub const OWNED_FIELDS: [&str; 20] = [
    "apparently-to",
    "authentication-results",
    "bcc",
    "cc",
    "date",
    // Postfix takes a message that already names its recipient here for a loop.
    "delivered-to",
    "dkim-signature",
    "domainkey-signature",
    "envelope-to",
    "from",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "x-original-to",
];

/// Families of fields that the service alone writes, in lower case: seals of forwarders (RFC 8617), the body's own
/// description (RFC 2045 section 9), and resent blocks (RFC 5322 section 3.6.6).
pub const OWNED_PREFIXES: [&str; 3] = ["arc-", "content-", "resent-"];

/// A field name: printable ASCII without the colon. Names that differ in case only are equal.
#[derive(Clone, Debug)]
pub struct FieldName {
    // Invariant: 1 to 76 octets of ftext (RFC 5322 section 2.2).
    name: String,
}

/// Why a text is not a [`FieldName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldNameError {
    /// There is nothing to parse.
    #[error("expected a field name, found nothing")]
    Empty,
    /// Longer than [`MAX_FIELD_NAME_OCTETS`].
    #[error("expected a field name of at most {MAX_FIELD_NAME_OCTETS} octets, found {found}")]
    TooLong {
        /// The length in octets.
        found: usize,
    },
    /// White space, a colon, a control character or something outside ASCII.
    #[error(
        "expected a printable ASCII character other than a colon, found {found:?} at offset {offset}"
    )]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        offset: usize,
    },
}

/// Text of any script for a field without a type of its own.
///
/// White space around it is not part of it. Words outside ASCII are rendered as encoded words, all others as they
/// are, so structured bodies in ASCII (`List-Unsubscribe: <https://example.com/u>`) stay what they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldBody {
    // Invariant: no control characters but HTAB, at most 8192 octets, no ASCII word over 900.
    text: String,
}

/// A header field of the caller's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HeaderField {
    /// Its name. [`render`](crate::render) refuses names that [are ours](FieldName::is_owned_by_us).
    pub name: FieldName,
    /// What it says.
    pub body: FieldBody,
}

/// The subject of a message, in any script. It may be empty, and every space in it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    // Invariant: no control characters, at most 998 characters.
    text: String,
}

impl FieldName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// Names the first rule broken, and where.
    pub fn parse(text: &str) -> Result<Self, FieldNameError> {
        if text.is_empty() {
            return Err(FieldNameError::Empty);
        }
        if text.len() > MAX_FIELD_NAME_OCTETS {
            return Err(FieldNameError::TooLong { found: text.len() });
        }
        let is_ftext = |found: char| found.is_ascii_graphic() && found != ':';
        match text.char_indices().find(|(_, found)| !is_ftext(*found)) {
            Some((offset, found)) => Err(FieldNameError::Character { found, offset }),
            None => Ok(Self { name: text.into() }),
        }
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether only the service may write this field: [`OWNED_FIELDS`] and [`OWNED_PREFIXES`].
    #[must_use]
    pub fn is_owned_by_us(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        OWNED_FIELDS.contains(&name.as_str())
            || OWNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for FieldName {}

impl core::hash::Hash for FieldName {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.name.to_ascii_lowercase().hash(state);
    }
}

impl FieldBody {
    /// Checks a body. White space around it is dropped.
    ///
    /// # Errors
    ///
    /// Names the first rule broken, and where.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        limit_octets(text, MAX_FIELD_BODY_OCTETS)?;
        refuse(text, |found| found.is_control() && found != '\t')?;
        limit_words(text)?;
        Ok(Self {
            text: text.trim_matches([' ', '\t']).into(),
        })
    }

    /// The text, unfolded and unencoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Subject {
    /// Checks a subject.
    ///
    /// # Errors
    ///
    /// If it holds a control character or is too long.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        limit_chars(text, MAX_SUBJECT_CHARS)?;
        refuse(text, char::is_control)?;
        Ok(Self { text: text.into() })
    }

    /// The text, unfolded and unencoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for FieldBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

envelope::text_form!(FieldName, FieldNameError);
envelope::text_form!(FieldBody, TextError);
envelope::text_form!(Subject, TextError);

fn limit_words(text: &str) -> Result<(), TextError> {
    let limit = MAX_FIELD_WORD_OCTETS;
    let mut offset = 0;
    for word in text.split([' ', '\t']) {
        let found = word.len();
        if found > limit && word.is_ascii() {
            return Err(TextError::WordTooLong {
                limit,
                found,
                offset,
            });
        }
        offset += found + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn name(text: &str, expected: Result<bool, &str>) {
        let result = FieldName::parse(text)
            .map(|name| name.is_owned_by_us())
            .map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(ToString::to_string));
    }

    #[test]
    fn fields_that_state_facts_are_ours() {
        for ours in [
            "From",
            "BCC",
            "message-id",
            "Content-Type",
            "ARC-Seal",
            "Resent-To",
        ] {
            name(ours, Ok(true));
        }
        for theirs in [
            "List-Unsubscribe",
            "In-Reply-To",
            "References",
            "X-To",
            "Importance",
        ] {
            name(theirs, Ok(false));
        }
    }

    #[test]
    fn names_are_printable_ascii_without_a_colon() {
        name("", Err("expected a field name, found nothing"));
        name(
            "X Y",
            Err("expected a printable ASCII character other than a colon, found ' ' at offset 1"),
        );
        name(
            "X:",
            Err("expected a printable ASCII character other than a colon, found ':' at offset 1"),
        );
        name(
            "X\r\nBcc",
            Err("expected a printable ASCII character other than a colon, found '\\r' at offset 1"),
        );
        name(
            "Ü",
            Err("expected a printable ASCII character other than a colon, found 'Ü' at offset 0"),
        );
        name(&"X".repeat(76), Ok(false));
        name(
            &"X".repeat(77),
            Err("expected a field name of at most 76 octets, found 77"),
        );
    }

    #[test]
    fn names_are_equal_whatever_their_case() {
        assert_eq!(FieldName::parse("X-Id"), FieldName::parse("x-ID"));
    }

    #[track_caller]
    fn body(text: &str, expected: Result<&str, &str>) {
        let result = FieldBody::parse(text);
        let result = result
            .as_ref()
            .map(FieldBody::as_str)
            .map_err(ToString::to_string);
        assert_eq!(result, expected.map_err(ToString::to_string));
    }

    #[test]
    fn bodies_hold_no_line_breaks() {
        body("", Ok(""));
        body(" a\tb ", Ok("a\tb"));
        body("日本", Ok("日本"));
        body(
            "a\r\nBcc: b@example.com",
            Err("expected no character '\\r', found one at offset 1"),
        );
        body(
            "a\n b",
            Err("expected no character '\\n', found one at offset 1"),
        );
        body(
            "a\0",
            Err("expected no character '\\0', found one at offset 1"),
        );
        body(
            "a\u{85}",
            Err("expected no character '\\u{85}', found one at offset 1"),
        );
    }

    #[test]
    fn bodies_fit_on_lines() {
        body(
            &format!("a {}", "b".repeat(901)),
            Err("expected words of at most 900 octets, found 901 at offset 2"),
        );
        let long = "a ".repeat(4097);
        body(&long, Err("expected at most 8192 octets, found 8194"));
    }

    #[test]
    fn subjects_keep_their_spaces() {
        assert_eq!(Subject::parse("").unwrap().as_str(), "");
        assert_eq!(Subject::parse(" a  b ").unwrap().as_str(), " a  b ");
        assert!(Subject::parse(&"ü".repeat(998)).is_ok());
        assert_eq!(
            Subject::parse(&"ü".repeat(999)).unwrap_err().to_string(),
            "expected at most 998 characters, found 999"
        );
        assert_eq!(
            Subject::parse("a\nb").unwrap_err().to_string(),
            "expected no character '\\n', found one at offset 1"
        );
    }
}
