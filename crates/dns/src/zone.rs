//! A resolver that knows what a text tells it, for tests.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use crate::{
    Answer, AnswerError, AnswerKind, Name, Question, RecordData, RecordType, ResolveError,
    Resolver, limits::MAX_ALIASES,
};

/// What a small part of the DNS holds.
///
/// Each line is a name, a type and the data as in a master file (RFC 1035 section 5), with every name whole and text in
/// quotes: `example.com. TXT "v=spf1 " "-all"`. The types `SERVFAIL` and `TIMEOUT` make every question about the name
/// fail. Lines that are empty or start with `;` mean nothing.
#[derive(Debug, Default)]
pub struct Zone {
    entries: Vec<(Name, Entry)>,
    asked: RefCell<Vec<Question>>,
}

#[derive(Clone, Debug)]
enum Entry {
    Data(RecordData),
    Failure(ResolveError),
}

/// A line that is not as [`Zone`] says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a name, a type and data, found {line:?}")]
pub struct ZoneError {
    /// The line.
    pub line: String,
}

/// How long every answer may be kept, in seconds.
const TTL: u32 = 300;

impl Zone {
    /// Reads the lines of a text.
    ///
    /// # Errors
    /// The first line that is not understood.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        let mut zone = Self::default();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(';') {
                continue;
            }
            let entry = parse_line(line).ok_or_else(|| ZoneError {
                line: line.to_owned(),
            })?;
            zone.entries.push(entry);
        }
        Ok(zone)
    }

    /// The questions so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Question> {
        self.asked.borrow().clone()
    }

    fn records(&self, owner: &Name, record_type: RecordType) -> Vec<RecordData> {
        let data = self.entries.iter().filter_map(|(name, entry)| match entry {
            Entry::Data(data) if name == owner && type_of(data) == record_type => Some(data),
            Entry::Data(_) | Entry::Failure(_) => None,
        });
        data.cloned().collect()
    }

    fn failure(&self, owner: &Name) -> Option<ResolveError> {
        self.entries.iter().find_map(|(name, entry)| match entry {
            Entry::Failure(error) if name == owner => Some(*error),
            Entry::Data(_) | Entry::Failure(_) => None,
        })
    }

    fn answer(&self, question: &Question) -> Result<Answer, ResolveError> {
        let mut owner = question.name.clone();
        for _ in 0..=MAX_ALIASES {
            if let Some(error) = self.failure(&owner) {
                return Err(error);
            }
            let records = self.records(&owner, question.record_type);
            let aliases = self.records(&owner, RecordType::Cname);
            match aliases.first() {
                Some(RecordData::Cname(target)) if records.is_empty() => owner = target.clone(),
                _ => return Ok(self.end(&owner, records)),
            }
        }
        Err(AnswerError::AliasLoop.into())
    }

    fn end(&self, owner: &Name, records: Vec<RecordData>) -> Answer {
        let exists = self.entries.iter().any(|(name, _)| name.is_within(owner));
        let kind = match (records.is_empty(), exists) {
            (false, _) => AnswerKind::Positive,
            (true, true) => AnswerKind::NoData,
            (true, false) => AnswerKind::NxDomain,
        };
        Answer {
            records,
            ttl: TTL,
            kind,
        }
    }
}

impl Resolver for Zone {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        self.asked.borrow_mut().push(question.clone());
        self.answer(question)
    }
}

/// What a future gives that never waits. None if it does.
pub fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn type_of(data: &RecordData) -> RecordType {
    match data {
        RecordData::A(_) => RecordType::A,
        RecordData::Aaaa(_) => RecordType::Aaaa,
        RecordData::Cname(_) => RecordType::Cname,
        RecordData::Mx { .. } => RecordType::Mx,
        RecordData::Ptr(_) => RecordType::Ptr,
        RecordData::Txt(_) => RecordType::Txt,
    }
}

fn parse_line(line: &str) -> Option<(Name, Entry)> {
    let (owner, rest) = line.split_once(' ')?;
    let (kind, data) = match rest.trim().split_once(' ') {
        Some((kind, data)) => (kind, data.trim()),
        None => (rest.trim(), ""),
    };
    let name = |text: &str| Name::parse(text).ok();
    let data = match kind {
        "A" => RecordData::A(data.parse().ok()?),
        "AAAA" => RecordData::Aaaa(data.parse().ok()?),
        "CNAME" => RecordData::Cname(Name::parse_printable(data).ok()?),
        "MX" => parse_mx(data)?,
        "PTR" => RecordData::Ptr(name(data)?),
        "TXT" => RecordData::Txt(parse_text(data)?),
        "SERVFAIL" => return failure(owner, AnswerError::ServerFailure.into()),
        "TIMEOUT" => return failure(owner, ResolveError::Timeout),
        _ => return None,
    };
    Some((Name::parse_printable(owner).ok()?, Entry::Data(data)))
}

fn failure(owner: &str, error: ResolveError) -> Option<(Name, Entry)> {
    Some((Name::parse_printable(owner).ok()?, Entry::Failure(error)))
}

fn parse_mx(data: &str) -> Option<RecordData> {
    let (preference, exchange) = data.split_once(' ')?;
    Some(RecordData::Mx {
        preference: preference.parse().ok()?,
        exchange: match exchange.trim() {
            "." => None,
            host => Some(Name::parse(host).ok()?),
        },
    })
}

/// Strings in quotes, joined.
fn parse_text(data: &str) -> Option<Vec<u8>> {
    let inside = data.strip_prefix('"')?.strip_suffix('"')?;
    Some(inside.replace("\" \"", "").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, name: &str, expected: Result<(AnswerKind, &[&str]), ResolveError>) {
        let question = Question::txt(Name::parse(name).unwrap());
        let zone = Zone::parse(zone).unwrap();
        let found = ready(zone.resolve(&question)).unwrap();
        let found = found.map(|answer| {
            let texts = answer
                .texts()
                .map(|text| String::from_utf8_lossy(text).into_owned());
            (answer.kind, texts.collect::<Vec<_>>())
        });
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        assert_eq!(found, expected.map(|(kind, texts)| (kind, owned(texts))));
    }

    #[test]
    fn a_zone_answers_as_the_dns_does() {
        let positive = Ok((AnswerKind::Positive, &["v=spf1 -all"][..]));
        check("a.example. TXT \"v=spf1 \" \"-all\"", "a.example", positive);
        let alias = "; an alias\n\nb.example CNAME a.example\na.example TXT \"v=spf1 -all\"";
        check(alias, "b.example", positive);
        check(
            "a.b.example A 192.0.2.1",
            "b.example",
            Ok((AnswerKind::NoData, &[])),
        );
        check(
            "a.b.example A 192.0.2.1",
            "c.example",
            Ok((AnswerKind::NxDomain, &[])),
        );
        check("a.example TIMEOUT", "a.example", Err(ResolveError::Timeout));
        let round = "a.example CNAME b.example\nb.example CNAME a.example";
        check(round, "a.example", Err(AnswerError::AliasLoop.into()));
    }

    #[test]
    fn lines_that_are_not_understood_are_refused() {
        for line in [
            "a.example",
            "a.example TXT x",
            "a.example NS b",
            "a..b A 192.0.2.1",
        ] {
            assert!(Zone::parse(line).is_err(), "{line}");
        }
    }
}
