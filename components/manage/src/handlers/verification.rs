//! The verification of a domain's records.

use std::rc::Rc;

use guest::{Level, Problem, Request, Response, SpinPorts, json, log, with_header};
use mailer::domain::custom;
use mailer::domain::diagnosis;
use mailer::domain::record::DomainRecord;
use mailer::domain::verification::RecordKind;
use mailer::envelope::Domain;
use mailer::ports::Clock;
use mailer::time::Timestamp;

use super::{POLL_AFTER_SECS, origin, read_json, read_record, resolve_name};
use crate::config::Config;
use crate::refusal::refusal;
use crate::wire::{self, Verify};

/// `POST /domains/{name}:initiateVerification`
pub(crate) async fn initiate(
    request: Request,
    config: Rc<Config>,
    name: &str,
) -> Result<Response, Problem> {
    let origin = origin(&request);
    let body: Verify = read_json(request).await?;
    let kinds = match body.verification_type {
        Some(name) => vec![kind(&name)?],
        None => RecordKind::ALL.to_vec(),
    };
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    let record = custom::request_verification(&*ports, &domain, &kinds)
        .await
        .map_err(refusal)?;
    started((&record, ports.now()), config, &origin)
}

/// `POST /domains/{name}:cancelVerification`
pub(crate) async fn cancel(
    request: Request,
    config: Rc<Config>,
    name: &str,
) -> Result<Response, Problem> {
    let origin = origin(&request);
    let body: Verify = read_json(request).await?;
    let kind = kind(body.verification_type.as_deref().unwrap_or_default())?;
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    let record = custom::cancel_verification(&*ports, &domain, kind)
        .await
        .map_err(refusal)?;
    started((&record, ports.now()), config, &origin)
}

fn kind(name: &str) -> Result<RecordKind, Problem> {
    let names = RecordKind::ALL.map(RecordKind::as_str).join(", ");
    RecordKind::parse(name).ok_or_else(|| {
        Problem::new(
            400,
            "InvalidVerificationType",
            format!("Expected verificationType to be one of {names}."),
        )
        .with_target("verificationType")
    })
}

fn started(
    (record, now): (&DomainRecord, Timestamp),
    config: Rc<Config>,
    origin: &str,
) -> Result<Response, Problem> {
    let domain = record.domain.clone();
    let body = wire::Domain::new(record, &config.installation, now);
    let response = json(202, &body)?;
    let response = with_header(response, "location", &format!("{origin}/domains/{domain}"));
    guest::spawn(check(config, domain));
    Ok(with_header(response, "retry-after", POLL_AFTER_SECS))
}

/// The first look, behind the answer. If it is cut off, the tick looks.
async fn check(config: Rc<Config>, domain: Domain) {
    let result = match SpinPorts::open().await {
        Ok(ports) => custom::check(&*ports, &config.resolver, &config.installation, &domain)
            .await
            .map(|_| ()),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = result {
        log(
            Level::Error,
            "the records of a domain could not be looked at",
            &[("cause", &error.to_string())],
        );
    }
}

/// `GET /domains/{name}:diagnose`
pub(crate) async fn diagnose(config: &Config, name: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let record = read_record(&ports, name).await?;
    let resolver = &config.resolver;
    let found = diagnosis::diagnose(&*ports, resolver, &record, &config.installation).await;
    json(200, &wire::Diagnosis::from(&found))
}
