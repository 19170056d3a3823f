//! `/domains/ManagedDomain`: the domain every installation starts with.

use std::rc::Rc;

use guest::{Level, Problem, Request, Response, SpinPorts, json, log, with_header};
use mailer::domain::managed::{
    self, ManagedDomain, ProvisionError, Provisioning, ProvisioningState,
};
use mailer::keys;
use mailer::ports::{Clock, Scheduler};

use super::keys::HEAD_START;
use super::{POLL_AFTER_SECS, origin, parse_operation, to_poll};
use crate::config::Config;
use crate::refusal::{no_operation, provisioning as failed};
use crate::wire;

/// `PUT /domains/ManagedDomain`
pub(crate) async fn put(request: &Request, config: Rc<Config>) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let origin = origin(request);
    match managed::start_managed_domain(&*ports, &config.installation.base)
        .await
        .map_err(failed)?
    {
        ManagedDomain::Ready(record) => {
            let now = ports.now();
            json(200, &wire::Domain::new(&record, &config.installation, now))
        }
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
    let location = format!("{origin}/domains/operations/{id}");
    to_poll(202, &wire::Operation::running(id), &location)
}

/// Makes the domain behind the answer. If it is cut off, the next PUT begins anew.
async fn provision(config: Rc<Config>, provisioning: Provisioning) {
    let result = match SpinPorts::open().await {
        Ok(ports) => {
            ports.sleep(HEAD_START).await;
            managed::provision(&*ports, &config.master_keys.current, provisioning)
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
    let id = parse_operation(id)?;
    let ports = SpinPorts::open().await?;
    let provisioning = keys::managed_domain()
        .read(&*ports)
        .await?
        .filter(|found| found.operation == id)
        .ok_or_else(no_operation)?;
    match provisioning.state {
        ProvisioningState::Succeeded => json(200, &wire::Operation::succeeded(id)),
        ProvisioningState::Running(until) if ports.now() >= until => {
            let message = "The operation was cut off. Send the request again.";
            json(200, &wire::Operation::cut_off(id, message))
        }
        ProvisioningState::Running(_) => Ok(with_header(
            json(200, &wire::Operation::running(id))?,
            "retry-after",
            POLL_AFTER_SECS,
        )),
    }
}
