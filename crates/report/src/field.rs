//! Fields: RFC 5322 section 2.2, which the fields of reports follow too (RFC 3464 section 2.1, RFC 5965 section 3.1).
//!
//! Lines end in CRLF or LF. A line that is no field is passed over.

use alloc::string::String;
use alloc::vec::Vec;

use crate::text::{self, MAX_TEXT_OCTETS, is_blank};

/// Most octets read of a field's body, unfolded. What explains something is cut there; any other field that is longer
/// counts as empty, since half an address is another address.
pub const MAX_FIELD_OCTETS: usize = 4096;

/// A field as it stands there, folded.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    name: &'a [u8],
    body: &'a [u8],
}

/// The fields of a section, in their order.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

/// Takes the first line off, without its end. None at the end of the text.
pub(crate) fn split_line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    if octets.is_empty() {
        return None;
    }
    let end = octets.iter().position(|&octet| octet == b'\n');
    let (line, rest) = match end {
        Some(end) => (octets.get(..end)?, octets.get(end + 1..)?),
        None => (octets, &[][..]),
    };
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest))
}

/// The lines of a text, without their ends.
pub(crate) fn lines(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (line, after) = split_line(rest)?;
        rest = after;
        Some(line)
    })
}

/// Splits header section and body at the first empty line (RFC 5322 section 2.1).
pub(crate) fn split_section(octets: &[u8]) -> (&[u8], &[u8]) {
    split_at_line(octets, <[u8]>::is_empty)
}

/// The groups of a delivery status, with blank lines between (RFC 3464 section 2.1).
pub(crate) fn groups(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        while !rest.is_empty() {
            let (group, after) = split_at_line(rest, is_blank);
            rest = after;
            if !group.is_empty() {
                return Some(group);
            }
        }
        None
    })
}

/// What comes before the first line that `ends`, and what comes behind it.
fn split_at_line(octets: &[u8], ends: impl Fn(&[u8]) -> bool) -> (&[u8], &[u8]) {
    let mut rest = octets;
    while let Some((line, after)) = split_line(rest) {
        if ends(line) {
            let before = octets.len() - rest.len();
            return (octets.get(..before).unwrap_or_default(), after);
        }
        rest = after;
    }
    (octets, &[])
}

impl<'a> Fields<'a> {
    pub(crate) fn new(section: &'a [u8]) -> Self {
        Self { rest: section }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let whole = self.rest;
            let (_, mut rest) = split_line(whole)?;
            while let Some((line, after)) = split_line(rest)
                && matches!(line.first(), Some(b' ' | b'\t'))
            {
                rest = after;
            }
            self.rest = rest;
            let field = Field::parse(whole.get(..whole.len() - rest.len())?);
            if field.is_some() {
                return field;
            }
        }
    }
}

impl<'a> Field<'a> {
    fn parse(whole: &'a [u8]) -> Option<Self> {
        let (line, _) = split_line(whole)?;
        let colon = line.iter().position(|&octet| octet == b':')?;
        let name = line.get(..colon)?.trim_ascii_end();
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        Some(Self {
            name,
            body: whole.get(colon + 1..)?,
        })
    }

    /// Whether it has this name, in either case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The body as it stands there, folded and of any length.
    pub(crate) fn folded_body(&self) -> &'a [u8] {
        self.body
    }

    /// The body, unfolded, with spaces for control characters. Empty if it is over [`MAX_FIELD_OCTETS`].
    pub(crate) fn text(&self) -> String {
        let (text, is_cut) = self.unfold();
        if is_cut {
            return String::new();
        }
        if text.contains(char::is_control) {
            let text = text.replace(char::is_control, " ");
            return String::from(text.trim());
        }
        String::from(text.trim())
    }

    /// The start of the body, unfolded, and whether there is more of it.
    fn unfold(&self) -> (String, bool) {
        let mut octets: Vec<u8> = Vec::new();
        let mut is_cut = false;
        for line in lines(self.body) {
            let room = MAX_FIELD_OCTETS - octets.len();
            is_cut = room < line.len();
            octets.extend_from_slice(line.get(..room).unwrap_or(line));
            if is_cut {
                break;
            }
        }
        let text = match String::from_utf8(octets) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        (text, is_cut)
    }

    /// The body on one line, white space collapsed, cut at `limit` octets, which may be up to [`MAX_FIELD_OCTETS`].
    pub(crate) fn line(&self, limit: usize) -> String {
        text::collapse(&self.unfold().0, limit)
    }
}

/// Fields that come once, by name.
pub(crate) struct Singles<'a, const N: usize> {
    names: &'static [&'static str; N],
    slots: [Slot<'a>; N],
}

