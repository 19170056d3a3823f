//! Event subscriptions: endpoints are asked, told, told again, left alone, and given what they missed.

use http::Method;
use mailer::{
    keys,
    notification::{Notification, Phase},
};
use serde_json::{Value, json};
use tests::{Answer, Consent, Manner, Received, Setup, Subscriber, System, eventually};

use crate::customer::{as_operator, check};

/// A system that tells endpoints of this machine.
pub(crate) async fn system() -> System {
    let setup = Setup::default().variable("webhook_private_endpoints", "true");
    setup.variable("attempt_timeout", "5").start().await
}

pub(crate) async fn operate(system: &System, method: &str, target: &str, body: &Value) -> Answer {
    let request = as_operator(method, target);
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    system.client.call(request).await
}

/// A subscription of the test's.
struct Subscribed {
    id: String,
    secret: String,
    made: Value,
}

async fn subscribe(system: &System, subscriber: &Subscriber, more: Value) -> Subscribed {
    let mut body = json!({"endpointUrl": subscriber.url()});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let answer = operate(system, "POST", "/subscriptions", &body).await;
    let made = answer.expect(201).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Subscribed {
        id: text("id"),
        secret: text("secret"),
        made,
    }
}

impl Subscribed {
    fn at(&self, rest: &str) -> String {
        format!("/subscriptions/{}{rest}", self.id)
    }

    async fn read(&self, system: &System) -> Value {
        let answer = operate(system, "GET", &self.at(""), &Value::Null).await;
        answer.expect(200).json()
    }

    async fn act(&self, system: &System, action: &str, body: Value) -> Answer {
        operate(system, "POST", &self.at(&format!(":{action}")), &body).await
    }

    /// Has events told, and returns the notifications that tell of them.
    async fn try_out(&self, system: &System, events: usize) -> Vec<String> {
        let answer = self.act(system, "test", json!({"events": events})).await;
        named(&answer.expect(202))
    }

    /// Waits until there are so many dead letters, and returns them, the newest first.
    async fn dead_letters(&self, system: &System, count: usize) -> Vec<Value> {
        eventually("the dead letters", async || {
            let target = self.at("/deadLetters");
            let answer = operate(system, "GET", &target, &Value::Null).await;
            let found = answer.expect(200).json()["value"]
                .as_array()
                .unwrap()
                .clone();
            (found.len() == count).then_some(found)
        })
        .await
    }
}

