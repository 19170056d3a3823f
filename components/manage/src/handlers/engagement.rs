//! `/messages/{id}/engagement`: what recipients did with a message.

use guest::{Problem, Request, Response, SpinPorts, empty};
use mailer::engagement::erasure::{self, ErasureError};
use mailer::envelope::AddrSpec;
use mailer::notification::withdrawal::Withdrawer;

use super::read_json;
use crate::config::Config;
use crate::refusal::erasing;
use crate::wire::Erase;

/// `POST /messages/{id}/engagement:erase`
pub(crate) async fn erase(request: Request, id: &str) -> Result<Response, Problem> {
    let message = id.parse().map_err(|_| erasing(ErasureError::NoMessage))?;
    let body: Erase = read_json(request).await?;
    let recipient = body.recipient.ok_or_else(|| {
        let message = "Expected the address of the recipient to erase.";
        Problem::new(400, "BadRequest", message).with_target("recipient")
    })?;
    let recipient = AddrSpec::parse(&recipient).map_err(|error| {
        Problem::new(400, "InvalidEmailAddress", error.to_string()).with_target("recipient")
    })?;
    let ports = SpinPorts::open().await?;
    let config = Config::load().await?;
    let withdrawer = Withdrawer {
        windows: config.windows,
        outbox: &config.outbox,
    };
    erasure::erase(&*ports, withdrawer, message, &recipient)
        .await
        .map_err(erasing)?;
    Ok(empty(204))
}
