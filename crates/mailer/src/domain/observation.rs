//! Looks at DNS for a domain's records and judges what is there: from the parsed records, never by comparing texts.

use std::error::Error;
use std::time::Duration;

use dkim::{PublicKeyRecord, RecordError};
use dns::{
    Answer, AnswerError, AnswerKind, Name, Question, RecordData, RecordType, ResolveError, Resolver,
};
use envelope::Domain;

use super::record::{DomainKey, DomainRecord};
use super::requirement::{Installation, OWNERSHIP_PREFIX};
use super::verification::{Fault, FaultCode, Finding, FindingResult, RecordKind};

/// Look-ups that evaluating a record may cost: RFC 7208 section 4.6.4.
const MAX_SPF_LOOKUPS: u32 = 10;
/// How much of a foreign record is shown in an explanation.
const SHOWN_OCTETS: usize = 120;

/// Looks up the records of `kind` and judges them.
pub async fn observe<R: Resolver>(
    resolver: &R,
    record: &DomainRecord,
    installation: &Installation,
    kind: RecordKind,
) -> Finding {
    let observer = Observer {
        resolver,
        record,
        installation,
    };
    let judged = match kind {
        RecordKind::Domain => observer.ownership().await,
        RecordKind::Spf => observer.spf(&record.domain).await,
        RecordKind::Dkim | RecordKind::Dkim2 | RecordKind::DkimEd25519 => {
            observer.key_of(kind).await
        }
        RecordKind::Dmarc => observer.dmarc().await,
        RecordKind::ReturnPath => observer.return_path().await,
    };
    judged.into_finding()
}

/// What a look came to, with the time it holds.
struct Judged {
    result: Result<Option<String>, Doubt>,
    ttl_secs: u32,
}

/// Why a record is not confirmed.
enum Doubt {
    Refuted(Fault),
    Unknown(Fault),
}

impl Judged {
    const fn confirmed(ttl_secs: u32) -> Self {
        Self {
            result: Ok(None),
            ttl_secs,
        }
    }

    fn refuted(code: FaultCode, message: impl Into<String>, ttl_secs: u32) -> Self {
        Self {
            result: Err(Doubt::Refuted(Fault::new(code, message))),
            ttl_secs,
        }
    }

    const fn unknown(fault: Fault) -> Self {
        Self {
            result: Err(Doubt::Unknown(fault)),
            ttl_secs: 0,
        }
    }

    fn into_finding(self) -> Finding {
        Finding {
            result: match self.result {
                Ok(remark) => FindingResult::Confirmed(remark),
                Err(Doubt::Refuted(fault)) => FindingResult::Refuted(fault),
                Err(Doubt::Unknown(fault)) => FindingResult::Unknown(fault),
            },
            ttl: Duration::from_secs(self.ttl_secs.into()),
        }
    }
}

/// A name's records of one type, or the judgement that there are none to judge.
struct Looked {
    answer: Answer,
    name: String,
}

impl Looked {
    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.answer.texts()
    }

    /// The judgement that something is not there: because the name is not, or has nothing of it.
    fn missing(&self, what: &str) -> Judged {
        let name = &self.name;
        if self.answer.kind == AnswerKind::NxDomain {
            let message = format!("expected {what} at {name}, found no such name in DNS");
            return Judged::refuted(FaultCode::DomainDoesNotExist, message, self.answer.ttl);
        }
        let found = match self.texts().next() {
            Some(text) => format!("only other records, the first of them {}", shown(text)),
            None => "none".to_owned(),
        };
        let message = format!("expected {what} at {name}, found {found}");
        Judged::refuted(FaultCode::RecordNotFound, message, self.answer.ttl)
    }
}

struct Observer<'a, R> {
    resolver: &'a R,
    record: &'a DomainRecord,
    installation: &'a Installation,
}

