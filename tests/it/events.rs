//! What comes back of a message, over HTTP: the relay's signed events, reports by mail, simulated recipients; and what is told of it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};
use tests::{
    ADMIN_TOKEN, Answer, Manner, RELAY_EVENT_SECRET, REPORT_TOKEN, Request, Setup, Subscriber,
    System, eventually,
};

use crate::customer::{as_operator, check};

pub(crate) fn now_secs() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "signatures are made now")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// A request that the relay signed at `at`, or somebody with another secret.
fn signed(body: &str, secret: &str, at: u64) -> Request {
    signed_as("id-1", body, (secret, at))
}

/// The same, of the batch `id`.
pub(crate) fn signed_as(id: &str, body: &str, (secret, at): (&str, u64)) -> Request {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    Request::new("POST", "/webhooks/relay")
        .body(body.to_owned())
        .field("webhook-id", id)
        .field("webhook-timestamp", &at.to_string())
        .field("webhook-signature", &format!("v1,{signature}"))
}

pub(crate) async fn tell(system: &System, events: Value) -> Answer {
    let body = json!({"events": events}).to_string();
    system
        .client
        .call(signed(&body, RELAY_EVENT_SECRET, now_secs()))
        .await
}

pub(crate) fn event(kind: &str, message: &str, reply: &str) -> Value {
    json!({
        "type": kind,
        "idempotencyKey": format!("{message}.0"),
        "recipient": "someone@example.com",
        "at": now_secs() * 1000,
        "reply": reply,
    })
}

/// What an operator sees of the first recipient, once it has this status.
pub(crate) async fn reaches(system: &System, message: &str, status: &str) -> Value {
    eventually(&format!("the recipient is {status}"), async || {
        let target = format!("/messages/{message}");
        let answer = system.client.call(as_operator("GET", &target)).await;
        let found = answer.expect(200).json()["recipients"][0].clone();
        (found["status"] == status).then_some(found)
    })
    .await
}

