//! Writes each request's body with one `set-many` under a random key and answers 202: the least an accept path can do.

use guest::{Problem, Request, Response, SpinPorts, answer, empty, read_body};
use mailer::operation::OperationId;
use mailer::ports::KeyValue;
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> Response {
    answer(write(request).await)
}

async fn write(request: Request) -> Result<Response, Problem> {
    let body = read_body(request, guest::MAX_BODY_OCTETS).await?;
    let ports = SpinPorts::open().await?;
    let key = OperationId::random(&ports).to_string();
    ports.set_many(vec![(key, body)]).await?;
    Ok(empty(202))
}
