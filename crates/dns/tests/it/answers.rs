//! What is believed of a message, and what is not.

use dns::{AnswerError, AnswerKind, RecordData, RecordType, decode_answer, limits};

use crate::message::{ANSWER, Message, SOA, address, cname, question, record, soa, wire_name};

const TXT: u16 = 16;
const DNAME: u16 = 39;
const RRSIG: u16 = 46;

fn asked() -> dns::Question {
    question("a.example", RecordType::A)
}

/// Each answer is an address, 192.0.2.n, so that its last octet stands for it.
#[track_caller]
fn check(message: &Message, expected: Result<(AnswerKind, &[u8], u32), AnswerError>) {
    let found = decode_answer(&asked(), &message.octets());
    let found = found.map(|answer| (answer.kind, last_octets(&answer.records), answer.ttl));
    let expected = expected.map(|(kind, last, ttl)| (kind, last.to_vec(), ttl));
    assert_eq!(found, expected);
}

fn last_octets(records: &[RecordData]) -> Vec<u8> {
    let last = |record: &RecordData| match record {
        RecordData::A(address) => address.octets()[3],
        other => panic!("expected an address, found {other:?}"),
    };
    records.iter().map(last).collect()
}

#[track_caller]
fn check_answers(answers: Vec<Vec<u8>>, expected: Result<(AnswerKind, &[u8], u32), AnswerError>) {
    check(&Message::new(asked(), answers), expected);
}

#[track_caller]
fn check_flags(flags: u16, expected: Result<(AnswerKind, &[u8], u32), AnswerError>) {
    let mut message = Message::new(asked(), vec![address("a.example", 1, 60)]);
    message.flags = flags;
    check(&message, expected);
}

#[test]
fn records_come_with_their_least_ttl() {
    let answers = vec![address("a.example", 1, 60), address("A.Example", 2, 50)];
    check_answers(answers, Ok((AnswerKind::Positive, &[1, 2], 50)));
}

#[test]
fn a_ttl_is_at_most_a_day_and_never_negative() {
    let ttl = |ttl, expected| {
        let answers = vec![address("a.example", 1, ttl)];
        check_answers(answers, Ok((AnswerKind::Positive, &[1], expected)));
    };
    ttl(86_400, 86_400);
    ttl(86_401, 86_400);
    ttl(0x7fff_ffff, 86_400);
    ttl(0x8000_0000, 0);
    ttl(0, 0);
}

#[test]
fn aliases_are_followed_in_any_order() {
    let answers = vec![
        address("c.example", 1, 60),
        cname("b.example", "c.example", 40),
        cname("a.example", "B.example", 50),
    ];
    check_answers(answers, Ok((AnswerKind::Positive, &[1], 40)));
    // As RFC 2317 delegates.
    let answers = vec![
        cname("a.example", "1.0/25.example", 50),
        address("1.0/25.example", 1, 60),
    ];
    check_answers(answers, Ok((AnswerKind::Positive, &[1], 50)));
}

#[test]
fn a_chain_of_eight_aliases_is_the_longest() {
    let chain = |length: u8| {
        let owner = |n: u8| match n {
            0 => "a.example".to_owned(),
            n => format!("a{n}.example"),
        };
        let mut answers: Vec<_> = (0..length)
            .map(|n| cname(&owner(n), &owner(n + 1), 60))
            .collect();
        answers.push(address(&owner(length), 1, 60));
        answers
    };
    check_answers(chain(8), Ok((AnswerKind::Positive, &[1], 60)));
    check_answers(chain(9), Err(AnswerError::AliasLoop));
}

#[test]
fn aliases_that_go_round_are_refused() {
    let round = vec![cname("a.example", "a.example", 60)];
    check_answers(round, Err(AnswerError::AliasLoop));
    let round = vec![
        cname("a.example", "b.example", 60),
        cname("b.example", "a.example", 60),
    ];
    check_answers(round, Err(AnswerError::AliasLoop));
}

