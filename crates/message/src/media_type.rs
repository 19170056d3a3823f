//! Media types (RFC 2045 section 5.1).

use core::fmt;

use crate::parameter::write_quoted;

/// Longest media type with its parameters.
pub const MAX_MEDIA_TYPE_OCTETS: usize = 255;

/// A type, subtype and parameters, such as `text/csv; charset=utf-8`.
///
/// Type, subtype and parameter names are kept in lower case, parameters in the order given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType {
    // Invariant: `token/token` in lower case.
    essence: String,
    // Invariant: names are tokens in lower case, no two the same; values are printable ASCII, spaces and tabs aside.
    parameters: Vec<(String, String)>,
}

/// Why a text is not a [`MediaType`]. Offsets are in octets from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaTypeError {
    /// Longer than [`MAX_MEDIA_TYPE_OCTETS`].
    #[error("expected a media type of at most {MAX_MEDIA_TYPE_OCTETS} octets, found {found}")]
    TooLong {
        /// The length in octets.
        found: usize,
    },
    /// Something else where a type, subtype or parameter name should be.
    #[error("expected letters, digits or signs at offset {offset}")]
    Token {
        /// Where the token should be.
        offset: usize,
    },
    /// A separator is missing.
    #[error("expected {expected:?} at offset {offset}")]
    Separator {
        /// The separator.
        expected: char,
        /// Where it should be.
        offset: usize,
    },
    /// A quoted value that does not end, or holds a character that is not printable ASCII.
    #[error("expected a quoted value in printable ASCII at offset {offset}")]
    QuotedValue {
        /// Where the value goes wrong.
        offset: usize,
    },
    /// A parameter given twice.
    #[error("expected each parameter once, found one again at offset {offset}")]
    RepeatedParameter {
        /// Where it is given again.
        offset: usize,
    },
}

impl MediaType {
    /// Parses `type/subtype`, with parameters or without.
    ///
    /// # Errors
    ///
    /// Names the first rule broken, and where.
    pub fn parse(text: &str) -> Result<Self, MediaTypeError> {
        if text.len() > MAX_MEDIA_TYPE_OCTETS {
            return Err(MediaTypeError::TooLong { found: text.len() });
        }
        let mut cursor = Cursor { text, offset: 0 };
        cursor.skip_space();
        let mut essence = cursor.token()?;
        cursor.separator('/')?;
        essence.push('/');
        essence.push_str(&cursor.token()?);
        let parameters = cursor.parameters()?;
        Ok(Self {
            essence,
            parameters,
        })
    }

    /// Type and subtype in lower case, without parameters.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The parameters, names in lower case.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a part of this type has parts of its own, and so may not be encoded (RFC 2045 section 6.4).
    #[must_use]
    pub fn is_composite(&self) -> bool {
        self.essence.starts_with("multipart/") || self.essence.starts_with("message/")
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in &self.parameters {
            write!(f, "; {name}=")?;
            match !value.is_empty() && value.chars().all(is_token) {
                true => f.write_str(value)?,
                false => write_quoted(f, value)?,
            }
        }
        Ok(())
    }
}

envelope::text_form!(MediaType, MediaTypeError);

/// A character of `token`: printable ASCII but the `tspecials`.
pub(crate) fn is_token(character: char) -> bool {
    character.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(character)
}

struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn separator(&mut self, expected: char) -> Result<(), MediaTypeError> {
        if !self.rest().starts_with(expected) {
            let offset = self.offset;
            return Err(MediaTypeError::Separator { expected, offset });
        }
        self.offset += expected.len_utf8();
        Ok(())
    }

    fn take_token(&mut self) -> Result<&'a str, MediaTypeError> {
        let rest = self.rest();
        let end = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        let offset = self.offset;
        self.offset += end;
        match rest.get(..end) {
            Some(token) if !token.is_empty() => Ok(token),
            Some(_) | None => Err(MediaTypeError::Token { offset }),
        }
    }

    fn token(&mut self) -> Result<String, MediaTypeError> {
        self.take_token().map(str::to_ascii_lowercase)
    }

    fn parameters(&mut self) -> Result<Vec<(String, String)>, MediaTypeError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            self.skip_space();
            if self.rest().is_empty() {
                return Ok(parameters);
            }
            self.separator(';')?;
            self.skip_space();
            // A semicolon at the end is wrong but common.
            if self.rest().is_empty() {
                return Ok(parameters);
            }
            let offset = self.offset;
            let name = self.token()?;
            self.separator('=')?;
            let value = self.value()?;
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(MediaTypeError::RepeatedParameter { offset });
            }
            parameters.push((name, value));
        }
    }

    fn value(&mut self) -> Result<String, MediaTypeError> {
        match self.rest().starts_with('"') {
            true => self.quoted_value(),
            false => self.take_token().map(String::from),
        }
    }

    fn quoted_value(&mut self) -> Result<String, MediaTypeError> {
        let start = self.offset + 1;
        let mut value = String::new();
        let mut escaped = false;
        let inner = self.text.get(start..).unwrap_or_default();
        for (index, found) in inner.char_indices() {
            let offset = start + index;
            match found {
                '"' if !escaped => {
                    self.offset = offset + 1;
                    return Ok(value);
                }
                '\\' if !escaped => escaped = true,
                ' '..='~' => {
                    value.push(found);
                    escaped = false;
                }
                _ => return Err(MediaTypeError::QuotedValue { offset }),
            }
        }
        let offset = self.text.len();
        Err(MediaTypeError::QuotedValue { offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepts(text: &str, expected: &str) {
        let media_type = MediaType::parse(text).unwrap();
        assert_eq!(media_type.to_string(), expected);
        assert_eq!(MediaType::parse(expected).unwrap(), media_type);
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(MediaType::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn types_are_written_one_way() {
        accepts("application/pdf", "application/pdf");
        accepts(" Text/CSV ;Charset=UTF-8; ", "text/csv; charset=UTF-8");
        accepts(
            "text/x; a=\"b c\"; d=\"\\\"\\\\\"; e=\"\"",
            "text/x; a=\"b c\"; d=\"\\\"\\\\\"; e=\"\"",
        );
        accepts("text/x; a=\"b\"", "text/x; a=b");
        accepts(
            "application/vnd.ms-word.document.macroEnabled.12",
            "application/vnd.ms-word.document.macroenabled.12",
        );
    }

    #[test]
    fn what_is_no_media_type_is_refused_with_its_place() {
        refuses("", "expected letters, digits or signs at offset 0");
        refuses("text", "expected '/' at offset 4");
        refuses("text/", "expected letters, digits or signs at offset 5");
        refuses("text/plain x", "expected ';' at offset 11");
        refuses("text/plain;a", "expected '=' at offset 12");
        refuses(
            "text/plain;a=",
            "expected letters, digits or signs at offset 13",
        );
        refuses("text/plain\r\nBcc: x", "expected ';' at offset 10");
        refuses(
            "text/plain; a=\"\r\n",
            "expected a quoted value in printable ASCII at offset 15",
        );
        refuses(
            "text/plain; a=\"ü\"",
            "expected a quoted value in printable ASCII at offset 15",
        );
        refuses(
            "text/plain; a=\"b",
            "expected a quoted value in printable ASCII at offset 16",
        );
        refuses(
            "text/plain; a=b; A=c",
            "expected each parameter once, found one again at offset 17",
        );
        refuses(
            &"a".repeat(256),
            "expected a media type of at most 255 octets, found 256",
        );
    }
}
