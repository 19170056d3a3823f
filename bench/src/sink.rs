//! A relay that takes everything, keeps nothing and tells when each message arrived.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::load::now;
use crate::message;

/// The server, until it is dropped.
pub(crate) struct Sink {
    address: SocketAddr,
    arrivals: Arc<Arrivals>,
    server: JoinHandle<()>,
}

/// Which messages are on their way.
#[derive(Default)]
pub(crate) struct Arrivals {
    last: AtomicU64,
    expected: Mutex<HashMap<u64, oneshot::Sender<Instant>>>,
    unexpected: AtomicU64,
}

impl Sink {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let arrivals = Arc::new(Arrivals::default());
        Ok(Self {
            address: listener.local_addr()?,
            server: tokio::spawn(serve(listener, Arc::clone(&arrivals))),
            arrivals,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn arrivals(&self) -> &Arc<Arrivals> {
        &self.arrivals
    }

    /// Tells of messages that came twice, or that nobody sent.
    pub(crate) fn tell_unexpected(&self) {
        let count = self.arrivals.unexpected.load(Ordering::Relaxed);
        if count > 0 {
            println!("\n{count} messages arrived more than once, or were none of ours.");
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Arrivals {
    /// A number for a message that will be sent now, and when it arrives.
    pub(crate) fn expect(&self) -> (u64, oneshot::Receiver<Instant>) {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(number, sender);
        (number, receiver)
    }

    fn note(&self, message: &[u8]) {
        let at = now();
        let waiting = message::number(message).and_then(|number| self.lock().remove(&number));
        match waiting {
            // Who sent it may have given up.
            Some(waiting) => drop(waiting.send(at)),
            None => drop(self.unexpected.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Instant>>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, arrivals: Arc<Arrivals>) {
    // A failed accept is a client that is gone again.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, Arc::clone(&arrivals)));
        }
    }
}

async fn connection(stream: TcpStream, arrivals: Arc<Arrivals>) {
    // Only a slower answer comes of it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| take(request, Arc::clone(&arrivals)));
    let server = hyper::server::conn::http1::Builder::new();
    // A connection that breaks is the client's business.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn take(
    request: Request<Incoming>,
    arrivals: Arc<Arrivals>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(message) = body.collect().await else {
        return Ok(Response::default());
    };
    arrivals.note(&message.to_bytes());
    let answer = Response::new(Full::from(answer(&head.headers).to_string()));
    Ok(answer)
}

/// One result for each recipient, in their order.
fn answer(fields: &HeaderMap) -> Value {
    let result = |path: &HeaderValue| {
        let path = String::from_utf8_lossy(path.as_bytes());
        json!({
            "recipient": path.trim_start_matches('<').trim_end_matches('>'),
            "status": "accepted",
            "reply": { "code": 250, "enhanced": null, "text": "taken" },
        })
    };
    let results: Vec<Value> = fields.get_all("envelope-to").iter().map(result).collect();
    json!({ "results": results })
}
