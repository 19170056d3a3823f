//! Writes the messages that the tests read, without compression.

use dns::{Name, Question, RecordType};

/// A response to a question, with the records of its answer and authority sections.
pub(crate) struct Message {
    pub(crate) flags: u16,
    pub(crate) question: Question,
    pub(crate) answers: Vec<Vec<u8>>,
    pub(crate) authorities: Vec<Vec<u8>>,
}

/// QR, RD and RA: an answer without errors.
pub(crate) const ANSWER: u16 = 0x8180;

pub(crate) const SOA: u16 = 6;

pub(crate) fn question(name: &str, record_type: RecordType) -> Question {
    Question {
        name: Name::parse(name).unwrap(),
        record_type,
    }
}

impl Message {
    pub(crate) fn new(question: Question, answers: Vec<Vec<u8>>) -> Self {
        Self {
            flags: ANSWER,
            question,
            answers,
            authorities: Vec::new(),
        }
    }

    pub(crate) fn octets(&self) -> Vec<u8> {
        let count = |records: &[Vec<u8>]| u16::try_from(records.len()).unwrap();
        let answers = count(&self.answers);
        let header = [0, self.flags, 1, answers, count(&self.authorities), 0];
        let mut octets: Vec<u8> = header.into_iter().flat_map(u16::to_be_bytes).collect();
        octets.extend(wire_name(self.question.name.as_str()));
        octets.extend(self.question.record_type.code().to_be_bytes());
        octets.extend(1u16.to_be_bytes());
        octets.extend(self.answers.concat());
        octets.extend(self.authorities.concat());
        octets
    }
}

pub(crate) fn record(owner: &str, code: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut octets = wire_name(owner);
    octets.extend(code.to_be_bytes());
    octets.extend(1u16.to_be_bytes());
    octets.extend(ttl.to_be_bytes());
    octets.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    octets.extend(data);
    octets
}

pub(crate) fn cname(owner: &str, target: &str, ttl: u32) -> Vec<u8> {
    record(owner, RecordType::Cname.code(), ttl, &wire_name(target))
}

pub(crate) fn address(owner: &str, last: u8, ttl: u32) -> Vec<u8> {
    record(owner, RecordType::A.code(), ttl, &[192, 0, 2, last])
}

/// With the TTL 900.
pub(crate) fn soa(owner: &str, minimum: u32) -> Vec<u8> {
    let mut data = [wire_name("ns.example"), wire_name("mail.example")].concat();
    data.extend([0; 16]);
    data.extend(minimum.to_be_bytes());
    record(owner, SOA, 900, &data)
}

/// The empty text is the root.
pub(crate) fn wire_name(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        octets.push(u8::try_from(label.len()).unwrap());
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}
