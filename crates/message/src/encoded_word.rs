//! Text outside ASCII in header fields: encoded words (RFC 2047).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::field_writer::FieldWriter;

/// Longest line that holds an encoded word (section 2).
const MAX_LINE: usize = 76;
/// Longest encoded word (section 2).
const MAX_WORD: usize = 75;
const Q_START: &str = "=?utf-8?Q?";
const B_START: &str = "=?utf-8?B?";
const END: &str = "?=";
const OVERHEAD: usize = Q_START.len() + END.len();
/// Room that any one character fits in, as Q the larger: four octets of three.
const MIN_PAYLOAD: usize = 12;
/// Longest word that is written as it is where it could be encoded.
const MAX_PLAIN_WORD: usize = 76;

/// Whether spaces mean something, or only separate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spaces {
    /// Every space is part of the text, as in a subject.
    Count,
    /// The body may have a structure that encoding would break, as in `List-Unsubscribe`.
    Separate,
}

/// Writes unstructured text: words of printable ASCII as they are, the others encoded.
pub(crate) fn write_unstructured(field: &mut FieldWriter<'_>, text: &str, spaces: Spaces) {
    if text.is_empty() {
        return;
    }
    let irregular = text.starts_with(' ') || text.ends_with(' ') || text.contains("  ");
    if spaces == Spaces::Count && irregular {
        return write_encoded(field, text);
    }
    let mut rest = text;
    let mut space = " ";
    while !rest.is_empty() {
        let (piece, is_encoded) = next_piece(rest, spaces);
        match is_encoded {
            true => write_encoded_after(field, space, piece),
            false => field.word(space, piece, 0),
        }
        let after = rest.get(piece.len()..).unwrap_or_default();
        rest = after.trim_start_matches([' ', '\t']);
        space = after.get(..after.len() - rest.len()).unwrap_or_default();
    }
}

/// Writes all of `text` as encoded words.
///
/// Readers drop white space between encoded words, so lines break between them at will and spaces of the text go
/// inside them.
pub(crate) fn write_encoded(field: &mut FieldWriter<'_>, text: &str) {
    write_encoded_after(field, " ", text);
}

/// Writes all of `text` as encoded words, the first right where the line is.
pub(crate) fn write_encoded_without_space(field: &mut FieldWriter<'_>, text: &str) {
    write_encoded_after(field, "", text);
}

/// Whether a reader might decode this word although nobody encoded it.
pub(crate) fn looks_encoded(word: &str) -> bool {
    word.match_indices("=?").any(|(start, _)| {
        let mut pieces = word.get(start + 2..).unwrap_or_default().splitn(4, '?');
        let (_charset, encoding) = (pieces.next(), pieces.next().unwrap_or_default());
        let (_text, end) = (pieces.next(), pieces.next().unwrap_or_default());
        matches!(encoding, "b" | "B" | "q" | "Q") && end.starts_with('=')
    })
}

/// A word that is written as it is, or as many words in a row as have to be encoded, with the space between.
fn next_piece(text: &str, spaces: Spaces) -> (&str, bool) {
    let is_space = [' ', '\t'];
    let word_end = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(is_space).unwrap_or(rest.len())
    };
    let mut end = word_end(0);
    let word = text.get(..end).unwrap_or_default();
    if !has_to_be_encoded(word, spaces) {
        return (word, false);
    }
    loop {
        let rest = text.get(end..).unwrap_or_default();
        let start = end + rest.len() - rest.trim_start_matches(is_space).len();
        let next_end = word_end(start);
        let next = text.get(start..next_end).unwrap_or_default();
        if next.is_empty() || !has_to_be_encoded(next, spaces) {
            return (text.get(..end).unwrap_or_default(), true);
        }
        end = next_end;
    }
}

fn has_to_be_encoded(word: &str, spaces: Spaces) -> bool {
    let too_long = spaces == Spaces::Count && word.len() > MAX_PLAIN_WORD;
    too_long || !word.is_ascii() || looks_encoded(word)
}

fn write_encoded_after(field: &mut FieldWriter<'_>, space: &str, text: &str) {
    let encoding = Encoding::shorter(text);
    let mut rest = text;
    let mut space = space;
    while !rest.is_empty() {
        if field.column() + space.len() + OVERHEAD + MIN_PAYLOAD > MAX_LINE {
            field.break_line();
        }
        let room = MAX_LINE.saturating_sub(field.column() + space.len());
        let (chunk, after) = encoding.split(rest, room.min(MAX_WORD) - OVERHEAD);
        field.word(space, &encoding.word(chunk), 0);
        rest = after;
        space = " ";
    }
}

#[derive(Clone, Copy)]
enum Encoding {
    B,
    Q,
}

impl Encoding {
    fn shorter(text: &str) -> Self {
        let q: usize = text.chars().map(q_len).sum();
        match q <= b_len(text.len()) {
            true => Self::Q,
            false => Self::B,
        }
    }