fn named(answer: &Answer) -> Vec<String> {
    let found = answer.json()["notifications"].as_array().unwrap().clone();
    found
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

/// Waits until the subscriber was told so often.
async fn told(subscriber: &Subscriber, count: usize) -> Vec<Received> {
    eventually("the subscriber is told", async || {
        let told = subscriber.told();
        (told.len() >= count).then_some(told)
    })
    .await
}

/// The notification as it is stored, once it is as the test wants it; none where the store cannot be seen.
async fn stored(
    system: &System,
    id: &str,
    wanted: impl Fn(&Notification) -> bool,
) -> Option<Notification> {
    let store = system.store()?;
    let key = keys::notification(id.parse().unwrap());
    let found = eventually("the notification is recorded", async || {
        store.record(&key).filter(&wanted)
    });
    Some(found.await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_the_event_grid_schema_is_asked_and_told() {
    let system = system().await;
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let subscribed = subscribe(&system, &subscriber, json!({"name": "orders"})).await;
    assert_eq!(subscribed.made["state"], "Active");
    let asked = subscriber.asked();
    let question = &asked[0].json()[0];
    assert_eq!(
        question["eventType"],
        "Microsoft.EventGrid.SubscriptionValidationEvent"
    );
    let link = question["data"]["validationUrl"].as_str().unwrap();
    let origin = format!("http://{}/subscriptions/validate?id=", system.authority());
    assert!(link.starts_with(&origin), "{link}");

    let ids = subscribed.try_out(&system, 1).await;
    let told = told(&subscriber, 1).await;
    let [one] = told.as_slice() else {
        panic!("{told:?}")
    };
    let fields = [
        ("content-type", "application/json; charset=utf-8"),
        ("aeg-event-type", "Notification"),
        ("aeg-subscription-name", "ORDERS"),
        ("aeg-delivery-count", "0"),
        ("aeg-data-version", "1.0"),
        ("aeg-metadata-version", "1"),
        ("webhook-id", &ids[0]),
    ];
    for (name, expected) in fields {
        assert_eq!(one.field(name), expected, "{name}");
    }
    assert_eq!(one.target, "/hook?code=of%20its%20own");
    assert!(one.field("user-agent").starts_with("Sendlet/"));
    assert!(one.is_signed_with(&subscribed.secret));
    check_event_grid(&one.json());
}

fn check_event_grid(body: &Value) {
    let event = &body[0];
    assert_eq!(body.as_array().unwrap().len(), 1);
    assert_eq!(
        event["eventType"],
        "Microsoft.Communication.EmailDeliveryReportReceived"
    );
    let topic = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sendlet/providers/microsoft.communication/communicationservices/mail.sendlet.example";
    assert_eq!(event["topic"], topic);
    assert_eq!(
        (&event["dataVersion"], &event["metadataVersion"]),
        (&json!("1.0"), &json!("1"))
    );
    let data = &event["data"];
    let message = data["messageId"].as_str().unwrap();
    let sender = data["sender"].as_str().unwrap();
    assert_eq!(
        event["subject"],
        format!("sender/{sender}/message/{message}")
    );
    assert_eq!(data["status"], "Delivered");
    assert!(data["deliveryStatusDetails"]["statusMessage"].is_string());
    assert_eq!(
        data["deliveryAttemptTimeStamp"],
        data["deliveryAttemptTimestamp"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_cloud_events_is_asked_and_told_alone_and_in_batches() {
    let system = system().await;
    let subscriber = Subscriber::start(Manner::Answer(204)).await;
    let schema = json!({"eventDeliverySchema": "CloudEventSchemaV1_0"});
    let subscribed = subscribe(&system, &subscriber, schema).await;
    assert_eq!(subscribed.made["state"], "Active");
    let asked = subscriber.asked();
    assert_eq!(asked[0].method, Method::OPTIONS);
    assert_eq!(
        asked[0].field("webhook-request-origin"),
        "mail.sendlet.example"
    );

    subscribed.try_out(&system, 2).await;
    for one in told(&subscriber, 2).await {
        assert_eq!(
            one.field("content-type"),
            "application/cloudevents+json; charset=utf-8"
        );
        assert!(one.is_signed_with(&subscribed.secret));
        let event = one.json();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(
            event["type"],
            "Microsoft.Communication.EmailDeliveryReportReceived"
        );
        assert_eq!(one.field("aeg-event-type"), "");
    }

    let batches = json!({"batchSize": 40});
    let answer = operate(&system, "PATCH", &subscribed.at(""), &batches).await;
    assert_eq!(answer.expect(200).json()["state"], "Active");
    // What notify knows of subscriptions is up to a second old, and does not matter: it is manage that makes these groups.
    subscribed.try_out(&system, 100).await;
    let told = told(&subscriber, 5).await;
    let mut sizes = Vec::new();
    for one in &told[2..] {
        assert!(one.is_signed_with(&subscribed.secret));
        sizes.push(one.json().as_array().map_or(1, Vec::len));
    }
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 40, 40]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_consent_is_not_told_until_its_owner_opens_the_link() {
    let system = system().await;
    for (schema, consent, outcome) in [
        ("EventGridSchema", Consent::Silent, "NotConfirmed"),
        ("EventGridSchema", Consent::Wrong, "NotConfirmed"),
        ("EventGridSchema", Consent::Refused, "NotFound"),
        ("CloudEventSchemaV1_0", Consent::Silent, "NotConfirmed"),
        ("CloudEventSchemaV1_0", Consent::Wrong, "NotConfirmed"),
        ("CloudEventSchemaV1_0", Consent::Refused, "NotFound"),
    ] {
        let subscriber = Subscriber::start(Manner::Answer(200)).await;
        subscriber.consent(consent);
        let body = json!({"eventDeliverySchema": schema});
        let subscribed = subscribe(&system, &subscriber, body).await;
        assert_eq!(
            subscribed.made["state"], "AwaitingValidation",
            "{schema} {consent:?}"
        );
        assert_eq!(subscribed.made["validation"]["lastOutcome"], outcome);
        let refused = subscribed.act(&system, "test", Value::Null).await;
        check(&refused, (409, "SubscriptionState", Some("state")));

        let link = link(&subscriber.asked()[0]);
        let open = async |target: &str| operate(&system, "GET", target, &Value::Null).await;
        let (other_code, _) = link.rsplit_once("code=").unwrap();
        let other_code = format!("{other_code}code=9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34");
        for wrong in ["/subscriptions/validate", other_code.as_str()] {
            check(&open(wrong).await, (404, "NotFound", None));
        }
        open(&link).await.expect(200);
        assert_eq!(subscribed.read(&system).await["state"], "Active");
        check(&open(&link).await, (404, "NotFound", None));
        subscribed.try_out(&system, 1).await;
        told(&subscriber, 1).await;
    }
}

/// The target of the link that an endpoint was shown.
fn link(question: &Received) -> String {
    let url = match question.method {
        Method::OPTIONS => question.field("webhook-request-callback").to_owned(),
        _ => {
            let url = &question.json()[0]["data"]["validationUrl"];
            url.as_str().unwrap().to_owned()
        }
    };
    let start = url.find("/subscriptions/").unwrap();
    url[start..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_is_told_again_under_the_same_id() {
    let system = system().await;
    for manner in [Manner::Answer(500), Manner::Cut, Manner::Hang] {
        let subscriber = Subscriber::start(manner.clone()).await;
        let subscribed = subscribe(&system, &subscriber, json!({})).await;
        let ids = subscribed.try_out(&system, 1).await;
        told(&subscriber, 1).await;
        subscriber.behave(Manner::Answer(200));
        let told = told(&subscriber, 2).await;
        assert!(told.iter().all(|one| one.field("webhook-id") == ids[0]));
        assert_eq!(told[0].field("aeg-delivery-count"), "0");
        assert!(told[1].is_signed_with(&subscribed.secret), "{manner:?}");
        assert_eq!(told[0].body, told[1].body);
        let is_delivered = |found: &Notification| found.phase == Phase::Delivered;
        if let Some(found) = stored(&system, &ids[0], is_delivered).await {
            assert!(found.attempts().len() >= 2);
            assert_eq!(found.due_at, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_a_dead_letter_and_is_sent_anew_when_asked() {
    let system = system().await;
    let subscriber = Subscriber::start(Manner::Answer(400)).await;
    let subscribed = subscribe(&system, &subscriber, json!({})).await;
    let ids = subscribed.try_out(&system, 3).await;
    let letters = subscribed.dead_letters(&system, 3).await;
    for letter in &letters {
        assert_eq!(letter["deadLetterReason"], "Refused");
        assert_eq!(letter["lastDeliveryOutcome"], "BadRequest");
        assert_eq!(letter["lastHttpStatusCode"], 400);
        assert_eq!(letter["deliveryAttempts"], 1);
    }
    subscriber.behave(Manner::Answer(200));

    let one = json!({"notification": ids[1]});
    let answer = subscribed.act(&system, "redeliver", one.clone()).await;
    assert_eq!(named(&answer.expect(202)), [ids[1].clone()]);
    let again = told(&subscriber, 4).await;
    assert_eq!(again[3].field("webhook-id"), ids[1]);
    let left = subscribed.dead_letters(&system, 2).await;
    let gone = subscribed.act(&system, "redeliver", one).await;
    check(&gone, (404, "DeadLetterNotFound", Some("notification")));

    // The older of the two that are left.
    let at = &left[1]["deadLetteredAt"];
    let range = json!({"from": "2026-01-01T00:00:00Z", "to": at});
    let answer = subscribed
        .act(&system, "redeliver", range)
        .await
        .expect(202);
    assert!(named(&answer).contains(&left[1]["notification"].as_str().unwrap().to_owned()));
    let answer = subscribed
        .act(&system, "redeliver", json!({"all": true}))
        .await;
    answer.expect(202);
    let all = told(&subscriber, 6).await;
    assert_eq!(all.len(), 6);
    subscribed.dead_letters(&system, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_ends_its_subscription_until_it_is_asked_anew() {
    let system = system().await;
    let subscriber = Subscriber::start(Manner::Answer(410)).await;
    let subscribed = subscribe(&system, &subscriber, json!({})).await;
    let ids = subscribed.try_out(&system, 1).await;
    let letters = subscribed.dead_letters(&system, 1).await;
    assert_eq!(letters[0]["deadLetterReason"], "SubscriptionEnded");
    let ended = subscribed.read(&system).await;
    assert_eq!(
        (&ended["state"], &ended["ended"]["reason"]),
        (&json!("Ended"), &json!("Gone"))
    );
    for action in ["test", "pause", "resume"] {
        let refused = subscribed.act(&system, action, Value::Null).await;
        check(&refused, (409, "SubscriptionState", Some("state")));
    }
    let one = json!({"notification": ids[0]});
    let refused = subscribed.act(&system, "redeliver", one.clone()).await;
    check(&refused, (409, "SubscriptionState", Some("state")));

    subscriber.behave(Manner::Answer(200));
    let asked = subscribed.act(&system, "validate", Value::Null).await;
    assert_eq!(asked.expect(200).json()["state"], "Active");
    subscribed.act(&system, "redeliver", one).await.expect(202);
    told(&subscriber, 2).await;
    assert_eq!(subscriber.told().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_failure_and_leads_nowhere() {
    let system = system().await;
    let elsewhere = Subscriber::start(Manner::Answer(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let manner = Manner::AnswerWith(status, "location", elsewhere.url());
        let subscriber = Subscriber::start(manner).await;
        let subscribed = subscribe(&system, &subscriber, json!({})).await;
        subscribed.try_out(&system, 1).await;
        let failure = eventually("the failure is known", async || {
            let failure = subscribed.read(&system).await["health"]["lastFailure"].clone();
            (!failure.is_null()).then_some(failure)
        })
        .await;
        assert_eq!(
            (&failure["outcome"], &failure["httpStatusCode"]),
            (&json!("Redirected"), &json!(status))
        );
    }
    assert!(elsewhere.told().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_holds_up_nobody_else() {
    let system = system().await;
    let hanging = Subscriber::start(Manner::Hang).await;
    let well = Subscriber::start(Manner::Answer(200)).await;
    let stuck = subscribe(&system, &hanging, json!({})).await;
    let subscribed = subscribe(&system, &well, json!({})).await;
    stuck.try_out(&system, 100).await;
    told(&hanging, 1).await;
    subscribed.try_out(&system, 20).await;
    told(&well, 20).await;
    let failed = stuck.read(&system).await["health"]["failures"].clone();
    // Told before the first of the others was given up, or soon after on a slow machine; never behind all of them.
    assert!(hanging.told().len() < 100, "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_a_pause_is_told_after_it() {
    let system = system().await;
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let subscribed = subscribe(&system, &subscriber, json!({})).await;
    let paused = subscribed.act(&system, "pause", Value::Null).await;
    assert_eq!(paused.expect(200).json()["state"], "Paused");
    // Longer than what an instance knows of subscriptions may be old: the next one is made in another state.
    let ids = subscribed.try_out(&system, 1).await;
    stored(&system, &ids[0], |found| found.attempt > 0).await;
    assert!(subscriber.told().is_empty());
    let resumed = subscribed.act(&system, "resume", Value::Null).await;
    assert_eq!(resumed.expect(200).json()["state"], "Active");
    assert_eq!(told(&subscriber, 1).await[0].field("webhook-id"), ids[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_sign_while_one_replaces_the_other() {
    let system = system().await;
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let subscribed = subscribe(&system, &subscriber, json!({"secret": own})).await;
    assert_eq!(subscribed.secret, own);
    assert_eq!(subscribed.read(&system).await["secret"], Value::Null);
    let rotated = subscribed.act(&system, "rotateSecret", Value::Null).await;
    let rotated = rotated.expect(200).json();
    let new = rotated["secret"].as_str().unwrap();
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 2);
    signed_with(&system, (&subscribed, &subscriber), &[new, own]).await;

    let removed = subscribed
        .act(&system, "removeOldSecret", Value::Null)
        .await;
    let removed = removed.expect(200).json();
    assert_eq!(removed["secrets"].as_array().unwrap().len(), 1);
    signed_with(&system, (&subscribed, &subscriber), &[new]).await;

    let at_once = json!({"oldSecretSeconds": 0});
    let rotated = subscribed.act(&system, "rotateSecret", at_once).await;
    let rotated = rotated.expect(200).json();
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 1);
    let last = rotated["secret"].as_str().unwrap();
    signed_with(&system, (&subscribed, &subscriber), &[last]).await;
}

/// Waits for a notification that is signed with exactly these, since what notify knows is up to a second old.
async fn signed_with(
    system: &System,
    (subscribed, subscriber): (&Subscribed, &Subscriber),
    secrets: &[&str],
) {
    eventually("it is signed with these secrets", async || {
        let ids = subscribed.try_out(system, 1).await;
        let is_it = |one: &Received| one.field("webhook-id") == ids[0];
        let one = eventually("it is told", async || {
            subscriber.told().into_iter().find(is_it)
        })
        .await;
        let count = one.field("webhook-signature").split(' ').count();
        let is_signed = secrets.iter().all(|secret| one.is_signed_with(secret));
        (is_signed && count == secrets.len()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_endpoint_is_asked_first_and_a_deleted_one_is_told_nothing() {
    let system = system().await;
    let first = Subscriber::start(Manner::Answer(200)).await;
    let second = Subscriber::start(Manner::Answer(200)).await;
    second.consent(Consent::Silent);
    let subscribed = subscribe(&system, &first, json!({})).await;
    let change = json!({"endpointUrl": second.url(), "senderDomains": ["shop.example.com"]});
    let changed = operate(&system, "PATCH", &subscribed.at(""), &change).await;
    let changed = changed.expect(200).json();
    assert_eq!(changed["state"], "AwaitingValidation");
    assert_eq!(changed["senderDomains"], json!(["shop.example.com"]));
    second.consent(Consent::Given);
    let asked = subscribed.act(&system, "validate", Value::Null).await;
    assert_eq!(asked.expect(200).json()["state"], "Active");

    let listed = operate(&system, "GET", "/subscriptions", &Value::Null).await;
    let listed = listed.expect(200).json();
    assert_eq!(listed["value"][0]["id"], subscribed.id.as_str());
    operate(&system, "DELETE", &subscribed.at(""), &Value::Null)
        .await
        .expect(204);
    for (method, rest) in [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", ":test"),
        ("GET", "/deadLetters"),
    ] {
        let answer = operate(&system, method, &subscribed.at(rest), &Value::Null).await;
        check(&answer, (404, "SubscriptionNotFound", None));
    }
}
