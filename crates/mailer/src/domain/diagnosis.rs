//! What a receiving server will conclude about mail that is sent from a domain now, and what to change.

use std::net::IpAddr;

use dmarc::{Alignment, Authenticated, Discovered, Policy};
use dns::Resolver;
use envelope::Domain;
use spf::SpfResult;

use super::inquiry::Inquiry;
use super::observation::{check_host, observe_key, resolver_fault, spf_has_ours, with_causes};
use super::record::{Algorithm, DomainRecord};
use super::requirement::Installation;
use super::verification::{FindingResult, RecordKind};
use crate::ports::Clock;

/// What a receiving server will conclude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// SPF, for each address mail leaves from.
    pub spf: Vec<SpfOutlook>,
    /// DKIM, for each key that signs.
    pub dkim: Vec<DkimOutlook>,
    /// What DMARC makes of them.
    pub dmarc: DmarcOutlook,
    /// What to change, the most pressing first; empty when all is well.
    pub advice: Vec<String>,
}

/// SPF for mail from one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfOutlook {
    /// The address of the client that the receiving server sees.
    pub address: IpAddr,
    /// The domain of the return path.
    pub domain: Domain,
    /// RFC 7208 section 2.6.
    pub result: SpfResult,
    /// Whether the domain is aligned with that of From: RFC 7489 section 3.1.2.
    pub aligned: bool,
    /// Why.
    pub explanation: String,
}

/// DKIM with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimOutlook {
    /// Where the key is published.
    pub selector: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Whether a signature made now verifies.
    pub result: DkimResult,
    /// Whether `d=` is aligned with the domain of From: RFC 7489 section 3.1.1.
    pub aligned: bool,
    /// Why.
    pub explanation: String,
}

/// Whether a signature verifies: RFC 8601 section 2.7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DkimResult {
    /// It does.
    Pass,
    /// It does not.
    PermError,
    /// DNS did not say.
    TempError,
}

/// What DMARC makes of SPF and DKIM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmarcOutlook {
    /// RFC 8601 section 2.7.
    pub result: DmarcResult,
    /// What the owner asks receivers to do with mail that fails.
    pub policy: Option<Policy>,
    /// Why.
    pub explanation: String,
}

/// The result of DMARC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DmarcResult {
    /// SPF or DKIM passes, and is aligned.
    Pass,
    /// Neither does.
    Fail,
    /// There is no policy.
    None,
    /// DNS did not say.
    TempError,
    /// The record is broken.
    PermError,
}

/// Looks everything up, as far as an [`Inquiry`] goes, and concludes.
pub async fn diagnose<P: Clock, R: Resolver>(
    clock: &P,
    resolver: &R,
    record: &DomainRecord,
    installation: &Installation,
) -> Diagnosis {
    let resolver = &Inquiry::begin(clock, resolver);
    let discovered = dmarc::discover(resolver, &record.domain).await;
    let policy = discovered.as_ref().ok().and_then(Option::as_ref);
    let spf = spf_outlooks(resolver, record, installation, policy).await;
    let dkim = dkim_outlooks(resolver, record).await;
    let dmarc = dmarc_outlook(record, &discovered, &spf, &dkim);
    let outlooks = Outlooks {
        spf: &spf,
        spf_advice: spf_advice(resolver, installation, &spf).await,
        dkim: &dkim,
        dmarc: &dmarc,
    };
    let advice = advise(record, installation, outlooks);
    Diagnosis {
        spf,
        dkim,
        dmarc,
        advice,
    }
}

async fn spf_outlooks<R: Resolver>(
    resolver: &R,
    record: &DomainRecord,
    installation: &Installation,
    policy: Option<&Discovered>,
) -> Vec<SpfOutlook> {
    let mode = policy.map_or(Alignment::Relaxed, |found| found.record.spf_alignment);
    let Some(domain) = record.return_path_now(installation) else {
        return Vec::new();
    };
    let mut outlooks = Vec::new();
    for &address in &installation.sending_addresses {
        let evaluation = check_host(resolver, installation, &domain, address).await;
        let explanation = match (&evaluation.error, &evaluation.matched) {
            (Some(error), _) => with_causes(error),
            (None, Some(directive)) => format!("{address} matches {directive} of {domain}"),
            (None, None) => format!("nothing in the SPF record of {domain} matches {address}"),
        };
        outlooks.push(SpfOutlook {
            address,
            result: evaluation.result,
            aligned: dmarc::is_aligned(&record.domain, &domain, mode),
            domain: domain.clone(),
            explanation,
        });
    }
    outlooks
}

