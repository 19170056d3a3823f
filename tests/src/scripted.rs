//! A relay that does what the test says.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::{net::TcpSocket, task::JoinHandle};

use crate::misbehaving::{CutOff, lock, serve};

/// What the relay does with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it for every recipient, and keeps it.
    Accept,
    /// Takes it for all but this recipient, whom it rejects for good.
    Reject(String),
    /// Takes it for all but this recipient, whom it puts off.
    Defer(String),
    /// Answers with this status, this Retry-After if any, and this body, and keeps nothing.
    Answer(u16, Option<u64>, String),
    /// Reads the message and never answers.
    Hang,
    /// Reads the message, keeps it, and closes the connection without an answer.
    Cut,
}

/// A message that reached the relay in whole.
#[derive(Clone, Debug)]
pub struct HandedOver {
    /// The key it came with.
    pub idempotency_key: String,
    /// The forward-paths, without angle brackets.
    pub recipients: Vec<String>,
    /// The octets.
    pub source: Vec<u8>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Behaviour,
    handed_over: Vec<HandedOver>,
}

/// A relay that misbehaves on demand.
///
/// It honours no Idempotency-Key: what it was handed is all there to be looked at.
#[derive(Debug)]
pub struct ScriptedRelay {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    // Bound, so that the port is nobody else's, and not listening, so that connections are refused.
    refusing: Option<TcpSocket>,
    server: Option<JoinHandle<()>>,
}

impl ScriptedRelay {
    /// Returns a relay that refuses connections until [`Self::listen`].
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn refusing() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any).expect("a free port");
        Self {
            address: socket.local_addr().expect("a bound socket"),
            shared: Arc::new(Mutex::new(Shared {
                behaviour: Behaviour::Accept,
                handed_over: Vec::new(),
            })),
            refusing: Some(socket),
            server: None,
        }
    }

    /// Starts a relay that behaves so.
    #[must_use]
    pub fn start(behaviour: Behaviour) -> Self {
        let mut relay = Self::refusing();
        relay.behave(behaviour);
        relay.listen();
        relay
    }

    /// Takes connections from now on.
    ///
    /// # Panics
    /// When the port cannot be listened on.
    pub fn listen(&mut self) {
        let Some(socket) = self.refusing.take() else {
            return;
        };
        let listener = socket.listen(1024).expect("a listening port");
        let shared = Arc::clone(&self.shared);
        let respond = move |request| respond(request, Arc::clone(&shared));
        self.server = Some(tokio::spawn(serve(listener, respond)));
    }

    /// Behaves so from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        lock(&self.shared).behaviour = behaviour;
    }

    /// The relay's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that reached the relay so far, whether it took it or not.
    #[must_use]
    pub fn handed_over(&self) -> Vec<HandedOver> {
        lock(&self.shared).handed_over.clone()
    }
}

impl Drop for ScriptedRelay {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn respond(
    request: http::Request<Incoming>,
    shared: Arc<Mutex<Shared>>,
) -> Result<Response<Full<Bytes>>, CutOff> {
    let (head, body) = request.into_parts();
    let source = body.collect().await.map_err(|_| CutOff)?.to_bytes();
    let recipients = recipients(&head.headers);
    let key = head.headers.get("idempotency-key");
    let handed_over = HandedOver {
        idempotency_key: key
            .and_then(|key| key.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        recipients: recipients.clone(),
        source: source.to_vec(),
    };
    let behaviour = {
        let mut shared = lock(&shared);
        shared.handed_over.push(handed_over);
        shared.behaviour.clone()
    };
    match behaviour {
        Behaviour::Accept => Ok(results(&recipients, None, "accepted")),
        Behaviour::Reject(refused) => Ok(results(&recipients, Some(&refused), "rejected")),
        Behaviour::Defer(refused) => Ok(results(&recipients, Some(&refused), "deferred")),
        Behaviour::Answer(status, retry_after, body) => Ok(answer(status, retry_after, body)),
        Behaviour::Hang => Ok(std::future::pending::<Result<_, Infallible>>()
            .await
            .unwrap_or_else(|never| match never {})),
        Behaviour::Cut => Err(CutOff),
    }
}

fn recipients(fields: &HeaderMap) -> Vec<String> {
    let paths = fields.get_all("envelope-to").iter();
    let bare = |path: &http::HeaderValue| {
        let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
        path.trim_matches(['<', '>']).to_owned()
    };
    paths.map(bare).collect()
}

fn results(recipients: &[String], refused: Option<&str>, status: &str) -> Response<Full<Bytes>> {
    let result = |recipient: &String| -> Value {
        let (status, code, text) = match (refused == Some(recipient), status) {
            (true, "rejected") => ("rejected", 550, "no such mailbox"),
            (true, _) => ("deferred", 451, "try again later"),
            (false, _) => ("accepted", 250, "ok"),
        };
        json!({
            "recipient": recipient,
            "status": status,
            "reply": {"code": code, "enhanced": null, "text": text},
        })
    };
    let results: Vec<Value> = recipients.iter().map(result).collect();
    answer(200, None, json!({ "results": results }).to_string())
}

fn answer(status: u16, retry_after: Option<u64>, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
}
