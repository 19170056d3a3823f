//! The API, a relay that hands on to an MTA, and a proxy that writes down the reports that the MTA brings.

use serde_json::{Value, json};
use tests::{Setup, System, eventually};

use crate::{
    bounces::reporter::Reporter,
    proxy::{Exchange, Fault, Proxy},
    relays::RunningRelay,
};

/// A system behind which an MTA sends, and which that MTA can bring reports to.
pub(crate) struct Chain {
    pub(crate) system: System,
    reports: Proxy,
    // Kept for as long as the chain is.
    _relay: RunningRelay,
}

impl Chain {
    /// Starts a system that sends through the MTA at this port. No reports are brought to it before [`Self::take_reports`].
    pub(crate) async fn start(port: u16) -> Self {
        let relay = RunningRelay::to_mta(port).await;
        let origin = format!("http://{}", relay.relay.address());
        let setup = Setup::default().variable("webhook_private_endpoints", "true");
        let system = setup.relay(&origin).start().await;
        Self {
            reports: Proxy::start(system.client.address(), Fault::None).await,
            system,
            _relay: relay,
        }
    }

    /// Has reports brought from now on.
    pub(crate) fn take_reports(&self, reporter: &Reporter) {
        reporter.bring_to(&self.reports.origin());
    }

    /// The reports that were brought so far.
    pub(crate) fn reports(&self) -> Vec<Exchange> {
        self.reports.exchanges()
    }

    /// Waits for the report with this number, counted from 0.
    pub(crate) async fn report(&self, number: usize) -> Exchange {
        eventually("a report is brought", async || {
            self.reports().get(number).cloned()
        })
        .await
    }

    /// Sends a message to these addresses, and returns its id once it was handed over.
    pub(crate) async fn send(&self, addresses: &[&str]) -> String {
        let id = self.system.accepted(&self.message(addresses)).await;
        let outcome = self.system.outcome(&id).await;
        assert_eq!(outcome["status"], "Succeeded", "{outcome}");
        id
    }

    /// A message to these addresses.
    pub(crate) fn message(&self, addresses: &[&str]) -> Value {
        let mut message = self.system.message("What becomes of it");
        let recipient = |address: &&str| json!({"address": address});
        let recipients: Vec<Value> = addresses.iter().map(recipient).collect();
        message["recipients"] = json!({"to": recipients});
        message
    }

    /// What `GET /messages/{id}` says of a recipient.
    pub(crate) async fn recipient(&self, id: &str, address: &str) -> Value {
        let message = self.get(&format!("/messages/{id}")).await;
        let mut recipients = message["recipients"].as_array().unwrap().iter();
        let found = recipients.find(|recipient| recipient["address"] == address);
        found.unwrap().clone()
    }

    /// Waits until a recipient has this status, and returns what is said of him then.
    pub(crate) async fn becomes(&self, id: &str, address: &str, status: &str) -> Value {
        let what = format!("{address} becomes {status}");
        eventually(&what, async || {
            let found = self.recipient(id, address).await;
            (found["status"] == status).then_some(found)
        })
        .await
    }

    /// What happened to a message: its timeline's entries of this type.
    pub(crate) async fn happened(&self, id: &str, kind: &str) -> Vec<Value> {
        let timeline = self.get(&format!("/messages/{id}/timeline")).await;
        let entries = timeline["entries"].as_array().unwrap().iter();
        let wanted = entries.filter(|entry| entry["type"] == kind);
        wanted.cloned().collect()
    }

    /// Everything that is known of a message.
    pub(crate) async fn everything(&self, id: &str) -> (Value, Value) {
        let message = self.get(&format!("/messages/{id}")).await;
        let timeline = self.get(&format!("/messages/{id}/timeline")).await;
        (message, timeline)
    }

    /// Why mail to an address is held back or not.
    pub(crate) async fn explanation(&self, address: &str) -> Value {
        self.get(&format!("/suppressions/{address}:explain")).await
    }

    /// What an operator gets from `target`.
    pub(crate) async fn get(&self, target: &str) -> Value {
        let answer = self.system.operate("GET", target).await;
        answer.expect(200).json()
    }
}
