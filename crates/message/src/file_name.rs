//! Names of attached files (RFC 2183 section 2.3).

use core::fmt;

use crate::TextError;
use crate::text::{limit_octets, refuse};

/// Longest file name; no common file system takes more.
pub const MAX_FILE_NAME_OCTETS: usize = 255;

/// The name a file is to be saved under, in any script and without a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileName {
    // Invariant: 1 to 255 octets, no control characters, no `/` or `\`.
    text: String,
}

impl FileName {
    /// Checks a name. Of a path only what follows the last separator is kept, as RFC 2183 tells readers to do.
    ///
    /// # Errors
    ///
    /// If nothing is left, it is too long, or it holds a control character.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        refuse(text, char::is_control)?;
        let text = text.rsplit(['/', '\\']).next().unwrap_or_default().trim();
        limit_octets(text, MAX_FILE_NAME_OCTETS)?;
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

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

envelope::text_form!(FileName, TextError);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let result = FileName::parse(text);
        let result = result
            .as_ref()
            .map(FileName::as_str)
            .map_err(ToString::to_string);
        assert_eq!(result, expected.map_err(ToString::to_string));
    }

    #[test]
    fn a_name_is_the_last_part_of_a_path() {
        check("report.pdf", Ok("report.pdf"));
        check("../../etc/passwd", Ok("passwd"));
        check("C:\\temp\\Bericht für Ä.pdf", Ok("Bericht für Ä.pdf"));
        check("", Err("expected text, found nothing"));
        check("a/", Err("expected text, found nothing"));
        check(
            "a\r\nb",
            Err("expected no character '\\r', found one at offset 1"),
        );
        check(
            "a\0.exe",
            Err("expected no character '\\0', found one at offset 1"),
        );
        check(
            &"a".repeat(256),
            Err("expected at most 255 octets, found 256"),
        );
    }
}
