//! A connection of a client's, kept for one request after the other.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Failure;

pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends a request and gives the body of the answer, which has to be a 202.
    pub(crate) async fn post(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes, Failure> {
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status.as_u16() == 202 {
            return Ok(body);
        }
        let body = String::from_utf8_lossy(&body);
        Err(format!("expected 202, found {status}: {body}").into())
    }
}
