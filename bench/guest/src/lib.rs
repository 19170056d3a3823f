//! Writes each request's body with one `set-many` under a random key and answers 202: the least an accept path can do.
//!
//! In the place of dispatch or notify it answers 202 and does nothing, so that what a message's or event's way on costs is not measured.
//! Asked for `/least/{anything}`, it writes one small value, with a `set`: the least that a visit costs which is stored.
//! Asked for `/look-up/{n}`, it looks so many recipients up in suppression lists, as dispatch does before an attempt.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

use guest::{Problem, Request, Response, SpinPorts, answer, empty, read_body};
use mailer::envelope::AddrSpec;
use mailer::operation::OperationId;
use mailer::ports::{Clock, KeyValue};
use mailer::suppression::{Mail, Suppressor, check};
use mailer::treatment::Treatment;
#[cfg(target_family = "wasm")]
use spin_sdk::http_service;

#[cfg_attr(target_family = "wasm", http_service)]
async fn handle(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    answer(match segments.as_slice() {
        ["dispatch" | "jobs", _] => Ok(empty(202)),
        ["least", _] => least().await,
        ["look-up", count] => look_up(count).await,
        _ => write(request).await,
    })
}

async fn write(request: Request) -> Result<Response, Problem> {
    let body = read_body(request, guest::MAX_BODY_OCTETS).await?;
    let ports = SpinPorts::open().await?;
    let key = OperationId::random(&*ports).to_string();
    ports.set_many(vec![(key, body)]).await?;
    Ok(empty(202))
}

async fn least() -> Result<Response, Problem> {
    /// What a visit takes in the store, about.
    const OCTETS: usize = 400;
    let ports = SpinPorts::open().await?;
    let key = OperationId::random(&*ports).to_string();
    ports.set((key, vec![b'x'; OCTETS])).await?;
    Ok(empty(202))
}

async fn look_up(count: &str) -> Result<Response, Problem> {
    let count: usize = count.parse().map_err(|_| Problem::not_found())?;
    let address = |text: &str| AddrSpec::parse(text).map_err(Problem::internal);
    let recipients: Result<Vec<AddrSpec>, Problem> = (0..count)
        .map(|number| address(&format!("customer{number}@example.com")))
        .collect();
    let sender = address("news@sender.example")?;
    let ports = SpinPorts::open().await?;
    let suppressor = Suppressor::default();
    let mail = Mail {
        sender: &sender,
        treatment: &Treatment::default(),
    };
    check(&*ports, &suppressor, mail, &recipients?, ports.now()).await?;
    Ok(empty(202))
}
