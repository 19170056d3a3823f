//! Decode, one use case, encode.

use std::rc::Rc;

use guest::{Level, Problem, Request, Response, SpinPorts, header, json, log, with_header};
use mailer::domain::{self, ManagedDomain, ProvisionError, Provisioning, ProvisioningState};
use mailer::envelope::Domain;
use mailer::keys;
use mailer::operation::OperationId;
use mailer::ports::{Clock, Scheduler};

use crate::config::Config;
use crate::wire;

/// Seconds after which an operation is worth another look.
const POLL_AFTER_SECS: &str = "1";
/// Lets the answer leave before the work begins, which keeps the instance's thread busy between its yields.
const HEAD_START: std::time::Duration = std::time::Duration::from_millis(20);

/// `GET /domains`
pub(crate) async fn list() -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    json(200, &wire::DomainList::new(&domain::list(&*ports).await?))
}

/// `GET /domains/{name}`
pub(crate) async fn get(name: &str) -> Result<Response, Problem> {
    let name = Domain::parse(name)
        .map_err(|e| Problem::new(400, "BadRequest", e.to_string()).with_target("domain"))?;
    let ports = SpinPorts::open().await?;
    let record = keys::domain(&name)
        .read(&*ports)
        .await?
        .ok_or_else(no_domain)?;
    json(200, &wire::Domain::from(&record))
}

/// `GET /domains/ManagedDomain`
pub(crate) async fn managed() -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let provisioning = keys::managed_domain()
        .read(&*ports)
        .await?
        .ok_or_else(no_domain)?;
    let record = keys::domain(&provisioning.domain)
        .read(&*ports)
        .await?
        .ok_or_else(no_domain)?;
    json(200, &wire::Domain::from(&record))
}

/// `PUT /domains/ManagedDomain`
pub(crate) async fn put_managed(
    request: &Request,
    config: Rc<Config>,
) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let host = header(request, "host")
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    let origin = format!(
        "{}://{}",
        request.uri().scheme_str().unwrap_or("http"),
        host.unwrap_or_default()
    );
    match domain::start_managed_domain(&*ports, &config.managed_domain)
        .await
        .map_err(failed)?
    {
        ManagedDomain::Ready(record) => json(200, &wire::Domain::from(&record)),
        ManagedDomain::Running(provisioning) => started(&provisioning, &origin),
        ManagedDomain::Started(provisioning) => {
            let response = started(&provisioning, &origin);
            guest::spawn(provision(config, provisioning));
            response
        }
    }
}

fn started(provisioning: &Provisioning, origin: &str) -> Result<Response, Problem> {
    let id = provisioning.operation;
    let response = json(202, &wire::Operation::running(id))?;
    let response = with_header(
        response,
        "operation-location",
        &format!("{origin}/domains/operations/{id}"),
    );
    Ok(with_header(response, "retry-after", POLL_AFTER_SECS))
}

/// Makes the domain behind the answer. If it is cut off, the next PUT begins anew.
async fn provision(config: Rc<Config>, provisioning: Provisioning) {
    let result = match SpinPorts::open().await {
        Ok(ports) => {
            ports.sleep(HEAD_START).await;
            domain::provision(&*ports, &config.master_key, provisioning)
                .await
                .map(|_| ())
        }
        Err(error) => Err(ProvisionError::from(error)),
    };
    if let Err(error) = result {
        log(
            Level::Error,
            "the managed domain could not be made",
            &[("cause", &error.to_string())],
        );
    }
}

/// `GET /domains/operations/{id}`
pub(crate) async fn operation(id: &str) -> Result<Response, Problem> {
    let id: OperationId = id.parse().map_err(|_| no_operation())?;
    let ports = SpinPorts::open().await?;
    let provisioning = keys::managed_domain()
        .read(&*ports)
        .await?
        .filter(|found| found.operation == id)
        .ok_or_else(no_operation)?;
    match provisioning.state {
        ProvisioningState::Succeeded => json(200, &wire::Operation::succeeded(id)),
        ProvisioningState::Running(until) if ports.now() >= until => {
            json(200, &wire::Operation::cut_off(id))
        }
        ProvisioningState::Running(_) => Ok(with_header(
            json(200, &wire::Operation::running(id))?,
            "retry-after",
            POLL_AFTER_SECS,
        )),
    }
}

fn no_domain() -> Problem {
    Problem::new(404, "DomainNotFound", "There is no such domain.").with_target("domain")
}

fn no_operation() -> Problem {
    Problem::new(404, "NotFound", "There is no such operation.")
}

fn failed(error: ProvisionError) -> Problem {
    match error {
        ProvisionError::Store(error) => error.into(),
        ProvisionError::Busy => Problem::unavailable(error),
        ProvisionError::BaseTooLong | ProvisionError::Key => Problem::internal(error),
    }
}
