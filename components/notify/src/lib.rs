//! Tells subscribers of events. Siblings name work at `/jobs/{items}` and ask for handshakes at `/validate/{id}`, which no public route
//! leads to; the one public route, `/subscriptions/validate`, is the link by which an endpoint's owner confirms.
//!
//! It holds no master key, no token and no access key: who breaks in through an endpoint's answer finds the secrets of subscriptions.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

mod config;
mod endpoint;
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
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (segments.as_slice(), request.method()) {
        (["jobs", items], &Method::POST) => handlers::work(items).await,
        (["validate", id], &Method::POST) => handlers::validate(request, id).await,
        (["subscriptions", "validate"], &Method::GET) => handlers::confirm(&request).await,
        (["jobs" | "validate", _], _) => Err(Problem::method_not_allowed("POST")),
        (["subscriptions", "validate"], _) => Err(Problem::method_not_allowed("GET")),
        _ => Err(Problem::not_found()),
    }
}
