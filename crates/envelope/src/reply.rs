//! SMTP replies (RFC 5321 section 4.2), with the enhanced status code of RFC 2034 where there is one.

use alloc::string::String;
use core::fmt;

use crate::{EnhancedStatusCode, StatusClass};

/// Most characters kept of a reply's text; the rest is cut off.
pub const MAX_REPLY_TEXT_CHARS: usize = 1024;

/// A three-digit reply code from 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u16", into = "u16")
)]
pub struct ReplyCode(u16);

/// A number that is no [`ReplyCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a reply code from 200 to 599, found {found}")]
pub struct ReplyCodeError {
    /// The number.
    pub found: u16,
}

/// What a mail server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Reply {
    /// What the answer means.
    pub code: ReplyCode,
    /// Why, if the server says so.
    pub enhanced: Option<EnhancedStatusCode>,
    text: ReplyText,
}

/// Why a text is not a [`Reply`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line does not start with three digits and a space or hyphen.
    #[error("expected a three-digit reply code at offset {offset}")]
    MissingCode {
        /// Where the line starts.
        offset: usize,
    },
    /// The digits are not a reply code.
    #[error(transparent)]
    Code(#[from] ReplyCodeError),
    /// The lines of one reply have different codes.
    #[error("expected reply code {expected}, found another at offset {offset}")]
    MixedCodes {
        /// The code of the first line.
        expected: ReplyCode,
        /// Where the line starts.
        offset: usize,
    },
}

impl ReplyCode {
    /// Checks a number.
    ///
    /// # Errors
    ///
    /// If it is not from 200 to 599.
    pub const fn new(code: u16) -> Result<Self, ReplyCodeError> {
        match code {
            200..=599 => Ok(Self(code)),
            found => Err(ReplyCodeError { found }),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether the command was accepted (2yz) or is to be continued (3yz).
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 < 400
    }

    /// Whether the same command may succeed later (4yz).
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self.0, 400..=499)
    }

    /// Whether the same command will never succeed (5yz).
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        self.0 >= 500
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl TryFrom<u16> for ReplyCode {
    type Error = ReplyCodeError;

    fn try_from(code: u16) -> Result<Self, Self::Error> {
        Self::new(code)
    }
}

impl From<ReplyCode> for u16 {
    fn from(code: ReplyCode) -> Self {
        code.0
    }
}

impl Reply {
    /// Makes a reply. Control characters of the text become spaces, and what is over
    /// [`MAX_REPLY_TEXT_CHARS`] is cut off: the text comes from strangers and ends in logs and pages.
    #[must_use]
    pub fn new(code: ReplyCode, enhanced: Option<EnhancedStatusCode>, text: &str) -> Self {
        Self {
            code,
            enhanced,
            text: ReplyText::new(text),
        }
    }

    /// Parses a reply as a server wrote it: `550 5.1.1 no such user`, also of several lines, which are joined.
    ///
    /// # Errors
    ///
    /// If a line has no reply code, or not the first line's.
    pub fn parse(text: &str) -> Result<Self, ReplyError> {
        let mut lines = reply_lines(text);
        let (code, first) = split_line(lines.next().unwrap_or_default())?;
        let (enhanced, first) = split_enhanced(first);
        let mut joined = String::from(first);
        for (offset, line) in lines {
            let (found, line) = split_line((offset, line))?;
            if found != code {
                return Err(ReplyError::MixedCodes {
                    expected: code,
                    offset,
                });
            }
            let (repeated, rest) = split_enhanced(line);
            joined.push(' ');
            joined.push_str(if repeated == enhanced { rest } else { line });
            if joined.len() > 4 * MAX_REPLY_TEXT_CHARS {
                break;
            }
        }
        Ok(Self::new(code, enhanced, &joined))
    }

    /// What the server says to people, without control characters.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text.0
    }

    /// The class that the enhanced code states, or else the reply code implies.
    ///
    /// They can disagree. The reply code decides what a client does (RFC 5321 section 4.2.1), so this is for
    /// reports only.
    #[must_use]
    pub fn reported_class(&self) -> StatusClass {
        match self.enhanced {
            Some(enhanced) => enhanced.class(),
            None if self.code.is_positive() => StatusClass::Success,
            None if self.code.is_transient() => StatusClass::Transient,
            None => StatusClass::Permanent,
        }
    }
}

/// Writes one line: code, enhanced code, text.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        if self.text().is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.text())
    }
}

/// The text of a reply. Invariant: at most 1024 characters, none a control character, no white space around.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "String", into = "String")
)]
struct ReplyText(String);

