//! The managed domain of the systems under test.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{
    client::{Answer, Client, Request},
    host::{self, HostSetup},
    secrets::{ADMIN_TOKEN, variables},
    store::TestStore,
    wait::eventually,
};

/// A request of the operator.
pub(crate) fn as_operator(method: &str, target: &str) -> Request {
    Request::new(method, target).field("authorization", &format!("Bearer {ADMIN_TOKEN}"))
}

/// Asks for the managed domain as an operator does, waits until it is there, and returns it.
pub(crate) async fn provision(client: &Client) -> Value {
    const DOMAIN: &str = "/domains/ManagedDomain";
    let answer = client.call(as_operator("PUT", DOMAIN)).await;
    if answer.status == 202 {
        follow(client, &answer).await;
    }
    let domain = client.call(as_operator("GET", DOMAIN)).await;
    domain.expect(200).json()
}

async fn follow(client: &Client, started: &Answer) {
    let id = started.text("/id").expect("the operation's id");
    eventually("the managed domain is made", async || {
        let operation = as_operator("GET", &format!("/domains/operations/{id}"));
        let answer = client.call(operation).await.expect(200);
        match answer.text("/status").as_deref() {
            Some("Running") => None,
            Some("Succeeded") => Some(()),
            status => panic!("the managed domain was not made: {status:?}"),
        }
    })
    .await;
}

/// The entries that make a store have a managed domain.
///
/// Made the way an operator does, once in a process: making an RSA key in WebAssembly takes seconds. All systems under
/// test have the same master key, so any of them can open it.
pub async fn seed_domain() -> BTreeMap<String, Vec<u8>> {
    static ENTRIES: OnceCell<BTreeMap<String, Vec<u8>>> = OnceCell::const_new();
    ENTRIES.get_or_init(make).await.clone()
}

async fn make() -> BTreeMap<String, Vec<u8>> {
    let store = Arc::new(TestStore::default());
    let host = host::start(HostSetup {
        manifest: host::manifest_path(),
        variables: variables("http://127.0.0.1:9"),
        store: Arc::<TestStore>::clone(&store),
    })
    .await;
    provision(&Client::new(host.address())).await;
    store.entries()
}
