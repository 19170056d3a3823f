//! `/domains` and `/domains/{name}`.

use std::rc::Rc;

use guest::{Problem, Request, Response, SpinPorts, empty, json, text};
use mailer::domain::custom::{self, DomainChange, Engagement, NewDomain};
use mailer::domain::history;
use mailer::domain::index::{self, Deleted};
use mailer::keys;
use mailer::ports::Clock;

use super::{
    decode_name, keys::start_making, page_size, read_json, read_record, resolve_name, skip_token,
};
use crate::config::Config;
use crate::refusal::{no_domain, refusal};
use crate::wire::{self, DomainPatch, DomainPut, UserEngagementTracking};

/// `GET /domains`
pub(crate) async fn list(request: &Request, config: &Config) -> Result<Response, Problem> {
    let after = skip_token(request)?.unwrap_or(0);
    let limit = page_size(request)?;
    let ports = SpinPorts::open().await?;
    let page = index::page(&*ports, after, limit, Deleted::Hidden).await?;
    let next = page
        .next_after
        .map(|after| format!("/domains?skipToken={after}&top={limit}"));
    let now = ports.now();
    let values = page
        .records
        .iter()
        .map(|record| wire::Domain::new(record, &config.installation, now));
    json(200, &wire::Page::new(values.collect(), next))
}

/// `GET /domains/{name}`
pub(crate) async fn get(config: &Config, name: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let record = read_record(&ports, name).await?;
    let now = ports.now();
    json(200, &wire::Domain::new(&record, &config.installation, now))
}

/// `PUT /domains/{name}`
pub(crate) async fn put(
    request: Request,
    config: Rc<Config>,
    name: &str,
) -> Result<Response, Problem> {
    let origin = super::origin(&request);
    let name = decode_name(name)?;
    let body: DomainPut = read_json(request).await?;
    let new = NewDomain {
        engagement: engagement(
            body.user_engagement_tracking,
            body.bulk_by_default,
            body.tracking_host,
        ),
        linked: body.linked.unwrap_or(true),
        return_path: body.mail_from_sender_domain,
    };
    let ports = SpinPorts::open().await?;
    let record = custom::add(&*ports, &config.installation, &name, new)
        .await
        .map_err(refusal)?;
    start_making((&record, ports.now()), config, (201, &origin))
}

/// `PATCH /domains/{name}`
pub(crate) async fn patch(
    request: Request,
    config: &Config,
    name: &str,
) -> Result<Response, Problem> {
    let body: DomainPatch = read_json(request).await?;
    let change = DomainChange {
        engagement: engagement(
            body.user_engagement_tracking,
            body.bulk_by_default,
            body.tracking_host,
        ),
        linked: body.linked,
        return_path: body.mail_from_sender_domain,
    };
    update(config, name, &change).await
}

fn engagement(
    tracking: Option<UserEngagementTracking>,
    bulk_by_default: Option<bool>,
    tracking_host: Option<Option<String>>,
) -> Engagement {
    Engagement {
        is_tracked: tracking.map(|tracking| tracking == UserEngagementTracking::Enabled),
        bulk_by_default,
        tracking_host,
    }
}

/// `POST /domains/{name}:link` and `:unlink`
pub(crate) async fn link(config: &Config, name: &str, linked: bool) -> Result<Response, Problem> {
    let change = DomainChange {
        linked: Some(linked),
        ..DomainChange::default()
    };
    update(config, name, &change).await
}

async fn update(config: &Config, name: &str, change: &DomainChange) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    let record = custom::update(&*ports, &domain, change)
        .await
        .map_err(refusal)?;
    let now = ports.now();
    json(200, &wire::Domain::new(&record, &config.installation, now))
}

/// `DELETE /domains/{name}`
pub(crate) async fn delete(name: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    custom::remove(&*ports, &domain).await.map_err(refusal)?;
    Ok(empty(204))
}

/// `GET /domains/{name}/zone`
pub(crate) async fn zone(config: &Config, name: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let record = read_record(&ports, name).await?;
    Ok(text(200, &record.zone(&config.installation)))
}

/// `GET /domains/{name}/history`; that of a deleted domain too.
pub(crate) async fn history(request: &Request, name: &str) -> Result<Response, Problem> {
    let before = skip_token(request)?;
    let ports = SpinPorts::open().await?;
    let domain = resolve_name(&ports, name).await?;
    let record = keys::domain(&domain).read(&*ports).await?;
    let total = record.ok_or_else(no_domain)?.events;
    let page = history::page(&*ports, &domain, total, before).await?;
    let next = page
        .next_before
        .map(|before| format!("/domains/{domain}/history?skipToken={before}"));
    let events = page.events.iter().map(wire::Event::from);
    json(200, &wire::Page::new(events.collect(), next))
}
