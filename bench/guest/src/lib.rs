//! Writes each request's body with one `set-many` under a random key and answers 202: the least an accept path can do.
//!
//! In the place of dispatch it answers 202 and does nothing, so that what a message's way on costs is not measured.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

use guest::{Problem, Request, Response, SpinPorts, answer, empty, read_body};
use mailer::operation::OperationId;
use mailer::ports::KeyValue;
#[cfg(target_family = "wasm")]
use spin_sdk::http_service;

#[cfg_attr(target_family = "wasm", http_service)]
async fn handle(request: Request) -> Response {
    answer(write(request).await)
}

async fn write(request: Request) -> Result<Response, Problem> {
    if request.uri().path().starts_with("/dispatch/") {
        return Ok(empty(202));
    }
    let body = read_body(request, guest::MAX_BODY_OCTETS).await?;
    let ports = SpinPorts::open().await?;
    let key = OperationId::random(&*ports).to_string();
    ports.set_many(vec![(key, body)]).await?;
    Ok(empty(202))
}
