//! A relay that takes everything, keeps nothing and tells when each message arrived.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::Failure;
use crate::arrivals::Arrivals;
use crate::message;
use crate::server::Server;

/// The relay, until it is dropped.
pub(crate) struct Sink {
    server: Server,
    arrivals: Arc<Arrivals>,
}

impl Sink {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let arrivals = Arc::new(Arrivals::default());
        let noted = Arc::clone(&arrivals);
        let server = Server::start(move |head, message| {
            noted.note(message::number(message));
            answer(&head.headers).to_string()
        });
        Ok(Self {
            server: server.await?,
            arrivals,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn arrivals(&self) -> &Arc<Arrivals> {
        &self.arrivals
    }

    /// Tells of messages that came twice, or that nobody sent.
    pub(crate) fn tell_unexpected(&self) {
        self.arrivals.tell_unexpected("messages");
    }
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
