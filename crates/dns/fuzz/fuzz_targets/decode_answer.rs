//! Messages of any octets, as the answer to questions of every type about the name they ask for.
#![no_main]

use dns::{Name, Question, RecordType, decode_answer};
use libfuzzer_sys::fuzz_target;

const TYPES: [RecordType; 6] = [
    RecordType::A,
    RecordType::Aaaa,
    RecordType::Cname,
    RecordType::Mx,
    RecordType::Ptr,
    RecordType::Txt,
];

/// `a.example`, as the question of a response with room for one answer and one authority.
const START: &[u8] = b"\0\0\x81\x80\0\x01\0\x02\0\x01\0\0\x01a\x07example\0\0";

fuzz_target!(|octets: &[u8]| {
    let Ok(name) = Name::parse("a.example") else { return };
    for record_type in TYPES {
        let question = Question { name: name.clone(), record_type };
        let code = u8::try_from(record_type.code()).unwrap_or_default();
        let message = [START, &[code, 0, 1], octets].concat();
        let _ = decode_answer(&question, &message);
        let _ = decode_answer(&question, octets);
    }
});
