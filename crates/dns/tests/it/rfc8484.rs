//! The response of RFC 8484 section 4.2.2.

use dns::{AnswerError, AnswerKind, RecordData, RecordType, decode_answer};

use crate::message::question;

/// `www.example.com` AAAA, with a TTL of 3709 s.
const RESPONSE: &[u8] = b"\x00\x00\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\
    \x03www\x07example\x03com\x00\x00\x1c\x00\x01\
    \xc0\x0c\x00\x1c\x00\x01\x00\x00\x0e\x7d\x00\x10\
    \x20\x01\x0d\xb8\xab\xcd\x00\x12\x00\x01\x00\x02\x00\x03\x00\x04";

#[test]
fn the_response_of_the_rfc_is_read() {
    let answer = decode_answer(&question("www.example.com", RecordType::Aaaa), RESPONSE).unwrap();
    let address = "2001:db8:abcd:12:1:2:3:4".parse().unwrap();
    assert_eq!(answer.records, [RecordData::Aaaa(address)]);
    assert_eq!(answer.ttl, 3709);
    assert_eq!(answer.kind, AnswerKind::Positive);
}

#[test]
fn it_answers_no_other_question() {
    for other in [
        question("www.example.com", RecordType::A),
        question("www.example.org", RecordType::Aaaa),
        question("example.com", RecordType::Aaaa),
    ] {
        let found = decode_answer(&other, RESPONSE);
        assert_eq!(found, Err(AnswerError::OtherQuestion));
    }
}

#[test]
fn a_part_of_it_is_malformed() {
    let question = question("www.example.com", RecordType::Aaaa);
    for end in 0..RESPONSE.len() {
        let found = decode_answer(&question, &RESPONSE[..end]);
        assert_eq!(found, Err(AnswerError::Malformed), "of {end} octets");
    }
}
