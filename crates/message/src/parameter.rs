//! Parameters of MIME header fields, such as file names (RFC 2045 section 5.1, RFC 2231).

use core::fmt;

use crate::encoded_word::{looks_encoded, push_hex, write_encoded_without_space};
use crate::field_writer::{FOLD_AT, FieldWriter};

/// Longest `name=value` on a line of its own, after the space and before the semicolon.
const MAX_PARAMETER: usize = FOLD_AT - 2;

/// Writes `text` in quotes, with a backslash before quotes and backslashes.
pub(crate) fn write_quoted(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(character)?;
    }
    out.write_char('"')
}

/// `text` in quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    // Writing to a string cannot fail.
    let _infallible = write_quoted(&mut out, text);
    out
}

/// Writes a parameter by RFC 2231 where quotes do not do: outside ASCII, or too long for a line.
pub(crate) fn write_parameter(field: &mut FieldWriter<'_>, name: &str, value: &str) {
    if let Some(parameter) = plain_parameter(name, value) {
        field.glue(";");
        return field.word(" ", &parameter, 1);
    }
    let whole = format!("{name}*=utf-8''{}", percent_encoded(value));
    if whole.len() <= MAX_PARAMETER {
        field.glue(";");
        return field.word(" ", &whole, 1);
    }
    write_continuations(field, name, value);
}

/// Writes a parameter the way readers from before RFC 2231 expect it: encoded words in quotes.
///
/// RFC 2047 forbids this, which is why it may only accompany a parameter that [`write_parameter`] wrote elsewhere.
pub(crate) fn write_legacy_parameter(field: &mut FieldWriter<'_>, name: &str, value: &str) {
    field.glue(";");
    if let Some(parameter) = plain_parameter(name, value) {
        return field.word(" ", &parameter, 1);
    }
    field.break_line();
    field.glue(" ");
    field.glue(name);
    field.glue("=\"");
    // Inside quotes a leading space would be part of the value.
    write_encoded_without_space(field, value);
    field.glue("\"");
}

fn plain_parameter(name: &str, value: &str) -> Option<String> {
    let is_plain = value.bytes().all(|octet| matches!(octet, b' '..=b'~'));
    if !is_plain || looks_encoded(value) {
        return None;
    }
    let parameter = format!("{name}={}", quoted(value));
    (parameter.len() <= MAX_PARAMETER).then_some(parameter)
}

/// Writes `name*0*=…; name*1*=…`, each on a line, breaking between characters only: some readers decode the pieces
/// one by one.
fn write_continuations(field: &mut FieldWriter<'_>, name: &str, value: &str) {
    let mut index = 0;
    let mut line = format!("{name}*0*=utf-8''");
    for character in value.chars() {
        let encoded = percent_encoded(character.encode_utf8(&mut [0; 4]));
        if line.len() + encoded.len() > MAX_PARAMETER {
            field.glue(";");
            field.word(" ", &line, 1);
            index += 1;
            line = format!("{name}*{index}*=");
        }
        line.push_str(&encoded);
    }
    field.glue(";");
    field.word(" ", &line, 1);
}

/// `attribute-char` of RFC 2231 section 7 as it is, everything else as `%` and two digits.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(3 * text.len());
    for octet in text.bytes() {
        match octet.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(&octet) {
            true => out.push(char::from(octet)),
            false => push_hex(&mut out, '%', octet),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut out = String::new();
        let mut field = FieldWriter::start(&mut out, "Content-Disposition");
        field.word(" ", "attachment", 1);
        write_parameter(&mut field, "filename", value);
        field.end();
        assert_eq!(
            out,
            format!("Content-Disposition: attachment; {expected}\r\n").replace("; \r\n", ";\r\n")
        );
    }

    #[test]
    fn ascii_names_are_quoted() {
        check("a.pdf", "filename=\"a.pdf\"");
        check("a \"b\".pdf", "filename=\"a \\\"b\\\".pdf\"");
    }

    #[test]
    fn other_names_are_percent_encoded() {
        check("ü.pdf", "filename*=utf-8''%C3%BC.pdf");
        check(
            "=?utf-8?Q?a?=",
            "filename*=utf-8''%3D%3Futf-8%3FQ%3Fa%3F%3D",
        );
    }

    #[test]
    fn long_names_continue_on_more_lines() {
        let first = "a".repeat(57);
        check(
            &"a".repeat(100),
            &format!(
                "\r\n filename*0*=utf-8''{first};\r\n filename*1*={}",
                "a".repeat(43)
            ),
        );
    }

    #[test]
    fn old_readers_get_encoded_words() {
        let mut out = String::new();
        let mut field = FieldWriter::start(&mut out, "Content-Type");
        field.word(" ", "text/csv", 1);
        write_legacy_parameter(&mut field, "name", "日本.csv");
        field.end();
        assert_eq!(
            out,
            "Content-Type: text/csv;\r\n name=\"=?utf-8?B?5pel5pysLmNzdg==?=\"\r\n"
        );
    }
}
