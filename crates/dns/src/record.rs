//! What a record says: RFC 1035 section 3.3 and 3.4, RFC 3596 section 2.2.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::message::Reader;
use crate::{AnswerError, Name, RecordType};

/// The data of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The name an alias stands for.
    Cname(Name),
    /// A mail exchange.
    Mx {
        /// Lower values are tried first.
        preference: u16,
        /// The host. None is the root: the domain takes no mail (RFC 7505).
        exchange: Option<Name>,
    },
    /// The name of an address.
    Ptr(Name),
    /// The strings of a text record, joined without anything between them (RFC 7208 section 3.3).
    Txt(Vec<u8>),
}

impl RecordData {
    /// Reads all of `data`. None is a name that no host has, which is left out like a record that is not there.
    pub(crate) fn read(
        record_type: RecordType,
        mut data: Reader<'_>,
    ) -> Result<Option<Self>, AnswerError> {
        let found = match record_type {
            RecordType::A => Some(Self::A(data.array::<4>()?.into())),
            RecordType::Aaaa => Some(Self::Aaaa(data.array::<16>()?.into())),
            RecordType::Cname => host_name(&mut data)?.map(Self::Cname),
            RecordType::Ptr => host_name(&mut data)?.map(Self::Ptr),
            RecordType::Mx => mail_exchange(&mut data)?,
            RecordType::Txt => Some(Self::Txt(joined_strings(&mut data)?)),
        };
        if data.is_at_end() {
            Ok(found)
        } else {
            Err(AnswerError::Malformed)
        }
    }
}

fn host_name(data: &mut Reader<'_>) -> Result<Option<Name>, AnswerError> {
    let name = data.name()?.into_name();
    Ok(name.filter(Name::is_host_like))
}

fn mail_exchange(data: &mut Reader<'_>) -> Result<Option<RecordData>, AnswerError> {
    let preference = data.u16()?;
    let exchange = data.name()?;
    if exchange.is_root() {
        return Ok(Some(RecordData::Mx {
            preference,
            exchange: None,
        }));
    }
    let exchange = exchange.into_name().filter(Name::is_host_like);
    Ok(exchange.map(|exchange| RecordData::Mx {
        preference,
        exchange: Some(exchange),
    }))
}

fn joined_strings(data: &mut Reader<'_>) -> Result<Vec<u8>, AnswerError> {
    let mut text = data.character_string()?.to_vec();
    while !data.is_at_end() {
        text.extend_from_slice(data.character_string()?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record_type: RecordType, data: &[u8], expected: Option<&RecordData>) {
        let found = RecordData::read(record_type, Reader::new(data)).unwrap();
        assert_eq!(found.as_ref(), expected);
    }

    #[track_caller]
    fn refuse(record_type: RecordType, data: &[u8]) {
        let found = RecordData::read(record_type, Reader::new(data));
        assert_eq!(found, Err(AnswerError::Malformed));
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn data_fills_its_length_exactly() {
        let address = RecordData::A(Ipv4Addr::new(192, 0, 2, 1));
        check(RecordType::A, &[192, 0, 2, 1], Some(&address));
        refuse(RecordType::A, &[192, 0, 2]);
        refuse(RecordType::A, &[192, 0, 2, 1, 0]);
        let octets = Ipv6Addr::LOCALHOST.octets();
        let address = RecordData::Aaaa(Ipv6Addr::LOCALHOST);
        check(RecordType::Aaaa, &octets, Some(&address));
        refuse(RecordType::Aaaa, &octets[1..]);
        let pointer = RecordData::Ptr(name("a"));
        check(RecordType::Ptr, b"\x01a\x00", Some(&pointer));
        refuse(RecordType::Cname, b"\x01a\x00\x00");
    }

    #[test]
    fn strings_are_joined_without_space() {
        let text = |data, text: &[u8]| {
            check(RecordType::Txt, data, Some(&RecordData::Txt(text.to_vec())));
        };
        text(b"\x03v=s\x03pf1", b"v=spf1");
        text(b"\x00", b"");
        text(b"\x01\xff\x00\x01a", b"\xffa");
        refuse(RecordType::Txt, b"");
        refuse(RecordType::Txt, b"\x02a");
    }

    #[test]
    fn the_root_as_exchange_means_no_mail() {
        let mx = |data, preference, exchange| {
            let expected = RecordData::Mx {
                preference,
                exchange,
            };
            check(RecordType::Mx, data, Some(&expected));
        };
        mx(b"\x00\x00\x00", 0, None);
        mx(b"\x01\x02\x01M\x00", 258, Some(name("m")));
    }

    #[test]
    fn names_that_no_host_has_are_left_out() {
        check(RecordType::Ptr, b"\x03a b\x00", None);
        check(RecordType::Ptr, b"\x00", None);
        check(RecordType::Mx, b"\x00\x01\x03a/b\x00", None);
    }
}
