//! A customer's domain, on a DNS of the test's own.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tests::{
    ADMIN_TOKEN, Answer, DohServer, HostKind, Request, Setup, System, TestStore, eventually,
};
use tokio::sync::OnceCell;

/// The customer's domain.
pub(crate) const SHOP: &str = "shop.example.com";
/// Every verification of a domain that has no tracking host.
pub(crate) const KINDS: [&str; 7] = [
    "Domain",
    "SPF",
    "DKIM",
    "DKIM2",
    "DKIMEd25519",
    "DMARC",
    "ReturnPath",
];

/// How far the domain is when a test begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody added it.
    Absent,
    /// It has its keys, its zone is published, and nobody asked for a verification.
    Published,
    /// All of it is verified.
    Verified,
}

/// Status, code and target of a refusal.
pub(crate) type Problem = (u16, &'static str, Option<&'static str>);

/// What is told when mail is sent from a domain that is not verified.
pub(crate) const NOT_VERIFIED: Problem = (404, "DomainNotVerified", Some("senderAddress"));

#[track_caller]
pub(crate) fn check(answer: &Answer, expected: Problem) {
    let (status, code, target) = answer.problem();
    let found = (status, code.as_str(), target.as_deref());
    assert_eq!(found, expected);
}

/// A request of the operator.
pub(crate) fn as_operator(method: &str, target: &str) -> Request {
    Request::new(method, target).field("authorization", &format!("Bearer {ADMIN_TOKEN}"))
}

/// A system, its DNS, and a customer's domain.
pub(crate) struct Customer {
    // Ends before the resolver does.
    pub(crate) system: System,
    pub(crate) doh: DohServer,
}

impl Customer {
    pub(crate) async fn at(stage: Stage) -> Self {
        Self::with(stage, Setup::default()).await
    }

    pub(crate) async fn with(stage: Stage, setup: Setup) -> Self {
        if stage == Stage::Absent {
            return Self::start(setup).await;
        }
        if HostKind::chosen() == HostKind::Devhost {
            return Self::on(&store_at(stage).await, setup).await;
        }
        let customer = Self::start(setup).await;
        customer.reach(stage).await;
        customer
    }

    /// A system whose store holds the domain already.
    pub(crate) async fn on(store: &Arc<TestStore>, setup: Setup) -> Self {
        let customer = Self::start(setup.store(store).without_domain()).await;
        customer.publish().await;
        customer
    }

    async fn start(setup: Setup) -> Self {
        let doh = DohServer::start().await;
        let system = setup
            .variable("doh_url", &doh.origin())
            .variable("sending_addresses", "192.0.2.1")
            .start()
            .await;
        let base = system.operate("GET", "/domains/ManagedDomain/zone").await;
        doh.publish("base", &text(&base.expect(200)));
        Self { system, doh }
    }

    async fn reach(&self, stage: Stage) {
        let added = self.call("PUT", "").await.expect(201);
        self.made(&added).await;
        self.publish().await;
        if stage == Stage::Verified {
            self.verify().await;
        }
    }

    /// Calls what is at `path` below the domain.
    pub(crate) async fn call(&self, method: &str, path: &str) -> Answer {
        let target = format!("/domains/{SHOP}{path}");
        self.system.operate(method, &target).await
    }

    /// As [`Self::call`], with a body.
    pub(crate) async fn call_with(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = as_operator(method, &format!("/domains/{SHOP}{path}")).json(body);
        self.system.client.call(request).await
    }

    /// The domain as the operator sees it.
    pub(crate) async fn domain(&self) -> Value {
        self.call("GET", "").await.expect(200).json()
    }

    /// The selector of the key that this kind of record publishes.
    pub(crate) async fn selector(&self, kind: &str) -> String {
        let domain = self.domain().await;
        let name = &domain["verificationRecords"][kind]["name"];
        let (selector, _) = name.as_str().unwrap().split_once("._domainkey.").unwrap();
        selector.to_owned()
    }

    /// The snippet of a zone file that the domain asks for.
    pub(crate) async fn zone(&self) -> String {
        text(&self.call("GET", "/zone").await.expect(200))
    }

    /// Publishes the snippet as it is.
    pub(crate) async fn publish(&self) {
        self.doh.publish(SHOP, &self.zone().await);
    }

    /// Waits for the end of the operation that an answer tells of.
    pub(crate) async fn made(&self, started: &Answer) {
        let location = started.field("operation-location").expect("an operation");
        let origin = format!("http://{}", self.system.authority());
        let target = location.strip_prefix(&origin).expect("a location here");
        eventually("the keys are made", async || {
            let answer = self.system.operate("GET", target).await.expect(200);
            match answer.text("/status").as_deref() {
                Some("Running") => None,
                status => {
                    assert_eq!(status, Some("Succeeded"));
                    Some(())
                }
            }
        })
        .await;
    }

    /// The state of one verification.
    pub(crate) async fn state(&self, kind: &str) -> Value {
        self.domain().await["verificationStates"][kind].clone()
    }

    /// The status of every verification.
    pub(crate) async fn statuses(&self) -> BTreeMap<String, String> {
        let states = self.domain().await["verificationStates"].clone();
        let status = |(kind, state): (&String, &Value)| {
            (kind.clone(), state["status"].as_str().unwrap().to_owned())
        };
        states.as_object().unwrap().iter().map(status).collect()
    }

    /// Asks for the verification of one kind, and returns what the look at DNS came to.
    pub(crate) async fn look_at(&self, kind: &str) -> Value {
        let body = json!({"verificationType": kind});
        let answer = self.call_with("POST", ":initiateVerification", &body).await;
        answer.expect(202);
        eventually("DNS was looked at", async || {
            let state = self.state(kind).await;
            (state["status"] != "VerificationRequested").then_some(state)
        })
        .await
    }

