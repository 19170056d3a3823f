//! A store that fails: never a 202 without the message, and never a message twice.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt as _, stream};
use serde_json::Value;
use tests::{Faults, HostKind, Setup, System, TestStore, eventually};

/// Messages sent to each ailing store.
const MESSAGES: usize = 50;
/// Sent at once.
const CLIENTS: usize = 8;

/// Sends the messages and returns the subjects of those that were accepted.
async fn send_all(system: &System) -> Vec<String> {
    let send = async |n: usize| {
        let subject = format!("message {n}");
        let answer = system.send(&system.message(&subject)).await;
        match answer.status {
            202 => Some(subject),
            status => {
                assert_eq!(
                    (status, answer.problem().1.as_str()),
                    (503, "ServiceUnavailable")
                );
                assert!(answer.field("retry-after").is_some(), "SDKs come again");
                None
            }
        }
    };
    let sent = stream::iter(0..MESSAGES)
        .map(send)
        .buffer_unordered(CLIENTS);
    sent.filter_map(async |subject| subject).collect().await
}

/// Whether every message in the store is settled, so that nothing more can be handed over.
fn is_settled(store: &TestStore) -> bool {
    let entries = store.entries();
    let messages = entries
        .keys()
        .filter_map(|key| key.strip_prefix("message/"));
    let mut messages = messages.filter(|rest| !rest.contains('/'));
    messages.all(|id| {
        let state = entries.get(&format!("state/{id}"));
        let state: Option<Value> = state.and_then(|bytes| serde_json::from_slice(bytes).ok());
        state.is_some_and(|state| state["r"]["due_at"].is_null())
    })
}

async fn check(n: u64) {
    let store = Arc::new(TestStore::default());
    let system = Setup::default()
        .store(&store)
        .variable("attempt_timeout", "2")
        .start()
        .await;
    store.set_faults(Faults::EveryNth(n));
    let accepted = send_all(&system).await;
    let failed = store.failed();
    assert!(failed > 0, "no call failed for n = {n}");
    store.set_faults(Faults::None);
    eventually("every stored message is settled", async || {
        is_settled(&store).then_some(())
    })
    .await;
    let mut arrived = BTreeMap::<String, usize>::new();
    for subject in system.inbox().subjects().await {
        *arrived.entry(subject).or_default() += 1;
    }
    for subject in &accepted {
        assert_eq!(
            arrived.get(subject),
            Some(&1),
            "n = {n}: '{subject}' was accepted"
        );
    }
    for (subject, count) in &arrived {
        assert_eq!(*count, 1, "n = {n}: '{subject}' arrived more than once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_what_was_accepted_arrives_once() {
    if HostKind::chosen() != HostKind::Devhost {
        return;
    }
    stream::iter(2..=12).for_each_concurrent(4, check).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_takes_nothing_accepts_nothing() {
    let system = Setup::default().start().await;
    let Some(store) = system.store() else { return };
    for faults in [Faults::Writes, Faults::All] {
        store.set_faults(faults);
        let answer = system.send(&system.message("lost")).await;
        assert_eq!(answer.problem(), (503, "ServiceUnavailable".into(), None));
        let text = answer.text("/error/message").unwrap();
        assert!(!text.contains("test"), "the cause is for the log: {text}");
    }
    store.set_faults(Faults::None);
    system.accepted(&system.message("kept")).await;
    system.inbox().arrival("kept").await;
    assert_eq!(system.inbox().subjects().await, ["kept"]);
}

/// Whoever is told 202 can pull the plug: the message is there, and the journal names it.
#[tokio::test(flavor = "multi_thread")]
async fn message_and_journal_entry_are_there_with_the_202() {
    let system = Setup::default().without_ticks().start().await;
    let Some(store) = system.store() else { return };
    for n in 0..10 {
        let id = system
            .accepted(&system.message(&format!("durable {n}")))
            .await;
        let entries = store.entries();
        assert!(entries.contains_key(&format!("message/{id}")));
        let names_it = |(key, value): (&String, &Vec<u8>)| {
            key.starts_with("journal/") && String::from_utf8_lossy(value).contains(&id)
        };
        assert!(
            entries.iter().any(names_it),
            "the tick would never find {id}"
        );
    }
    // Single writes would not be one transaction with the journal.
    assert_eq!(store.calls().get("set"), None);
}
