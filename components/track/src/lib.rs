//! What recipients reach: the tracking image `/o/…`, links `/c/…`, and the page to unsubscribe on `/u/…`.
//!
//! Whoever has the token of a link may use it, so there is nobody to authorize. Visits are stored before they are answered, and taken in
//! by a sibling. No key is here but the one that knows our tokens: who breaks in here can make up visits and links, and read the store.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

mod config;
mod form;
mod handlers;
mod language;
mod page;
mod texts;
mod visitor;

use guest::{Problem, Request, Response, answer, with_header};
use http::Method;
#[cfg(target_family = "wasm")]
use spin_sdk::http_service;

/// What every answer says, but for those to visits, which say what matters themselves: nobody keeps or lists it, and where it leads nobody
/// learns the token.
const FIELDS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
];

#[cfg_attr(target_family = "wasm", http_service)]
async fn handle(request: Request) -> Response {
    let response = answer(route(request).await);
    if response.headers().contains_key("cache-control") {
        return response;
    }
    FIELDS.iter().fold(response, |response, (name, value)| {
        with_header(response, name, value)
    })
}

async fn route(request: Request) -> Result<Response, Problem> {
    let path = request.uri().path().to_owned();
    let behind = |prefix| path.strip_prefix(prefix);
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(token) = behind("/c/") {
        return match looks {
            true => handlers::visits::click(&request, token).await,
            false => Err(Problem::method_not_allowed("GET, HEAD")),
        };
    }
    if let Some(token) = behind("/o/") {
        return match looks {
            true => handlers::visits::open(&request, token).await,
            false => Err(Problem::method_not_allowed("GET, HEAD")),
        };
    }
    if let Some(token) = behind("/u/") {
        return match *request.method() {
            Method::POST => handlers::unsubscribe::decide(request, token).await,
            _ if looks => handlers::unsubscribe::ask(&request, token).await,
            _ => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        };
    }
    Err(Problem::not_found())
}