    /// Asks for every verification, and waits until all have been looked at since.
    pub(crate) async fn look_at_all(&self) {
        let times = async || {
            let domain = self.domain().await;
            KINDS.map(|kind| domain["verificationStates"][kind]["lastCheckedAt"].clone())
        };
        let before = times().await;
        let answer = self.call("POST", ":initiateVerification").await.expect(202);
        let location = format!("http://{}/domains/{SHOP}", self.system.authority());
        assert_eq!(answer.field("location"), Some(location.as_str()));
        eventually("DNS was looked at", async || {
            let after = times().await;
            let is_new = |(after, before)| after != before && after != &Value::Null;
            after.iter().zip(&before).all(is_new).then_some(())
        })
        .await;
    }

    /// Asks for every verification, all of which have to succeed.
    pub(crate) async fn verify(&self) {
        self.look_at_all().await;
        let statuses = self.statuses().await;
        assert!(
            KINDS.iter().all(|kind| statuses[*kind] == "Verified"),
            "{statuses:?}"
        );
    }

    /// A small message from a username of the domain.
    pub(crate) fn message(&self, username: &str, subject: &str) -> Value {
        json!({
            "senderAddress": format!("{username}@{SHOP}"),
            "content": {"subject": subject, "plainText": "Hello."},
            "recipients": {"to": [{"address": "someone@example.com"}]},
        })
    }

    /// Sends a small message from the default username.
    pub(crate) async fn send(&self, subject: &str) -> Answer {
        self.system.send(&self.message("DoNotReply", subject)).await
    }

    /// Waits until mail from `username` is refused, and returns how. What is taken away may be used for another second.
    #[track_caller]
    pub(crate) fn refusal(&self, username: &str) -> impl Future<Output = Answer> {
        let message = self.message(username, "too late");
        eventually("mail is refused", async move || {
            let answer = self.system.send(&message).await;
            (answer.status != 202).then_some(answer)
        })
    }

    /// Sends messages until one is signed with the key of this selector, and returns that.
    pub(crate) async fn signed_with(&self, selector: &str) -> Vec<u8> {
        let tag = format!("s={selector};");
        let mut sent = 0;
        eventually("the key signs", async || {
            sent += 1;
            let subject = format!("with {selector} {sent}");
            self.send(&subject).await.expect(202);
            let captured = self.system.inbox().arrival(&subject).await;
            captured.text().contains(&tag).then_some(captured.source)
        })
        .await
    }

    /// Whether each signature of a message verifies with what is published now.
    pub(crate) fn verifies(&self, source: &[u8]) -> Vec<bool> {
        let verified = dkim::verify(source, &Published(&self.doh), now()).unwrap();
        let outcomes = verified.iter().map(|signature| signature.outcome.is_ok());
        outcomes.collect()
    }

    /// The tags of a message's signatures, each of which has to verify with what is published now.
    #[track_caller]
    pub(crate) fn signatures(&self, source: &[u8]) -> Vec<BTreeMap<String, String>> {
        let text = String::from_utf8_lossy(source).into_owned();
        let tags = signature_tags(&text);
        assert_eq!(self.verifies(source), vec![true; tags.len()], "{text}");
        tags
    }
}

/// A store in which the domain is as far as that. Made the way an operator does, once in a process.
pub(crate) async fn store_at(stage: Stage) -> Arc<TestStore> {
    static STORES: OnceCell<[BTreeMap<String, Vec<u8>>; 2]> = OnceCell::const_new();
    let [published, verified] = STORES.get_or_init(make_stores).await;
    let store = Arc::new(TestStore::default());
    store.extend(match stage {
        Stage::Absent => BTreeMap::new(),
        Stage::Published => published.clone(),
        Stage::Verified => verified.clone(),
    });
    store
}

async fn make_stores() -> [BTreeMap<String, Vec<u8>>; 2] {
    let customer = Customer::start(Setup::default().without_ticks()).await;
    customer.reach(Stage::Published).await;
    let published = entries(&customer).await;
    customer.verify().await;
    [published, entries(&customer).await]
}

/// What is in the store once nobody changes it: a lock in it would keep everybody out.
async fn entries(customer: &Customer) -> BTreeMap<String, Vec<u8>> {
    let store = customer.system.store().expect("a store to be seen");
    eventually("the locks are given back", async || {
        let entries = store.entries();
        let is_locked = entries.keys().any(|key| key.starts_with("domain-lock/"));
        (!is_locked).then_some(entries)
    })
    .await
}

pub(crate) fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).expect("text")
}

struct Published<'a>(&'a DohServer);

impl dkim::KeyLookup for Published<'_> {
    fn txt(&self, name: &str) -> Result<Option<Vec<u8>>, dkim::KeyLookupError> {
        Ok(self.0.texts(name).into_iter().next())
    }
}

#[expect(clippy::disallowed_methods, reason = "signatures expire")]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.as_ref().map_or(0, Duration::as_secs)
}

/// The tags of each `DKIM-Signature` field, as they stand there.
fn signature_tags(message: &str) -> Vec<BTreeMap<String, String>> {
    let (head, _) = message.split_once("\r\n\r\n").expect("a head and a body");
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let tag = |text: &str| {
        let (name, value) = text.split_once('=')?;
        let value = value.split_ascii_whitespace().collect();
        Some((name.trim().to_owned(), value))
    };
    head.split("\r\n")
        .filter_map(|field| field.strip_prefix("DKIM-Signature:"))
        .map(|value| value.split(';').filter_map(tag).collect())
        .collect()
}
