//! Accepts messages over HTTP: the data plane of Azure Communication Services Email.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

mod config;
mod handlers;
mod nudge;
mod version;
mod wire;

use guest::{Problem, Request, Response, answer};
use http::Method;
#[cfg(target_family = "wasm")]
use spin_sdk::http_service;

#[cfg_attr(target_family = "wasm", http_service)]
async fn handle(request: Request) -> Response {
    let echoed = handlers::client_request_id(&request);
    handlers::with_client_request_id(answer(route(request).await), echoed.as_deref())
}

async fn route(request: Request) -> Result<Response, Problem> {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (segments.as_slice(), request.method()) {
        (["emails:send"], &Method::POST) => handlers::submit(request).await,
        (["emails:send"], _) => Err(Problem::method_not_allowed("POST")),
        (["emails", "operations", id], &Method::GET) => handlers::operation(request, id).await,
        (["emails", "operations", _], _) => Err(Problem::method_not_allowed("GET")),
        (["emails", _, "status"], &Method::GET) => Err(version::first_preview()),
        _ => Err(Problem::not_found()),
    }
}