async fn dkim_outlooks<R: Resolver>(resolver: &R, record: &DomainRecord) -> Vec<DkimOutlook> {
    let mut outlooks = Vec::new();
    for key in record.signing_keys() {
        let name = record.key_record(key).name;
        let (result, explanation) = match observe_key(resolver, record, key).await.result {
            FindingResult::Confirmed(remark) => {
                let explanation = format!("{name} publishes the key that signs");
                (DkimResult::Pass, remark.unwrap_or(explanation))
            }
            FindingResult::Refuted(fault) => (DkimResult::PermError, fault.message),
            FindingResult::Unknown(fault) => (DkimResult::TempError, fault.message),
        };
        outlooks.push(DkimOutlook {
            selector: key.selector.clone(),
            algorithm: key.algorithm,
            result,
            // d= is the domain of From itself.
            aligned: true,
            explanation,
        });
    }
    outlooks
}

type DiscoverResult = Result<Option<Discovered>, dmarc::DiscoverError>;

fn dmarc_outlook(
    record: &DomainRecord,
    discovered: &DiscoverResult,
    spf: &[SpfOutlook],
    dkim: &[DkimOutlook],
) -> DmarcOutlook {
    let without_policy = |result, explanation: String| DmarcOutlook {
        result,
        policy: None,
        explanation,
    };
    let name = format!("_dmarc.{}", record.domain);
    match discovered {
        Ok(Some(found)) => judge(record, found, spf, dkim),
        Ok(None) => without_policy(
            DmarcResult::None,
            format!("there is no DMARC record at {name}"),
        ),
        Err(error @ dmarc::DiscoverError::Record { .. }) => {
            without_policy(DmarcResult::PermError, with_causes(error))
        }
        Err(dmarc::DiscoverError::Resolve { name, source }) => {
            let fault = resolver_fault(&name.to_string(), source);
            without_policy(DmarcResult::TempError, fault.message)
        }
    }
}

fn judge(
    record: &DomainRecord,
    found: &Discovered,
    spf: &[SpfOutlook],
    dkim: &[DkimOutlook],
) -> DmarcOutlook {
    let passes_everywhere =
        !spf.is_empty() && spf.iter().all(|outlook| outlook.result == SpfResult::Pass);
    let spf_domain = spf.first().filter(|_| passes_everywhere);
    let signed = dkim
        .iter()
        .any(|outlook| outlook.result == DkimResult::Pass);
    let signers = [record.domain.clone()];
    let verdict = dmarc::evaluate(
        &record.domain,
        found,
        &Authenticated {
            spf: spf_domain.map(|outlook| &outlook.domain),
            dkim: if signed { &signers } else { &[] },
        },
    );
    let (result, explanation) = match (verdict.dkim_aligned, verdict.spf_aligned) {
        (true, true) => (
            DmarcResult::Pass,
            "DKIM and SPF pass and are aligned with From",
        ),
        (true, false) => (
            DmarcResult::Pass,
            "DKIM passes and is aligned with From; SPF does not add to it",
        ),
        (false, true) => (
            DmarcResult::Pass,
            "SPF passes and is aligned with From; DKIM does not pass, so forwarded mail will fail",
        ),
        (false, false) if is_open(spf, dkim) => (
            DmarcResult::TempError,
            "neither DKIM nor SPF passes and is aligned with From, but DNS did not answer for one of them",
        ),
        (false, false) => (
            DmarcResult::Fail,
            "neither DKIM nor SPF passes and is aligned with From",
        ),
    };
    DmarcOutlook {
        result,
        policy: Some(found.policy()),
        explanation: explanation.to_owned(),
    }
}

/// Whether an answer that DNS did not give could change the result.
fn is_open(spf: &[SpfOutlook], dkim: &[DkimOutlook]) -> bool {
    let spf_is_open = spf
        .iter()
        .any(|found| found.result == SpfResult::TempError && found.aligned);
    let dkim_is_open = dkim
        .iter()
        .any(|found| found.result == DkimResult::TempError);
    spf_is_open || dkim_is_open
}