    /// Splits off as many whole characters as fit, but at least one.
    fn split(self, text: &str, payload: usize) -> (&str, &str) {
        let mut q = 0;
        let fits = |(offset, character): &(usize, char)| {
            q += q_len(*character);
            let end = offset + character.len_utf8();
            let len = match self {
                Self::B => b_len(end),
                Self::Q => q,
            };
            *offset == 0 || len <= payload
        };
        let fitting = text.char_indices().take_while(fits).last();
        let end = fitting.map_or(0, |(offset, character)| offset + character.len_utf8());
        text.split_at_checked(end).unwrap_or((text, ""))
    }

    fn word(self, chunk: &str) -> String {
        let mut word = String::with_capacity(MAX_WORD);
        match self {
            Self::B => {
                word.push_str(B_START);
                STANDARD.encode_string(chunk, &mut word);
            }
            Self::Q => {
                word.push_str(Q_START);
                chunk
                    .chars()
                    .for_each(|character| push_q(&mut word, character));
            }
        }
        word.push_str(END);
        word
    }
}

fn b_len(octets: usize) -> usize {
    octets.div_ceil(3) * 4
}

/// The characters that stand for themselves even in a display name (section 5, rule 3).
fn is_plain_in_q(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!*+-/".contains(character)
}

fn q_len(character: char) -> usize {
    match is_plain_in_q(character) || character == ' ' {
        true => 1,
        false => 3 * character.len_utf8(),
    }
}

fn push_q(word: &mut String, character: char) {
    if character == ' ' {
        return word.push('_');
    }
    if is_plain_in_q(character) {
        return word.push(character);
    }
    for octet in character.encode_utf8(&mut [0; 4]).bytes() {
        push_hex(word, '=', octet);
    }
}

/// Writes an octet as `lead` and two upper-case hexadecimal digits.
pub(crate) fn push_hex(out: &mut String, lead: char, octet: u8) {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    out.push(lead);
    out.push(digit(octet >> 4).to_ascii_uppercase());
    out.push(digit(octet & 15).to_ascii_uppercase());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, spaces: Spaces, expected: &str) {
        let mut out = String::new();
        let mut field = FieldWriter::start(&mut out, "X");
        write_unstructured(&mut field, text, spaces);
        field.end();
        assert_eq!(out, expected);
    }

    #[test]
    fn only_words_that_need_it_are_encoded() {
        let separate = Spaces::Separate;
        check("", separate, "X:\r\n");
        check("a  b", separate, "X: a  b\r\n");
        check("a\tb", separate, "X: a\tb\r\n");
        check(
            "Grüße aus Köln",
            separate,
            "X: =?utf-8?B?R3LDvMOfZQ==?= aus =?utf-8?B?S8O2bG4=?=\r\n",
        );
        check("日本 語", separate, "X: =?utf-8?B?5pel5pysIOiqng==?=\r\n");
        check(
            "Ü <l.example.com>",
            separate,
            "X: =?utf-8?B?w5w=?= <l.example.com>\r\n",
        );
        check(
            "=?utf-8?Q?a?=",
            separate,
            "X: =?utf-8?B?PT91dGYtOD9RP2E/PQ==?=\r\n",
        );
        check(
            "<https://x.example/?a=?b>",
            separate,
            "X: <https://x.example/?a=?b>\r\n",
        );
    }

    #[test]
    fn spaces_that_count_are_encoded() {
        check(" a", Spaces::Count, "X: =?utf-8?Q?_a?=\r\n");
        check("a ", Spaces::Count, "X: =?utf-8?Q?a_?=\r\n");
        check("a  b", Spaces::Count, "X: =?utf-8?Q?a__b?=\r\n");
        check("a b", Spaces::Count, "X: a b\r\n");
    }

    #[test]
    fn encoded_words_hold_whole_characters_and_fit_their_lines() {
        let text = "🧑‍🚀é".repeat(30);
        let mut out = String::new();
        let mut field = FieldWriter::start(&mut out, "Subject");
        write_encoded(&mut field, &text);
        field.end();
        let lines: Vec<&str> = out.trim_end().split("\r\n").collect();
        assert!(lines.len() > 2);
        for line in lines {
            assert!(line.len() <= MAX_LINE, "{line}");
            let word = line.trim_start_matches("Subject:").trim();
            let payload = word
                .strip_prefix(B_START)
                .unwrap()
                .strip_suffix(END)
                .unwrap();
            let octets = STANDARD.decode(payload).unwrap();
            assert!(core::str::from_utf8(&octets).is_ok());
            assert!(word.len() <= MAX_WORD);
        }
    }

    #[test]
    fn what_only_resembles_an_encoded_word_is_left() {
        assert!(looks_encoded("=?utf-8?Q?x?="));
        assert!(looks_encoded("<=?x?b??=>"));
        assert!(!looks_encoded("=?utf-8?X?x?="));
        assert!(!looks_encoded("a=?b=?c"));
        assert!(!looks_encoded("=?"));
    }
}