/// What was found of a field that comes once.
#[derive(Clone, Copy)]
enum Slot<'a> {
    Missing,
    Found(Field<'a>),
    /// It comes again and says something else, so there is no telling which one holds.
    Ambiguous,
}

impl<'a, const N: usize> Singles<'a, N> {
    pub(crate) fn read(section: &'a [u8], names: &'static [&'static str; N]) -> Self {
        let mut slots = [Slot::Missing; N];
        for field in Fields::new(section) {
            let mut named = names.iter().zip(&mut slots);
            if let Some((_, slot)) = named.find(|(name, _)| field.is(name)) {
                *slot = slot.with(field);
            }
        }
        Self { names, slots }
    }

    /// The one field of this name. None too if there are several that differ.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'a>> {
        let mut named = self.names.iter().zip(&self.slots);
        match named.find(|(found, _)| **found == name)?.1 {
            Slot::Found(field) => Some(*field),
            Slot::Missing | Slot::Ambiguous => None,
        }
    }

    /// Its body on one line, cut at [`MAX_TEXT_OCTETS`]; none if it is empty.
    pub(crate) fn line(&self, name: &str) -> Option<String> {
        let line = self.get(name)?.line(MAX_TEXT_OCTETS);
        (!line.is_empty()).then_some(line)
    }

    /// Its body, if that is not empty and no longer than [`MAX_TEXT_OCTETS`].
    pub(crate) fn identifier(&self, name: &str) -> Option<String> {
        let text = self.get(name)?.text();
        (!text.is_empty() && text.len() <= MAX_TEXT_OCTETS).then_some(text)
    }
}

impl<'a> Slot<'a> {
    fn with(self, field: Field<'a>) -> Self {
        match self {
            Self::Missing => Self::Found(field),
            Self::Found(found) if found.body.trim_ascii() == field.body.trim_ascii() => self,
            Self::Found(_) | Self::Ambiguous => Self::Ambiguous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn check(section: &str, expected: &[(&str, &str)]) {
        for section in [section.to_string(), section.replace('\n', "\r\n")] {
            let fields = Fields::new(section.as_bytes()).map(|field| {
                (
                    String::from_utf8_lossy(field.name).into_owned(),
                    field.text(),
                )
            });
            let expected = expected.iter().map(|(n, b)| (n.to_string(), b.to_string()));
            assert!(fields.eq(expected), "{section:?}");
        }
    }

    #[test]
    fn fields_are_unfolded_and_lines_without_a_name_passed_over() {
        check("A: b\nC : d\n  e\n\tf\n", &[("A", "b"), ("C", "d  e f")]);
        check("From x 1\n>From y\nA: b", &[("A", "b")]);
        check("no field\nA:\n", &[("A", "")]);
        check(": b\n a b: c\nd e: f\n", &[]);
        check("A: b\0c\x01", &[("A", "b c")]);
        check("", &[]);
    }

    #[test]
    fn a_body_is_read_up_to_the_limit() {
        let of = |length: usize| {
            let long = alloc::format!("A:{}\n", "x".repeat(length));
            let field = Fields::new(long.as_bytes()).next().unwrap();
            (field.text().len(), field.line(MAX_FIELD_OCTETS).len())
        };
        assert_eq!(of(MAX_FIELD_OCTETS), (MAX_FIELD_OCTETS, MAX_FIELD_OCTETS));
        assert_eq!(of(MAX_FIELD_OCTETS + 1), (0, MAX_FIELD_OCTETS));
    }

    #[test]
    fn groups_are_split_at_blank_lines() {
        let found: Vec<&[u8]> = groups(b"\n\na: b\nc: d\r\n \t\r\n\ne: f").collect();
        assert_eq!(found, [&b"a: b\nc: d\r\n"[..], b"e: f"]);
        assert_eq!(groups(b" \n\n").count(), 0);
    }

    #[test]
    fn a_section_ends_at_the_first_empty_line() {
        assert_eq!(
            split_section(b"a: b\r\n\r\nc"),
            (&b"a: b\r\n"[..], &b"c"[..])
        );
        assert_eq!(split_section(b"\nc"), (&b""[..], &b"c"[..]));
        assert_eq!(split_section(b"a: b"), (&b"a: b"[..], &b""[..]));
    }

    #[test]
    fn a_field_that_contradicts_itself_is_missing() {
        let section = b"A: 1\nB: 1\na:  1 \nb: 2\nb: 1\nC:\n";
        let singles = Singles::read(section, &["A", "B", "C", "D"]);
        let found = ["A", "B", "C", "D"].map(|name| singles.line(name));
        assert_eq!(found, [Some("1".to_string()), None, None, None]);
    }
}
