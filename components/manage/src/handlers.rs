//! Decode, one use case, encode; one module for each resource.

pub(crate) mod domains;
pub(crate) mod engagement;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod managed;
pub(crate) mod senders;
pub(crate) mod subscriptions;
pub(crate) mod suppressions;
pub(crate) mod transfer;
pub(crate) mod verification;

use std::borrow::Cow;

use guest::{
    MAX_PAGE, Object, Problem, Request, Response, SpinPorts, header, json, read_body, with_header,
};
use mailer::domain::DomainRecord;
use mailer::envelope::Domain;
use mailer::keys as store_keys;
use mailer::operation::OperationId;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

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
    let name = decode_name(name)?;
    if name == MANAGED {
        let provisioning = store_keys::managed_domain().read(ports).await?;
        return provisioning
            .map(|provisioning| provisioning.domain)
            .ok_or_else(no_domain);
    }
    Domain::parse(&name).map_err(|error| {
        Problem::new(400, "InvalidDomain", error.to_string()).with_target("domain")
    })
}

/// The text that a segment of a path stands for: what a URI cannot hold, U-labels among it, is escaped there.
fn decode(segment: &str) -> Option<Cow<'_, str>> {
    percent_encoding::percent_decode_str(segment)
        .decode_utf8()
        .ok()
}

fn decode_name(segment: &str) -> Result<Cow<'_, str>, Problem> {
    decode(segment).ok_or_else(|| {
        let message = "Expected a domain in UTF-8, found other octets.";
        Problem::new(400, "InvalidDomain", message).with_target("domain")
    })
}

/// The body as JSON; an empty one as what a missing one means.
async fn read_json<T: DeserializeOwned + Default>(request: Request) -> Result<T, Problem> {
    let body = read_body(request, MAX_BODY_OCTETS).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    let read = serde_json::from_slice(&body).map(|Object(value)| value);
    read.map_err(|error| unreadable(&error, &body))
}

/// Tells where the fault is and not what: serde's own message quotes what it found, which may be a private key.
fn unreadable(error: &serde_json::Error, body: &[u8]) -> Problem {
    // Where one of several words is wanted, a value that is no text counts as a fault of syntax.
    let is_json = || serde_json::from_slice::<IgnoredAny>(body).is_ok();
    let what = match error.classify() {
        Category::Io | Category::Eof => "expected more JSON",
        Category::Syntax if !is_json() => "expected JSON",
        Category::Syntax | Category::Data => "expected another property or a value of another type",
    };
    let (line, column) = (error.line(), error.column());
    let message =
        format!("The request body cannot be read: {what} at line {line}, column {column}.");
    Problem::new(400, "BadRequest", message)
}

/// A text in the query, if it is there.
fn query_text(request: &Request, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, value) = pairs.find(|(key, _)| key == name)?;
    Some(value.into_owned())
}

/// How much a page is to have: at most [`MAX_PAGE`], which it is when nobody says.
fn page_size(request: &Request) -> Result<usize, Problem> {
    let top = query_text(request, "top");
    top.map_or(Ok(MAX_PAGE), |top| guest::page_size(&top))
}

/// How many lines of a file an import passes over.
fn skip_lines(request: &Request) -> Result<u64, Problem> {
    let message = "Expected skipLines to be a number of lines, 0 or more.";
    Ok(parse_number(request, "skipLines", message)?.unwrap_or(0))
}

/// Where a page begins, as the link to it says.
fn skip_token(request: &Request) -> Result<Option<u64>, Problem> {
    let message = "Expected skipToken as a nextLink has it.";
    parse_number(request, "skipToken", message)
}

/// A number in the query, if it is there.
fn parse_number(
    request: &Request,
    name: &'static str,
    message: &str,
) -> Result<Option<u64>, Problem> {
    let text = query_text(request, name);
    let number = text.map(|text| text.parse()).transpose();
    number.map_err(|_| Problem::new(400, "BadRequest", message).with_target(name))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DomainPatch, DomainPut, KeyPut};

    #[track_caller]
    fn check<T: DeserializeOwned>(body: &str, expected: &str) {
        let error = serde_json::from_str::<Object<T>>(body).err();
        let message = error.map(|error| unreadable(&error, body.as_bytes()).message);
        let expected = format!("The request body cannot be read: expected {expected}.");
        assert_eq!(message, Some(expected), "{body}");
    }

    #[test]
    fn a_value_that_is_not_the_word_wanted_is_json_all_the_same() {
        let message = "another property or a value of another type at line 1, column";
        let tracking = |value| format!("{{\"userEngagementTracking\":{value}}}");
        check::<DomainPatch>(&tracking("true"), &format!("{message} 27"));
        check::<DomainPatch>(&tracking("1"), &format!("{message} 27"));
        check::<DomainPatch>(&tracking("\"on\""), &format!("{message} 30"));
        check::<DomainPatch>(&tracking("yes"), "JSON at line 1, column 27");
    }

    #[test]
    fn a_body_that_cannot_be_read_is_not_quoted() {
        let other = "another property or a value of another type";
        check::<KeyPut>("\"SECRET\"", &format!("{other} at line 1, column 8"));
        check::<KeyPut>("{\"SECRET\":1}", &format!("{other} at line 1, column 9"));
        check::<KeyPut>("[\"SECRET\"]", &format!("{other} at line 1, column 0"));
        check::<KeyPut>("{\"privateKey\":", "more JSON at line 1, column 14");
        check::<KeyPut>("SECRET", "JSON at line 1, column 1");
        check::<DomainPut>(
            "{\"linked\":\n\"SECRET\"}",
            &format!("{other} at line 2, column 8"),
        );
    }
}
