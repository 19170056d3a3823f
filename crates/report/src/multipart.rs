//! Multipart bodies: RFC 2046 section 5.1.

use crate::field::split_line;

/// Most body parts looked at in a message, at all depths together.
pub const MAX_PARTS: usize = 64;

/// Deepest multipart looked into; the message itself is at depth 0.
pub const MAX_DEPTH: usize = 8;

/// The parts of a body, found one after the other.
pub(crate) struct Parts<'a, 'b> {
    boundary: &'b [u8],
    rest: &'a [u8],
}

/// One part with its header section.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) octets: &'a [u8],
    /// Whether a delimiter comes behind it.
    pub(crate) is_delimited: bool,
}

/// What ends a part.
enum Delimiter {
    Next,
    Close,
}

impl<'a, 'b> Parts<'a, 'b> {
    /// Passes over what comes before the first part.
    pub(crate) fn new(body: &'a [u8], boundary: &'b str) -> Self {
        let mut parts = Self {
            boundary: boundary.as_bytes(),
            rest: body,
        };
        parts.take_part();
        parts
    }

    /// The same, but with at most `octets` of what is left to read.
    pub(crate) fn within(self, octets: usize) -> Self {
        let rest = self.rest.get(..octets).unwrap_or(self.rest);
        Self { rest, ..self }
    }

    /// All up to the next delimiter, and what kind that is.
    fn take_part(&mut self) -> (&'a [u8], Option<Delimiter>) {
        let whole = self.rest;
        while let Some((line, after)) = split_line(self.rest) {
            if let Some(delimiter) = self.delimiter(line) {
                let part = whole.get(..whole.len() - self.rest.len());
                self.rest = match delimiter {
                    Delimiter::Next => after,
                    Delimiter::Close => &[],
                };
                return (part.unwrap_or_default(), Some(delimiter));
            }
            self.rest = after;
        }
        (whole, None)
    }

    fn delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let rest = line.strip_prefix(b"--")?.strip_prefix(self.boundary)?;
        match rest.trim_ascii_end() {
            b"" => Some(Delimiter::Next),
            b"--" => Some(Delimiter::Close),
            _ => None,
        }
    }
}

impl<'a> Iterator for Parts<'a, '_> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (octets, delimiter) = self.take_part();
        Some(Part {
            octets,
            is_delimited: delimiter.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[track_caller]
    fn check(body: &str, expected: &[(&str, bool)]) {
        let parts = Parts::new(body.as_bytes(), "b");
        let found: Vec<_> = parts
            .map(|part| {
                (
                    str::from_utf8(part.octets).unwrap().to_string(),
                    part.is_delimited,
                )
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(t, d)| (t.to_string(), *d)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn parts_are_between_delimiters() {
        check(
            "x\n--b\none\n--b\ntwo\n--b--\ny\n--b\nz",
            &[("one\n", true), ("two\n", true)],
        );
        check("--b \t\r\none\r\n--b-- \r\n", &[("one\r\n", true)]);
        check(
            "--b\none\n--bc\n --b\n--b-\n",
            &[("one\n--bc\n --b\n--b-\n", false)],
        );
        check("--b\n--b--", &[("", true)]);
        check("--b\n", &[]);
        check("no delimiter", &[]);
        check("--b--\none", &[]);
        check("", &[]);
    }
}
