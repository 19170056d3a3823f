//! Tells what became of messages, to applications that sign their requests and to operators. It writes nothing and reaches nobody.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

mod config;
mod handlers;
mod search;
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
    let is_known = matches!(
        segments.as_slice(),
        ["messages"] | ["messages", _] | ["messages", _, "timeline"] | ["reports", "refused"]
    );
    if !is_known {
        return Err(Problem::not_found());
    }
    if *request.method() != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let config = handlers::let_in(&request).await?;
    match segments.as_slice() {
        ["messages"] => handlers::list(&request).await,
        ["messages", id] => handlers::message(id).await,
        ["messages", id, "timeline"] => handlers::timeline(id).await,
        _ => handlers::refused(config).await,
    }
}
