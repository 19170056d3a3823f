//! Answers: in one piece and with their length, or in pieces as they are made.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body::{Body, Frame};
use mailer::ports::StoreError;
use serde::Serialize;

use crate::log::{Level, log};
use crate::problem::Problem;

/// What a handler answers.
pub type Response = http::Response<AnswerBody>;

/// The body of an answer.
pub enum AnswerBody {
    /// All of it, until it is taken.
    Whole(Option<Bytes>),
    /// Piece by piece.
    Pieces(Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>>>>),
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnswerBody(..)")
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        let piece = match self.get_mut() {
            Self::Whole(octets) => {
                let octets = octets.take().filter(|octets| !octets.is_empty());
                Poll::Ready(octets.map(Ok))
            }
            Self::Pieces(pieces) => pieces.as_mut().poll_next(context),
        };
        piece.map(|piece| piece.map(|octets| octets.map(Frame::data)))
    }
}

/// An answer whose body is made while it is sent. An error cuts it off, so that nobody takes
/// a part for the whole.
#[must_use]
pub fn stream(
    status: u16,
    content_type: &str,
    pieces: impl Stream<Item = Result<Bytes, StoreError>> + 'static,
) -> Response {
    let response = with_body(status, AnswerBody::Pieces(Box::pin(pieces)));
    with_header(response, "content-type", content_type)
}

/// An answer with `body` as JSON.
///
/// # Errors
/// When `body` cannot be written as JSON, which no type of ours does.
pub fn json(status: u16, body: &impl Serialize) -> Result<Response, Problem> {
    let octets = serde_json::to_vec(body).map_err(Problem::internal)?;
    Ok(whole(status, "application/json; charset=utf-8", octets))
}

/// An answer with `octets` of this type.
#[must_use]
pub fn whole(status: u16, content_type: &str, octets: Vec<u8>) -> Response {
    let length = octets.len().to_string();
    let response = with_header(plain(status, octets), "content-type", content_type);
    with_header(response, "content-length", &length)
}

/// An answer with `body` as plain text.
#[must_use]
pub fn text(status: u16, body: &str) -> Response {
    whole(
        status,
        "text/plain; charset=utf-8",
        body.as_bytes().to_vec(),
    )
}

/// An answer without a body.
#[must_use]
pub fn empty(status: u16) -> Response {
    with_header(plain(status, Vec::new()), "content-length", "0")
}

/// `response` with one more header field. A value that is no field value is left out.
#[must_use]
pub fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    response
}

/// The first value of a header field of `request`, if it is ASCII text.
#[must_use]
pub fn header<'a, B>(request: &'a http::Request<B>, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
}

/// What a handler came to, as the answer; a problem's cause goes to the log here and nowhere else.
#[must_use]
pub fn answer(result: Result<Response, Problem>) -> Response {
    match result {
        Ok(response) => response,
        Err(problem) => {
            if let Some(cause) = &problem.cause {
                log(
                    Level::Error,
                    problem.code,
                    &[
                        ("status", problem.status.to_string().as_str()),
                        ("cause", cause),
                    ],
                );
            }
            from_problem(&problem)
        }
    }
}

fn from_problem(problem: &Problem) -> Response {
    let response = json(problem.status, &problem.body()).unwrap_or_else(|_| empty(problem.status));
    let response = with_header(response, "x-ms-error-code", problem.code);
    problem
        .headers
        .iter()
        .fold(response, |response, (name, value)| {
            with_header(response, name, value)
        })
}

fn plain(status: u16, octets: Vec<u8>) -> Response {
    with_body(status, AnswerBody::Whole(Some(Bytes::from(octets))))
}

fn with_body(status: u16, body: AnswerBody) -> Response {
    let mut response = http::Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
