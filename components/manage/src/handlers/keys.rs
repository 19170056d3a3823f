//! Signing keys: made, imported, rotated, sealed anew.

use std::rc::Rc;
use std::time::Duration;

use guest::{Level, Problem, Request, Response, SpinPorts, json, log, with_header};
use mailer::domain::key_change::{self, Rotation};
use mailer::domain::record::{Algorithm, DomainRecord};
use mailer::domain::reseal::reseal as reseal_page;
use mailer::envelope::Domain;
use mailer::operation::OperationId;
use mailer::ports::{Clock, Scheduler};
use mailer::time::Timestamp;

use super::{
    POLL_AFTER_SECS, origin, parse_operation, read_json, read_record, resolve_name, skip_token,
    to_poll,
};
use crate::config::Config;
use crate::refusal::{no_operation, refusal};
use crate::wire::{self, KeyPut, Rotate};

/// Lets the answer leave before the work begins, which keeps the instance's thread busy between its yields.
pub(crate) const HEAD_START: Duration = Duration::from_millis(20);

/// Answers with `record`, and makes the keys it waits for behind the answer.
pub(crate) fn start_making(
    (record, now): (&DomainRecord, Timestamp),
    config: Rc<Config>,
    (status, origin): (u16, &str),
) -> Result<Response, Problem> {
    let body = wire::Domain::new(record, &config.installation, now);
    let Some(making) = record.making else {
        return json(status, &body);
    };
    let operation = making.operation;
    let domain = record.domain.clone();
    let location = format!("{origin}/domains/{domain}/operations/{operation}");
    let response = to_poll(status, &body, &location);
    guest::spawn(make(config, domain, operation));
    response
}

async fn make(config: Rc<Config>, domain: Domain, operation: OperationId) {
    let result = match SpinPorts::open().await {
        Ok(ports) => {
            ports.sleep(HEAD_START).await;
            let master_key = &config.master_keys.current;
            key_change::make_keys(&*ports, master_key, &domain, operation).await
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = result {
        log(
            Level::Error,
            "the keys of a domain could not be made",
            &[("cause", &error.to_string())],
        );
    }
}

/// `GET /domains/{name}/operations/{id}`
pub(crate) async fn operation(name: &str, id: &str) -> Result<Response, Problem> {
    let id = parse_operation(id)?;
    let ports = SpinPorts::open().await?;
    let record = read_record(&ports, name).await?;
    match record.making {
        Some(making) if making.operation == id => {
            if ports.now() >= making.until {
                let message = "The operation was cut off. The tick takes it up again.";
                return json(200, &wire::Operation::cut_off(id, message));
            }
            let response = json(200, &wire::Operation::running(id))?;
            Ok(with_header(response, "retry-after", POLL_AFTER_SECS))
        }
        _ if record.made == Some(id) => json(200, &wire::Operation::succeeded(id)),
        _ => Err(no_operation()),
    }
}

/// `PUT /domains/{name}/dkimKeys/{selector}`
pub(crate) async fn import(
    request: Request,
    config: &Config,
    name: &str,
    selector: &str,
) -> Result<Response, Problem> {
    let body: KeyPut = read_json(request).await?;
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    let master_key = &config.master_keys.current;
    let record = key_change::import(&*ports, master_key, &domain, selector, &body.private_key)
        .await
        .map_err(refusal)?;
    let now = ports.now();
    json(201, &wire::Domain::new(&record, &config.installation, now))
}

/// `POST /domains/{name}:rotateDkim`
pub(crate) async fn rotate(
    request: Request,
    config: Rc<Config>,
    name: &str,
) -> Result<Response, Problem> {
    let origin = origin(&request);
    let body: Rotate = read_json(request).await?;
    let algorithm: Algorithm = body.algorithm.into();
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    let rotated = key_change::rotate(&*ports, &config.resolver, &domain, algorithm)
        .await
        .map_err(refusal)?;
    let now = ports.now();
    match rotated {
        Rotation::Rotated(record) => start_making((&record, now), config, (200, &origin)),
        Rotation::NextKeyNeeded(record) => start_making((&record, now), config, (202, &origin)),
    }
}

/// `POST /keys:reseal`
pub(crate) async fn reseal(request: &Request, config: &Config) -> Result<Response, Problem> {
    let after = skip_token(request)?.unwrap_or(0);
    let ports = SpinPorts::open().await?;
    let done = reseal_page(&*ports, &config.master_keys, after)
        .await
        .map_err(refusal)?;
    if done.failed > 0 {
        let failed = done.failed.to_string();
        let message = "private keys open with neither master key";
        log(Level::Error, message, &[("keys", &failed)]);
    }
    json(200, &wire::Resealed::from(done))
}
