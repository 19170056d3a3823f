//! How a message is normalised before it is hashed: RFC 6376 section 3.4.

use alloc::vec::Vec;
use core::fmt;

/// One canonicalization algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algo {
    /// Tolerates almost no change: sections 3.4.1 and 3.4.3.
    Simple,
    /// Tolerates refolding and changed runs of white space: sections 3.4.2 and 3.4.4.
    Relaxed,
}

/// The pair of algorithms of the `c=` tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canonicalization {
    /// For the header fields.
    pub header: Algo,
    /// For the body.
    pub body: Algo,
}

impl Canonicalization {
    /// What this project signs with: relaxed for header and body.
    pub const RELAXED: Self = Self {
        header: Algo::Relaxed,
        body: Algo::Relaxed,
    };
}

impl fmt::Display for Algo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        })
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.header, self.body)
    }
}

impl Algo {
    /// The algorithm of a name as it stands in `c=`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "simple" => Some(Self::Simple),
            "relaxed" => Some(Self::Relaxed),
            _ => None,
        }
    }

    /// Appends the canonical form of a field, which has no final CRLF: the signature field itself is
    /// hashed without one, every other field with one.
    pub(crate) fn header_field(self, field: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Simple => out.extend_from_slice(field),
            Self::Relaxed => relaxed_field(field, out),
        }
    }
}

/// Section 3.4.2: the name in lower case and without white space around the colon.
fn relaxed_field(field: &[u8], out: &mut Vec<u8>) {
    let colon = field.iter().position(|&octet| octet == b':');
    let (name, body) = field.split_at(colon.unwrap_or(field.len()));
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    relaxed_field_body(body.get(1..).unwrap_or_default(), out);
}

/// Unfolds, makes each run of white space one space, and drops it at both ends.
fn relaxed_field_body(body: &[u8], out: &mut Vec<u8>) {
    let words = body.split(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'));
    let mut separator: &[u8] = b"";
    for word in words.filter(|word| !word.is_empty()) {
        out.extend_from_slice(separator);
        out.extend_from_slice(word);
        separator = b" ";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, expected: &str) {
        let canonical = |algo: Algo| {
            let mut out = Vec::new();
            algo.header_field(field.as_bytes(), &mut out);
            alloc::string::String::from_utf8(out).unwrap()
        };
        assert_eq!(canonical(Algo::Relaxed), expected);
        assert_eq!(canonical(Algo::Simple), field);
    }

    #[test]
    fn example_fields_of_section_3_4_5() {
        check("A: X", "a:X");
        check("B : Y\t\r\n\tZ  ", "b:Y Z");
    }

    #[test]
    fn relaxed_fields_keep_no_white_space_but_between_words() {
        check("SUBJect: AbC\r\n", "subject:AbC");
        check("Subject:", "subject:");
        check("Subject: \t \r\n ", "subject:");
        check("A:b: c", "a:b: c");
        check("A: \u{e9}  x", "a:\u{e9} x");
    }
}
