//! Transfer encodings for text and data (RFC 2045 section 6).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::encoded_word::push_hex;

/// Octets that fill a line of base64.
const BASE64_LINE_OCTETS: usize = 57;
/// Longest line of quoted-printable before its soft break (RFC 2045 section 6.7, rule 5).
const QUOTED_PRINTABLE_LINE: usize = 75;
/// Longest line sent as it is: what RFC 5322 section 2.1.1 recommends.
const PLAIN_LINE: usize = 78;

/// A body of text with CRLF line ends, and how it is sent.
pub(crate) struct EncodedText<'a> {
    text: Cow<'a, str>,
    encoding: TransferEncoding,
}

/// How a body is sent. `8bit` and `binary` are never used: not every host takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransferEncoding {
    SevenBit,
    QuotedPrintable,
    Base64,
}

/// What follows a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// The delimiter of a multipart, whose line break is not part of the body.
    Delimiter,
    /// The end of the message, where a missing line break would be added on the way.
    End,
}

impl TransferEncoding {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }
}

impl<'a> EncodedText<'a> {
    /// Gives `text` CRLF line ends and chooses its encoding: none if it is safe, else the shorter one.
    pub(crate) fn new(text: &'a str, follows: Follows) -> Self {
        let text = with_crlf(text);
        let is_closed = text.is_empty() || text.ends_with("\r\n");
        let encoding = if is_safe(&text) && (is_closed || follows == Follows::Delimiter) {
            TransferEncoding::SevenBit
        } else if quoted_printable_len(&text) <= base64_len(text.len()) {
            TransferEncoding::QuotedPrintable
        } else {
            TransferEncoding::Base64
        };
        Self { text, encoding }
    }

    pub(crate) fn encoding(&self) -> TransferEncoding {
        self.encoding
    }

    /// About how many octets the body takes when sent, and rarely fewer than it does.
    pub(crate) fn estimated_len(&self) -> usize {
        match self.encoding {
            TransferEncoding::SevenBit => self.text.len(),
            TransferEncoding::QuotedPrintable => quoted_printable_len(&self.text),
            TransferEncoding::Base64 => base64_len(self.text.len()),
        }
    }

    /// The body as it is sent. At the end of a message it always ends in CRLF.
    pub(crate) fn into_encoded(self, follows: Follows) -> Cow<'a, str> {
        match self.encoding {
            TransferEncoding::SevenBit => self.text,
            TransferEncoding::QuotedPrintable => Cow::Owned(self.quoted_printable(follows)),
            TransferEncoding::Base64 => Cow::Owned(self.base64(follows)),
        }
    }

    fn quoted_printable(&self, follows: Follows) -> String {
        let mut out = String::with_capacity(self.estimated_len());
        write_quoted_printable(&mut out, &self.text);
        if follows == Follows::End && !self.text.ends_with("\r\n") {
            out.push_str("=\r\n");
        }
        out
    }

    fn base64(&self, follows: Follows) -> String {
        let mut out = String::with_capacity(self.estimated_len());
        write_base64(&mut out, self.text.as_bytes());
        // The line break before a delimiter belongs to the delimiter.
        if follows == Follows::Delimiter {
            out.truncate(out.trim_end().len());
        }
        out
    }
}

/// Writes lines of 76 characters, the last one ended too.
pub(crate) fn write_base64(out: &mut String, data: &[u8]) {
    for line in data.chunks(BASE64_LINE_OCTETS) {
        STANDARD.encode_string(line, out);
        out.push_str("\r\n");
    }
}

/// How many octets [`write_base64`] writes.
pub(crate) fn base64_len(octets: usize) -> usize {
    let characters = octets.div_ceil(3).saturating_mul(4);
    let line_ends = octets.div_ceil(BASE64_LINE_OCTETS).saturating_mul(2);
    characters.saturating_add(line_ends)
}

