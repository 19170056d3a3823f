//! Writing a tag list as a header field of short lines: RFC 5322 sections 2.1.1 and 2.2.3.

use alloc::{format, string::String};

/// Columns of a line, without its CRLF. Only a single long word makes a longer one.
const COLUMNS: usize = 78;
/// What begins a line that continues the field.
const FOLD: &str = "\r\n ";

/// A header field in the making.
pub(crate) struct FoldedField {
    text: String,
    /// Columns of the last line.
    column: usize,
}

impl FoldedField {
    /// Begins a field with its name and colon.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            text: name.into(),
            column: name.len(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds a word after white space, on a new line if this one is full.
    pub(crate) fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() > COLUMNS {
            self.fold();
        } else {
            self.push(" ");
        }
        self.push(word);
    }

    /// Adds a tag that is never broken.
    pub(crate) fn tag(&mut self, name: &str, value: &str) {
        self.word(&format!("{name}={value};"));
    }

    /// Adds a tag that may be broken after its colons.
    pub(crate) fn colon_separated(&mut self, tag: &str, names: &[&str]) {
        let mut names = names.iter().peekable();
        let first = names.next().copied().unwrap_or_default();
        let end = |last| if last { ";" } else { ":" };
        self.word(&format!("{tag}={first}{}", end(names.peek().is_none())));
        while let Some(name) = names.next() {
            self.glued(&format!("{name}{}", end(names.peek().is_none())));
        }
    }

    /// Adds base64, broken wherever a line is full.
    pub(crate) fn base64(&mut self, encoded: &str) {
        for digit in encoded.chars() {
            self.glued(digit.encode_utf8(&mut [0; 4]));
        }
    }

    /// Ends the field.
    pub(crate) fn end(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }

    /// Adds a word without white space, unless this line is full.
    fn glued(&mut self, word: &str) {
        if self.column + word.len() > COLUMNS {
            self.fold();
        }
        self.push(word);
    }

    fn fold(&mut self) {
        self.text.push_str(FOLD);
        self.column = 1;
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;

    #[test]
    fn lines_are_full_but_not_too_long() {
        let mut field = FoldedField::new("Field:");
        field.tag("a", &"x".repeat(68));
        field.tag("b", &"y".repeat(90));
        field.colon_separated("h", &["Name"; 20]);
        field.word("c=");
        field.base64(&"z".repeat(100));
        let text = field.end();
        let lines: Vec<_> = text.split("\r\n").map(ToString::to_string).collect();
        let expected = [
            format!("Field: a={};", "x".repeat(68)),
            format!(" b={};", "y".repeat(90)),
            format!(" h={}", "Name:".repeat(15)),
            format!(" {}Name; c={}", "Name:".repeat(4), "z".repeat(49)),
            format!(" {}", "z".repeat(51)),
            String::new(),
        ];
        assert_eq!(lines, expected);
        assert_eq!(lines[0].len(), COLUMNS);
    }

    #[test]
    fn a_single_name_ends_its_tag() {
        let mut field = FoldedField::new("F:");
        field.colon_separated("h", &["From"]);
        assert_eq!(field.as_str(), "F: h=From;");
    }
}
