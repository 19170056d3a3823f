//! Looks at DNS for a domain's records and judges what is there: from the parsed records, never by comparing texts.

mod tracking;

use std::cell::Cell;
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use dkim::{PublicKeyRecord, RecordError};
use dns::{
    Answer, AnswerError, AnswerKind, Name, Question, RecordData, RecordType, ResolveError, Resolver,
};
use envelope::Domain;
use spf::{CheckHost, Evaluation, SpfResult};

use super::record::{DEFAULT_SENDER, DomainKey, DomainRecord};
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
    let watched = Watched::new(resolver);
    let observer = Observer {
        resolver: &watched,
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
        RecordKind::Tracking => observer.tracking().await,
    };
    watched.into_finding(judged)
}

/// What a look came to: perhaps a remark about what is right.
type Judged = Result<Option<String>, Doubt>;

/// Why a record is not confirmed.
enum Doubt {
    Refuted(Fault),
    Unknown(Fault),
}

impl Doubt {
    fn refuted(code: FaultCode, message: impl Into<String>) -> Self {
        Self::Refuted(Fault::new(code, message))
    }
}

/// A resolver that remembers how long everything it said may be kept.
struct Watched<'a, R> {
    resolver: &'a R,
    least_ttl: Cell<Option<u32>>,
}

impl<'a, R: Resolver> Watched<'a, R> {
    const fn new(resolver: &'a R) -> Self {
        Self {
            resolver,
            least_ttl: Cell::new(None),
        }
    }

    fn into_finding(self, judged: Judged) -> Finding {
        let ttl = match (&judged, self.least_ttl.get()) {
            (Err(Doubt::Unknown(_)), _) | (_, None) => 0,
            (_, Some(secs)) => secs,
        };
        Finding {
            result: match judged {
                Ok(remark) => FindingResult::Confirmed(remark),
                Err(Doubt::Refuted(fault)) => FindingResult::Refuted(fault),
                Err(Doubt::Unknown(fault)) => FindingResult::Unknown(fault),
            },
            ttl: Duration::from_secs(ttl.into()),
        }
    }
}

impl<R: Resolver> Resolver for Watched<'_, R> {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        let answer = self.resolver.resolve(question).await?;
        let before = self.least_ttl.get().unwrap_or(u32::MAX);
        self.least_ttl.set(Some(answer.ttl.min(before)));
        Ok(answer)
    }
}

/// A name's records of one type.
struct Looked {
    answer: Answer,
    name: String,
}

impl Looked {
    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.answer.texts()
    }

    /// The judgement that something is not there: because the name is not, or has nothing of it.
    fn missing(&self, what: &str) -> Doubt {
        let name = &self.name;
        if self.answer.kind == AnswerKind::NxDomain {
            let message = format!("expected {what} at {name}, found no such name in DNS");
            return Doubt::refuted(FaultCode::DomainDoesNotExist, message);
        }
        let found = match self.texts().next() {
            Some(text) => format!("only other records, the first of them {}", shown(text)),
            None => "none".to_owned(),
        };
        let message = format!("expected {what} at {name}, found {found}");
        Doubt::refuted(FaultCode::RecordNotFound, message)
    }
}

struct Observer<'a, R> {
    resolver: &'a R,
    record: &'a DomainRecord,
    installation: &'a Installation,
}

