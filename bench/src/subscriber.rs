//! A subscriber's endpoint that says yes to everything and tells when it was told of each event.

use std::sync::Arc;

use http::request::Parts;
use serde_json::{Value, json};

use crate::Failure;
use crate::arrivals::{Arrivals, number_behind};
use crate::relay_events::MARK;
use crate::server::Server;

/// The endpoint, until it is dropped.
pub(crate) struct Subscriber {
    server: Server,
    arrivals: Arc<Arrivals>,
}

impl Subscriber {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let arrivals = Arc::new(Arrivals::default());
        let noted = Arc::clone(&arrivals);
        let server = Server::start(move |head, body| {
            if is_question(head) {
                return consent(body).to_string();
            }
            noted.note(number_behind(MARK.as_bytes(), body));
            String::new()
        });
        Ok(Self {
            server: server.await?,
            arrivals,
        })
    }

    /// Where it wants to be told.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.server.address())
    }

    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }
}

/// Whether it is asked if it wants to be told, as Event Grid asks.
fn is_question(head: &Parts) -> bool {
    let kind = head.headers.get("aeg-event-type");
    kind.is_some_and(|kind| kind == "SubscriptionValidation")
}

fn consent(question: &[u8]) -> Value {
    let question: Value = serde_json::from_slice(question).unwrap_or_default();
    json!({ "validationResponse": question.pointer("/0/data/validationCode") })
}
