//! Renders, signs and hands over accepted messages. Siblings name messages at `/dispatch/{ids}`, which no public route leads to;
//! the tick at `/tick` finds what nobody named, and what is due again.
//!
//! Both answer at once and work on behind the answer: a relay that hangs holds up no caller.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

mod config;
mod handlers;

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
        (["dispatch", ids], &Method::POST) => handlers::dispatch(ids).await,
        (["tick"], &Method::POST) => handlers::tick(&request).await,
        (["dispatch", _] | ["tick"], _) => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::not_found()),
    }
}
