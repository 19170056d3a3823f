//! Sendlet's relay contract over HTTP, seen from the sending side.
//!
//! What matters for a retry is whether the relay may have taken the message. A refused connection, 429 and 503 say it has not; a
//! time-out, a connection that breaks and an answer that cannot be read say nothing, so those are [`HandOverError::Unknown`].

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use mailer::attempt::local_reply;
use mailer::envelope::{Envelope, Reply};
use mailer::handover::{Disposition, HandOverError, Handover, RecipientResult};
use mailer::ports::Relay;
use serde::Deserialize;
use spin_sdk::http::send;
use spin_sdk::wasip3::http::types::ErrorCode;

use crate::log::{Level, log};

/// The largest answer that is read: 1,000 recipients with replies of 1,024 characters each fit.
const MAX_ANSWER_OCTETS: usize = 4 * 1024 * 1024;

/// The relay, over HTTP.
#[derive(Clone)]
pub struct RelayClient {
    /// Where the relay is, without a path.
    pub url: String,
    /// What it wants to see.
    pub token: String,
    /// How long a hand-over may take.
    pub timeout: Duration,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<ResultEntry>,
}

#[derive(Deserialize)]
struct ResultEntry {
    recipient: String,
    status: Status,
    reply: Reply,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Accepted,
    Deferred,
    Rejected,
}

impl Relay for RelayClient {
    async fn hand_over(
        &self,
        handover: Handover<'_>,
    ) -> Result<Vec<RecipientResult>, HandOverError> {
        let envelope = handover.envelope;
        let patience = handover.patience.min(self.timeout);
        let request = self
            .request(handover)
            .ok_or_else(|| refused("the envelope cannot be written as header fields"))?;
        let exchange = pin!(exchange(request));
        let timeout = pin!(spin_sdk::time::sleep(patience));
        let (status, retry_after, body) = match select(exchange, timeout).await {
            Either::Left((answered, _)) => answered?,
            Either::Right(((), _)) => return Err(unknown("the relay did not answer in time")),
        };
        match status {
            StatusCode::OK => results(envelope, &body),
            status => Err(judge(status, retry_after, &body)),
        }
    }
}

impl RelayClient {
    fn request(&self, handover: Handover<'_>) -> Option<http::Request<Full<Bytes>>> {
        let mut builder = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}/v1/messages", self.url.trim_end_matches('/')))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "message/rfc822")
            .header("content-length", handover.message.len())
            .header("idempotency-key", handover.idempotency_key);
        let one = [handover.envelope.reverse_path.clone()];
        let return_paths = match handover.return_paths {
            [] => &one[..],
            each => each,
        };
        for path in return_paths {
            builder = builder.header("envelope-from", field_value(&path.to_string())?);
        }
        for path in handover.envelope.forward_paths() {
            builder = builder.header("envelope-to", field_value(&format!("<{path}>"))?);
        }
        builder.body(Full::new(Bytes::from(handover.message))).ok()
    }
}

/// Addresses outside ASCII travel as UTF-8.
fn field_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

type Exchanged = (StatusCode, Option<Duration>, Bytes);

async fn exchange(request: http::Request<Full<Bytes>>) -> Result<Exchanged, HandOverError> {
    let response = send(request).await.map_err(|code| from_transport(&code))?;
    let (parts, body) = response.into_parts();
    let retry_after = parts
        .headers
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = Limited::new(body, MAX_ANSWER_OCTETS).collect().await;
    let body = body.map_err(|_| unknown("the relay's answer broke off or was too long"))?;
    Ok((
        parts.status,
        retry_after.map(Duration::from_secs),
        body.to_bytes(),
    ))
}

/// Only errors from before a byte of the request was sent prove that nothing was taken.
fn from_transport(code: &ErrorCode) -> HandOverError {
    match code {
        ErrorCode::ConnectionRefused
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::HttpRequestDenied
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsAlertReceived(_) => HandOverError::Unavailable {
            retry_after: None,
            reply: local_reply(451, &format!("the relay cannot be reached: {code}")),
        },
        _ => unknown(&format!("the connection to the relay failed: {code}")),
    }
}

fn judge(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> HandOverError {
    // For the log only: a caller of the API gets to read the reply.
    log(
        Level::Error,
        "the relay refused a hand-over",
        &[("status", status.as_str()), ("answer", &excerpt(body))],
    );
    let text = format!("the relay answered {status}");
    match status.as_u16() {
        400 | 413 | 415 | 422 => refused(&text),
        500 | 502 | 504 => HandOverError::Unknown {
            reply: local_reply(451, &text),
        },
        _ => HandOverError::Unavailable {
            retry_after,
            reply: local_reply(451, &text),
        },
    }
}

fn excerpt(body: &[u8]) -> String {
    const SHOWN: usize = 300;
    String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(body)).into_owned()
}

fn refused(text: &str) -> HandOverError {
    HandOverError::Refused {
        reply: local_reply(554, text),
    }
}

fn unknown(text: &str) -> HandOverError {
    HandOverError::Unknown {
        reply: local_reply(451, text),
    }
}

/// The results in the order of the envelope. An answer about anybody else is not an answer.
fn results(envelope: &Envelope, body: &[u8]) -> Result<Vec<RecipientResult>, HandOverError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| unknown("the relay's answer cannot be read"))?;
    let paths = envelope.forward_paths();
    let names_all = answer.results.len() == paths.len()
        && answer
            .results
            .iter()
            .zip(paths)
            .all(|(entry, path)| entry.recipient == path.to_string());
    if !names_all {
        return Err(unknown("the relay's answer is about other recipients"));
    }
    Ok(answer.results.into_iter().map(result).collect())
}

fn result(entry: ResultEntry) -> RecipientResult {
    let disposition = match entry.status {
        Status::Accepted => Disposition::Accepted,
        Status::Deferred => Disposition::Deferred,
        Status::Rejected => Disposition::Rejected,
    };
    RecipientResult {
        disposition,
        reply: entry.reply,
    }
}
