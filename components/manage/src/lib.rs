//! What operators call: sender domains. All of it wants the admin token.
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
    let config = config::Config::load().await?;
    let operator = config
        .admin_token
        .authorize(guest::header(&request, "authorization"));
    operator.ok_or_else(Problem::unauthorized)?;
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (segments.as_slice(), request.method()) {
        (["domains"], &Method::GET) => handlers::list().await,
        (["domains"], _) => Err(Problem::method_not_allowed("GET")),
        (["domains", "operations", id], &Method::GET) => handlers::operation(id).await,
        (["domains", "operations", _], _) => Err(Problem::method_not_allowed("GET")),
        (["domains", "ManagedDomain"], &Method::PUT) => {
            handlers::put_managed(&request, config).await
        }
        (["domains", "ManagedDomain"], &Method::GET) => handlers::managed().await,
        (["domains", "ManagedDomain"], _) => Err(Problem::method_not_allowed("GET, PUT")),
        (["domains", name], &Method::GET) => handlers::get(name).await,
        (["domains", _], _) => Err(Problem::method_not_allowed("GET")),
        _ => Err(Problem::not_found()),
    }
}
