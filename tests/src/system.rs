//! A running system: a host, a relay behind it, a timer, and a client in front.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, Request},
    domain,
    host::{self, HostKind, HostSetup, TestHost, manifest_path},
    inbox::Inbox,
    secrets::variables,
    signer::Signer,
    store::TestStore,
    ticker::{self, Ticker},
    wait::eventually,
};

/// The api-version that requests ask for unless a test says otherwise.
pub const API_VERSION: &str = "2025-09-01";

/// What a system is started with.
#[derive(Debug)]
pub struct Setup {
    variables: BTreeMap<String, String>,
    relay: Option<String>,
    store: Arc<TestStore>,
    manifest: PathBuf,
    ticks: bool,
    provisioned: bool,
    relay_events: bool,
}

impl Default for Setup {
    /// The application as it is, with a sandbox relay, a managed domain, and ticks.
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            relay: None,
            store: Arc::default(),
            manifest: manifest_path(),
            ticks: true,
            provisioned: true,
            relay_events: false,
        }
    }
}

impl Setup {
    /// Gives an application variable a value.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Hands messages to the relay at this origin, instead of a sandbox.
    #[must_use]
    pub fn relay(self, origin: &str) -> Self {
        Self {
            relay: Some(origin.to_owned()),
            ..self
        }
    }

    /// Uses a store that the test holds.
    #[must_use]
    pub fn store(self, store: &Arc<TestStore>) -> Self {
        Self {
            store: Arc::clone(store),
            ..self
        }
    }

    /// Serves another manifest. Sources in it are relative to its folder.
    #[must_use]
    pub fn manifest(self, path: &Path) -> Self {
        Self {
            manifest: path.to_owned(),
            ..self
        }
    }

    /// Has the sandbox tell of what became of messages.
    #[must_use]
    pub fn with_relay_events(self) -> Self {
        Self {
            relay_events: true,
            ..self
        }
    }

    /// Leaves ticking to the test.
    #[must_use]
    pub fn without_ticks(self) -> Self {
        Self {
            ticks: false,
            ..self
        }
    }

    /// Starts with an empty store.
    #[must_use]
    pub fn without_domain(self) -> Self {
        Self {
            provisioned: false,
            ..self
        }
    }

    /// Starts the system.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(self) -> System {
        let (relay_url, inbox) = match self.relay {
            Some(origin) => (origin, None),
            None => {
                let inbox = Inbox::start().await;
                (inbox.origin(), Some(inbox))
            }
        };
        let kind = HostKind::chosen();
        if self.provisioned && kind == HostKind::Devhost {
            self.store.extend(domain::seed_domain().await);
        }
        let mut variables = variables(&relay_url);
        variables.extend(self.variables);
        let host = host::start(HostSetup {
            manifest: self.manifest,
            variables,
            store: Arc::<TestStore>::clone(&self.store),
        })
        .await;
        let client = Client::new(host.address());
        if let Some(inbox) = inbox.as_ref().filter(|_| self.relay_events) {
            inbox.tell(host.address());
        }
        let domain = if self.provisioned {
            domain::provision(&client).await
        } else {
            Value::Null
        };
        System {
            ticker: self.ticks.then(|| Ticker::start(client.clone())),
            client,
            store: (kind == HostKind::Devhost).then_some(self.store),
            inbox,
            domain,
            host,
        }
    }
}

/// A running system. Dropping it ends it, and fails the test if any instance trapped.
pub struct System {
    /// Calls it.
    pub client: Client,
    store: Option<Arc<TestStore>>,
    inbox: Option<Inbox>,
    domain: Value,
    // Ends before the host does.
    ticker: Option<Ticker>,
    host: Box<dyn TestHost>,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl System {
    /// The host and port that it listens on.
    #[must_use]
    pub fn authority(&self) -> String {
        self.client.address().to_string()
    }

    /// The store, or nothing where the host keeps it to itself.
    #[must_use]
    pub fn store(&self) -> Option<&Arc<TestStore>> {
        self.store.as_ref()
    }

    /// The sandbox.
    ///
    /// # Panics
    /// When the system was given another relay.
    #[must_use]
    pub fn inbox(&self) -> &Inbox {
        self.inbox.as_ref().expect("a system with a sandbox")
    }

    /// What the host logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.host.log()
    }

    /// The managed domain as `GET /domains/ManagedDomain` showed it.
    #[must_use]
    pub fn domain(&self) -> &Value {
        &self.domain
    }

    /// The name of the managed domain.
    #[must_use]
    pub fn domain_name(&self) -> &str {
        self.text("/fromSenderDomain")
    }

    /// The address every managed domain may send from.
    #[must_use]
    pub fn sender(&self) -> String {
        format!("DoNotReply@{}", self.domain_name())
    }

    /// Name and text of the DKIM record.
    #[must_use]
    pub fn dkim_record(&self) -> (&str, &str) {
        (
            self.text("/verificationRecords/DKIM/name"),
            self.text("/verificationRecords/DKIM/value"),
        )
    }

    fn text(&self, pointer: &str) -> &str {
        let found = self.domain.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no {pointer} in {}", self.domain))
    }

    /// A small message to one recipient.
    #[must_use]
    pub fn message(&self, subject: &str) -> Value {
        json!({
            "senderAddress": self.sender(),
            "content": {"subject": subject, "plainText": "Hello."},
            "recipients": {"to": [{"address": "someone@example.com"}]},
        })
    }

    /// What signs for this system as its SDKs do.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer::new(&self.authority())
    }

    /// The request that sends `message`, not yet signed.
    #[must_use]
    pub fn submission(&self, message: &Value) -> Request {
        Request::new("POST", &format!("/emails:send?api-version={API_VERSION}")).json(message)
    }

    /// Sends `message`.
    pub async fn send(&self, message: &Value) -> Answer {
        self.call(self.submission(message)).await
    }

    /// Sends `message` under an Operation-Id.
    pub async fn send_as(&self, id: &str, message: &Value) -> Answer {
        let request = self.submission(message).field("operation-id", id);
        self.call(request).await
    }

    /// Signs `request` and sends it.
    pub async fn call(&self, request: Request) -> Answer {
        self.client.call(self.signer().sign(request)).await
    }

    /// Sends a request of the operator.
    pub async fn operate(&self, method: &str, target: &str) -> Answer {
        self.client.call(domain::as_operator(method, target)).await
    }

    /// Asks how an operation stands.
    pub async fn operation(&self, id: &str) -> Answer {
        let target = format!("/emails/operations/{id}?api-version={API_VERSION}");
        self.call(Request::new("GET", &target)).await
    }

    /// Sends `message`, which must be accepted, and returns the operation's id.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn accepted(&self, message: &Value) -> String {
        let answer = self.send(message).await.expect(202);
        answer.text("/id").expect("an id")
    }

    /// Waits for the end of an operation and returns its last state.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn outcome(&self, id: &str) -> impl Future<Output = Value> {
        let id = id.to_owned();
        eventually("the operation ends", async move || {
            let answer = self.operation(&id).await.expect(200);
            let is_running = answer.text("/status").as_deref() == Some("Running");
            (!is_running).then(|| answer.json())
        })
    }

    /// Ticks once and returns what the tick did.
    pub async fn tick(&self) -> Value {
        let answer = self.client.call(ticker::tick()).await;
        answer.expect(200).json()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.ticker = None;
        let failures = self.host.failures();
        // A second panic would hide the first.
        if !std::thread::panicking() {
            assert!(failures.is_empty(), "instances failed: {failures:#?}");
        }
    }
}
