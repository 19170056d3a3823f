//! One acceptance for each Operation-Id.

use futures::future::join_all;
use tests::{Setup, eventually};

const ID: &str = "6b1c2f8e-0d3a-4f5b-8c7d-9e0f1a2b3c4d";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_gets_the_same_202_and_one_mail() {
    let system = Setup::default().start().await;
    let message = system.message("once");
    let first = system.send_as(ID, &message).await.expect(202);
    system.inbox().arrival("once").await;
    let again = system.send_as(ID, &message).await.expect(202);
    assert_eq!(first.body, again.body);
    assert_eq!(
        first.field("operation-location"),
        again.field("operation-location")
    );
    // In capitals it is the same UUID.
    system
        .send_as(&ID.to_uppercase(), &message)
        .await
        .expect(202);
    // What was accepted after a repeat would have been delivered before this one.
    system.accepted(&system.message("the next")).await;
    system.inbox().arrival("the next").await;
    assert_eq!(system.inbox().subjects().await, ["once", "the next"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_with_a_used_id_is_refused() {
    let system = Setup::default().start().await;
    system
        .send_as(ID, &system.message("first"))
        .await
        .expect(202);
    let other = system.send_as(ID, &system.message("second")).await;
    assert_eq!(
        other.problem(),
        (409, "OperationIdReused".into(), Some("Operation-Id".into()))
    );
    system.inbox().arrival("first").await;
    assert_eq!(system.inbox().subjects().await, ["first"]);
}

/// More than one instance takes 16 requests at once, so the duplicates meet in different instances too.
#[tokio::test(flavor = "multi_thread")]
async fn duplicates_at_the_same_time_make_one_mail() {
    let system = Setup::default().start().await;
    let message = system.message("twenty at once");
    let answers = join_all((0..20).map(|_| system.send_as(ID, &message))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert!(accepted >= 1);
    for answer in &answers {
        // An SDK sends again on 503, and gets its 202 then.
        assert!(matches!(answer.status, 202 | 503), "{answer:?}");
    }
    eventually("a repeat is answered with 202", async || {
        (system.send_as(ID, &message).await.status == 202).then_some(())
    })
    .await;
    system.inbox().arrival("twenty at once").await;
    system.accepted(&system.message("the next")).await;
    system.inbox().arrival("the next").await;
    assert_eq!(system.inbox().subjects().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_bodies_at_the_same_time_make_one_mail() {
    let system = Setup::default().start().await;
    let messages: Vec<_> = (0..8)
        .map(|n| system.message(&format!("rival {n}")))
        .collect();
    let answers = join_all(messages.iter().map(|message| system.send_as(ID, message))).await;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!(count(202), 1);
    assert_eq!(count(202) + count(409) + count(503), answers.len());
    let operation = system.outcome(ID).await;
    assert_eq!(operation["status"], "Succeeded");
    assert_eq!(system.inbox().subjects().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_leaves_its_id_free() {
    let system = Setup::default().start().await;
    let mut message = system.message("second try");
    let good = message.clone();
    message["recipients"] = serde_json::json!({});
    system.send_as(ID, &message).await.expect(400);
    system.send_as(ID, &good).await.expect(202);
}
