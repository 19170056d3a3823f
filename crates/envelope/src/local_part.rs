//! The part of an address left of the at sign: RFC 5321 section 4.1.2, widened to UTF-8 by RFC 6531 section 3.3.

use alloc::string::{String, ToString};
use core::fmt::{self, Write};

/// Longest local part in octets, written as shortly as it can be (RFC 5321 section 4.5.3.1.1).
pub const MAX_LOCAL_PART_OCTETS: usize = 64;

/// A local part, kept as its content: `"a b"` and `"a\ b"` are equal, and so are `"ab"` and `ab`.
///
/// Case is kept, because only the receiving host may interpret it (RFC 5321 section 2.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPart {
    // Invariant: not empty, no control characters, at most 64 octets as displayed.
    content: String,
}

/// Why a text is not a [`LocalPart`]. Offsets are in octets from the start of the parsed text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalPartError {
    /// There is nothing to parse, or nothing between the quotes.
    #[error("expected a local part, found nothing")]
    Empty,
    /// Longer than [`MAX_LOCAL_PART_OCTETS`].
    #[error("expected a local part of at most {MAX_LOCAL_PART_OCTETS} octets, found {found}")]
    TooLong {
        /// The length in octets.
        found: usize,
    },
    /// A character that is not allowed where it stands.
    #[error("expected a character of a local part, found {found:?} at offset {offset}")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        offset: usize,
    },
    /// A dot at the start or the end, or two in a row, outside quotes.
    #[error("expected a character of a local part, found a misplaced dot at offset {offset}")]
    Dot {
        /// Where the dot is.
        offset: usize,
    },
    /// The closing quote is missing.
    #[error("expected a closing quote, found the end at offset {offset}")]
    UnterminatedQuote {
        /// Where the text ends.
        offset: usize,
    },
}

impl LocalPart {
    /// Parses a dot-string or a quoted string.
    ///
    /// # Errors
    ///
    /// Names the first rule broken, and where.
    pub fn parse(text: &str) -> Result<Self, LocalPartError> {
        let content = match text.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => check_dot_string(text)?.to_string(),
        };
        let found = written_octets(&content);
        match found {
            0 => Err(LocalPartError::Empty),
            1..=MAX_LOCAL_PART_OCTETS => Ok(Self { content }),
            _ => Err(LocalPartError::TooLong { found }),
        }
    }

    /// The content, without quotes and quoted pairs. Use `Display` for the form that goes on the wire.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The length of the form that goes on the wire.
    pub(crate) fn written_octets(&self) -> usize {
        written_octets(&self.content)
    }

    /// Whether the local part can be used without SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.content.is_ascii()
    }
}

/// Writes the shortest form: a dot-string where possible, else a quoted string.
impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.content) {
            return f.write_str(&self.content);
        }
        f.write_char('"')?;
        for character in self.content.chars() {
            if needs_backslash(character) {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        f.write_char('"')
    }
}

text_form!(LocalPart, LocalPartError);

/// `atext` of RFC 5322 section 3.2.3, with the UTF-8 of RFC 6531 but without the control characters of Latin-1.
fn is_atext(character: char) -> bool {
    match character {
        '\0'..='\x7F' => {
            character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
        }
        _ => !character.is_control(),
    }
}

fn is_dot_string(content: &str) -> bool {
    check_dot_string(content).is_ok()
}

fn check_dot_string(text: &str) -> Result<&str, LocalPartError> {
    let mut after_dot = true;
    for (offset, found) in text.char_indices() {
        let is_dot = found == '.';
        if is_dot && (after_dot || offset + 1 == text.len()) {
            return Err(LocalPartError::Dot { offset });
        }
        if !is_dot && !is_atext(found) {
            return Err(LocalPartError::Character { found, offset });
        }
        after_dot = is_dot;
    }
    Ok(text)
}

fn needs_backslash(character: char) -> bool {
    matches!(character, '"' | '\\')
}

