//! Reading a message piece by piece: RFC 1035 section 4.1.

use alloc::string::String;

use crate::{AnswerError, Name, limits::MAX_NAME};

/// Where in a message the next piece starts. Compressed names reach back into the whole of it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

/// The twelve octets every message starts with, RFC 1035 section 4.1.1.
pub(crate) struct Header {
    pub(crate) id: u16,
    pub(crate) is_response: bool,
    pub(crate) opcode: u16,
    pub(crate) is_truncated: bool,
    pub(crate) code: u16,
    pub(crate) questions: u16,
    pub(crate) answers: u16,
    pub(crate) authorities: u16,
}

/// A resource record whose data is still to be read, RFC 1035 section 4.1.3.
pub(crate) struct RawRecord<'a> {
    /// None is the root, or a name nobody here asks for.
    pub(crate) owner: Option<Name>,
    pub(crate) code: u16,
    pub(crate) class: u16,
    /// Seconds.
    pub(crate) ttl: u32,
    /// Ends where the data ends.
    pub(crate) data: Reader<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.message.len()
    }

    pub(crate) fn octets(&mut self, count: usize) -> Result<&'a [u8], AnswerError> {
        let end = self.at.checked_add(count).ok_or(AnswerError::Malformed)?;
        let octets = self.message.get(self.at..end);
        self.at = end;
        octets.ok_or(AnswerError::Malformed)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], AnswerError> {
        let octets = self.octets(N)?;
        octets.try_into().map_err(|_| AnswerError::Malformed)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, AnswerError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, AnswerError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, AnswerError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length octet and as many octets: RFC 1035 section 3.3, `<character-string>`.
    pub(crate) fn character_string(&mut self) -> Result<&'a [u8], AnswerError> {
        let length = self.u8()?;
        self.octets(usize::from(length))
    }

    pub(crate) fn header(&mut self) -> Result<Header, AnswerError> {
        let id = self.u16()?;
        let flags = self.u16()?;
        let header = Header {
            id,
            is_response: flags & 0x8000 != 0,
            opcode: (flags >> 11) & 0xf,
            is_truncated: flags & 0x0200 != 0,
            code: flags & 0xf,
            questions: self.u16()?,
            answers: self.u16()?,
            authorities: self.u16()?,
        };
        // The count of additional records, which nobody reads.
        self.u16()?;
        Ok(header)
    }

    pub(crate) fn record(&mut self) -> Result<RawRecord<'a>, AnswerError> {
        let owner = self.name()?.into_name();
        let code = self.u16()?;
        let class = self.u16()?;
        let ttl = self.u32()?;
        let length = usize::from(self.u16()?);
        let start = self.at;
        self.octets(length)?;
        let message = self.message.get(..self.at).unwrap_or_default();
        let data = Reader { message, at: start };
        Ok(RawRecord {
            owner,
            code,
            class,
            // RFC 2181 section 8: a set sign bit means zero.
            ttl: if ttl > i32::MAX.unsigned_abs() {
                0
            } else {
                ttl
            },
            data,
        })
    }

    /// A name with its compression undone, RFC 1035 section 4.1.4. Leaves the reader behind it.
    pub(crate) fn name(&mut self) -> Result<WireName, AnswerError> {
        let mut name = WireName::default();
        let mut reader = *self;
        let mut behind = None;
        // Every pointer has to reach further back than all before it, so this ends.
        let mut earliest = reader.at;
        loop {
            let length = reader.u8()?;
            match length {
                0 => break,
                1..=0x3f => name.push(reader.octets(usize::from(length))?)?,
                0xc0.. => {
                    let low = reader.u8()?;
                    behind.get_or_insert(reader.at);
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    if target >= earliest {
                        return Err(AnswerError::Malformed);
                    }
                    earliest = target;
                    reader.at = target;
                }
                _ => return Err(AnswerError::Malformed),
            }
        }
        self.at = behind.unwrap_or(reader.at);
        Ok(name)
    }
}

/// A name as it came, in its text form.
#[derive(Default)]
pub(crate) struct WireName {
    text: String,
    /// Whether a label holds what no [`Name`] can.
    is_odd: bool,
}

impl WireName {
    fn push(&mut self, label: &[u8]) -> Result<(), AnswerError> {
        if !self.text.is_empty() {
            self.text.push('.');
        }
        for &octet in label {
            self.is_odd |= !octet.is_ascii_graphic() || octet == b'.';
            self.text.push(char::from(octet & 0x7f));
        }
        if self.text.len() > MAX_NAME {
            return Err(AnswerError::Malformed);
        }
        Ok(())
    }

    pub(crate) fn is_root(&self) -> bool {
        self.text.is_empty()
    }

    /// None for the root and for names with octets other than printable ASCII.
    pub(crate) fn into_name(self) -> Option<Name> {
        if self.is_odd {
            return None;
        }
        Name::parse_printable(&self.text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &[u8], at: usize, expected: Result<(&str, usize), AnswerError>) {
        let mut reader = Reader { message, at };
        let found = reader.name().map(|name| (name.text, reader.at));
        let expected = expected.map(|(text, end)| (String::from(text), end));
        assert_eq!(found, expected);
    }

    #[test]
    fn names_are_read_through_their_pointers() {
        let message = b"\x03com\x00\x01a\xc0\x00\x01b\xc0\x05";
        check(message, 0, Ok(("com", 5)));
        check(message, 5, Ok(("a.com", 9)));
        check(message, 9, Ok(("b.a.com", 13)));
        check(b"\x00", 0, Ok(("", 1)));
    }

    #[test]
    fn pointers_reach_back_only() {
        check(b"\xc0\x00", 0, Err(AnswerError::Malformed));
        check(b"\xc0\x02\x00", 0, Err(AnswerError::Malformed));
        check(b"\x01a\xc0\x04\xc0\x00", 0, Err(AnswerError::Malformed));
        check(b"\x01a\xc0\x00", 2, Err(AnswerError::Malformed));
    }

    #[test]
    fn what_is_not_a_name_is_malformed() {
        check(b"", 0, Err(AnswerError::Malformed));
        check(b"\x02a", 0, Err(AnswerError::Malformed));
        check(b"\x01a", 0, Err(AnswerError::Malformed));
        check(b"\x41a\x00", 0, Err(AnswerError::Malformed));
        check(b"\x81a\x00", 0, Err(AnswerError::Malformed));
        let label = [&[63][..], &[b'a'; 63]].concat();
        let long = [&label[..], &label, &label, &label, &[0]].concat();
        check(&long, 0, Err(AnswerError::Malformed));
    }

    #[test]
    fn a_dot_inside_a_label_parts_nothing() {
        let name = Reader::new(b"\x03a.b\x00").name().unwrap();
        assert_eq!(name.into_name(), None);
        let name = Reader::new(b"\x01\xe1\x00").name().unwrap();
        assert_eq!(name.into_name(), None);
    }
}
