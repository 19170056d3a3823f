//! A customer's domain on a system that asks the test's own DNS.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use serde_json::{Value, json};
use tests::{ADMIN_TOKEN, Answer, HostKind, Request, Setup, System, TestStore, eventually};
use tokio::sync::OnceCell;

use crate::dns::DnsServer;

/// The customer's domain.
pub(super) const SHOP: &str = "shop.example.com";
/// The zone it is in.
pub(super) const ZONE: &str = "example.com";
/// The operator's base domain, which is a zone too.
pub(super) const BASE: &str = "mail.sendlet.example";
/// Where mail leaves from: an address of RFC 5737.
pub(super) const SENDING: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Every verification there is.
pub(super) const KINDS: [&str; 7] = [
    "Domain",
    "SPF",
    "DKIM",
    "DKIM2",
    "DKIMEd25519",
    "DMARC",
    "ReturnPath",
];

/// A system, its DNS with the operator's zone in it, and a customer's domain that has its keys and no records yet.
pub(super) struct Customer {
    // Ends before the DNS does.
    pub(super) system: System,
    pub(super) dns: DnsServer,
}

impl Customer {
    pub(super) async fn start(dns: DnsServer, setup: Setup) -> Self {
        let setup = setup
            .variable("doh_url", &dns.doh_origin())
            .variable("sending_addresses", &SENDING.to_string());
        let system = start_system(setup).await;
        let customer = Self { system, dns };
        let base = customer.operator_zone().await;
        customer.dns.set_zone(BASE, &base).await;
        customer
    }

    /// The snippet with the records of the managed domain and the base domain, and the one record that it leaves to the
    /// operator: BIND refuses a mail host in its own zone that has no address.
    async fn operator_zone(&self) -> String {
        let zone = self.system.operate("GET", "/domains/ManagedDomain/zone");
        format!(
            "{}\nmx.{BASE}. A 192.0.2.25\n",
            text(&zone.await.expect(200))
        )
    }

    /// Calls what is at `path` below the customer's domain.
    pub(super) async fn call(&self, method: &str, path: &str) -> Answer {
        let target = format!("/domains/{SHOP}{path}");
        self.system.operate(method, &target).await
    }

    /// As [`Self::call`], with a body.
    pub(super) async fn call_with(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::new(method, &format!("/domains/{SHOP}{path}"))
            .field("authorization", &format!("Bearer {ADMIN_TOKEN}"))
            .json(body);
        self.system.client.call(request).await
    }

    pub(super) async fn domain(&self) -> Value {
        self.call("GET", "").await.expect(200).json()
    }

    /// The selector of the key whose record is of this kind.
    pub(super) async fn selector(&self, kind: &str) -> String {
        let record = self.domain().await["verificationRecords"][kind].clone();
        let (selector, _) = record["name"].as_str().unwrap().split_once("._").unwrap();
        selector.to_owned()
    }

    /// The snippet of a zone file that the domain asks for.
    pub(super) async fn zone(&self) -> String {
        text(&self.call("GET", "/zone").await.expect(200))
    }

    /// Puts these lines into the customer's zone, and takes away what was there.
    pub(super) async fn publish(&self, zone: &str) {
        self.dns.set_zone(ZONE, zone).await;
    }

    /// Puts the snippet into the customer's zone as it is.
    pub(super) async fn publish_all(&self) {
        self.publish(&self.zone().await).await;
    }

    /// Waits for the end of the operation that an answer tells of.
    pub(super) async fn made(&self, started: &Answer) {
        follow(&self.system, started).await;
    }

    pub(super) async fn state(&self, kind: &str) -> Value {
        self.domain().await["verificationStates"][kind].clone()
    }

    /// Asks for the verification of one kind, and returns its state once it was looked at since.
    pub(super) async fn look_at(&self, kind: &str) -> Value {
        let body = json!({"verificationType": kind});
        self.look(&[kind], &body).await[kind].clone()
    }

    /// Asks for every verification, and returns the states once all were looked at since.
    pub(super) async fn look_at_all(&self) -> Value {
        self.look(&KINDS, &json!({})).await
    }

    async fn look(&self, kinds: &[&str], body: &Value) -> Value {
        let states = async || self.domain().await["verificationStates"].clone();
        let before = states().await;
        let asked = self.call_with("POST", ":initiateVerification", body).await;
        asked.expect(202);
        eventually("DNS was looked at", async || {
            let after = states().await;
            let is_new = |kind: &&str| {
                let (before, after) = (&before[kind], &after[kind]);
                let (before, after) = (&before["lastCheckedAt"], &after["lastCheckedAt"]);
                after.is_string() && after != before
            };
            kinds.iter().all(is_new).then_some(after)
        })
        .await
    }

    /// Asks for every verification, all of which have to succeed.
    pub(super) async fn verify(&self) {
        let states = self.look_at_all().await;
        for kind in KINDS {
            assert_eq!(states[kind]["status"], "Verified", "{kind}: {states:#}");
        }
    }
}

pub(super) fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// A zone without the key of this selector.
pub(super) fn without_key(zone: &str, selector: &str) -> String {
    replaced(zone, &format!("{selector}._domainkey."), "")
}

/// A zone in which other lines stand in the place of those that begin with `prefix`.
pub(super) fn replaced(zone: &str, prefix: &str, with: &str) -> String {
    let others = zone.lines().filter(|line| !line.starts_with(prefix));
    others.chain([with]).collect::<Vec<_>>().join("\n")
}

/// Starts a system that has the customer's domain, with its keys.
async fn start_system(setup: Setup) -> System {
    if HostKind::chosen() == HostKind::Devhost {
        let store = Arc::new(TestStore::default());
        store.extend(entries().await);
        return setup.store(&store).without_domain().start().await;
    }
    let system = setup.start().await;
    add(&system).await;
    system
}

/// What is in a store that has the domain. Made the way an operator does, once in a process, since keys take seconds.
async fn entries() -> BTreeMap<String, Vec<u8>> {
    static ENTRIES: OnceCell<BTreeMap<String, Vec<u8>>> = OnceCell::const_new();
    ENTRIES.get_or_init(make_entries).await.clone()
}

async fn make_entries() -> BTreeMap<String, Vec<u8>> {
    let system = Setup::default().without_ticks().start().await;
    add(&system).await;
    let store = system.store().unwrap();
    // A lock that came along would keep everybody out.
    eventually("the locks are given back", async || {
        let entries = store.entries();
        let is_locked = entries.keys().any(|key| key.starts_with("domain-lock/"));
        (!is_locked).then_some(entries)
    })
    .await
}

async fn add(system: &System) {
    let target = format!("/domains/{SHOP}");
    let added = system.operate("PUT", &target).await.expect(201);
    follow(system, &added).await;
}

async fn follow(system: &System, started: &Answer) {
    let location = started.field("operation-location").unwrap();
    let origin = format!("http://{}", system.authority());
    let target = location.strip_prefix(&origin).unwrap();
    eventually("the keys are made", async || {
        let answer = system.operate("GET", target).await.expect(200);
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
