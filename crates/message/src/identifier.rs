//! Identifiers of messages (RFC 5322 section 3.6.4) and of body parts (RFC 2392).

use core::fmt;

use envelope::Domain;

use crate::TextError;
use crate::text::{limit_octets, refuse};

/// Longest identifier, without its angle brackets.
pub const MAX_IDENTIFIER_OCTETS: usize = 250;

/// The identifier of a message: `<left@right>`, both sides dot-atoms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    // Invariant: `<`, two dot-atoms of ASCII with an at sign between, `>`.
    text: String,
}

/// Why a text is not a [`MessageId`]. Offsets are in octets from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageIdError {
    /// The text is not in angle brackets.
    #[error("expected an identifier in angle brackets, found none")]
    MissingBrackets,
    /// No at sign between the brackets.
    #[error("expected an at sign, found none")]
    MissingAt,
    /// Longer than [`MAX_IDENTIFIER_OCTETS`].
    #[error("expected an identifier of at most {MAX_IDENTIFIER_OCTETS} octets, found {found}")]
    TooLong {
        /// The length in octets.
        found: usize,
    },
    /// One side is not a dot-atom.
    #[error("expected letters, digits or signs with single dots between them at offset {offset}")]
    Side {
        /// Where the side starts.
        offset: usize,
    },
}

/// The identifier of a body part, without brackets: what follows `cid:` in an HTML body.
///
/// RFC 2392 wants an at sign in it, but what mail readers do is compare text, and callers write `logo`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId {
    // Invariant: 1 to 250 octets of printable ASCII, none of which ends the identifier in a header field.
    text: String,
}

impl MessageId {
    /// Makes `<left@domain>`.
    ///
    /// # Errors
    ///
    /// If `left` is not a dot-atom, or the whole is too long.
    pub fn new(left: &str, domain: &Domain) -> Result<Self, MessageIdError> {
        Self::parse(&format!("<{left}@{domain}>"))
    }

    /// Parses `<left@right>`.
    ///
    /// # Errors
    ///
    /// Names the first rule broken.
    pub fn parse(text: &str) -> Result<Self, MessageIdError> {
        let inner = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .ok_or(MessageIdError::MissingBrackets)?;
        if inner.len() > MAX_IDENTIFIER_OCTETS {
            return Err(MessageIdError::TooLong { found: inner.len() });
        }
        let (left, right) = inner.split_once('@').ok_or(MessageIdError::MissingAt)?;
        check_side(left, 1)?;
        check_side(right, left.len() + 2)?;
        Ok(Self { text: text.into() })
    }

    /// The identifier with its brackets, as it stands in the field.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identifier without its brackets.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text.trim_matches(['<', '>'])
    }
}

impl ContentId {
    /// Parses an identifier, in angle brackets or not.
    ///
    /// # Errors
    ///
    /// If it is empty, too long, or holds white space, control characters, brackets, quotes or anything outside
    /// ASCII.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let bracketed = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'));
        let text = bracketed.unwrap_or(text);
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        limit_octets(text, MAX_IDENTIFIER_OCTETS)?;
        refuse(text, |found| {
            !found.is_ascii_graphic() || "<>()\"\\".contains(found)
        })?;
        Ok(Self { text: text.into() })
    }

    /// The identifier without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

envelope::text_form!(MessageId, MessageIdError);
envelope::text_form!(ContentId, TextError);

/// `atext` of RFC 5322 section 3.2.3.
pub(crate) fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
}

fn check_side(side: &str, offset: usize) -> Result<(), MessageIdError> {
    let is_dot_atom = side
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext));
    match is_dot_atom {
        true => Ok(()),
        false => Err(MessageIdError::Side { offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn message_id(text: &str, expected: Result<&str, &str>) {
        let result = MessageId::parse(text);
        let result = result
            .as_ref()
            .map(MessageId::id)
            .map_err(ToString::to_string);
        assert_eq!(result, expected.map_err(ToString::to_string));
    }

    #[test]
    fn message_ids_are_two_dot_atoms_in_brackets() {
        message_id("<a.b@example.com>", Ok("a.b@example.com"));
        message_id("<a+b=c@d>", Ok("a+b=c@d"));
        let brackets = "expected an identifier in angle brackets, found none";
        message_id("", Err(brackets));
        message_id("a@b", Err(brackets));
        message_id("<a@b>\r\n", Err(brackets));
        message_id("<a>", Err("expected an at sign, found none"));
        let side = "expected letters, digits or signs with single dots between them";
        message_id("<@b>", Err(&format!("{side} at offset 1")));
        message_id("<a@>", Err(&format!("{side} at offset 3")));
        message_id("<a b@c>", Err(&format!("{side} at offset 1")));
        message_id("<a..b@c>", Err(&format!("{side} at offset 1")));
        message_id("<a@b@c>", Err(&format!("{side} at offset 3")));
        message_id("<ü@c>", Err(&format!("{side} at offset 1")));
        message_id(
            &format!("<{}@b>", "a".repeat(249)),
            Err("expected an identifier of at most 250 octets, found 251"),
        );
    }

    #[test]
    fn a_message_id_is_made_of_a_left_side_and_a_domain() {
        let domain = Domain::parse("bücher.example").unwrap();
        assert_eq!(
            MessageId::new("1.a", &domain).unwrap().as_str(),
            "<1.a@xn--bcher-kva.example>"
        );
        assert!(MessageId::new("a>", &domain).is_err());
    }

    #[track_caller]
    fn content_id(text: &str, expected: Result<&str, &str>) {
        let result = ContentId::parse(text);
        let result = result
            .as_ref()
            .map(ContentId::as_str)
            .map_err(ToString::to_string);
        assert_eq!(result, expected.map_err(ToString::to_string));
    }

    #[test]
    fn content_ids_are_printable_ascii_with_or_without_brackets() {
        content_id("logo", Ok("logo"));
        content_id("<logo@example.com>", Ok("logo@example.com"));
        content_id("<>", Err("expected text, found nothing"));
        content_id(
            "a b",
            Err("expected no character ' ', found one at offset 1"),
        );
        content_id(
            "a>b",
            Err("expected no character '>', found one at offset 1"),
        );
        content_id(
            "a\r\nb",
            Err("expected no character '\\r', found one at offset 1"),
        );
        content_id("ü", Err("expected no character 'ü', found one at offset 0"));
        content_id(
            &"a".repeat(251),
            Err("expected at most 250 octets, found 251"),
        );
    }
}
