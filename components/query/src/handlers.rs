//! Who may ask, one use case, encode.

use std::collections::BTreeMap;
use std::rc::Rc;

use guest::{Problem, Request, Response, SpinPorts, authorize, denial, header, json};
use mailer::access::BodyHash;
use mailer::engagement::view;
use mailer::operation::OperationId;
use mailer::outcome::Status;
use mailer::ports::Clock;
use mailer::timeline::{self, Timeline};
use mailer::{listing, refusals};

use crate::config::Config;
use crate::search::Search;
use crate::wire::{Entries, Listed, Message, Page};

/// Messages that one request reads in search of a page.
const MAX_LOOKED_AT: usize = 500;
/// Bodies of GET requests are ignored, so only their absence is hashed.
const NO_BODY: &[u8] = b"";

/// Lets an operator in, by his token, or an application, by its signature.
pub(crate) async fn let_in(request: &Request) -> Result<Rc<Config>, Problem> {
    let config = Config::load().await?;
    let authorization = header(request, "authorization");
    if config.admin_token.authorize(authorization).is_some() {
        return Ok(config);
    }
    let ports = SpinPorts::open().await?;
    let unread = authorize(request, &config.applications, ports.now())?;
    unread
        .check_body(&BodyHash::of(NO_BODY))
        .map_err(|denied| denial(&denied))?;
    Ok(config)
}

/// `GET /messages/{id}`
pub(crate) async fn message(id: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let timeline = find(&ports, id).await?;
    let engagements = view::of_message(&*ports, &timeline).await?;
    json(200, &Message::new(&timeline, &engagements))
}

/// `GET /messages/{id}/timeline`
pub(crate) async fn timeline(id: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let timeline = find(&ports, id).await?;
    let engagements = view::of_message(&*ports, &timeline).await?;
    let mut notifications = timeline.notifications(&*ports).await?;
    notifications.extend(view::notifications(&*ports, &engagements).await?);
    // One that tells of several events may be among both.
    notifications.sort_by_key(|notification| notification.id);
    notifications.dedup_by_key(|notification| notification.id);
    json(200, &Entries::new(&timeline, &engagements, &notifications))
}

async fn find(ports: &SpinPorts, id: &str) -> Result<Timeline, Problem> {
    let id: OperationId = id.parse().map_err(|_| no_message())?;
    timeline::read(ports, id).await?.ok_or_else(no_message)
}

fn no_message() -> Problem {
    Problem::new(404, "MessageNotFound", "There is no such message.")
}

/// `GET /messages`
pub(crate) async fn list(request: &Request) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let query = request.uri().query().unwrap_or_default();
    let search = Search::parse(query, ports.now())?;
    let mut value = Vec::new();
    let mut cursor = Some(search.cursor);
    let mut looked_at = 0;
    while let Some(at) = cursor
        && value.len() < search.most
        && looked_at < MAX_LOOKED_AT
    {
        let page = listing::page(&*ports, search.day, at, search.most - value.len()).await?;
        looked_at += page.messages.len().max(1);
        for id in page.messages {
            let found = timeline::read(&*ports, id).await?;
            value.extend(
                found
                    .filter(|found| matches(&search, found))
                    .map(|found| Listed::from(&found)),
            );
        }
        cursor = page.next;
    }
    let next_link = cursor.map(|cursor| search.next_link(cursor));
    json(200, &Page { value, next_link })
}

fn matches(search: &Search, found: &Timeline) -> bool {
    let is_sender = search
        .sender
        .as_ref()
        .is_none_or(|sender| sender.canonical() == found.record.from.address.canonical());
    let has = |state: Status| {
        found
            .recipients
            .iter()
            .any(|story| story.view.status == state)
    };
    is_sender && search.state.is_none_or(has)
}

/// `GET /reports/refused`
pub(crate) async fn refused(_let_in: Rc<Config>) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let counted = refusals::counted(&*ports).await?;
    let counts: BTreeMap<&str, i64> = counted
        .into_iter()
        .map(|(reason, count)| (reason.name(), count))
        .collect();
    json(200, &counts)
}
