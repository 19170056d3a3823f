//! Events as the relay posts them, signed as Standard Webhooks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::message::recipient;
use crate::stock;
use crate::systems::RELAY_EVENT_KEY;

/// Recipients of a message that batches are about.
pub(crate) const RECIPIENTS: usize = 50;
/// What each of them is told of: that a server took the message, and that it was delivered.
const KINDS: [&str; 2] = ["accepted", "delivered"];
/// Events of a batch, the most that a request may have.
pub(crate) const BATCH: usize = RECIPIENTS * KINDS.len();
/// Where the message's id goes.
const PLACE: &str = "@MESSAGE@";
/// What the number of a single event stands behind, in its reply.
pub(crate) const MARK: &str = "queued as number ";

/// Batches that are all about other messages: those of a stock, one after the other.
pub(crate) struct Batches {
    between_ids: Vec<String>,
    next: AtomicUsize,
}

impl Batches {
    pub(crate) fn new() -> Arc<Self> {
        let all = KINDS
            .iter()
            .flat_map(|kind| (0..RECIPIENTS).map(|number| event(kind, PLACE, number, "0A1B2C3D")));
        let body = body(&all.collect::<Vec<_>>());
        Arc::new(Self {
            between_ids: body.split(PLACE).map(str::to_owned).collect(),
            next: AtomicUsize::new(0),
        })
    }

    /// What makes one request after the other, for whoever listens there.
    pub(crate) fn requests(
        self: &Arc<Self>,
        address: SocketAddr,
    ) -> impl Fn() -> Request<Full<Bytes>> + Send + 'static + use<> {
        let (batches, host) = (Arc::clone(self), address.to_string());
        move || {
            let number = batches.next.fetch_add(1, Ordering::Relaxed);
            signed(
                &host,
                batches.between_ids.join(&stock::id(number).to_string()),
            )
        }
    }

    /// How many were made.
    pub(crate) fn made(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }
}

/// The request that says that a message was delivered to its only recipient, with `number` behind [`MARK`].
pub(crate) fn delivered(address: SocketAddr, message: &str, number: u64) -> Request<Full<Bytes>> {
    let event = event("delivered", message, 0, &format!("{MARK}{number}."));
    signed(&address.to_string(), body(&[event]))
}

fn event(kind: &str, message: &str, recipient_number: usize, said: &str) -> Value {
    json!({
        "type": kind,
        "idempotencyKey": format!("{message}.0"),
        "recipient": recipient(recipient_number),
        "at": u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX),
        "reply": format!("250 2.0.0 Ok: {said}"),
    })
}

fn body(events: &[Value]) -> String {
    json!({ "events": events }).to_string()
}

fn signed(host: &str, body: String) -> Request<Full<Bytes>> {
    let since_epoch = since_epoch();
    let (id, at) = (
        format!("relay-{}", since_epoch.as_nanos()),
        since_epoch.as_secs(),
    );
    let signature = STANDARD.encode(mac(&format!("{id}.{at}."), &body));
    let request = Request::post("/webhooks/relay")
        .header("host", host)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", format!("v1,{signature}"));
    request.body(Full::from(body)).unwrap_or_default()
}

fn since_epoch() -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "events and signatures carry the time"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn mac(head: &str, body: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(RELAY_EVENT_KEY) else {
        return Vec::new();
    };
    mac.update(head.as_bytes());
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