impl<R: Resolver> Observer<'_, R> {
    async fn look(&self, name: &str, record_type: RecordType) -> Result<Looked, Judged> {
        look(self.resolver, name, record_type).await
    }

    async fn ownership(&self) -> Judged {
        let expected = format!("{OWNERSHIP_PREFIX}{}", self.record.ownership_token);
        let looked = match self
            .look(self.record.domain.as_str(), RecordType::Txt)
            .await
        {
            Ok(looked) => looked,
            Err(judged) => return judged,
        };
        let ttl = looked.answer.ttl;
        let ours: Vec<&[u8]> = looked
            .texts()
            .filter(|text| text.trim_ascii().starts_with(OWNERSHIP_PREFIX.as_bytes()))
            .collect();
        // Another installation may hold the domain as well, so one right record among several will do.
        if ours
            .iter()
            .any(|text| text.trim_ascii() == expected.as_bytes())
        {
            return Judged::confirmed(ttl);
        }
        match ours.first() {
            Some(other) => {
                let message = format!("expected the TXT record {expected}, found {}", shown(other));
                Judged::refuted(FaultCode::RecordMismatch, message, ttl)
            }
            None => looked.missing(&format!("the TXT record {expected}")),
        }
    }

    async fn spf(&self, domain: &Domain) -> Judged {
        let looked = match self.look(domain.as_str(), RecordType::Txt).await {
            Ok(looked) => looked,
            Err(judged) => return judged,
        };
        let ttl = looked.answer.ttl;
        let record = match spf::select(looked.texts()) {
            Ok(Some(record)) => record,
            Ok(None) => return looked.missing("an SPF record that begins with v=spf1"),
            Err(spf::RecordError::Multiple) => {
                let message = format!(
                    "expected one SPF record at {domain}, found several, which receivers take for none"
                );
                return Judged::refuted(FaultCode::MultipleRecords, message, ttl);
            }
            Err(error) => {
                let message = format!(
                    "expected a valid SPF record at {domain}, found one with a fault: {}",
                    with_causes(&error)
                );
                return Judged::refuted(FaultCode::RecordMalformed, message, ttl);
            }
        };
        self.spf_record(domain, &record, ttl).await
    }

    async fn spf_record(&self, domain: &Domain, record: &spf::Record, ttl: u32) -> Judged {
        if record.all_qualifier() == Some(spf::Qualifier::Pass) {
            let message = format!(
                "expected the SPF record of {domain} to end in -all or ~all, found +all, which lets everybody send"
            );
            return Judged::refuted(FaultCode::PassesAll, message, ttl);
        }
        let walked = match spf::count_lookups(self.resolver, domain, record).await {
            Ok(walked) => walked,
            Err(error) => return spf_walk_failed(domain, &error, ttl),
        };
        if walked.terms > MAX_SPF_LOOKUPS {
            let message = format!(
                "expected an SPF record of at most {MAX_SPF_LOOKUPS} look-ups at {domain}, found one that needs {}",
                walked.terms
            );
            return Judged::refuted(FaultCode::TooManyLookups, message, ttl);
        }
        if walked.all_pass_reachable {
            let message =
                format!("expected no +all in what the SPF record of {domain} includes, found one");
            return Judged::refuted(FaultCode::PassesAll, message, ttl);
        }
        let host = self.installation.spf_host();
        if !walked
            .includes_seen
            .iter()
            .any(|seen| seen.to_string() == host)
        {
            let message = format!(
                "expected {} in the SPF record of {domain}, found a record without it",
                self.installation.spf_include()
            );
            return Judged::refuted(FaultCode::RecordMismatch, message, ttl);
        }
        Judged {
            result: Ok(spf_remark(record)),
            ttl_secs: ttl,
        }
    }

    async fn key_of(&self, kind: RecordKind) -> Judged {
        match self.record.key_of(kind) {
            Some(key) => key_record(self.resolver, self.record, key).await,
            None => Judged::unknown(Fault::new(
                FaultCode::NoKey,
                "expected a key to look for, found none: it is being made, or has to be made first",
            )),
        }
    }

    async fn dmarc(&self) -> Judged {
        let domain = &self.record.domain;
        match dmarc::discover(self.resolver, domain).await {
            Ok(Some(found)) => Judged {
                result: Ok(Some(dmarc_remark(domain, &found))),
                ttl_secs: 0,
            },
            Ok(None) => {
                let message = format!(
                    "expected a DMARC record at _dmarc.{domain}, such as v=DMARC1; p=none, found none"
                );
                Judged::refuted(FaultCode::RecordNotFound, message, 0)
            }
            Err(dmarc::DiscoverError::Record { name, source }) => {
                let code = match source {
                    dmarc::RecordError::Multiple => FaultCode::MultipleRecords,
                    _ => FaultCode::RecordMalformed,
                };
                let message = format!(
                    "expected one valid DMARC record at {name}, which is what receivers look for; {source}"
                );
                Judged::refuted(code, message, 0)
            }
            Err(dmarc::DiscoverError::Resolve { name, source }) => {
                Judged::unknown(resolver_fault(&name.to_string(), &source))
            }
        }
    }

    async fn return_path(&self) -> Judged {
        let domain = self.record.wanted_return_path();
        let host = &self.installation.bounce_host;
        let looked = match self.look(domain.as_str(), RecordType::Mx).await {
            Ok(looked) => looked,
            Err(judged) => return judged,
        };
        let hosts: Vec<String> = looked.answer.records.iter().filter_map(mail_host).collect();
        if hosts.is_empty() {
            return looked.missing(&format!("the MX record 10 {host}"));
        }
        // A second mail host would get part of the reports, and keep them.
        if hosts.iter().any(|found| found != host.as_str()) {
            let message = format!(
                "expected {host} as only mail host of {domain}, found {}",
                hosts.join(", ")
            );
            return Judged::refuted(FaultCode::RecordMismatch, message, looked.answer.ttl);
        }
        let spf = self.spf(domain).await;
        Judged {
            ttl_secs: spf.ttl_secs.min(looked.answer.ttl),
            ..spf
        }
    }
}