impl<R: Resolver> Observer<'_, R> {
    async fn look(&self, name: &str, record_type: RecordType) -> Result<Looked, Doubt> {
        look(self.resolver, name, record_type).await
    }

    async fn ownership(&self) -> Judged {
        let expected = format!("{OWNERSHIP_PREFIX}{}", self.record.ownership_token);
        let name = self.record.domain.as_str();
        let looked = self.look(name, RecordType::Txt).await?;
        let ours: Vec<&[u8]> = looked
            .texts()
            .filter(|text| text.trim_ascii().starts_with(OWNERSHIP_PREFIX.as_bytes()))
            .collect();
        // Another installation may hold the domain as well, so one right record among several will do.
        if ours
            .iter()
            .any(|text| text.trim_ascii() == expected.as_bytes())
        {
            return Ok(None);
        }
        Err(match ours.first() {
            Some(other) => {
                let message = format!("expected the TXT record {expected}, found {}", shown(other));
                Doubt::refuted(FaultCode::RecordMismatch, message)
            }
            None => looked.missing(&format!("the TXT record {expected}")),
        })
    }

    async fn spf(&self, domain: &Domain) -> Judged {
        let looked = self.look(domain.as_str(), RecordType::Txt).await?;
        let record = match spf::select(looked.texts()) {
            Ok(Some(record)) => record,
            Ok(None) => return Err(looked.missing("an SPF record that begins with v=spf1")),
            Err(error) => return Err(bad_spf_record(domain, &error)),
        };
        self.spf_walk(domain, &record).await?;
        for &address in &self.installation.sending_addresses {
            self.spf_passes(domain, address).await?;
        }
        Ok(spf_remark(&record))
    }

    /// What holds for every sender: the record costs no more than it may, lets not everybody pass, and has the installation's own in it.
    async fn spf_walk(&self, domain: &Domain, record: &spf::Record) -> Result<(), Doubt> {
        if record.all_qualifier() == Some(spf::Qualifier::Pass) {
            let message = format!(
                "expected the SPF record of {domain} to end in -all or ~all, found +all, which lets everybody send"
            );
            return Err(Doubt::refuted(FaultCode::PassesAll, message));
        }
        let walked = spf::count_lookups(self.resolver, domain, record)
            .await
            .map_err(|error| spf_walk_failed(domain, &error))?;
        if walked.terms > MAX_SPF_LOOKUPS {
            let message = format!(
                "expected an SPF record of at most {MAX_SPF_LOOKUPS} look-ups at {domain}, found one that needs {}",
                walked.terms
            );
            return Err(Doubt::refuted(FaultCode::TooManyLookups, message));
        }
        if walked.all_pass_reachable {
            let message =
                format!("expected no +all in what the SPF record of {domain} includes, found one");
            return Err(Doubt::refuted(FaultCode::PassesAll, message));
        }
        if !lets_us_pass(&walked, self.installation) {
            let message = format!(
                "expected {} in the SPF record of {domain}, found a record without it, or with it where it lets nobody pass",
                self.installation.spf_include()
            );
            return Err(Doubt::refuted(FaultCode::RecordMismatch, message));
        }
        Ok(())
    }

    /// Whether mail from `address` passes: a term before ours may refuse it, and too many names that do not exist spoil the record.
    async fn spf_passes(&self, domain: &Domain, address: IpAddr) -> Result<(), Doubt> {
        // What the installation's own record does not say is no fault of this one.
        let host = Domain::parse(&self.installation.spf_host()).ok();
        match host {
            Some(host) if self.check_host(&host, address).await.result == SpfResult::Pass => {}
            _ => return Ok(()),
        }
        let found = self.check_host(domain, address).await;
        if found.result == SpfResult::Pass {
            return Ok(());
        }
        Err(match (&found.error, &found.matched) {
            (Some(error), _) => spf_check_failed(domain, error),
            (None, matched) => {
                let matched = matched
                    .as_deref()
                    .map_or("nothing in it matches".to_owned(), |directive| {
                        format!("{directive} matches before our include")
                    });
                let message = format!(
                    "expected the SPF record of {domain} to let {address} pass, found that {matched}"
                );
                Doubt::refuted(FaultCode::RecordMismatch, message)
            }
        })
    }

    async fn check_host(&self, domain: &Domain, address: IpAddr) -> Evaluation {
        check_host(self.resolver, self.installation, domain, address).await
    }

    async fn key_of(&self, kind: RecordKind) -> Judged {
        match self.record.key_of(kind) {
            Some(key) => key_record(self.resolver, self.record, key).await,
            None => Err(Doubt::Unknown(Fault::new(
                FaultCode::NoKey,
                "expected a key to look for, found none: it is being made, or has to be made first",
            ))),
        }
    }

    async fn dmarc(&self) -> Judged {
        let domain = &self.record.domain;
        match dmarc::discover(self.resolver, domain).await {
            Ok(Some(found)) => Ok(Some(dmarc_remark(domain, &found))),
            Ok(None) => {
                let message = format!(
                    "expected a DMARC record at _dmarc.{domain}, such as v=DMARC1; p=none, found none"
                );
                Err(Doubt::refuted(FaultCode::RecordNotFound, message))
            }
            Err(dmarc::DiscoverError::Record { name, source }) => {
                let code = match source {
                    dmarc::RecordError::Multiple => FaultCode::MultipleRecords,
                    _ => FaultCode::RecordMalformed,
                };
                let message = format!(
                    "expected one valid DMARC record at {name}, which is what receivers look for; {source}"
                );
                Err(Doubt::refuted(code, message))
            }
            Err(dmarc::DiscoverError::Resolve { name, source }) => {
                Err(Doubt::Unknown(resolver_fault(&name.to_string(), &source)))
            }
        }
    }

    async fn return_path(&self) -> Judged {
        let domain = self.record.wanted_return_path();
        let host = &self.installation.bounce_host;
        let looked = self.look(domain.as_str(), RecordType::Mx).await?;
        let hosts: Vec<String> = looked.answer.records.iter().filter_map(mail_host).collect();
        if hosts.is_empty() {
            return Err(looked.missing(&format!("the MX record 10 {host}")));
        }
        // A second mail host would get part of the reports, and keep them.
        if hosts.iter().any(|found| found != host.as_str()) {
            let message = format!(
                "expected {host} as only mail host of {domain}, found {}",
                hosts.join(", ")
            );
            return Err(Doubt::refuted(FaultCode::RecordMismatch, message));
        }
        self.spf(domain).await
    }
}

