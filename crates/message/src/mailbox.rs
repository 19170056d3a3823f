//! Mailboxes: an address with the name of whoever reads it (RFC 5322 section 3.4).

use core::fmt;

use envelope::AddrSpec;

use crate::TextError;
use crate::text::{limit_chars, refuse};

/// Longest display name.
pub const MAX_DISPLAY_NAME_CHARS: usize = 320;

/// The name shown beside an address, in any script. White space around it is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DisplayName {
    // Invariant: 1 to 320 characters, none a control character, no white space around.
    text: String,
}

/// An address, with a display name or without.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mailbox {
    /// The name shown beside the address.
    pub display_name: Option<DisplayName>,
    /// The address.
    pub addr_spec: AddrSpec,
}

impl DisplayName {
    /// Checks a name. White space around it is dropped.
    ///
    /// # Errors
    ///
    /// If nothing is left, it is too long, or it holds a control character.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        refuse(text, char::is_control)?;
        let text = text.trim();
        limit_chars(text, MAX_DISPLAY_NAME_CHARS)?;
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        Ok(Self { text: text.into() })
    }

    /// The name, unquoted and unencoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl From<AddrSpec> for Mailbox {
    fn from(addr_spec: AddrSpec) -> Self {
        Self {
            display_name: None,
            addr_spec,
        }
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

envelope::text_form!(DisplayName, TextError);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let result = DisplayName::parse(text);
        let result = result
            .as_ref()
            .map(DisplayName::as_str)
            .map_err(ToString::to_string);
        assert_eq!(result, expected.map_err(ToString::to_string));
    }

    #[test]
    fn names_are_text_without_control_characters() {
        check(" Ann Lee ", Ok("Ann Lee"));
        check("李 \"Ann\" <x>", Ok("李 \"Ann\" <x>"));
        check("  ", Err("expected text, found nothing"));
        check(
            "Ann\r\nBcc: x",
            Err("expected no character '\\r', found one at offset 3"),
        );
        check(
            "Ann\n",
            Err("expected no character '\\n', found one at offset 3"),
        );
        check(
            &"é".repeat(321),
            Err("expected at most 320 characters, found 321"),
        );
    }
}
