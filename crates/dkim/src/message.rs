//! The parts of a message that DKIM looks at: header fields as they stand, and where the body begins
//! (RFC 5322 sections 2.1 and 2.2).
//!
//! # Not supported
//!
//! Messages without an empty line after the header section, and header sections with other line ends
//! than CRLF: what they mean differs from reader to reader, so neither is signed nor verified.

use alloc::vec::Vec;

/// Most octets of a header section, its final empty line included.
pub const MAX_HEADER_SECTION: usize = 1 << 20;
/// Most fields of a header section.
pub const MAX_HEADER_FIELDS: usize = 4096;

/// The header fields of a message, top to bottom, borrowed from it.
#[derive(Clone, Debug)]
pub struct HeaderSection<'a> {
    fields: Vec<HeaderField<'a>>,
}

/// One header field as it stands in the message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderField<'a> {
    /// The whole field without its final CRLF.
    pub(crate) raw: &'a [u8],
    /// What stands before the colon, white space trimmed.
    pub(crate) name: &'a str,
    /// What stands after the colon, white space included.
    pub(crate) body: &'a [u8],
}

/// Why octets are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No empty line ends the header section.
    #[error("expected an empty line after the header section, found the end of the message")]
    MissingSeparator,
    /// A CR without LF, or an LF without CR, in the header section.
    #[error("expected CRLF line ends, found a bare CR or LF in the header section at offset {at}")]
    BareLineBreak {
        /// Where it is.
        at: usize,
    },
    /// A line of the header section is neither a field nor continues one.
    #[error("expected a header field at offset {at}, found a line without a valid field name")]
    NotAField {
        /// Where the line begins.
        at: usize,
    },
    /// The header section is longer than is read.
    #[error("expected a header section of at most 1048576 octets, found more")]
    HeaderSectionTooLong,
    /// The header section has more fields than are read.
    #[error("expected at most 4096 header fields, found more")]
    TooManyFields,
}

impl<'a> HeaderSection<'a> {
    /// Splits a message into its header section and its body, without copying either.
    ///
    /// # Errors
    /// [`MessageError`], with an offset where there is one.
    pub fn split(message: &'a [u8]) -> Result<(Self, &'a [u8]), MessageError> {
        let mut reader = Reader {
            message,
            at: 0,
            fields: Vec::new(),
        };
        while reader.field()? {}
        let body = message.get(reader.at..).unwrap_or_default();
        let fields = reader.fields;
        Ok((Self { fields }, body))
    }

    /// The fields from top to bottom.
    pub(crate) fn fields(&self) -> &[HeaderField<'a>] {
        &self.fields
    }

    /// How many fields have a name.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.named(name).count()
    }

    /// The fields of one name with their places, from the bottom up: the order in which `h=` counts.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = (usize, &HeaderField<'a>)> {
        let fields = self.fields.iter().enumerate().rev();
        fields.filter(move |(_, field)| field.name.eq_ignore_ascii_case(name))
    }
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
    fields: Vec<HeaderField<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads one field, or the empty line that ends the section (`false`).
    fn field(&mut self) -> Result<bool, MessageError> {
        let start = self.at;
        let mut end = self.line()?;
        if end == start {
            return Ok(false);
        }
        while matches!(self.message.get(self.at), Some(b' ' | b'\t')) {
            end = self.line()?;
        }
        if self.fields.len() == MAX_HEADER_FIELDS {
            return Err(MessageError::TooManyFields);
        }
        let raw = self.message.get(start..end).unwrap_or_default();
        let field = split_field(raw).ok_or(MessageError::NotAField { at: start })?;
        self.fields.push(field);
        Ok(true)
    }

    /// Moves behind the next CRLF and returns where it is.
    fn line(&mut self) -> Result<usize, MessageError> {
        let rest = self.message.get(self.at..).unwrap_or_default();
        let window = rest.len().min(MAX_HEADER_SECTION.saturating_sub(self.at));
        let found = rest
            .iter()
            .take(window)
            .position(|octet| matches!(octet, b'\r' | b'\n'));
        let Some(length) = found else {
            return Err(match window == rest.len() {
                true => MessageError::MissingSeparator,
                false => MessageError::HeaderSectionTooLong,
            });
        };
        let end = self.at + length;
        if rest.get(length..length + 2) != Some(b"\r\n") {
            return Err(MessageError::BareLineBreak { at: end });
        }
        self.at = end + 2;
        Ok(end)
    }
}