async fn look<R: Resolver>(
    resolver: &R,
    name: &str,
    record_type: RecordType,
) -> Result<Looked, Judged> {
    let parsed = Name::parse(name).map_err(|_| {
        let message = format!("expected a name that DNS can hold, found {name}");
        Judged::refuted(FaultCode::RecordMalformed, message, 0)
    })?;
    let question = Question {
        name: parsed,
        record_type,
    };
    match resolver.resolve(&question).await {
        Ok(answer) => Ok(Looked {
            answer,
            name: name.to_owned(),
        }),
        Err(error) => Err(Judged::unknown(resolver_fault(name, &error))),
    }
}

/// Looks up the record that publishes `key` and judges it.
pub async fn observe_key<R: Resolver>(
    resolver: &R,
    record: &DomainRecord,
    key: &DomainKey,
) -> Finding {
    key_record(resolver, record, key).await.into_finding()
}

async fn key_record<R: Resolver>(resolver: &R, record: &DomainRecord, key: &DomainKey) -> Judged {
    let expected = record.key_record(key);
    let looked = match look(resolver, &expected.name, RecordType::Txt).await {
        Ok(looked) => looked,
        Err(judged) => return judged,
    };
    let texts: Vec<&[u8]> = looked.texts().collect();
    match texts.as_slice() {
        [] => looked.missing("the TXT record with the public key"),
        [text] => judge_key(&looked.name, text, &key.record, looked.answer.ttl),
        several => {
            let message = format!(
                "expected one TXT record at {}, found {}, of which receivers may take any",
                looked.name,
                several.len()
            );
            Judged::refuted(FaultCode::MultipleRecords, message, looked.answer.ttl)
        }
    }
}