/// What to change so that SPF passes. One thing at a time: what comes after it may be a consequence.
async fn spf_advice<R: Resolver>(
    resolver: &R,
    installation: &Installation,
    spf: &[SpfOutlook],
) -> Option<String> {
    let found = spf.iter().find(|found| found.result != SpfResult::Pass)?;
    let SpfOutlook {
        address,
        domain,
        explanation,
        ..
    } = found;
    let host = installation.spf_host();
    let is_our_own = installation.return_path().as_ref() == Some(domain);
    Some(match found.result {
        SpfResult::TempError => {
            format!("Ask again later: DNS did not answer about SPF of {domain}: {explanation}.")
        }
        _ if is_our_own => format!(
            "Publish the records of this installation at {domain} and {host}, as the zone of the managed domain has them: {explanation}."
        ),
        SpfResult::PermError => format!("Mend the SPF record of {domain}: {explanation}."),
        _ => match spf_has_ours(resolver, installation, domain).await {
            Some(true) => format!(
                "Let {address} pass in the SPF record of {host}, and let nothing come before {} in that of {domain}: {explanation}.",
                installation.spf_include()
            ),
            Some(false) | None => format!(
                "Add {} to the SPF record of {domain}: {explanation}.",
                installation.spf_include()
            ),
        },
    })
}

struct Outlooks<'a> {
    spf: &'a [SpfOutlook],
    spf_advice: Option<String>,
    dkim: &'a [DkimOutlook],
    dmarc: &'a DmarcOutlook,
}

fn advise(record: &DomainRecord, installation: &Installation, found: Outlooks<'_>) -> Vec<String> {
    let Outlooks {
        spf,
        spf_advice,
        dkim,
        dmarc,
    } = found;
    let mut advice = Vec::new();
    if !record.linked {
        advice.push("Link the domain: nothing is sent from it while it is not linked.".to_owned());
    }
    if let Some(kind) = record.missing_to_send() {
        advice.push(format!(
            "Have the {kind} record verified: nothing is sent before that."
        ));
    }
    if dkim.is_empty() {
        advice.push("Publish the DKIM record and have it verified: no key signs yet.".to_owned());
    }
    let broken_keys = dkim
        .iter()
        .filter(|found| found.result == DkimResult::PermError);
    advice.extend(broken_keys.map(|found| {
        format!(
            "Mend the key record of {}: {}.",
            found.selector, found.explanation
        )
    }));
    if installation.sending_addresses.is_empty() {
        advice.push(
            "Set the variable sending_addresses: without it SPF cannot be judged.".to_owned(),
        );
    }
    advice.extend(spf_advice);
    if spf.iter().any(|found| !found.aligned) && !record.is_verified(RecordKind::ReturnPath) {
        advice.push(format!(
            "Publish the records of the return path {} and have them verified: then SPF is aligned with From.",
            record.wanted_return_path()
        ));
    }
    advice.extend(tracking_advice(record, installation));
    match dmarc.result {
        DmarcResult::None => advice.push(format!(
            "Publish a DMARC record at _dmarc.{}, such as v=DMARC1; p=none: large receivers ask for one.",
            record.domain
        )),
        DmarcResult::PermError => advice.push(format!("Mend the DMARC record: {}.", dmarc.explanation)),
        DmarcResult::Pass | DmarcResult::Fail | DmarcResult::TempError => {}
    }
    advice
}

/// What keeps engagement from being tracked, or from being tracked under the domain's own name.
fn tracking_advice(record: &DomainRecord, installation: &Installation) -> Option<String> {
    let origin = record.link_origin(installation);
    if origin.is_none() && (record.tracks_engagement || record.bulk_by_default) {
        return Some(
            "Set the variable tracking_url, or have a tracking host verified: without either nothing is tracked, and no link to unsubscribe is put into mail."
                .to_owned(),
        );
    }
    let host = record.tracking_host.as_ref()?;
    if record.is_verified(RecordKind::Tracking) {
        return None;
    }
    Some(match (installation.tracking_host(), origin) {
        (Some(ours), Some(origin)) => format!(
            "Publish the CNAME record of {host}, which leads to {ours}, and have it verified: until then links lead to {origin}."
        ),
        _ => format!(
            "Set the variable tracking_url to an origin with a name: without that {host} cannot be verified."
        ),
    })
}