#[test]
fn an_alias_without_an_end_has_no_data() {
    let answers = vec![cname("a.example", "b.example", 60)];
    check_answers(answers, Ok((AnswerKind::NoData, &[], 0)));
}

#[test]
fn an_alias_is_what_is_asked_for_where_it_is() {
    let question = question("a.example", RecordType::Cname);
    let look = |answers: Vec<Vec<u8>>| {
        decode_answer(&question, &Message::new(question.clone(), answers).octets())
    };
    let target = dns::Name::parse("b.example").unwrap();
    let alias = || cname("a.example", "b.example", 60);
    // Some resolvers add what the alias leads to, and that may be a loop; it is no answer to this question.
    let chains = [
        vec![alias()],
        vec![alias(), address("b.example", 1, 50)],
        vec![
            address("c.example", 1, 50),
            cname("b.example", "c.example", 55),
            alias(),
        ],
        vec![alias(), cname("b.example", "a.example", 60)],
    ];
    for chain in chains {
        let answer = look(chain).unwrap();
        assert_eq!(answer.records, [RecordData::Cname(target.clone())]);
    }
    let lie = Err(AnswerError::OtherQuestion);
    assert_eq!(look(vec![alias(), address("c.example", 1, 60)]), lie);
    let answer = look(vec![address("a.example", 1, 60)]).unwrap();
    assert_eq!((answer.kind, answer.records), (AnswerKind::NoData, vec![]));
}

#[test]
fn records_of_other_names_are_a_lie() {
    let mine = address("a.example", 1, 60);
    let lie = Err(AnswerError::OtherQuestion);
    check_answers(vec![mine.clone(), address("b.example", 2, 60)], lie);
    check_answers(vec![mine.clone(), address("", 2, 60)], lie);
    check_answers(vec![address("example", 2, 60)], lie);
    let stray = cname("c.example", "b.example", 60);
    check_answers(vec![mine.clone(), stray], lie);
    // What is above the name may lend it an alias, and nothing else.
    let above = record("example", TXT, 60, b"\x01a");
    check_answers(vec![mine.clone(), above], lie);
    let odd_owner = record("a b.example", 1, 60, &[192, 0, 2, 1]);
    check_answers(vec![mine, odd_owner], lie);
}

#[test]
fn other_types_of_the_same_name_are_passed_over() {
    let answers = vec![
        address("a.example", 1, 60),
        record("a.example", RRSIG, 60, b"anything"),
        record("a.example", TXT, 60, b"\x01a"),
    ];
    check_answers(answers, Ok((AnswerKind::Positive, &[1], 60)));
}

#[test]
fn a_dname_above_an_alias_is_passed_over() {
    let rest = [
        cname("a.example", "a.example.net", 60),
        address("a.example.net", 1, 60),
    ];
    let with = |dname| [&[dname], rest.as_slice()].concat();
    let dname = record("example", DNAME, 60, &wire_name("example.net"));
    check_answers(with(dname), Ok((AnswerKind::Positive, &[1], 60)));
    let dname = record("other", DNAME, 60, &wire_name("example.net"));
    check_answers(with(dname), Err(AnswerError::OtherQuestion));
}

#[test]
fn the_header_is_judged_before_the_contents() {
    let positive = Ok((AnswerKind::Positive, &[1][..], 60));
    check_flags(ANSWER, positive);
    check_flags(ANSWER | 0x0400, positive);
    check_flags(ANSWER & 0x7fff, Err(AnswerError::NotAResponse));
    check_flags(ANSWER | 0x2000, Err(AnswerError::NotAResponse));
    check_flags(ANSWER | 0x0200, Err(AnswerError::Truncated));
    check_flags(ANSWER | 1, Err(AnswerError::FormatError));
    check_flags(ANSWER | 2, Err(AnswerError::ServerFailure));
    check_flags(ANSWER | 4, Err(AnswerError::NotImplemented));
    check_flags(ANSWER | 5, Err(AnswerError::Refused));
    check_flags(ANSWER | 9, Err(AnswerError::OtherCode(9)));
    check_flags(ANSWER | 0x0202, Err(AnswerError::ServerFailure));
    // A server that fails may send its header alone.
    let refused = b"\x00\x00\x81\x85\x00\x00\x00\x00\x00\x00\x00\x00";
    assert_eq!(decode_answer(&asked(), refused), Err(AnswerError::Refused));
}