/// Whether the published record holds our key, whatever else it says.
fn judge_key(name: &str, text: &[u8], expected: &str, ttl: u32) -> Judged {
    let published = match PublicKeyRecord::parse(text) {
        Ok(published) => published,
        Err(RecordError::Revoked) => {
            let message = format!(
                "expected the public key at {name}, found an empty p=, which says that the key is revoked"
            );
            return Judged::refuted(FaultCode::KeyRevoked, message, ttl);
        }
        Err(error) => {
            let message = format!(
                "expected a valid key record at {name}, found {} with a fault: {}",
                shown(text),
                with_causes(&error)
            );
            return Judged::refuted(FaultCode::RecordMalformed, message, ttl);
        }
    };
    let is_ours = PublicKeyRecord::parse(expected.as_bytes())
        .is_ok_and(|expected| published.same_key(&expected));
    if !is_ours {
        let message =
            format!("expected the public key of this domain at {name}, found another key");
        return Judged::refuted(FaultCode::OtherKey, message, ttl);
    }
    let testing = published.testing().then(|| {
        format!("the key record at {name} says t=y: receivers may ignore signatures until that is removed")
    });
    Judged {
        result: Ok(testing),
        ttl_secs: ttl,
    }
}

fn mail_host(data: &RecordData) -> Option<String> {
    match data {
        RecordData::Mx { exchange, .. } => Some(
            exchange
                .as_ref()
                .map_or_else(|| ".".to_owned(), Name::to_string),
        ),
        RecordData::A(_)
        | RecordData::Aaaa(_)
        | RecordData::Cname(_)
        | RecordData::Ptr(_)
        | RecordData::Txt(_) => None,
    }
}

fn spf_remark(record: &spf::Record) -> Option<String> {
    match record.all_qualifier() {
        Some(spf::Qualifier::Fail | spf::Qualifier::SoftFail) => None,
        _ if record.redirect.is_some() => None,
        _ => Some(
            "the SPF record does not end in -all or ~all, so it says nothing about other senders"
                .to_owned(),
        ),
    }
}

fn dmarc_remark(domain: &Domain, found: &dmarc::Discovered) -> String {
    let source = if found.from_organizational {
        format!("the record of {}", dmarc::organizational_domain(domain))
    } else {
        "its own record".to_owned()
    };
    let mode = |alignment| match alignment {
        dmarc::Alignment::Relaxed => "relaxed: any domain of the same organization is aligned",
        dmarc::Alignment::Strict => "strict: only the domain of From itself is aligned",
    };
    format!(
        "policy {} from {source}; DKIM alignment {}; SPF alignment {}",
        found.policy().as_str(),
        mode(found.record.dkim_alignment),
        mode(found.record.spf_alignment),
    )
}

fn spf_walk_failed(domain: &Domain, error: &spf::CountError, ttl: u32) -> Judged {
    if let spf::CountError::Lookup(spf::LookupError::Resolve { domain, source }) = error {
        return Judged::unknown(resolver_fault(&domain.to_string(), source));
    }
    let message = format!(
        "expected an SPF record at {domain} that can be evaluated, found one that cannot: {}",
        with_causes(error)
    );
    Judged::refuted(FaultCode::RecordMalformed, message, ttl)
}

/// An error and what caused it, in one line.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| {
        (*cause).source()
    });
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What a resolver that gave no usable answer did.
#[must_use]
pub fn resolver_fault(name: &str, error: &ResolveError) -> Fault {
    let code = match error {
        ResolveError::Answer(AnswerError::ServerFailure) => FaultCode::DnsServerFailure,
        ResolveError::Answer(AnswerError::Truncated) | ResolveError::TooLong => {
            FaultCode::DnsTruncated
        }
        ResolveError::Answer(AnswerError::OtherQuestion) => FaultCode::DnsAnswerForged,
        ResolveError::Answer(AnswerError::Refused | AnswerError::NotImplemented) => {
            FaultCode::DnsRefused
        }
        ResolveError::Answer(_) | ResolveError::ContentType => FaultCode::DnsAnswerMalformed,
        ResolveError::Timeout => FaultCode::DnsTimeout,
        ResolveError::Transport | ResolveError::Status(_) => FaultCode::DnsUnreachable,
    };
    let cause = with_causes(error);
    Fault::new(
        code,
        format!("DNS gave no usable answer about {name}: {cause}"),
    )
}

fn shown(text: &[u8]) -> String {
    let cut = text.get(..SHOWN_OCTETS);
    let dots = if cut.is_some() { "…" } else { "" };
    let text = String::from_utf8_lossy(cut.unwrap_or(text)).into_owned();
    format!("{text:?}{dots}")
}
