//! The header section as it is, for people to read.

use serde::Serialize;

/// The most fields shown.
const MAX_FIELDS: usize = 500;
/// The longest field body shown, in octets.
const MAX_BODY_OCTETS: usize = 16 * 1024;

/// A header field, unfolded.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
}

/// Reads the fields of a message's header section, at most the first 500, each cut to 16 KiB.
pub(super) fn read(message: &[u8]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for line in message.split(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let shown = line.get(..MAX_BODY_OCTETS).unwrap_or(line);
        let text = String::from_utf8_lossy(shown);
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            unfold(fields.last_mut(), &text);
            continue;
        }
        if fields.len() == MAX_FIELDS {
            break;
        }
        let (name, value) = text.split_once(':').unwrap_or((&text, ""));
        fields.push(Field {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
        });
    }
    fields
}

fn unfold(field: Option<&mut Field>, line: &str) {
    if let Some(field) = field
        && field.value.len() + line.len() <= MAX_BODY_OCTETS
    {
        field.value.push(' ');
        field.value.push_str(line.trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &[u8], expected: &[(&str, &str)]) {
        let found = read(message);
        let found: Vec<_> = found
            .iter()
            .map(|field| (field.name.as_str(), field.value.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn fields_are_unfolded_and_end_with_the_section() {
        check(
            b"A: b\r\nC:d\r\n\te\r\n\r\nF: g\r\n",
            &[("A", "b"), ("C", "d e")],
        );
        check(b" folded without a field\r\nA: b\r\n", &[("A", "b")]);
        check(
            b"no colon\r\nA: \xff\r\n",
            &[("no colon", ""), ("A", "\u{fffd}")],
        );
        check(b"", &[]);
    }

    #[test]
    fn many_and_long_fields_are_cut() {
        let many = b"A: b\r\n".repeat(10_000);
        assert_eq!(read(&many).len(), MAX_FIELDS);
        let long = [b"A: ".as_slice(), &b"x".repeat(1 << 20), b"\r\n\r\n"].concat();
        assert!(read(&long).first().unwrap().value.len() <= MAX_BODY_OCTETS);
        let folded = [
            b"A: b\r\n".as_slice(),
            &b" xxxxxxxx\r\n".repeat(1 << 16),
            b"\r\n",
        ]
        .concat();
        assert!(read(&folded).first().unwrap().value.len() <= MAX_BODY_OCTETS);
    }
}