impl ReplyText {
    fn new(text: &str) -> Self {
        let is_plain = |octet: u8| octet == b' ' || octet.is_ascii_graphic();
        // As nearly all are: octets are characters then, and none of them is to be replaced.
        if text.len() <= MAX_REPLY_TEXT_CHARS && text.bytes().all(is_plain) {
            return Self(String::from(text.trim()));
        }
        let blank = |character: char| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        };
        let cut: String = text
            .chars()
            .map(blank)
            .skip_while(|character| character.is_whitespace())
            .take(MAX_REPLY_TEXT_CHARS)
            .collect();
        Self(String::from(cut.trim_end()))
    }
}

#[cfg(feature = "serde")]
impl From<String> for ReplyText {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

#[cfg(feature = "serde")]
impl From<ReplyText> for String {
    fn from(text: ReplyText) -> Self {
        text.0
    }
}

/// Lines without their ends, each with its offset.
fn reply_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (start, line.trim_end_matches(['\r', '\n']))
    })
}

fn split_line((offset, line): (usize, &str)) -> Result<(ReplyCode, &str), ReplyError> {
    let missing = ReplyError::MissingCode { offset };
    let Some((digits, rest)) = line.split_at_checked(3) else {
        return Err(missing);
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(missing);
    }
    let text = match rest.strip_prefix([' ', '-']) {
        Some(text) => text,
        None if rest.is_empty() => rest,
        None => return Err(missing),
    };
    let code = digits.parse::<u16>().map_err(|_| missing)?;
    Ok((ReplyCode::new(code)?, text))
}

/// Takes an enhanced code off the front of a line, if there is one.
fn split_enhanced(line: &str) -> (Option<EnhancedStatusCode>, &str) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match EnhancedStatusCode::parse(word) {
        Ok(code) => (Some(code), rest),
        Err(_) => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn check(text: &str, code: u16, enhanced: Option<&str>, expected: &str) {
        let reply = Reply::parse(text).unwrap();
        assert_eq!(reply.code.get(), code);
        assert_eq!(
            reply.enhanced.map(|code| code.to_string()).as_deref(),
            enhanced
        );
        assert_eq!(reply.text(), expected);
        assert_eq!(Reply::parse(&reply.to_string()).unwrap(), reply);
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(Reply::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn one_line_holds_code_status_and_text() {
        check("550 5.1.1 no such user", 550, Some("5.1.1"), "no such user");
        check("250 ok", 250, None, "ok");
        check("250", 250, None, "");
        check("250 ", 250, None, "");
        check("451 4.7.1", 451, Some("4.7.1"), "");
        check("554 5.1 is not a status", 554, None, "5.1 is not a status");
    }

    #[test]
    fn lines_are_joined_and_their_status_is_kept_once() {
        check(
            "550-5.1.1 no such user\r\n550 5.1.1 ask someone\r\n",
            550,
            Some("5.1.1"),
            "no such user ask someone",
        );
        check(
            "550-first\n550 5.1.1 second",
            550,
            None,
            "first 5.1.1 second",
        );
    }

    #[test]
    fn text_is_bounded_and_has_no_control_characters() {
        let code = ReplyCode::new(550).unwrap();
        assert_eq!(Reply::new(code, None, "  a  b ").text(), "a  b");
        assert_eq!(Reply::new(code, None, " \u{a0}a  b\u{a0} ").text(), "a  b");
        assert_eq!(
            Reply::new(code, None, "a\r\nb\0c\u{9b}d").text(),
            "a  b c d"
        );
        let long = Reply::new(code, None, &"ü".repeat(5000));
        assert_eq!(long.text().chars().count(), MAX_REPLY_TEXT_CHARS);
    }

    #[test]
    fn what_is_no_reply_is_refused_with_its_place() {
        refuses("", "expected a three-digit reply code at offset 0");
        refuses("55", "expected a three-digit reply code at offset 0");
        refuses("5500 x", "expected a three-digit reply code at offset 0");
        refuses("+55 x", "expected a three-digit reply code at offset 0");
        refuses("199 x", "expected a reply code from 200 to 599, found 199");
        refuses("600 x", "expected a reply code from 200 to 599, found 600");
        refuses(
            "250-a\r\nb",
            "expected a three-digit reply code at offset 7",
        );
        refuses(
            "250-a\r\n550 b",
            "expected reply code 250, found another at offset 7",
        );
    }

    #[test]
    fn codes_fall_into_three_kinds() {
        let kind = |code: u16| {
            let code = ReplyCode::new(code).unwrap();
            (code.is_positive(), code.is_transient(), code.is_permanent())
        };
        assert_eq!(kind(250), (true, false, false));
        assert_eq!(kind(354), (true, false, false));
        assert_eq!(kind(499), (false, true, false));
        assert_eq!(kind(500), (false, false, true));
    }
}
