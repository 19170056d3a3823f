//! A connection of a client's, kept for one request after the other.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Failure;

pub(crate) struct Connection(SendRequest<Full<Bytes>>);

/// A request, and the status that its answer has to have.
pub(crate) struct Exchange {
    pub(crate) request: Request<Full<Bytes>>,
    pub(crate) expected: StatusCode,
}

impl From<Request<Full<Bytes>>> for Exchange {
    /// Most of what is asked for is taken now and done later.
    fn from(request: Request<Full<Bytes>>) -> Self {
        Self {
            request,
            expected: StatusCode::ACCEPTED,
        }
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends a request and gives the body of the answer, which has to be a 202 unless the exchange says otherwise.
    pub(crate) async fn send(&mut self, exchange: impl Into<Exchange>) -> Result<Bytes, Failure> {
        let Exchange { request, expected } = exchange.into();
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status == expected {
            return Ok(body);
        }
        let body = String::from_utf8_lossy(&body);
        Err(format!("expected {expected}, found {status}: {body}").into())
    }
}