fn split_field(raw: &[u8]) -> Option<HeaderField<'_>> {
    let colon = raw.iter().position(|&octet| octet == b':')?;
    let (name, rest) = raw.split_at_checked(colon)?;
    let name = core::str::from_utf8(name).ok()?;
    // RFC 5322 section 4.5 lets old messages have white space before the colon, and the example of
    // RFC 6376 section 3.4.5 does.
    let name = name.trim_end_matches([' ', '\t']);
    let well_formed = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic());
    well_formed.then_some(HeaderField {
        raw,
        name,
        body: rest.get(1..).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec};

    use super::*;

    type Parts = (Vec<(String, Vec<u8>)>, Vec<u8>);

    fn split(message: &[u8]) -> Result<Parts, MessageError> {
        let (headers, body) = HeaderSection::split(message)?;
        let fields = headers.fields().iter();
        let fields = fields.map(|field| (field.name.into(), field.body.to_vec()));
        Ok((fields.collect(), body.to_vec()))
    }

    #[track_caller]
    fn check(message: &str, fields: &[(&str, &str)], body: &str) {
        let fields = fields.iter();
        let fields = fields.map(|(name, body)| ((*name).into(), body.as_bytes().to_vec()));
        let expected = (fields.collect(), body.as_bytes().to_vec());
        assert_eq!(split(message.as_bytes()), Ok(expected));
    }

    #[track_caller]
    fn refuse(message: &str, expected: MessageError) {
        assert_eq!(split(message.as_bytes()), Err(expected));
    }

    #[test]
    fn a_message_is_fields_an_empty_line_and_a_body() {
        check("A: x\r\n\r\n", &[("A", " x")], "");
        check("A:x\r\nB:y\r\n\r\nbody", &[("A", "x"), ("B", "y")], "body");
        check(
            "A:x\r\n y\r\n\tz\r\n\r\n\r\n",
            &[("A", "x\r\n y\r\n\tz")],
            "\r\n",
        );
        check("A \t:x\r\n\r\n", &[("A", "x")], "");
        check("A:\r\n \r\n\r\nb", &[("A", "\r\n ")], "b");
        check("\r\nbody", &[], "body");
    }

    #[test]
    fn what_is_not_a_message_is_refused() {
        refuse("", MessageError::MissingSeparator);
        refuse("A: x\r\n", MessageError::MissingSeparator);
        refuse("A: x\r\nB: y", MessageError::MissingSeparator);
        refuse("A: x\n\nbody", MessageError::BareLineBreak { at: 4 });
        refuse("A: x\rB: y\r\n\r\n", MessageError::BareLineBreak { at: 4 });
        refuse("A: x\r", MessageError::BareLineBreak { at: 4 });
        refuse(
            "A: x\r\nno colon\r\n\r\n",
            MessageError::NotAField { at: 6 },
        );
        refuse(" A: x\r\n\r\n", MessageError::NotAField { at: 0 });
        refuse("A b: x\r\n\r\n", MessageError::NotAField { at: 0 });
        refuse(": x\r\n\r\n", MessageError::NotAField { at: 0 });
        refuse("Ä: x\r\n\r\n", MessageError::NotAField { at: 0 });
    }

    #[test]
    fn the_section_has_a_maximum() {
        let mut long = b"A:".to_vec();
        long.resize(MAX_HEADER_SECTION + 9, b'x');
        assert_eq!(split(&long), Err(MessageError::HeaderSectionTooLong));
        long.extend_from_slice(b"\r\n\r\n");
        assert_eq!(split(&long), Err(MessageError::HeaderSectionTooLong));

        let mut many = vec![];
        (0..MAX_HEADER_FIELDS).for_each(|_| many.extend_from_slice(b"A:x\r\n"));
        assert!(split(&[&many[..], b"\r\n"].concat()).is_ok());
        many.extend_from_slice(b"A:x\r\n\r\n");
        assert_eq!(split(&many), Err(MessageError::TooManyFields));
    }

    #[test]
    fn fields_of_one_name_are_counted_from_the_bottom() {
        let (headers, _) = HeaderSection::split(b"A:1\r\nB:2\r\na:3\r\n\r\n").unwrap();
        let bodies: Vec<_> = headers
            .named("A")
            .map(|(at, field)| (at, field.body))
            .collect();
        assert_eq!(bodies, [(2, &b"3"[..]), (0, &b"1"[..])]);
    }
}
