//! What holds for every input.

use dns::{AnswerKind, Name, Question, RecordData, RecordType, decode_answer, encode_query};
use proptest::prelude::*;

use crate::message::{Message, record};

fn record_type() -> impl Strategy<Value = RecordType> {
    prop::sample::select(vec![
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Cname,
        RecordType::Mx,
        RecordType::Ptr,
        RecordType::Txt,
    ])
}

fn name() -> impl Strategy<Value = Name> {
    "[a-z0-9_]{1,20}(\\.[a-z0-9_]{1,20}){0,5}".prop_map(|text| Name::parse(&text).unwrap())
}

/// The text as strings of at most 255 octets.
fn strings(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return vec![0];
    }
    let string = |piece: &[u8]| [&[u8::try_from(piece.len()).unwrap()], piece].concat();
    text.chunks(255).flat_map(string).collect()
}

proptest! {
    #[test]
    fn a_query_turned_into_a_response_says_that_there_is_nothing(name in name(), record_type in record_type()) {
        let question = Question { name, record_type };
        let mut octets = encode_query(&question);
        octets[2] |= 0x80;
        let answer = decode_answer(&question, &octets).unwrap();
        prop_assert_eq!((answer.kind, answer.ttl), (AnswerKind::NoData, 0));
    }

    #[test]
    fn a_text_comes_back_as_it_was(name in name(), text in prop::collection::vec(any::<u8>(), 0..1000), ttl in 0u32..86_400) {
        let question = Question::txt(name);
        let answers = vec![record(question.name.as_str(), 16, ttl, &strings(&text))];
        let octets = Message::new(question.clone(), answers).octets();
        let answer = decode_answer(&question, &octets).unwrap();
        prop_assert_eq!(answer.ttl, ttl);
        prop_assert_eq!(answer.records, vec![RecordData::Txt(text)]);
    }

    #[test]
    fn no_octets_make_it_panic(record_type in record_type(), octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let question = Question { name: Name::parse("a.example").unwrap(), record_type };
        let mut whole = encode_query(&question);
        whole[2] |= 0x80;
        // Claims answers and authorities, which the random octets are then read as.
        whole[7] = 2;
        whole[9] = 1;
        whole.truncate(whole.len() - 11);
        whole.extend(&octets);
        let _ = decode_answer(&question, &whole);
        let _ = decode_answer(&question, &octets);
    }

    #[test]
    fn a_printed_name_is_read_again(name in name()) {
        prop_assert_eq!(Name::parse(&name.to_string()), Ok(name));
    }
}