async fn look<R: Resolver>(
    resolver: &R,
    name: &str,
    record_type: RecordType,
) -> Result<Looked, Doubt> {
    let parsed = Name::parse(name).map_err(|_| {
        let message = format!("expected a name that DNS can hold, found {name}");
        Doubt::refuted(FaultCode::RecordMalformed, message)
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
        Err(error) => Err(Doubt::Unknown(resolver_fault(name, &error))),
    }
}

/// What SPF of `domain` says of mail that this installation sends from `address`.
pub(super) async fn check_host<R: Resolver>(
    resolver: &R,
    installation: &Installation,
    domain: &Domain,
    address: IpAddr,
) -> Evaluation {
    let check = CheckHost {
        ip: address,
        domain,
        sender: &format!("{DEFAULT_SENDER}@{domain}"),
        helo: installation.base.as_str(),
    };
    spf::check_host(resolver, check).await
}

/// Whether whom the installation's own SPF record lets pass, the SPF record of `domain` does too, unless something before it decides.
/// `None` if that cannot be told.
pub(super) async fn spf_has_ours<R: Resolver>(
    resolver: &R,
    installation: &Installation,
    domain: &Domain,
) -> Option<bool> {
    let looked = look(resolver, domain.as_str(), RecordType::Txt)
        .await
        .ok()?;
    let Some(record) = spf::select(looked.texts()).ok()? else {
        return Some(false);
    };
    let walked = spf::count_lookups(resolver, domain, &record).await.ok()?;
    Some(lets_us_pass(&walked, installation))
}

fn lets_us_pass(walked: &spf::Lookups, installation: &Installation) -> bool {
    let host = installation.spf_host();
    let mut targets = walked.passing_targets.iter();
    targets.any(|target| target.to_string() == host)
}

/// Looks up the record that publishes `key` and judges it.
pub async fn observe_key<R: Resolver>(
    resolver: &R,
    record: &DomainRecord,
    key: &DomainKey,
) -> Finding {
    let watched = Watched::new(resolver);
    let judged = key_record(&watched, record, key).await;
    watched.into_finding(judged)
}

async fn key_record<R: Resolver>(resolver: &R, record: &DomainRecord, key: &DomainKey) -> Judged {
    let expected = record.key_record(key);
    let looked = look(resolver, &expected.name, RecordType::Txt).await?;
    let texts: Vec<&[u8]> = looked.texts().collect();
    match texts.as_slice() {
        [] => Err(looked.missing("the TXT record with the public key")),
        [text] => judge_key(&looked.name, text, &key.record),
        several => {
            let message = format!(
                "expected one TXT record at {}, found {}, of which receivers may take any",
                looked.name,
                several.len()
            );
            Err(Doubt::refuted(FaultCode::MultipleRecords, message))
        }
    }
}

/// Whether the published record holds our key, whatever else it says.
fn judge_key(name: &str, text: &[u8], expected: &str) -> Judged {
    let published = match PublicKeyRecord::parse(text) {
        Ok(published) => published,
        Err(RecordError::Revoked) => {
            let message = format!(
                "expected the public key at {name}, found an empty p=, which says that the key is revoked"
            );
            return Err(Doubt::refuted(FaultCode::KeyRevoked, message));
        }
        Err(error) => {
            let message = format!(
                "expected a valid key record at {name}, found {} with a fault: {}",
                shown(text),
                with_causes(&error)
            );
            return Err(Doubt::refuted(FaultCode::RecordMalformed, message));
        }
    };
    let is_ours = PublicKeyRecord::parse(expected.as_bytes())
        .is_ok_and(|expected| published.same_key(&expected));
    if !is_ours {
        let message =
            format!("expected the public key of this domain at {name}, found another key");
        return Err(Doubt::refuted(FaultCode::OtherKey, message));
    }
    Ok(published.testing().then(|| {
        format!("the key record at {name} says t=y: receivers may ignore signatures until that is removed")
    }))
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

fn bad_spf_record(domain: &Domain, error: &spf::RecordError) -> Doubt {
    if *error == spf::RecordError::Multiple {
        let message = format!(
            "expected one SPF record at {domain}, found several, which receivers take for none"
        );
        return Doubt::refuted(FaultCode::MultipleRecords, message);
    }
    let message = format!(
        "expected a valid SPF record at {domain}, found one with a fault: {}",
        with_causes(error)
    );
    Doubt::refuted(FaultCode::RecordMalformed, message)
}

fn spf_walk_failed(domain: &Domain, error: &spf::CountError) -> Doubt {
    let code = match error {
        spf::CountError::Lookup(spf::LookupError::Resolve { domain, source }) => {
            return Doubt::Unknown(resolver_fault(&domain.to_string(), source));
        }
        spf::CountError::TooManyRecords => FaultCode::TooManyLookups,
        spf::CountError::Lookup(spf::LookupError::Record { .. })
        | spf::CountError::NoRecord { .. }
        | spf::CountError::Loop { .. } => FaultCode::RecordMalformed,
    };
    unusable_spf_record(code, domain, error)
}

fn spf_check_failed(domain: &Domain, error: &spf::EvaluationError) -> Doubt {
    use spf::EvaluationError as E;
    let code = match error {
        E::Lookup(spf::LookupError::Resolve { domain, source }) => {
            return Doubt::Unknown(resolver_fault(&domain.to_string(), source));
        }
        E::Resolve { name, source } => {
            return Doubt::Unknown(resolver_fault(&name.to_string(), source));
        }
        E::TooManyLookups | E::TooManyVoidLookups | E::TooManyExchanges { .. } => {
            FaultCode::TooManyLookups
        }
        E::Lookup(spf::LookupError::Record { .. }) | E::NoRecord { .. } | E::Target { .. } => {
            FaultCode::RecordMalformed
        }
    };
    unusable_spf_record(code, domain, error)
}

fn unusable_spf_record(code: FaultCode, domain: &Domain, error: &(dyn Error + 'static)) -> Doubt {
    let message = format!(
        "expected an SPF record at {domain} that can be evaluated, found one that cannot: {}",
        with_causes(error)
    );
    Doubt::refuted(code, message)
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
