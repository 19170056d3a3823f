//! A server on the loopback address that answers every request in the same way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Failure;

/// A message has two fields for each of its recipients.
const MAX_FIELDS: usize = 256;

/// The server, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// What becomes of a request that was received in full.
type Answer = dyn Fn(&Parts, &[u8]) -> String + Send + Sync;

impl Server {
    /// Serves bodies that `answer` makes from the requests.
    pub(crate) async fn start(
        answer: impl Fn(&Parts, &[u8]) -> String + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Ok(Self {
            address: listener.local_addr()?,
            task: tokio::spawn(serve(listener, Arc::new(answer))),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, answer: Arc<Answer>) {
    // A failed accept is a client that is gone again.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, Arc::clone(&answer)));
        }
    }
}

async fn connection(stream: TcpStream, answer: Arc<Answer>) {
    // Only a slower answer comes of it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| take(request, Arc::clone(&answer)));
    let mut server = hyper::server::conn::http1::Builder::new();
    server.max_headers(MAX_FIELDS);
    // A connection that breaks is the client's business.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn take(
    request: Request<Incoming>,
    answer: Arc<Answer>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(Response::default());
    };
    Ok(Response::new(Full::from(answer(&head, &body.to_bytes()))))
}