/// Reads a quoted string whose opening quote is gone, up to a closing quote that must end the text.
fn unquote(quoted: &str) -> Result<String, LocalPartError> {
    let mut content = String::with_capacity(quoted.len());
    let mut escaped = false;
    for (index, found) in quoted.char_indices() {
        let offset = index + 1;
        // A quoted pair may hold printable ASCII only.
        if found.is_control() || (escaped && !found.is_ascii()) {
            return Err(LocalPartError::Character { found, offset });
        }
        match found {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return at_end(quoted, index, content),
            _ => {
                content.push(found);
                escaped = false;
            }
        }
    }
    Err(LocalPartError::UnterminatedQuote {
        offset: quoted.len() + 1,
    })
}

fn at_end(quoted: &str, quote: usize, content: String) -> Result<String, LocalPartError> {
    let rest = quoted.get(quote + 1..).unwrap_or_default();
    match rest.chars().next() {
        None => Ok(content),
        Some(found) => Err(LocalPartError::Character {
            found,
            offset: quote + 2,
        }),
    }
}

/// The length of the displayed form.
fn written_octets(content: &str) -> usize {
    if is_dot_string(content) {
        return content.len();
    }
    let backslashes = content.chars().filter(|c| needs_backslash(*c)).count();
    content.len() + backslashes + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[track_caller]
    fn accepts(text: &str, content: &str, display: &str) {
        let local_part = LocalPart::parse(text).unwrap();
        assert_eq!(local_part.content(), content);
        assert_eq!(local_part.to_string(), display);
        assert_eq!(LocalPart::parse(display).unwrap(), local_part);
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(LocalPart::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn dot_strings_stay_as_they_are() {
        accepts("a", "a", "a");
        accepts("John.Smith+tag", "John.Smith+tag", "John.Smith+tag");
        accepts(
            "!#$%&'*+-/=?^_`{|}~",
            "!#$%&'*+-/=?^_`{|}~",
            "!#$%&'*+-/=?^_`{|}~",
        );
        accepts("用户", "用户", "用户");
        assert!(!LocalPart::parse("用户").unwrap().is_ascii());
    }

    #[test]
    fn quotes_are_written_only_where_needed() {
        accepts("\"ab\"", "ab", "ab");
        accepts("\"a b\"", "a b", "\"a b\"");
        accepts("\"a\\ b\"", "a b", "\"a b\"");
        accepts("\"a@b\"", "a@b", "\"a@b\"");
        accepts("\"\\\"\\\\\"", "\"\\", "\"\\\"\\\\\"");
        accepts("\".a\"", ".a", "\".a\"");
    }

    #[test]
    fn what_is_no_local_part_is_refused_with_its_place() {
        refuses("", "expected a local part, found nothing");
        refuses("\"\"", "expected a local part, found nothing");
        refuses(
            ".a",
            "expected a character of a local part, found a misplaced dot at offset 0",
        );
        refuses(
            "a..b",
            "expected a character of a local part, found a misplaced dot at offset 2",
        );
        refuses(
            "a.",
            "expected a character of a local part, found a misplaced dot at offset 1",
        );
        refuses(
            "a b",
            "expected a character of a local part, found ' ' at offset 1",
        );
        refuses(
            "\"a\r\nb\"",
            "expected a character of a local part, found '\\r' at offset 2",
        );
        refuses(
            "\"a\\\0\"",
            "expected a character of a local part, found '\\0' at offset 3",
        );
        refuses(
            "a\u{85}",
            "expected a character of a local part, found '\\u{85}' at offset 1",
        );
        refuses(
            "\"ab",
            "expected a closing quote, found the end at offset 3",
        );
        refuses(
            "\"a\"b",
            "expected a character of a local part, found 'b' at offset 3",
        );
    }

    #[test]
    fn the_limit_counts_octets_as_written() {
        let longest = "a".repeat(64);
        accepts(&longest, &longest, &longest);
        refuses(
            &format!("{longest}a"),
            "expected a local part of at most 64 octets, found 65",
        );
        refuses(
            &"ü".repeat(33),
            "expected a local part of at most 64 octets, found 66",
        );
        refuses(
            &format!("\"{} b\"", "a".repeat(61)),
            "expected a local part of at most 64 octets, found 65",
        );
    }
}
