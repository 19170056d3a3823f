//! Answers: RFC 1035 section 4.1, RFC 8484 section 4.2, aliases of RFC 1034 section 3.6.2, negative ones of RFC 2308.

use alloc::vec::Vec;

use crate::message::{Header, RawRecord, Reader};
use crate::question::CLASS_IN;
use crate::{Name, Question, RecordData, RecordType};

/// Most octets of a message (RFC 8484 section 6).
pub const MAX_ANSWER: usize = 65_535;

/// Most records of the answer and authority sections together.
pub const MAX_RECORDS: usize = 100;

/// Most aliases between the name asked for and the records found.
pub const MAX_ALIASES: usize = 8;

/// Longest an answer may be kept, in seconds: a day, whatever it says itself.
pub const MAX_TTL: u32 = 86_400;

const TYPE_SOA: u16 = 6;
const TYPE_DNAME: u16 = 39;

/// What the DNS says to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The records of the type asked for at the end of the aliases, in the order they came. Empty unless the kind is
    /// [`AnswerKind::Positive`].
    pub records: Vec<RecordData>,
    /// Seconds this may be kept: the least of what the records say, or for a negative answer what its SOA record says
    /// (RFC 2308 section 5). 0 where there is none. At most [`MAX_TTL`].
    pub ttl: u32,
    /// Whether there is something.
    pub kind: AnswerKind,
}

/// Whether there is something: RFC 2308 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// There are records.
    Positive,
    /// The name exists, without usable records of this type.
    NoData,
    /// The name does not exist.
    NxDomain,
}

/// Why octets are not the answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// They break the rules of RFC 1035.
    #[error("expected a DNS message, found something else")]
    Malformed,
    /// More than [`MAX_ANSWER`] octets or [`MAX_RECORDS`] records.
    #[error("expected at most {MAX_ANSWER} octets and {MAX_RECORDS} records, found more")]
    TooLong,
    /// A query, or another operation than QUERY.
    #[error("expected a response to a query, found another message")]
    NotAResponse,
    /// The message answers another question, or has records of names that nobody asked for.
    #[error("expected records of the name asked for, found others")]
    OtherQuestion,
    /// TC is set: there is more than the message holds.
    #[error("expected a whole answer, found a truncated one")]
    Truncated,
    /// FORMERR, 1.
    #[error("expected records, found the response code FORMERR")]
    FormatError,
    /// SERVFAIL, 2: also what a validating resolver says of a bad signature.
    #[error("expected records, found the response code SERVFAIL")]
    ServerFailure,
    /// NOTIMP, 4.
    #[error("expected records, found the response code NOTIMP")]
    NotImplemented,
    /// REFUSED, 5.
    #[error("expected records, found the response code REFUSED")]
    Refused,
    /// A response code without a meaning here.
    #[error("expected records, found the response code {0}")]
    OtherCode(u16),
    /// The aliases go round, or are more than [`MAX_ALIASES`].
    #[error("expected at most {MAX_ALIASES} aliases, found more or a loop")]
    AliasLoop,
}

impl AnswerError {
    /// Whether the same question may soon have an answer.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        match self {
            Self::ServerFailure | Self::Refused => true,
            Self::Malformed
            | Self::TooLong
            | Self::NotAResponse
            | Self::OtherQuestion
            | Self::Truncated
            | Self::FormatError
            | Self::NotImplemented
            | Self::OtherCode(_)
            | Self::AliasLoop => false,
        }
    }
}

impl Answer {
    /// The texts among the records, each with its strings joined.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.records.iter().filter_map(|record| match record {
            RecordData::Txt(text) => Some(text.as_slice()),
            RecordData::A(_)
            | RecordData::Aaaa(_)
            | RecordData::Cname(_)
            | RecordData::Mx { .. }
            | RecordData::Ptr(_) => None,
        })
    }
}

/// Reads the answer to `question` out of a message.
///
/// Aliases are followed within the message. Records of another type at the end of them are passed over, as are the
/// additional section and whatever follows it.
///
/// # Errors
/// [`AnswerError`], the response code before anything that depends on the contents.
pub fn decode_answer(question: &Question, octets: &[u8]) -> Result<Answer, AnswerError> {
    if octets.len() > MAX_ANSWER {
        return Err(AnswerError::TooLong);
    }
    let mut reader = Reader::new(octets);
    let header = reader.header()?;
    let name_exists = judge(&header)?;
    check_question(question, &header, &mut reader)?;
    let answers = read_section(&mut reader, header.answers)?;
    let authorities = read_section(&mut reader, header.authorities)?;
    let aliases = follow_aliases(question, &answers)?;
    check_owners(&aliases, &answers)?;
    let records = if name_exists {
        usable_records(question.record_type, &aliases, &answers)?
    } else {
        Vec::new()
    };
    let kind = match (name_exists, records.is_empty()) {
        (true, false) => AnswerKind::Positive,
        (true, true) => AnswerKind::NoData,
        (false, _) => AnswerKind::NxDomain,
    };
    let mut ttl = least_ttl(&answers);
    if kind != AnswerKind::Positive {
        ttl = ttl.min(negative_ttl(&aliases, &authorities)?);
    }
    Ok(Answer { records, ttl, kind })
}

