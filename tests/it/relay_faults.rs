//! A relay that fails in every way it can: nothing is lost, and states and times say what is known.

use std::time::Duration;

use mailer::{
    delivery::{DeliveryState, RecipientStatus},
    keys,
};
use serde_json::json;
use tests::{Behaviour, HandedOver, ScriptedRelay, Setup, System, eventually};

/// The first pause and its jitter: 5 to 7.5 seconds after the attempt ended.
const FIRST_PAUSE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(5)..=Duration::from_millis(7_500);

async fn system(relay: &ScriptedRelay) -> System {
    Setup::default()
        .relay(&relay.origin())
        .variable("attempt_timeout", "2")
        .start()
        .await
}

/// The state of a message once its first attempt has ended, where the store can be seen.
async fn first_state(system: &System, id: &str) -> Option<DeliveryState> {
    let store = system.store()?;
    let key = keys::state(id.parse().unwrap());
    let state = eventually("the first attempt ends", async || store.record(&key)).await;
    assert_eq!(state.attempt, 1);
    Some(state)
}

fn statuses(state: &DeliveryState) -> Vec<RecipientStatus> {
    state
        .recipients
        .iter()
        .map(|recipient| recipient.status)
        .collect()
}

fn pause(state: &DeliveryState) -> Duration {
    state
        .due_at
        .expect("another attempt")
        .since(state.updated_at)
}

/// All hand-overs of one message have one key, and, since it is signed as of its acceptance, the same octets.
fn one_message(handed_over: &[HandedOver]) {
    for again in handed_over {
        assert_eq!(again.idempotency_key, handed_over[0].idempotency_key);
        assert!(
            again.source == handed_over[0].source,
            "signed anew, with other octets"
        );
    }
}

/// Sends a message into trouble, checks what is known of it, lets the relay recover, and checks that it arrives.
async fn recovers(
    relay: &mut ScriptedRelay,
    expected_pause: std::ops::RangeInclusive<Duration>,
    recover: impl FnOnce(&mut ScriptedRelay),
) {
    let system = system(relay).await;
    let id = system.accepted(&system.message("in trouble")).await;
    if let Some(state) = first_state(&system, &id).await {
        assert_eq!(statuses(&state), [RecipientStatus::Deferred]);
        assert!(
            expected_pause.contains(&pause(&state)),
            "{:?}",
            pause(&state)
        );
        assert!(state.recipients[0].reply.is_some(), "why is kept");
    }
    let answer = system.operation(&id).await.expect(200);
    assert_eq!(
        answer.json(),
        json!({"id": id, "status": "Running", "error": null})
    );
    recover(relay);
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");
    one_message(&relay.handed_over());
    assert!(!relay.handed_over().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_connections_is_tried_again() {
    let mut relay = ScriptedRelay::refusing();
    recovers(&mut relay, FIRST_PAUSE, ScriptedRelay::listen).await;
    assert_eq!(relay.handed_over().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_busy_is_left_alone_as_long_as_it_asks() {
    let busy = Behaviour::Answer(503, Some(9), "{}".to_owned());
    let mut relay = ScriptedRelay::start(busy);
    let asked = Duration::from_secs(9)..=Duration::from_secs(9);
    recovers(&mut relay, asked, |relay| relay.behave(Behaviour::Accept)).await;
    assert_eq!(relay.handed_over().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_hangs_is_given_up_in_time_and_tried_again() {
    let mut relay = ScriptedRelay::start(Behaviour::Hang);
    recovers(&mut relay, FIRST_PAUSE, |relay| {
        relay.behave(Behaviour::Accept);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_came_is_asked_for_again_with_the_same_key() {
    let mut relay = ScriptedRelay::start(Behaviour::Cut);
    recovers(&mut relay, FIRST_PAUSE, |relay| {
        relay.behave(Behaviour::Accept);
    })
    .await;
    assert!(
        relay.handed_over().len() >= 2,
        "it got the message before it cut the line"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_makes_no_sense_is_no_answer() {
    let someone_else = r#"{"results":[{"recipient":"x@y.example","status":"accepted","reply":{"code":250,"enhanced":null,"text":""}}]}"#;
    let answers = ["", "nonsense", "{}", r#"{"results":[]}"#, someone_else];
    let tests = answers.map(async |answer| {
        let garbage = Behaviour::Answer(200, None, answer.to_owned());
        let mut relay = ScriptedRelay::start(garbage);
        recovers(&mut relay, FIRST_PAUSE, |relay| {
            relay.behave(Behaviour::Accept);
        })
        .await;
    });
    futures::future::join_all(tests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_the_message_for_good_ends_it() {
    let refusal = r#"{"error":{"code":"malformed_message","message":"no"}}"#;
    let relay = ScriptedRelay::start(Behaviour::Answer(400, None, refusal.to_owned()));
    let system = system(&relay).await;
    let id = system.accepted(&system.message("refused")).await;
    let operation = system.outcome(&id).await;
    assert_eq!(operation["status"], "Failed");
    assert_eq!(operation["error"]["code"], "EmailDropped");
    let message = operation["error"]["message"].as_str().unwrap();
    assert!(message.contains("400"), "the last reply is told: {message}");
    assert_eq!(relay.handed_over().len(), 1);
}

fn to_three(system: &System) -> serde_json::Value {
    let mut message = system.message("to three");
    message["recipients"]["to"] = json!([
        {"address": "a@example.com"}, {"address": "b@example.com"}, {"address": "c@example.com"},
    ]);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rejected_recipient_of_three_does_not_hold_up_the_others() {
    let relay = ScriptedRelay::start(Behaviour::Reject("b@example.com".to_owned()));
    let system = system(&relay).await;
    let id = system.accepted(&to_three(&system)).await;
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");
    if let Some(state) = first_state(&system, &id).await {
        let taken = RecipientStatus::OutForDelivery;
        assert_eq!(statuses(&state), [taken, RecipientStatus::Failed, taken]);
        assert_eq!(state.recipients[1].reply.as_ref().unwrap().code.get(), 550);
        assert_eq!(state.due_at, None);
    }
    assert_eq!(relay.handed_over().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_deferred_recipient_of_three_is_tried_again_alone_and_under_a_new_key() {
    let relay = ScriptedRelay::start(Behaviour::Defer("b@example.com".to_owned()));
    let system = system(&relay).await;
    let id = system.accepted(&to_three(&system)).await;
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");
    if let Some(state) = first_state(&system, &id).await {
        let taken = RecipientStatus::OutForDelivery;
        assert_eq!(statuses(&state), [taken, RecipientStatus::Deferred, taken]);
        assert!(FIRST_PAUSE.contains(&pause(&state)));
    }
    relay.behave(Behaviour::Accept);
    eventually("the second attempt", async || {
        (relay.handed_over().len() == 2).then_some(())
    })
    .await;
    let handed_over = relay.handed_over();
    assert_eq!(handed_over[1].recipients, ["b@example.com"]);
    assert_ne!(
        handed_over[0].idempotency_key,
        handed_over[1].idempotency_key
    );
}
