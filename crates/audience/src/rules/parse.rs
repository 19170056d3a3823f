//! Reads `rules.tsv` at compile time, so that a component neither carries a parser nor spends time on it. What is wrong in
//! the file is an error of the compiler.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "runs at compile time, where both are errors of the compiler"
)]

use super::{How, Kind, Rule, When};
use crate::audience::Audience;
use crate::client::{Class, Family};
use crate::headers::Field;

const COLUMNS: usize = 9;

/// How many rules there are.
pub(super) const fn count(text: &str) -> usize {
    let mut rest = text.as_bytes();
    let mut count = 0;
    while !rest.is_empty() {
        let (line, after) = split(rest, b'\n');
        if is_rule(line) {
            count += 1;
        }
        rest = after;
    }
    count
}

/// The rules, one a line that is neither empty nor a comment.
pub(super) const fn rules<const N: usize>(text: &'static str) -> [Rule; N] {
    let mut rules = [EMPTY; N];
    let mut rest = text.as_bytes();
    let mut number: u16 = 0;
    let mut at = 0;
    while !rest.is_empty() {
        let (line, after) = split(rest, b'\n');
        if is_rule(line) {
            rules[at] = rule(columns(line), number);
            at += 1;
            number += 1;
        }
        rest = after;
    }
    rules
}

const EMPTY: Rule = Rule {
    number: 0,
    kind: Kind::Client,
    when: When::Any,
    field: Field::UserAgent,
    how: How::Is,
    pattern: "",
    word: "",
    family: None,
    class: None,
};

const fn is_rule(line: &[u8]) -> bool {
    !line.is_empty() && line[0] != b'#'
}

/// What is before the first such octet, and what is after it.
const fn split(text: &[u8], octet: u8) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < text.len() {
        if text[at] == octet {
            let (before, after) = text.split_at(at);
            return (before, after.split_at(1).1);
        }
        at += 1;
    }
    (text, &[])
}

const fn columns(line: &'static [u8]) -> [&'static str; COLUMNS] {
    let mut columns = [""; COLUMNS];
    let mut rest = line;
    let mut at = 0;
    while at < COLUMNS {
        let (column, after) = split(rest, b'\t');
        columns[at] = match core::str::from_utf8(column) {
            Ok(text) if !text.is_empty() => text,
            Ok(_) | Err(_) => panic!("expected nine columns of text, found an empty one"),
        };
        rest = after;
        at += 1;
    }
    assert!(rest.is_empty(), "expected nine columns, found more");
    columns
}

const fn rule(columns: [&'static str; COLUMNS], number: u16) -> Rule {
    let [
        kind,
        when,
        field,
        how,
        pattern,
        word,
        family,
        _source,
        _note,
    ] = columns;
    let kind = self::kind(kind);
    assert!(is_lower_case(pattern), "expected a pattern in lower case");
    Rule {
        number,
        kind,
        when: self::when(when),
        field: self::field(field),
        how: self::how(how),
        pattern,
        word,
        family: self::family(family),
        class: match kind {
            Kind::Audience(_) => None,
            Kind::Client | Kind::Device => class(word),
        },
    }
}

const fn kind(word: &str) -> Kind {
    Kind::Audience(match word.as_bytes() {
        b"apple-mpp" => Audience::AppleMpp,
        b"image-proxy" => Audience::ImageProxy,
        b"prefetch" => Audience::Prefetch,
        b"scanner" => Audience::Scanner,
        b"bot" => Audience::Bot,
        b"client" => return Kind::Client,
        b"device" => return Kind::Device,
        _ => panic!("expected an audience, client or device"),
    })
}

const fn when(word: &str) -> When {
    match word.as_bytes() {
        b"any" => When::Any,
        b"open" => When::Open,
        b"click" => When::Click,
        _ => panic!("expected any, open or click"),
    }
}

const fn field(word: &str) -> Field {
    match word.as_bytes() {
        b"ua" => Field::UserAgent,
        b"from" => Field::From,
        b"purpose" => Field::Purpose,
        b"sec-purpose" => Field::SecPurpose,
        b"x-purpose" => Field::XPurpose,
        b"x-moz" => Field::XMoz,
        b"sec-fetch-mode" => Field::SecFetchMode,
        b"cf-bot-score" => Field::CfBotScore,
        b"cf-verified-bot" => Field::CfVerifiedBot,
        _ => panic!("expected ua or the name of another field that is looked at"),
    }
}

const fn how(word: &str) -> How {
    match word.as_bytes() {
        b"is" => How::Is,
        b"starts" => How::Starts,
        b"word" => How::Word,
        b"ends" => How::Ends,
        b"has" => How::Has,
        _ => panic!("expected is, starts, word, ends or has"),
    }
}

const fn class(word: &str) -> Option<Class> {
    Some(match word.as_bytes() {
        b"desktop" => Class::Desktop,
        b"mobile" => Class::Mobile,
        b"tablet" => Class::Tablet,
        b"unknown" => Class::Unknown,
        b"-" => return None,
        _ => panic!("expected desktop, mobile, tablet, unknown or -"),
    })
}

const fn family(name: &'static str) -> Option<Family> {
    match name.as_bytes() {
        b"-" => None,
        _ => Some(Family::named(name)),
    }
}

const fn is_lower_case(pattern: &str) -> bool {
    let mut at = 0;
    while at < pattern.len() {
        if pattern.as_bytes()[at].is_ascii_uppercase() {
            return false;
        }
        at += 1;
    }
    true
}
