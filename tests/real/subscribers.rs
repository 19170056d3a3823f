//! Microsoft's own readers of events, and the libraries of Standard Webhooks, on what an endpoint is really sent.

use serde_json::{Value, json};
use tests::{ADMIN_TOKEN, Manner, Received, Request, Setup, Subscriber, System, eventually};

use crate::tools;

const SCHEMAS: [&str; 2] = ["EventGridSchema", "CloudEventSchemaV1_0"];
const DELIVERY: &str = "Microsoft.Communication.EmailDeliveryReportReceived";
const ENGAGEMENT: &str = "Microsoft.Communication.EmailEngagementTrackingReportReceived";

async fn operate(system: &System, target: &str, body: &Value) -> Value {
    let request = Request::new("POST", target)
        .field("authorization", &format!("Bearer {ADMIN_TOKEN}"))
        .json(body);
    system.client.call(request).await.json()
}

/// What both programs make of a notification, in turn.
async fn read(schema: &str, secret: &str, received: &Received) -> [Value; 2] {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let fields: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(received.field(name))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let job = json!({
        "schema": schema,
        "fields": fields,
        "body": String::from_utf8(received.body.to_vec()).unwrap(),
        "secret": secret,
    });
    let python = tools::script("python/events.py");
    let node = tools::script("node/events.mjs");
    [
        tools::ask(&tools::python("1.1.0"), &python, &job).await,
        tools::ask(&tools::node(), &node, &job).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_schemas_are_read_and_verified_by_the_libraries_of_others() {
    let setup = Setup::default().variable("webhook_private_endpoints", "true");
    let system = setup.start().await;
    for schema in SCHEMAS {
        for batch_size in [1, 10] {
            check(&system, schema, (DELIVERY, batch_size)).await;
        }
        check(&system, schema, (ENGAGEMENT, 2)).await;
    }
}

/// What each type of event has to have.
fn check_data(event_type: &str, place: usize, data: &Value) {
    if event_type == DELIVERY {
        assert_eq!(data["status"], "Delivered");
        return;
    }
    let (kind, context) = match place {
        0 => ("click", "https://example.com/test"),
        _ => ("view", ""),
    };
    // The reader for JavaScript calls it otherwise.
    let found = data.get("engagement").unwrap_or(&data["engagementType"]);
    assert_eq!(
        (found, &data["engagementContext"]),
        (&json!(kind), &json!(context))
    );
    let names = [
        "sender",
        "recipient",
        "messageId",
        "userAgent",
        "userActionTimestamp",
    ];
    for name in names {
        let value = data[name].as_str().unwrap_or_default();
        assert!(!value.is_empty(), "{name}: {data}");
    }
}

async fn check(system: &System, schema: &str, (event_type, batch_size): (&str, u32)) {
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let body = json!({
        "endpointUrl": subscriber.url(),
        "eventDeliverySchema": schema,
        "batchSize": batch_size,
    });
    let made = operate(system, "/subscriptions", &body).await;
    let (id, first) = (
        made["id"].as_str().unwrap(),
        made["secret"].as_str().unwrap(),
    );
    let rotate = format!("/subscriptions/{id}:rotateSecret");
    let rotated = operate(system, &rotate, &json!({})).await;
    let second = rotated["secret"].as_str().unwrap();
    let events = usize::try_from(batch_size).unwrap();
    let test = format!("/subscriptions/{id}:test");
    operate(
        system,
        &test,
        &json!({"events": events, "eventType": event_type}),
    )
    .await;
    let received = eventually("the subscriber is told", async || {
        subscriber.told().into_iter().next()
    })
    .await;
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    // What notify knows of subscriptions may be a second old, so the new secret may not sign yet: the old one does.
    for (secret, expected) in [(first, Some(true)), (second, None), (other, Some(false))] {
        for found in read(schema, secret, &received).await {
            let is_wrong = expected.is_some_and(|expected| found["verified"] != expected);
            assert!(!is_wrong, "{schema} {batch_size}: {found}");
            assert_eq!(found["events"].as_array().unwrap().len(), events);
            for (place, event) in found["events"].as_array().unwrap().iter().enumerate() {
                assert_eq!(event["known"], true, "{event}");
                assert_eq!(event["type"], event_type);
                let data = &event["data"];
                check_data(event_type, place, data);
                let subject = format!(
                    "sender/{}/message/{}",
                    data["sender"].as_str().unwrap(),
                    data["messageId"].as_str().unwrap()
                );
                assert_eq!(event["subject"], subject);
            }
        }
    }
}
