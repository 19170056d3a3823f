//! Domains with macros in them: RFC 7208 section 7.1.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use dns::Name;

use crate::RecordError;

/// A domain in which macros are still to be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSpec {
    text: String,
    // Invariant: what `text` consists of, without macros that only an explanation may have.
    parts: Vec<Part>,
}

/// What a macro string consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Macro(Macro),
}

/// `%{`, a letter, transformers and delimiters, `}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Macro {
    pub(crate) letter: Letter,
    /// Written in upper case: the value is to be escaped as in a URL.
    pub(crate) is_escaped: bool,
    /// How many parts are kept, counted from the right.
    pub(crate) kept: usize,
    pub(crate) is_reversed: bool,
    /// Where the value is split. Never empty.
    pub(crate) delimiters: String,
}

/// What a macro stands for: section 7.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    Sender,
    LocalPart,
    SenderDomain,
    Domain,
    Address,
    ValidatedName,
    AddressFamily,
    Helo,
    /// `c`, `r` and `t`.
    ExplanationOnly,
}

impl DomainSpec {
    /// Reads a `domain-spec` that starts `at` octets into the record.
    pub(crate) fn parse(text: &str, at: usize) -> Result<Self, RecordError> {
        let (parts, tail) = parse_parts(text, at)?;
        let ends_in_macro = tail.is_empty() && !parts.is_empty();
        if !ends_in_macro && !is_domain_end(tail) {
            return Err(RecordError::Domain { at });
        }
        let spec = Self {
            text: text.to_owned(),
            parts,
        };
        if spec.has(Letter::ExplanationOnly) {
            return Err(RecordError::Macro { at });
        }
        Ok(spec)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name it always is. None with macros in it.
    #[must_use]
    pub fn literal_name(&self) -> Option<Name> {
        match self.text.contains('%') {
            true => None,
            false => Name::parse_printable(&self.text).ok(),
        }
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether it depends on nothing but the domain whose record it is in.
    pub(crate) fn is_static(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Literal(_) => true,
            Part::Macro(found) => found.letter == Letter::Domain,
        })
    }

    pub(crate) fn has(&self, letter: Letter) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Literal(_) => false,
            Part::Macro(found) => found.letter == letter,
        })
    }
}

impl fmt::Display for DomainSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads a `macro-string`, of which nothing is kept.
pub(crate) fn check_macro_string(text: &str, at: usize) -> Result<(), RecordError> {
    parse_parts(text, at).map(|_| ())
}

/// The parts, and what is behind the last `macro-expand`.
fn parse_parts(text: &str, at: usize) -> Result<(Vec<Part>, &str), RecordError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, expand)) = rest.split_once('%') {
        push_literal(&mut parts, literal);
        let at = at + text.len() - expand.len() - 1;
        let (part, behind) = macro_expand(expand).ok_or(RecordError::Macro { at })?;
        parts.push(part);
        rest = behind;
    }
    push_literal(&mut parts, rest);
    Ok((parts, rest))
}

fn push_literal(parts: &mut Vec<Part>, literal: &str) {
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.to_owned()));
    }
}

/// What follows a `%`, and what is behind it.
fn macro_expand(text: &str) -> Option<(Part, &str)> {
    let literal = |literal: &str| Part::Literal(literal.to_owned());
    if let Some(inside) = text.strip_prefix('{') {
        let (inside, behind) = inside.split_once('}')?;
        return Some((Part::Macro(Macro::parse(inside)?), behind));
    }
    for (sign, stands_for) in [('%', "%"), ('_', " "), ('-', "%20")] {
        if let Some(behind) = text.strip_prefix(sign) {
            return Some((literal(stands_for), behind));
        }
    }
    None
}

impl Macro {
    /// Reads what is between the braces.
    fn parse(text: &str) -> Option<Self> {
        let letter = text.chars().next()?;
        let transformers = text.get(letter.len_utf8()..)?;
        let behind = transformers.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = transformers.strip_suffix(behind)?;
        let delimiters = behind.strip_prefix(['r', 'R']).unwrap_or(behind);
        let is_delimiter = |c| matches!(c, '.' | '-' | '+' | ',' | '/' | '_' | '=');
        if !delimiters.chars().all(is_delimiter) {
            return None;
        }
        Some(Self {
            letter: Letter::parse(letter)?,
            is_escaped: letter.is_ascii_uppercase(),
            kept: kept(digits)?,
            is_reversed: delimiters.len() < behind.len(),
            delimiters: if delimiters.is_empty() {
                "."
            } else {
                delimiters
            }
            .to_owned(),
        })
    }
}

/// A number other than 0, which is the largest if it is left out or larger than that.
fn kept(digits: &str) -> Option<usize> {
    match digits {
        "" => Some(usize::MAX),
        digits if digits.bytes().all(|digit| digit == b'0') => None,
        digits => Some(digits.parse().unwrap_or(usize::MAX)),
    }
}

impl Letter {
    fn parse(letter: char) -> Option<Self> {
        Some(match letter.to_ascii_lowercase() {
            's' => Self::Sender,
            'l' => Self::LocalPart,
            'o' => Self::SenderDomain,
            'd' => Self::Domain,
            'i' => Self::Address,
            'p' => Self::ValidatedName,
            'v' => Self::AddressFamily,
            'h' => Self::Helo,
            'c' | 'r' | 't' => Self::ExplanationOnly,
            _ => return None,
        })
    }
}

/// `"." toplabel [ "." ]` at the end of a text.
fn is_domain_end(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((_, label)) = text.rsplit_once('.') else {
        return false;
    };
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    !label.is_empty()
        && label.bytes().all(allowed)
        && !label.bytes().all(|octet| octet.is_ascii_digit())
        && !label.starts_with('-')
        && !label.ends_with('-')
}
