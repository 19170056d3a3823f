//! Takes what comes back: events that the relay signs, at `/webhooks/relay`, and messages that came to a return path, at
//! `/webhooks/report`. What is believed is stored before it is answered, and taken in by a sibling.
//!
//! It holds no key that signs or opens anything of ours: who breaks in here can make up what became of messages, and nothing else.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

mod config;
mod handlers;
mod wire;

use guest::{Problem, Request, Response, answer};
use http::Method;
#[cfg(target_family = "wasm")]
use spin_sdk::http_service;

#[cfg_attr(target_family = "wasm", http_service)]
async fn handle(request: Request) -> Response {
    answer(route(request).await)
}

async fn route(request: Request) -> Result<Response, Problem> {
    match (request.uri().path(), request.method()) {
        ("/webhooks/relay", &Method::POST) => handlers::relay(request).await,
        ("/webhooks/report", &Method::POST) => handlers::report(request).await,
        ("/webhooks/relay" | "/webhooks/report", _) => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::not_found()),
    }
}
