//! `/domains/{name}/senderUsernames`.

use std::borrow::Cow;

use guest::{Problem, Request, Response, SpinPorts, empty, json};
use mailer::domain::senders;

use super::{decode, read_json, read_record, resolve_name, skip_token};
use crate::refusal::refusal;
use crate::wire::{self, SenderPut};

/// Sender usernames of one page.
const PAGE: usize = 50;

/// `GET /domains/{name}/senderUsernames`
pub(crate) async fn list(request: &Request, name: &str) -> Result<Response, Problem> {
    let skip = skip_token(request)?.unwrap_or(0);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let ports = SpinPorts::open().await?;
    let record = read_record(&ports, name).await?;
    let page = record.senders.iter().skip(skip).take(PAGE);
    let values: Vec<wire::Sender> = page.map(wire::Sender::from).collect();
    let end = skip.saturating_add(values.len());
    let domain = &record.domain;
    let next = (end < record.senders.len())
        .then(|| format!("/domains/{domain}/senderUsernames?skipToken={end}"));
    json(200, &wire::Page::new(values, next))
}

/// `GET /domains/{name}/senderUsernames/{username}`
pub(crate) async fn get(name: &str, username: &str) -> Result<Response, Problem> {
    let username = decoded(username)?;
    let ports = SpinPorts::open().await?;
    let record = read_record(&ports, name).await?;
    let sender = record
        .find_sender(&username)
        .ok_or_else(|| refusal(mailer::domain::DomainError::NoSuchSender))?;
    json(200, &wire::Sender::from(sender))
}

/// `PUT /domains/{name}/senderUsernames/{username}`
pub(crate) async fn put(request: Request, name: &str, username: &str) -> Result<Response, Problem> {
    let username = decoded(username)?;
    let body: SenderPut = read_json(request).await?;
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    let display_name = body.display_name.as_deref();
    let (sender, is_new) = senders::set(&*ports, &domain, &username, display_name)
        .await
        .map_err(refusal)?;
    let status = if is_new { 201 } else { 200 };
    json(status, &wire::Sender::from(&sender))
}

/// `DELETE /domains/{name}/senderUsernames/{username}`
pub(crate) async fn delete(name: &str, username: &str) -> Result<Response, Problem> {
    let username = decoded(username)?;
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    senders::remove(&*ports, &domain, &username)
        .await
        .map_err(refusal)?;
    Ok(empty(204))
}

/// A local part may hold characters that a path has to escape.
fn decoded(segment: &str) -> Result<Cow<'_, str>, Problem> {
    decode(segment).ok_or_else(|| refusal(mailer::domain::DomainError::SenderUsername))
}
