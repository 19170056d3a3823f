//! The sandbox relay, and what it captured.

use std::net::SocketAddr;

use relay::{CaptureOptions, EventOptions, Log, Mode, Relay, RelayOptions, Secret};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    client::{Client, Request},
    secrets::{RELAY_EVENT_SECRET, RELAY_TOKEN},
    wait::eventually,
};

/// A sandbox inbox, seen over its own API.
#[derive(Debug)]
pub struct Inbox {
    client: Client,
    // Both are kept for as long as the inbox is: dropping them ends the relay and its state.
    relay: Option<(Relay, TempDir)>,
}

/// A captured message.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The relay's own number of it.
    pub id: i64,
    /// The octets that were handed over.
    pub source: Vec<u8>,
    /// The reverse-path.
    pub envelope_from: String,
    /// The forward-paths, in order.
    pub envelope_to: Vec<String>,
    /// The key it was handed over with.
    pub idempotency_key: String,
    /// All the relay's page shows.
    pub details: Value,
}

impl Captured {
    /// The domain of the return path, which has to name message and recipient.
    ///
    /// # Panics
    /// When it is another reverse-path.
    #[must_use]
    #[track_caller]
    pub fn return_path_domain(&self) -> &str {
        let path = &self.envelope_from;
        let inner = path
            .strip_prefix("<b-")
            .and_then(|path| path.strip_suffix('>'));
        let parts = inner.and_then(|path| path.split_once('@'));
        let (token, domain) =
            parts.unwrap_or_else(|| panic!("expected a return path, found {path}"));
        assert_eq!(token.len(), 48, "{path}");
        domain
    }

    /// The octets as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.source).into_owned()
    }
}

impl Inbox {
    /// Starts a relay of its own.
    pub(crate) async fn start() -> Self {
        let state = tempfile::tempdir().expect("a temporary folder");
        let options = RelayOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: Secret::parse(RELAY_TOKEN).expect("a token"),
            state: state.path().to_owned(),
            mode: Mode::Capture(CaptureOptions::default()),
            log: Log::silent(),
        };
        let relay = Relay::start(options).await.expect("the relay starts");
        Self {
            client: Client::new(relay.address()),
            relay: Some((relay, state)),
        }
    }

    /// Has the relay tell the system at `address` of what became of messages.
    pub(crate) fn tell(&self, address: SocketAddr) {
        let (relay, _) = self.relay.as_ref().expect("a relay of its own");
        let options = EventOptions {
            url: format!("http://{address}/webhooks/relay"),
            secret: Secret::parse(RELAY_EVENT_SECRET).expect("a secret"),
        };
        relay.post_events(&options).expect("events can be posted");
    }

    /// Looks into an inbox that somebody else runs.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self {
            client: Client::new(address),
            relay: None,
        }
    }

    /// The relay's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.client.address())
    }

    /// The subjects of all captured messages, oldest first.
    ///
    /// # Panics
    /// When the relay does not answer.
    pub async fn subjects(&self) -> Vec<String> {
        let listed = self.list().await;
        let subject = |message: &Value| message.get("subject")?.as_str().map(str::to_owned);
        listed.iter().rev().filter_map(subject).collect()
    }

    /// All captured messages, oldest first.
    ///
    /// # Panics
    /// When the relay does not answer.
    pub async fn messages(&self) -> Vec<Captured> {
        let mut messages = Vec::new();
        for listed in self.list().await.iter().rev() {
            messages.push(self.message(listed).await);
        }
        messages
    }

    /// Waits for a message with this subject.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn arrival(&self, subject: &str) -> impl Future<Output = Captured> {
        let subject = subject.to_owned();
        eventually("a message at the sandbox", async move || {
            let listed = self.list().await;
            let found = listed
                .into_iter()
                .find(|message| message.get("subject").and_then(Value::as_str) == Some(&subject))?;
            Some(self.message(&found).await)
        })
    }

    /// The summaries of all messages, newest first.
    async fn list(&self) -> Vec<Value> {
        let mut messages = Vec::new();
        let mut target = "/api/messages?limit=200".to_owned();
        loop {
            let page = self.get(&target).await;
            messages.extend(
                page.get("messages")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default(),
            );
            match page.get("next_before").and_then(Value::as_i64) {
                Some(before) => target = format!("/api/messages?limit=200&before={before}"),
                None => return messages,
            }
        }
    }

    async fn message(&self, listed: &Value) -> Captured {
        let id = listed
            .get("id")
            .and_then(Value::as_i64)
            .expect("the relay numbers its messages");
        let details = self.get(&format!("/api/messages/{id}")).await;
        let source = Request::new("GET", &format!("/api/messages/{id}/source"));
        let text = |pointer: &str| {
            let value = details.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let recipients = details.pointer("/envelope/to").and_then(Value::as_array);
        let address = |entry: &Value| entry.get("address")?.as_str().map(str::to_owned);
        Captured {
            id,
            source: self.client.call(source).await.expect(200).body.to_vec(),
            envelope_from: text("/envelope/from"),
            envelope_to: recipients
                .into_iter()
                .flatten()
                .filter_map(address)
                .collect(),
            idempotency_key: text("/idempotency_key"),
            details,
        }
    }

    async fn get(&self, target: &str) -> Value {
        let answer = self.client.call(Request::new("GET", target)).await;
        answer.expect(200).json()
    }
}
