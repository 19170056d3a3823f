//! Decode, one use case, encode.

pub(crate) mod unsubscribe;
pub(crate) mod visits;

use guest::{Level, Request, Response, SpinPorts, log, name_soon};
use mailer::engagement::{Visit, VisitAction, Visitor};
use mailer::journal::WorkKind;
use mailer::link::Reader;
use mailer::ports::{Clock, StoreError};

use crate::config::Config;
use crate::language::Language;
use crate::page;

/// What is to be remembered of a request.
struct Seen {
    reader: Reader,
    action: VisitAction,
    is_head: bool,
    visitor: Visitor,
}

/// Stores what was seen. What fails is told to the log; the caller decides what the visitor has of it.
async fn remember(config: &Config, seen: Seen) -> Result<(), StoreError> {
    let result = store(config, seen).await;
    if let Err(error) = &result {
        let cause = [("cause", error.cause.as_str())];
        log(Level::Error, "a visit could not be stored", &cause);
    }
    result
}

async fn store(config: &Config, seen: Seen) -> Result<(), StoreError> {
    let ports = SpinPorts::open().await?;
    let visit = Visit {
        message: seen.reader.message,
        recipient: seen.reader.recipient,
        at: ports.now(),
        action: seen.action,
        is_head: seen.is_head,
        visitor: seen.visitor,
    };
    let nudges = &config.nudges;
    let written = |id| name_soon(WorkKind::Visits, nudges, &ports, id);
    config.gatherer.commit(&*ports, visit, written).await
}

/// What the holder of a token that is not ours is told.
fn broken(request: &Request) -> Response {
    page::broken(Language::of(request))
}
