//! Addresses that are not written to.

use mailer::{envelope::AddrSpec, keys, suppression::Suppression, time::Timestamp};
use serde_json::json;
use tests::{Setup, System};

fn suppress(system: &System, address: &str) -> bool {
    let Some(store) = system.store() else {
        return false;
    };
    let address: AddrSpec = address.parse().unwrap();
    let record = Suppression {
        notes: "asked for it".to_owned(),
        ..Suppression::added(Timestamp::from_millis(1))
    };
    store.extend([keys::suppression(&address).write(&record).unwrap()]);
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_to_none_but_suppressed_addresses_fails_and_says_so() {
    let system = Setup::default().start().await;
    if !suppress(&system, "someone@example.com") {
        return;
    }
    let mut message = system.message("unwanted");
    message["recipients"]["to"] = json!([{"address": "someone@EXAMPLE.com"}]);
    let id = system.accepted(&message).await;
    let operation = system.outcome(&id).await;
    assert_eq!(operation["status"], "Failed");
    assert_eq!(
        operation["error"]["code"],
        "EmailDroppedAllRecipientsSuppressed"
    );
    assert!(operation["error"]["message"].is_string());
    assert!(system.inbox().subjects().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_get_their_mail() {
    let system = Setup::default().start().await;
    if !suppress(&system, "left@example.com") {
        return;
    }
    let mut message = system.message("wanted by one");
    message["recipients"]["to"] =
        json!([{"address": "left@example.com"}, {"address": "stayed@example.com"}]);
    let id = system.accepted(&message).await;
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");
    let captured = system.inbox().arrival("wanted by one").await;
    assert_eq!(captured.envelope_to, ["stayed@example.com"]);
}
