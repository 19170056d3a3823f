//! Text of strangers: bounded, on one line, without control characters.

use alloc::string::String;

/// Most octets kept of a text that explains a failure. It is cut at a character.
pub const MAX_DIAGNOSTIC_OCTETS: usize = 1000;

/// Most octets kept of other texts: dates, names of hosts, user agents. Identifiers that are longer count as missing,
/// the others are cut.
pub const MAX_TEXT_OCTETS: usize = 255;

/// Puts a text on one line of at most `limit` octets. Control characters and runs of white space become one space,
/// and what is not UTF-8 becomes U+FFFD.
pub(crate) fn one_line(octets: &[u8], limit: usize) -> String {
    collapse(&String::from_utf8_lossy(octets), limit)
}

/// As [`one_line`].
pub(crate) fn collapse(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let words = text.split(|character: char| character.is_control() || character.is_whitespace());
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > limit {
            break;
        }
    }
    cut(&mut line, limit);
    line
}

fn cut(line: &mut String, limit: usize) {
    line.truncate(line.floor_char_boundary(limit));
    line.truncate(line.trim_end().len());
}

/// Takes comments out (RFC 5322 section 3.2.2): they nest, and quoted strings may hold parentheses. What opens a comment
/// that never ends stays, since it cannot be one.
pub(crate) fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut scan = CommentScan::default();
    let outside = |(offset, character)| (!scan.is_inside(offset, character)).then_some(character);
    kept.extend(text.char_indices().filter_map(outside));
    if scan.depth > 0 {
        kept.push_str(text.get(scan.opened..).unwrap_or_default());
    }
    kept
}

/// Where a scan for comments is.
#[derive(Default)]
struct CommentScan {
    depth: usize,
    /// Where the outermost comment starts.
    opened: usize,
    is_quoted: bool,
    is_escaped: bool,
}

impl CommentScan {
    /// Whether the next character is of a comment, parentheses included.
    fn is_inside(&mut self, offset: usize, character: char) -> bool {
        let was_inside = self.depth > 0;
        if core::mem::take(&mut self.is_escaped) {
            return was_inside;
        }
        match character {
            '\\' => self.is_escaped = true,
            '"' if !was_inside => self.is_quoted = !self.is_quoted,
            '(' if !self.is_quoted => {
                self.opened = if was_inside { self.opened } else { offset };
                self.depth += 1;
            }
            ')' if was_inside => self.depth -= 1,
            _ => {}
        }
        was_inside || self.depth > 0
    }
}

/// Whether a text has nothing but white space.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(without_comments(text), expected);
    }

    #[test]
    fn comments_are_taken_out_where_they_end() {
        check("5.1.1 (bad)", "5.1.1 ");
        check("a(b(c)d)e", "ae");
        check("a(b\\)c)d", "ad");
        check("\"a(b)\"(c)", "\"a(b)\"");
        check("a (b", "a (b");
        check("a (b (c)", "a (b (c)");
        check("a) b", "a) b");
        check("", "");
    }

    #[test]
    fn text_is_cut_at_a_character_and_has_no_control_characters() {
        assert_eq!(one_line(b" a\r\n\t b\0c\x7f", 99), "a b c");
        assert_eq!(one_line("ääää".as_bytes(), 5), "ää");
        assert_eq!(one_line(b"a \xff b", 99), "a \u{fffd} b");
        assert_eq!(one_line(b"aaaa bbbb", 5), "aaaa");
        assert_eq!(one_line("a\u{85}b".as_bytes(), 9), "a b");
    }
}