/// Turns every CRLF, lone CR and lone LF into CRLF. Text that has nothing else is not copied.
fn with_crlf(text: &str) -> Cow<'_, str> {
    if !has_lone_break(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(end) = rest.find(['\r', '\n']) {
        let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        out.push_str(line);
        out.push_str("\r\n");
        let after_crlf = tail.strip_prefix("\r\n");
        rest = after_crlf.unwrap_or_else(|| tail.get(1..).unwrap_or_default());
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn has_lone_break(text: &str) -> bool {
    let mut after_cr = false;
    for octet in text.bytes() {
        if after_cr != (octet == b'\n') {
            return true;
        }
        after_cr = octet == b'\r';
    }
    after_cr
}

/// Whether text with CRLF line ends passes every host unchanged as it is.
fn is_safe(text: &str) -> bool {
    text.is_ascii() && text.split("\r\n").all(is_safe_line)
}

fn is_safe_line(line: &str) -> bool {
    line.len() <= PLAIN_LINE
        && !line.ends_with([' ', '\t'])
        && !line.starts_with("From ")
        && !line
            .bytes()
            .any(|octet| octet.is_ascii_control() && octet != b'\t')
}

/// An estimate of what [`write_quoted_printable`] writes.
fn quoted_printable_len(text: &str) -> usize {
    let lens = text.bytes().map(|octet| {
        match is_literal(octet) || is_blank(octet) || matches!(octet, b'\r' | b'\n') {
            true => 1,
            false => 3,
        }
    });
    let len: usize = lens.sum();
    // A soft break is three octets, and a line is broken early to keep an octet of three together.
    len + 3 * (len / (QUOTED_PRINTABLE_LINE - 2))
}

fn is_literal(octet: u8) -> bool {
    matches!(octet, b'!'..=b'~') && octet != b'='
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Writes quoted-printable: white space ends no line, and no line starts with `From ` or a dot, which mailbox files
/// and careless hosts would change.
fn write_quoted_printable(out: &mut String, text: &str) {
    for (index, line) in text.split("\r\n").enumerate() {
        if index > 0 {
            out.push_str("\r\n");
        }
        write_quoted_printable_line(out, line);
    }
}

fn write_quoted_printable_line(out: &mut String, line: &str) {
    let mut column = 0;
    for (index, octet) in line.bytes().enumerate() {
        let is_last = index + 1 == line.len();
        let mut is_plain = is_plain_here(line, index, octet, column, is_last);
        let width = if is_plain { 1 } else { 3 };
        if column + width > QUOTED_PRINTABLE_LINE {
            out.push_str("=\r\n");
            column = 0;
            is_plain = is_plain_here(line, index, octet, column, is_last);
        }
        match is_plain {
            true => out.push(char::from(octet)),
            false => push_hex(out, '=', octet),
        }
        column += if is_plain { 1 } else { 3 };
    }
}

fn is_plain_here(line: &str, index: usize, octet: u8, column: usize, is_last: bool) -> bool {
    if is_blank(octet) {
        return !is_last;
    }
    let rest = || line.get(index..).unwrap_or_default();
    let is_risky = column == 0 && (octet == b'.' || (octet == b'F' && rest().starts_with("From ")));
    is_literal(octet) && !is_risky
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, encoding: TransferEncoding, expected: &str) {
        let encoded = EncodedText::new(text, Follows::End);
        assert_eq!(encoded.encoding(), encoding);
        assert_eq!(encoded.into_encoded(Follows::End), expected);
    }

    #[test]
    fn safe_text_is_sent_as_it_is() {
        check("", TransferEncoding::SevenBit, "");
        check("a\tb\r\n\r\n", TransferEncoding::SevenBit, "a\tb\r\n\r\n");
        check("a\nb\rc\r\n", TransferEncoding::SevenBit, "a\r\nb\r\nc\r\n");
        check(".\n..\n", TransferEncoding::SevenBit, ".\r\n..\r\n");
        let longest = format!("{}\r\n", "a".repeat(78));
        check(&longest, TransferEncoding::SevenBit, &longest);
    }

    #[test]
    fn what_transport_would_change_is_quoted() {
        let quoted = TransferEncoding::QuotedPrintable;
        check("a", quoted, "a=\r\n");
        check("a \n", quoted, "a=20\r\n");
        check("a\t\nb\n", quoted, "a=09\r\nb\r\n");
        check(" ", quoted, "=20=\r\n");
        check("From me\n.\n", quoted, "=46rom me\r\n=2E\r\n");
        check("a=b and c\0d\n", quoted, "a=3Db and c=00d\r\n");
        check("naïve\n", quoted, "na=C3=AFve\r\n");
        check("naïve", quoted, "na=C3=AFve=\r\n");
    }

    #[test]
    fn soft_breaks_keep_lines_short_and_harmless() {
        let quoted = TransferEncoding::QuotedPrintable;
        let (a, b) = ("a".repeat(75), "b".repeat(5));
        check(
            &format!("{a}From {b}\n"),
            quoted,
            &format!("{a}=\r\n=46rom {b}\r\n"),
        );
        check(
            &format!("{a}.{b}\n"),
            quoted,
            &format!("{a}=\r\n=2E{b}\r\n"),
        );
        let (a, half) = ("a".repeat(73), "a".repeat(73));
        check(
            &format!("{a}üaaa\n"),
            quoted,
            &format!("{half}=\r\n=C3=BCaaa\r\n"),
        );
    }

    #[test]
    fn mostly_foreign_text_is_base64() {
        check("日本語\n", TransferEncoding::Base64, "5pel5pys6KqeDQo=\r\n");
    }

    #[test]
    fn before_a_delimiter_no_line_end_is_needed() {
        let encoded = EncodedText::new("a", Follows::Delimiter);
        assert_eq!(encoded.encoding(), TransferEncoding::SevenBit);
        assert_eq!(encoded.into_encoded(Follows::Delimiter), "a");
    }

    #[test]
    fn every_kind_of_line_end_becomes_crlf() {
        let ends = |text: &str| with_crlf(text).to_string();
        assert_eq!(ends("\r\r\n\n\r"), "\r\n\r\n\r\n\r\n");
        assert_eq!(ends("a\rb\nc\r\nd"), "a\r\nb\r\nc\r\nd");
        assert!(matches!(with_crlf("a\r\nb"), Cow::Borrowed(_)));
    }
}