#[test]
fn another_id_or_count_of_questions_is_another_question() {
    let good = Message::new(asked(), vec![]).octets();
    for (at, value) in [(1, 7), (5, 0), (5, 2)] {
        let mut octets = good.clone();
        octets[at] = value;
        let found = decode_answer(&asked(), &octets);
        assert_eq!(found, Err(AnswerError::OtherQuestion), "{value} at {at}");
    }
}

#[test]
fn negative_answers_live_as_long_as_the_zone_says() {
    let negative = |flags, authorities, expected| {
        let mut message = Message::new(asked(), vec![]);
        message.flags = flags;
        message.authorities = authorities;
        check(&message, Ok(expected));
    };
    let no_data = |ttl| (AnswerKind::NoData, &[][..], ttl);
    let nx_domain = |ttl| (AnswerKind::NxDomain, &[][..], ttl);
    negative(ANSWER, vec![soa("example", 300)], no_data(300));
    negative(ANSWER, vec![soa("example", 3600)], no_data(900));
    negative(ANSWER | 3, vec![soa("example", 300)], nx_domain(300));
    negative(ANSWER | 3, vec![soa("", 300)], nx_domain(300));
    negative(ANSWER | 3, vec![], nx_domain(0));
    // The zone of another name says nothing about this one.
    negative(ANSWER | 3, vec![soa("other", 300)], nx_domain(0));
}

#[test]
fn a_broken_soa_is_malformed() {
    let mut message = Message::new(asked(), vec![]);
    message.authorities = vec![record("example", SOA, 60, b"\x00\x00short")];
    check(&message, Err(AnswerError::Malformed));
}

#[test]
fn an_alias_of_a_missing_name_is_negative_for_the_least_ttl() {
    let mut message = Message::new(asked(), vec![cname("a.example", "b.other", 40)]);
    message.flags = ANSWER | 3;
    message.authorities = vec![soa("other", 300)];
    check(&message, Ok((AnswerKind::NxDomain, &[], 40)));
}

#[test]
fn broken_data_spoils_the_answer() {
    let answers = vec![
        address("a.example", 1, 60),
        record("a.example", 1, 60, &[192, 0, 2]),
    ];
    check_answers(answers, Err(AnswerError::Malformed));
    let mut other_class = address("a.example", 1, 60);
    let class = wire_name("a.example").len() + 3;
    other_class[class] = 3;
    check_answers(vec![other_class], Err(AnswerError::Malformed));
}

#[test]
fn what_is_read_has_a_maximum() {
    let answers = |count| vec![address("a.example", 1, 60); count];
    let all = vec![1; limits::MAX_RECORDS];
    let expected = Ok((AnswerKind::Positive, all.as_slice(), 60));
    check_answers(answers(limits::MAX_RECORDS), expected);
    check_answers(answers(limits::MAX_RECORDS + 1), Err(AnswerError::TooLong));
    let mut octets = Message::new(asked(), answers(1)).octets();
    octets.resize(limits::MAX_ANSWER, 0);
    assert!(decode_answer(&asked(), &octets).is_ok());
    octets.push(0);
    assert_eq!(decode_answer(&asked(), &octets), Err(AnswerError::TooLong));
}

#[test]
fn texts_are_the_text_records() {
    let question = question("_dmarc.a.example", RecordType::Txt);
    let text = |data| record("_dmarc.a.example", TXT, 60, data);
    let answers = vec![text(b"\x02v=\x06DMARC1"), text(b"\x01\xff")];
    let octets = Message::new(question.clone(), answers).octets();
    let answer = decode_answer(&question, &octets).unwrap();
    let texts: Vec<_> = answer.texts().collect();
    assert_eq!(texts, [b"v=DMARC1".as_slice(), b"\xff"]);
}
