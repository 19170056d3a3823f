//! Questions and the messages that ask them: RFC 1035 section 4.1, RFC 8484 section 4.1, RFC 6891 section 6.1.

use alloc::vec::Vec;

use crate::Name;

/// What is asked about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordType {
    /// IPv4 address, RFC 1035 section 3.4.1.
    A,
    /// IPv6 address, RFC 3596 section 2.1.
    Aaaa,
    /// The name an alias stands for, RFC 1035 section 3.3.1.
    Cname,
    /// Mail exchange, RFC 1035 section 3.3.9.
    Mx,
    /// The name of an address, RFC 1035 section 3.3.12.
    Ptr,
    /// Text, RFC 1035 section 3.3.14.
    Txt,
}

/// One question of the class IN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The owner of the records asked for.
    pub name: Name,
    /// Their type.
    pub record_type: RecordType,
}

/// The class of the Internet, RFC 1035 section 3.2.4.
pub(crate) const CLASS_IN: u16 = 1;

/// RD alone: the resolver is to do all the work.
const QUERY_FLAGS: u16 = 0x0100;
/// The type of the EDNS pseudo-record.
const TYPE_OPT: u16 = 41;
/// What EDNS says can be received. Servers ignore it over HTTPS (RFC 8484 section 6), where a message ends here anyway.
const PAYLOAD_SIZE: u16 = u16::MAX;

impl RecordType {
    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Cname => 5,
            Self::Ptr => 12,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
        }
    }
}

impl Question {
    /// Asks for the text records of a name.
    #[must_use]
    pub fn txt(name: Name) -> Self {
        Self {
            name,
            record_type: RecordType::Txt,
        }
    }
}

/// The message that asks a question, as the body of a POST of `application/dns-message`.
///
/// Its id is 0, so that equal questions are equal requests to an HTTP cache (RFC 8484 section 4.1). It asks for
/// recursion and carries EDNS without options.
#[must_use]
pub fn encode_query(question: &Question) -> Vec<u8> {
    let mut message = Vec::with_capacity(32 + question.name.as_str().len());
    // Id, flags, and the counts of the four sections: one question, one additional record.
    for field in [0, QUERY_FLAGS, 1, 0, 0, 1] {
        push_u16(&mut message, field);
    }
    for label in question.name.labels() {
        // A label has at most 63 octets.
        message.push(u8::try_from(label.len()).unwrap_or_default());
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    push_u16(&mut message, question.record_type.code());
    push_u16(&mut message, CLASS_IN);
    // The OPT record: root, type, size in place of the class, four octets of extended flags, no data.
    message.push(0);
    for field in [TYPE_OPT, PAYLOAD_SIZE, 0, 0, 0] {
        push_u16(&mut message, field);
    }
    message
}

fn push_u16(message: &mut Vec<u8>, value: u16) {
    message.extend_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8484 section 4.1.1, `www.example.com` A, but for the count of additional records and the OPT record.
    const RFC8484: &[u8] = b"\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\
        \x03www\x07example\x03com\x00\x00\x01\x00\x01";

    #[test]
    fn a_query_is_the_one_of_the_rfc_with_edns() {
        let question = Question {
            name: Name::parse("www.example.com").unwrap(),
            record_type: RecordType::A,
        };
        let mut expected = RFC8484.to_vec();
        expected[11] = 1;
        expected.extend_from_slice(b"\x00\x00\x29\xff\xff\x00\x00\x00\x00\x00\x00");
        assert_eq!(encode_query(&question), expected);
    }
}