pub(crate) async fn handed_over(system: &System, message: &Value) -> String {
    let id = system.accepted(message).await;
    system.outcome(&id).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_tells_that_what_it_keeps_was_delivered() {
    let system = Setup::default().with_relay_events().start().await;
    let id = handed_over(&system, &system.message("kept")).await;
    let found = reaches(&system, &id, "Delivered").await;
    assert_eq!(found["address"], "someone@example.com");
    assert_eq!(found["reply"], "250 2.0.0 kept in the sandbox inbox");
    assert_eq!(found["wasDelivered"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_climb_and_repeats_change_nothing() {
    let system = Setup::default().start().await;
    let id = handed_over(&system, &system.message("climbs")).await;
    reaches(&system, &id, "OutForDelivery").await;
    let bounced = event("failed", &id, "550 5.1.1 no such user");
    tell(&system, json!([bounced])).await.expect(202);
    let found = reaches(&system, &id, "Bounced").await;
    assert_eq!(found["cause"], "address/recipient");
    tell(&system, json!([event("delivered", &id, "250 ok")]))
        .await
        .expect(202);
    tell(&system, json!([bounced, bounced])).await.expect(202);
    let late = eventually("the late event is taken in", async || {
        let found = reaches(&system, &id, "Bounced").await;
        (found["wasDelivered"] == true).then_some(found)
    });
    late.await;
    let target = format!("/messages/{id}/timeline");
    let timeline = system
        .client
        .call(as_operator("GET", &target))
        .await
        .expect(200)
        .json();
    let entries = timeline["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.len(), 4, "{timeline:#}");
    assert_eq!(kinds[0], "accepted");
    // The address is not written to now.
    let again = system.accepted(&system.message("again")).await;
    let outcome = system.outcome(&again).await;
    assert_eq!(
        outcome["error"]["code"],
        "EmailDroppedAllRecipientsSuppressed"
    );
    reaches(&system, &again, "Suppressed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_the_relay_did_not_sign_just_now_are_refused() {
    let system = Setup::default().start().await;
    let id = handed_over(&system, &system.message("safe")).await;
    let body = json!({"events": [event("bounced", &id, "550 5.1.1 no")]}).to_string();
    let other = "whsec_bm90IHRoZSByZWxheSdzIHNlY3JldCBhdCBhbGw=";
    let now = now_secs();
    let rows = [
        (signed(&body, other, now), "SignatureInvalid"),
        (
            signed(&body, RELAY_EVENT_SECRET, now - 400),
            "SignatureExpired",
        ),
        (
            signed(&body, RELAY_EVENT_SECRET, now + 400),
            "SignatureExpired",
        ),
        (
            signed(&body, RELAY_EVENT_SECRET, now).body(body.replace("550", "551")),
            "SignatureInvalid",
        ),
        (
            Request::new("POST", "/webhooks/relay").body(body.clone()),
            "SignatureMissing",
        ),
    ];
    let count = rows.len();
    for (request, code) in rows {
        let answer = system.client.call(request).await;
        check(&answer, (401, code, None));
    }
    let refused = system
        .client
        .call(as_operator("GET", "/reports/refused"))
        .await;
    assert_eq!(refused.expect(200).json()["unsigned"], count);
    reaches(&system, &id, "OutForDelivery").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_events_are_named_and_none_is_taken() {
    let system = Setup::default().start().await;
    let id = handed_over(&system, &system.message("malformed")).await;
    let good = event("delivered", &id, "250 ok");
    let with = |name: &str, value: Value| {
        let mut event = good.clone();
        event[name] = value;
        event
    };
    let rows = [
        json!([]),
        json!(vec![good.clone(); 101]),
        json!([good, with("type", json!("lost"))]),
        json!([with("recipient", json!("nobody"))]),
        json!([with("recipient", json!("a@b.example\r\nBcc: c@d.example"))]),
        json!([with("idempotencyKey", json!(id))]),
        json!([with("reply", json!("no"))]),
        json!([with("at", json!("yesterday"))]),
        json!([with("remoteMta", json!("x".repeat(256)))]),
        json!([with("more", json!(1))]),
        json!({"not": "a list"}),
    ];
    for events in rows {
        let answer = tell(&system, events.clone()).await;
        check(&answer, (400, "BadRequest", Some("events")));
    }
    let get = system
        .client
        .call(Request::new("GET", "/webhooks/relay"))
        .await;
    check(&get, (405, "MethodNotAllowed", None));
    reaches(&system, &id, "OutForDelivery").await;
}

fn dsn(recipient: &str) -> String {
    format!(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
    )
}

fn report(to: &str, octets: String) -> Request {
    report_with(REPORT_TOKEN, to, octets)
}

fn report_with(token: &str, to: &str, octets: String) -> Request {
    Request::new("POST", "/webhooks/report")
        .field("authorization", &format!("Bearer {token}"))
        .field("content-type", "message/rfc822")
        .field("envelope-to", to)
        .body(octets)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_to_the_return_path_bounces_its_recipient_and_a_forged_one_nobody() {
    let system = Setup::default().start().await;
    let id = handed_over(&system, &system.message("bounces")).await;
    let path = system.inbox().arrival("bounces").await.envelope_from;
    let forged = path.replacen("<b-", "<b-aaaa", 1);
    let octets = dsn("someone@example.com");
    for (to, code) in [
        (forged.as_str(), "NotAReturnPath"),
        ("<donotreply@example.com>", "NotAReturnPath"),
        (&path.replace(&path[10..14], "aaaa"), "ReturnPathInvalid"),
    ] {
        let answer = system.client.call(report(to, octets.clone())).await;
        check(&answer, (422, code, None));
    }
    for token in [ADMIN_TOKEN, ""] {
        let unauthorized = report_with(token, &path, octets.clone());
        let answer = system.client.call(unauthorized).await;
        check(&answer, (401, "Unauthorized", None));
        let message = answer.text("/error/message").unwrap_or_default();
        assert!(message.contains("report token"), "{message}");
    }
    reaches(&system, &id, "OutForDelivery").await;
    for _ in 0..2 {
        let shouted = path.to_uppercase();
        let answer = system.client.call(report(&shouted, octets.clone())).await;
        assert_eq!(answer.expect(200).json()["result"], "accepted");
    }
    let with_a_large_message = octets + &"x\r\n".repeat(4 * 1024 * 1024);
    let answer = system
        .client
        .call(report(&path, with_a_large_message))
        .await;
    assert_eq!(answer.expect(200).json()["result"], "accepted");
    let found = reaches(&system, &id, "Bounced").await;
    assert_eq!(found["reply"], "550 5.1.1 no such user");
    let answer = system
        .client
        .call(report(&path, "Subject: hi\r\n\r\nhello\r\n".to_owned()))
        .await;
    assert_eq!(answer.expect(200).json()["result"], "notAReport");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_recipients_are_told_of_and_never_handed_over() {
    let setup = Setup::default().variable("webhook_private_endpoints", "true");
    let system = setup.with_relay_events().start().await;
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let body = json!({"endpointUrl": subscriber.url()});
    let made = system
        .client
        .call(as_operator("POST", "/subscriptions").json(&body))
        .await;
    let secret = made.expect(201).json()["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let message = json!({
        "senderAddress": system.sender(),
        "content": {"subject": "simulated", "plainText": "Hello."},
        "recipients": {"to": [
            {"address": "bounced+1@simulator.test"},
            {"address": "delivered@simulator.test"},
            {"address": "complained@simulator.test"},
            {"address": "suppressed@simulator.test"},
        ]},
    });
    let id = system.accepted(&message).await;
    let told = eventually("all is told", async || {
        let told = subscriber.told();
        (told.len() >= 5).then_some(told)
    });
    let told = told.await;
    let mut found: Vec<String> = Vec::new();
    for notification in &told {
        assert!(notification.is_signed_with(&secret));
        let event = notification.json()[0].clone();
        assert_eq!(event["data"]["messageId"], id);
        let recipient = event["data"]["recipient"].as_str().unwrap();
        let name = recipient.split('@').next().unwrap();
        let what = event["data"]["status"].as_str().unwrap_or("complaint");
        found.push(format!("{name} {what}"));
    }
    found.sort();
    let expected = [
        "bounced+1 Bounced",
        "complained Delivered",
        "complained complaint",
        "delivered Delivered",
        "suppressed Suppressed",
    ];
    assert_eq!(found, expected);
    assert_eq!(system.inbox().subjects().await, Vec::<String>::new());
    let webhooks = eventually("the timeline has the webhooks", async || {
        let target = format!("/messages/{id}/timeline");
        let answer = system.client.call(as_operator("GET", &target)).await;
        let timeline = answer.expect(200).json();
        let entries = timeline["entries"].as_array().unwrap().clone();
        let made: Vec<Value> = entries
            .into_iter()
            .filter(|entry| entry["type"] == "webhook")
            .collect();
        (made.len() == 5).then_some(made)
    });
    assert!(
        webhooks
            .await
            .iter()
            .all(|entry| entry["isSuccess"] == true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_by_day_sender_and_state() {
    let system = Setup::default().with_relay_events().start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(handed_over(&system, &system.message(&format!("listed {n}"))).await);
    }
    for id in &ids {
        reaches(&system, id, "Delivered").await;
    }
    ids.sort();
    let mut found = Vec::new();
    let mut next = Some("/messages?top=2&state=Delivered".to_owned());
    while let Some(target) = next {
        let page = system
            .client
            .call(as_operator("GET", &target))
            .await
            .expect(200)
            .json();
        for message in page["value"].as_array().unwrap() {
            assert_eq!(message["recipients"], json!({"Delivered": 1}));
            found.push(message["id"].as_str().unwrap().to_owned());
        }
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    found.sort();
    assert_eq!(found, ids);
    for query in [
        "state=Bounced",
        "sender=other%40example.com",
        "day=2001-01-01",
    ] {
        let target = format!("/messages?{query}");
        let page = system
            .client
            .call(as_operator("GET", &target))
            .await
            .expect(200)
            .json();
        assert_eq!(page["value"], json!([]), "{query}");
    }
    // The application may read as well, if it signs.
    let target = format!("/messages/{}", ids[0]);
    system.call(Request::new("GET", &target)).await.expect(200);
    let unsigned = system.client.call(Request::new("GET", &target)).await;
    check(&unsigned, (401, "Denied", None));
    let missing = "/messages/00000000-0000-4000-8000-000000000000";
    let missing = system.client.call(as_operator("GET", missing)).await;
    check(&missing, (404, "MessageNotFound", None));
    let malformed = system
        .client
        .call(as_operator("GET", "/messages?top=1000"))
        .await;
    check(&malformed, (400, "BadRequest", Some("top")));
}
