//! Decode, one use case, encode; one module for each resource.

pub(crate) mod domains;
pub(crate) mod keys;
pub(crate) mod managed;
pub(crate) mod senders;
pub(crate) mod verification;

use guest::{Problem, Request, Response, SpinPorts, header, json, read_body, with_header};
use mailer::domain::DomainRecord;
use mailer::envelope::Domain;
use mailer::keys as store_keys;
use mailer::operation::OperationId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::refusal::no_domain;

/// Seconds after which an operation is worth another look.
const POLL_AFTER_SECS: &str = "1";
/// The largest body of a request: a private key of 4,096 bits in PEM takes 3,300 octets.
const MAX_BODY_OCTETS: usize = 64 * 1024;
/// What stands for the managed domain's name, which nobody remembers.
const MANAGED: &str = "ManagedDomain";

/// The record of the domain that a path names, and is not deleted.
async fn read_record(ports: &SpinPorts, name: &str) -> Result<DomainRecord, Problem> {
    let domain = resolve_name(ports, name).await?;
    store_keys::domain(&domain)
        .read(ports)
        .await?
        .filter(|record| record.deleted_at.is_none())
        .ok_or_else(no_domain)
}

/// The domain that a path names.
async fn resolve_name(ports: &SpinPorts, name: &str) -> Result<Domain, Problem> {
    if name == MANAGED {
        let provisioning = store_keys::managed_domain().read(ports).await?;
        return provisioning
            .map(|provisioning| provisioning.domain)
            .ok_or_else(no_domain);
    }
    Domain::parse(name).map_err(|error| {
        Problem::new(400, "InvalidDomain", error.to_string()).with_target("domain")
    })
}

/// The body as JSON; an empty one as what a missing one means.
async fn read_json<T: DeserializeOwned + Default>(request: Request) -> Result<T, Problem> {
    let body = read_body(request, MAX_BODY_OCTETS).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&body).map_err(|error| {
        Problem::new(
            400,
            "BadRequest",
            format!("The request body cannot be read: {error}"),
        )
    })
}

/// A number in the query, if it is there.
fn query_number(request: &Request, name: &'static str) -> Result<Option<u64>, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let Some((_, value)) = pairs.find(|(key, _)| key == name) else {
        return Ok(None);
    };
    value.parse().map(Some).map_err(|_| {
        Problem::new(
            400,
            "BadRequest",
            format!("Expected {name} to be a number, as a nextLink has it."),
        )
        .with_target(name)
    })
}

/// Scheme and host as the caller sees them.
fn origin(request: &Request) -> String {
    let host = header(request, "host")
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    format!(
        "{}://{}",
        request.uri().scheme_str().unwrap_or("http"),
        host.unwrap_or_default()
    )
}

/// An answer to poll: `location` is where.
fn to_poll(status: u16, body: &impl Serialize, location: &str) -> Result<Response, Problem> {
    let response = with_header(json(status, body)?, "operation-location", location);
    Ok(with_header(response, "retry-after", POLL_AFTER_SECS))
}

fn parse_operation(id: &str) -> Result<OperationId, Problem> {
    id.parse().map_err(|_| crate::refusal::no_operation())
}
