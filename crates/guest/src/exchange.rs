//! One request to somebody else's server, within a time and a length.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::HeaderMap;
use http_body_util::{BodyExt, Full, Limited};
use spin_sdk::http::send;
use spin_sdk::wasip3::http::types::ErrorCode;
use thiserror::Error;

/// An answer.
#[derive(Debug)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, if one was wanted; empty when it was too long or broke off.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExchangeError {
    /// Nothing came in time.
    #[error("no answer in time")]
    TimedOut,
    /// The name has no address.
    #[error("the host's name has no address")]
    Unresolvable,
    /// There was no connection, or it broke.
    #[error("the connection failed")]
    Disconnected,
}

/// Sends `request` and waits for `timeout` at most. Of the answer's body at most `limit` octets are read; with 0 none is, and the status
/// counts whatever becomes of it. Redirects are not followed.
///
/// # Errors
/// See [`ExchangeError`].
pub async fn exchange(
    request: http::Request<Full<Bytes>>,
    timeout: Duration,
    limit: usize,
) -> Result<Answered, ExchangeError> {
    let exchange = pin!(unlimited(request, limit));
    let timeout = pin!(spin_sdk::time::sleep(timeout));
    match select(exchange, timeout).await {
        Either::Left((answered, _)) => answered,
        Either::Right(((), _)) => Err(ExchangeError::TimedOut),
    }
}

async fn unlimited(
    request: http::Request<Full<Bytes>>,
    limit: usize,
) -> Result<Answered, ExchangeError> {
    let response = send(request).await.map_err(|code| from_transport(&code))?;
    let (parts, body) = response.into_parts();
    let body = match limit {
        0 => Bytes::new(),
        limit => match Limited::new(body, limit).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        },
    };
    Ok(Answered {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}

fn from_transport(code: &ErrorCode) -> ExchangeError {
    match code {
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => ExchangeError::Unresolvable,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => ExchangeError::TimedOut,
        _ => ExchangeError::Disconnected,
    }
}
