//! The same key twice: at once, later, after a restart, and with another envelope.

use relay::{CaptureOptions, Mode};

use crate::harness::{MESSAGE, capture, start};

const TO: &[&str] = &["c@d.example"];

#[tokio::test]
async fn the_same_key_gets_the_stored_answer_and_nothing_is_kept_twice() {
    let (relay, _state) = capture().await;
    let first = relay.hand_over("k", TO, MESSAGE.as_bytes()).await;
    // Even with other octets: a retry may have been signed anew.
    let second = relay.hand_over("k", TO, b"Subject: other\r\n\r\n").await;
    assert_eq!((second.status, second.body), (200, first.body));
    assert_eq!(relay.get("/api/messages").await.json()["total"], 1);
}

#[tokio::test]
async fn the_same_key_with_another_envelope_is_refused() {
    let (relay, _state) = capture().await;
    relay.hand_over("k", TO, MESSAGE.as_bytes()).await;
    for recipients in [&["e@f.example"][..], &["c@d.example", "e@f.example"]] {
        let answer = relay.hand_over("k", recipients, MESSAGE.as_bytes()).await;
        assert_eq!(answer.problem(), (422, "idempotency_key_reused".to_owned()));
    }
}

#[tokio::test]
async fn the_same_key_with_fewer_recipients_gets_their_results_in_the_order_asked() {
    let (relay, _state) = capture().await;
    let all = &["a@d.example", "b@d.example", "c@d.example"];
    relay.hand_over("k", all, MESSAGE.as_bytes()).await;
    let fewer = &["c@d.example", "a@d.example"];
    let answer = relay.hand_over("k", fewer, MESSAGE.as_bytes()).await;
    let answer = answer.json();
    let named = |index: usize| answer["results"][index]["recipient"].as_str();
    assert_eq!(
        (named(0), named(1)),
        (Some("c@d.example"), Some("a@d.example"))
    );
    assert!(answer["results"][2].is_null());
    assert_eq!(relay.get("/api/messages").await.json()["total"], 1);
}

#[tokio::test]
async fn keys_and_messages_outlive_a_restart() {
    let (relay, state) = capture().await;
    relay.hand_over("k", TO, MESSAGE.as_bytes()).await;
    relay.relay.stop().await;
    let relay = start(state.path(), Mode::Capture(CaptureOptions::default())).await;
    assert_eq!(
        relay.hand_over("k", TO, MESSAGE.as_bytes()).await.status,
        200
    );
    assert_eq!(
        relay
            .hand_over("k", &["e@f.example"], MESSAGE.as_bytes())
            .await
            .status,
        422
    );
    assert_eq!(relay.get("/api/messages").await.json()["total"], 1);
}

#[tokio::test]
async fn many_at_once_with_one_key_are_one_message() {
    let (relay, _state) = capture().await;
    let all = (0..20).map(|_| relay.hand_over("k", TO, MESSAGE.as_bytes()));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(relay.get("/api/messages").await.json()["total"], 1);
}

#[tokio::test]
async fn a_refused_message_leaves_its_key_free() {
    let (relay, _state) = capture().await;
    assert_eq!(relay.hand_over("k", TO, b"broken").await.status, 400);
    assert_eq!(
        relay.hand_over("k", TO, MESSAGE.as_bytes()).await.status,
        200
    );
}

#[tokio::test]
async fn a_second_relay_cannot_use_the_same_state() {
    let (_relay, state) = capture().await;
    let options = relay::RelayOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        token: relay::Secret::parse("t").unwrap(),
        state: state.path().to_owned(),
        mode: Mode::Capture(CaptureOptions::default()),
        log: relay::Log::silent(),
    };
    let error = relay::Relay::start(options).await.unwrap_err();
    assert!(matches!(error, relay::StartError::Database(_)), "{error}");
}
