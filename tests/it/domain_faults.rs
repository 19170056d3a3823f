//! A store that fails while customers' domains are changed: each change is told of truly, and can be made afterwards.

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tests::{Answer, Faults, HostKind, Setup, eventually};

use crate::customer::{Customer, KINDS, SHOP, Stage, as_operator, store_at};

type Change = (&'static str, String, Value);

fn changes() -> Vec<Change> {
    let at = |path: &str| format!("/domains/{SHOP}{path}");
    let key = json!({"privateKey": include_str!("vectors/ed25519.pem")});
    vec![
        ("PATCH", at(""), json!({"linked": true})),
        ("POST", at(":initiateVerification"), json!({})),
        ("PUT", at("/senderUsernames/news"), json!({})),
        ("PUT", at("/dkimKeys/own"), key),
        ("POST", at(":rotateDkim"), json!({})),
        ("PUT", "/domains/new.example.org".to_owned(), json!({})),
        ("DELETE", at(""), json!({})),
    ]
}

async fn make(customer: &Customer, (method, target, body): &Change) -> Answer {
    let request = as_operator(method, target).json(body);
    customer.system.client.call(request).await
}

/// The answer is one of success, or says when to come again.
#[track_caller]
fn check_honest(what: &str, answer: &Answer) {
    if (200..300).contains(&answer.status) {
        return;
    }
    let (status, code, _) = answer.problem();
    let is_temporary = [(503, "ServiceUnavailable"), (409, "Conflict")];
    assert!(
        is_temporary.contains(&(status, &code)),
        "{what}: {status} {code}"
    );
    assert!(answer.field("retry-after").is_some(), "{what}: {code}");
}

/// Whether a change is there, by this answer or by an earlier one that was lost.
async fn is_done(customer: &Customer, change: &Change, answer: &Answer) -> bool {
    if change.1.ends_with(":rotateDkim") {
        let keys = customer.domain().await["dkimKeys"].clone();
        let mut keys = keys.as_array().unwrap().iter();
        return keys.any(|key| key["state"] == "retiring");
    }
    if (200..300).contains(&answer.status) {
        return true;
    }
    let (_, code, _) = answer.problem();
    ["SelectorInUse", "DomainAlreadyExists", "DomainNotFound"].contains(&code.as_str())
}

/// Makes a change while every n-th call of the store fails, and then until it is made.
async fn check(n: u64, change: Change) {
    let store = store_at(Stage::Verified).await;
    let customer = Customer::on(&store, Setup::default().without_ticks()).await;
    let what = format!("n = {n}: {} {}", change.0, change.1);
    store.set_faults(Faults::EveryNth(n));
    let answer = make(&customer, &change).await;
    store.set_faults(Faults::None);
    check_honest(&what, &answer);
    eventually(&what, async || {
        let answer = make(&customer, &change).await;
        is_done(&customer, &change, &answer).await.then_some(())
    })
    .await;
    if change.0 == "DELETE" {
        customer.refusal("DoNotReply").await.expect(404);
    } else {
        sends_signed(&customer, &what).await;
    }
}

async fn sends_signed(customer: &Customer, what: &str) {
    let statuses = customer.statuses().await;
    for kind in KINDS {
        let is_verified = statuses[kind] == "Verified";
        // The making of the next key may have been cut off.
        assert!(is_verified || kind == "DKIM2", "{what}: {kind}");
    }
    customer.publish().await;
    customer.send("afterwards").await.expect(202);
    let captured = customer.system.inbox().arrival("afterwards").await;
    assert_eq!(customer.signatures(&captured.source).len(), 2, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_a_change_can_be_made_afterwards() {
    if HostKind::chosen() != HostKind::Devhost {
        return;
    }
    let checks = (2..=6).flat_map(|n| changes().into_iter().map(move |change| (n, change)));
    // What fails with the lock taken keeps it for up to fifteen seconds, so all of them wait at once.
    stream::iter(checks)
        .for_each_concurrent(None, |(n, change)| check(n, change))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_takes_nothing_changes_nothing() {
    let customer = Customer::with(Stage::Verified, Setup::default().without_ticks()).await;
    let Some(store) = customer.system.store() else {
        return;
    };
    let before = customer.domain().await;
    for faults in [Faults::Writes, Faults::All] {
        store.set_faults(faults);
        for change in changes() {
            let answer = make(&customer, &change).await;
            let expected = (503, "ServiceUnavailable".into(), None);
            assert_eq!(answer.problem(), expected, "{change:?}");
            assert!(answer.field("retry-after").is_some());
            let text = answer.text("/error/message").unwrap();
            assert!(!text.contains("test"), "the cause is for the log: {text}");
        }
    }
    store.set_faults(Faults::None);
    assert_eq!(customer.domain().await, before);
}