/// What the header alone tells. True if the name exists.
fn judge(header: &Header) -> Result<bool, AnswerError> {
    if !header.is_response || header.opcode != 0 {
        return Err(AnswerError::NotAResponse);
    }
    let name_exists = match header.code {
        0 => true,
        1 => return Err(AnswerError::FormatError),
        2 => return Err(AnswerError::ServerFailure),
        3 => false,
        4 => return Err(AnswerError::NotImplemented),
        5 => return Err(AnswerError::Refused),
        code => return Err(AnswerError::OtherCode(code)),
    };
    if header.is_truncated {
        return Err(AnswerError::Truncated);
    }
    if usize::from(header.answers) + usize::from(header.authorities) > MAX_RECORDS {
        return Err(AnswerError::TooLong);
    }
    Ok(name_exists)
}

fn check_question(
    question: &Question,
    header: &Header,
    reader: &mut Reader<'_>,
) -> Result<(), AnswerError> {
    if header.id != 0 || header.questions != 1 {
        return Err(AnswerError::OtherQuestion);
    }
    let name = reader.name()?.into_name();
    let code = reader.u16()?;
    let class = reader.u16()?;
    let is_ours = name.as_ref() == Some(&question.name)
        && code == question.record_type.code()
        && class == CLASS_IN;
    is_ours.then_some(()).ok_or(AnswerError::OtherQuestion)
}

fn read_section<'a>(
    reader: &mut Reader<'a>,
    count: u16,
) -> Result<Vec<RawRecord<'a>>, AnswerError> {
    let mut records = Vec::new();
    for _ in 0..count {
        let record = reader.record()?;
        if record.class != CLASS_IN {
            return Err(AnswerError::Malformed);
        }
        records.push(record);
    }
    Ok(records)
}

/// The name asked for and those it is an alias of, one after the other.
///
/// An alias that was asked for itself is the answer, wherever it leads: what a resolver adds behind it is believed as part of the chain,
/// but a chain without an end is no fault then.
fn follow_aliases(
    question: &Question,
    answers: &[RawRecord<'_>],
) -> Result<Vec<Name>, AnswerError> {
    let is_about_aliases = question.record_type == RecordType::Cname;
    let mut names = alloc::vec![question.name.clone()];
    while let Some(name) = alias_of(names.last(), answers)? {
        if names.contains(&name) || names.len() > MAX_ALIASES {
            if is_about_aliases {
                break;
            }
            return Err(AnswerError::AliasLoop);
        }
        names.push(name);
    }
    Ok(names)
}

fn alias_of(owner: Option<&Name>, answers: &[RawRecord<'_>]) -> Result<Option<Name>, AnswerError> {
    let alias = answers
        .iter()
        .find(|record| record.code == RecordType::Cname.code() && record.owner.as_ref() == owner);
    let Some(mut data) = alias.map(|record| record.data) else {
        return Ok(None);
    };
    let name = data.name()?;
    if !data.is_at_end() {
        return Err(AnswerError::Malformed);
    }
    // RFC 2317 makes aliases of names that no host has, so any printable one is followed.
    name.into_name().map(Some).ok_or(AnswerError::Malformed)
}

/// Every record has to belong to a name of the chain. DNAME records belong to what is above one (RFC 6672 section 3.1).
fn check_owners(aliases: &[Name], answers: &[RawRecord<'_>]) -> Result<(), AnswerError> {
    let belongs = |record: &RawRecord<'_>| {
        record.owner.as_ref().is_some_and(|owner| {
            aliases.contains(owner)
                || (record.code == TYPE_DNAME && aliases.iter().any(|name| name.is_within(owner)))
        })
    };
    if answers.iter().all(belongs) {
        Ok(())
    } else {
        Err(AnswerError::OtherQuestion)
    }
}

fn usable_records(
    record_type: RecordType,
    aliases: &[Name],
    answers: &[RawRecord<'_>],
) -> Result<Vec<RecordData>, AnswerError> {
    let owner = match record_type {
        RecordType::Cname => aliases.first(),
        _ => aliases.last(),
    };
    let mut records = Vec::new();
    for record in answers {
        if record.code == record_type.code() && record.owner.as_ref() == owner {
            records.extend(RecordData::read(record_type, record.data)?);
        }
    }
    Ok(records)
}

fn least_ttl(answers: &[RawRecord<'_>]) -> u32 {
    let ttls = answers.iter().map(|record| record.ttl);
    ttls.fold(MAX_TTL, u32::min)
}

/// RFC 2308 section 5: the lesser of the SOA record's own TTL and its field MINIMUM.
fn negative_ttl(aliases: &[Name], authorities: &[RawRecord<'_>]) -> Result<u32, AnswerError> {
    let covers = |zone: &Name| aliases.iter().any(|name| name.is_within(zone));
    let soa = authorities.iter().find(|record| {
        // The zone of the root has no name here, and covers everything.
        record.code == TYPE_SOA && record.owner.as_ref().is_none_or(covers)
    });
    let Some(soa) = soa else { return Ok(0) };
    let mut data = soa.data;
    data.name()?;
    data.name()?;
    // SERIAL, REFRESH, RETRY, EXPIRE.
    data.octets(16)?;
    let minimum = data.u32()?;
    if !data.is_at_end() {
        return Err(AnswerError::Malformed);
    }
    Ok(soa.ttl.min(minimum))
}
