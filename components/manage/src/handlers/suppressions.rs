//! `/suppressions`: addresses that nobody's mail goes to.

use guest::{Problem, Request, Response, SpinPorts, empty, json};
use mailer::envelope::AddrSpec;
use mailer::ports::Clock;
use mailer::suppression::address::{self, Target};
use mailer::suppression::shelf::page;
use mailer::suppression::{Shelf, SuppressionError, explain as explain_address};
use mailer::treatment::Topic;

use super::{decode, page_size, query_text, read_json, skip_token};
use crate::config::Config;
use crate::refusal::suppression as refusal;
use crate::wire::{self, AddressPut};

/// `GET /suppressions`
pub(crate) async fn list(request: &Request, config: &Config) -> Result<Response, Problem> {
    let after = skip_token(request)?.unwrap_or(0);
    let limit = page_size(request)?;
    let ports = SpinPorts::open().await?;
    config.suppressor.admit(&*ports).await?;
    let found = page(&*ports, &Shelf::everywhere(), after, limit).await?;
    let next = found
        .next_after
        .map(|after| format!("/suppressions?skipToken={after}&top={limit}"));
    let now = ports.now();
    let values = found.entries.iter();
    let values = values.map(|entry| wire::Suppressed::new(entry, now));
    json(200, &wire::Page::new(values.collect(), next))
}

/// `GET /suppressions/{address}`
pub(crate) async fn get(config: &Config, segment: &str) -> Result<Response, Problem> {
    let target = target(segment)?;
    let ports = SpinPorts::open().await?;
    let found = address::get(&*ports, &config.suppressor, &target).await;
    let found = found.map_err(refusal)?;
    json(200, &wire::Suppressed::new(&found, ports.now()))
}

/// `PUT /suppressions/{address}`
pub(crate) async fn put(
    request: Request,
    config: &Config,
    segment: &str,
) -> Result<Response, Problem> {
    let address = address_of(segment)?;
    let body: AddressPut = read_json(request).await?;
    if let Some(email) = &body.email {
        let same =
            AddrSpec::parse(email).is_ok_and(|email| email.canonical() == address.canonical());
        if !same {
            let message = "Expected the address of the path, found another.";
            return Err(Problem::new(400, "InvalidEmailAddress", message).with_target("email"));
        }
    }
    let ports = SpinPorts::open().await?;
    let put = address::put(&*ports, &config.suppressor, &address, body.person()).await;
    let (entry, is_new) = put.map_err(refusal)?;
    let status = if is_new { 201 } else { 200 };
    json(status, &wire::Suppressed::new(&entry, ports.now()))
}

/// `DELETE /suppressions/{address}`
pub(crate) async fn delete(config: &Config, segment: &str) -> Result<Response, Problem> {
    let target = target(segment)?;
    let ports = SpinPorts::open().await?;
    let removed = address::remove(&*ports, &config.suppressor, &target).await;
    removed.map_err(refusal)?;
    Ok(empty(204))
}

/// `GET /suppressions/{address}:explain`
pub(crate) async fn explain(
    request: &Request,
    config: &Config,
    segment: &str,
) -> Result<Response, Problem> {
    let recipient = address_of(segment)?;
    let sender = query_text(request, "sender").map(|text| AddrSpec::parse(&text));
    let sender = sender.transpose().map_err(|error| {
        Problem::new(400, "InvalidEmailAddress", error.to_string()).with_target("sender")
    })?;
    let topic = query_text(request, "topic").map(|text| Topic::parse(&text));
    let topic = topic
        .transpose()
        .map_err(|error| Problem::new(400, "BadRequest", error.to_string()).with_target("topic"))?;
    let ports = SpinPorts::open().await?;
    let now = ports.now();
    let suppressor = &config.suppressor;
    let mail = (sender.as_ref(), topic.as_ref());
    let found = explain_address(&*ports, suppressor, mail, &recipient, now).await?;
    json(200, &wire::Explanation::new(found, now))
}

fn target(segment: &str) -> Result<Target, Problem> {
    let text = decode(segment).ok_or_else(not_utf8)?;
    Target::parse(&text).map_err(refusal)
}

fn address_of(segment: &str) -> Result<AddrSpec, Problem> {
    let text = decode(segment).ok_or_else(not_utf8)?;
    AddrSpec::parse(&text).map_err(|error| refusal(SuppressionError::from(error)))
}

fn not_utf8() -> Problem {
    let message = "Expected an address in UTF-8, found other octets.";
    Problem::new(400, "InvalidEmailAddress", message).with_target("email")
}
