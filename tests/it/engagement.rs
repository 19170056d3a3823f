//! What recipients do with mail, from stored visits on: what operators and subscribers see of it, and the log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use devhost::KeyValue as _;
use mailer::engagement::{UnsubscribedBy, Visit, VisitAction, VisitBatch, Visitor};
use mailer::event::derived_id;
use mailer::journal::JournalEntry;
use mailer::keys;
use mailer::time::Timestamp;
use serde_json::{Value, json};
use tests::{Manner, Setup, Subscriber, System, eventually};

use crate::customer::as_operator;
use crate::events::handed_over;
use crate::logs::lines;

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "visits are made now")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::from_millis(u64::try_from(now.unwrap().as_millis()).unwrap())
}

/// A person's visit, an hour after the message.
fn visit(message: &str, action: VisitAction) -> Visit {
    Visit {
        message: message.parse().unwrap(),
        recipient: 0,
        at: now().plus(Duration::from_secs(3600)),
        action,
        is_head: false,
        visitor: Visitor {
            audience: "human".to_owned(),
            reason: "ua:known-client".to_owned(),
            family: "Firefox".to_owned(),
            class: "desktop".to_owned(),
            user_agent: None,
        },
    }
}

/// Stores visits as whoever answers such requests does; the tick finds them.
fn store(system: &System, name: &str, visits: Vec<Visit>) {
    let store = system.store().unwrap();
    let id = derived_id(name);
    let batch = VisitBatch::new(visits, now());
    let entry = JournalEntry::new(now(), batch.item(id).into_iter().collect());
    let number = store.increment("journal/tail", 1).unwrap();
    let number = u64::try_from(number).unwrap();
    store.extend([
        keys::visits(id).write(&batch).unwrap(),
        keys::journal(number, 0).write(&entry).unwrap(),
    ]);
}

async fn read(system: &System, target: &str) -> Value {
    let answer = system.client.call(as_operator("GET", target)).await;
    answer.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_counted_told_and_logged() {
    let setup = Setup::default().variable("webhook_private_endpoints", "true");
    let system = setup.start().await;
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let subscription = json!({
        "endpointUrl": subscriber.url(),
        "includedEventTypes": [
            "Microsoft.Communication.EmailEngagementTrackingReportReceived",
            "Sendlet.EmailUnsubscribed",
        ],
    });
    let post = as_operator("POST", "/subscriptions").json(&subscription);
    system.client.call(post).await.expect(201);
    let id = handed_over(&system, &system.message("read")).await;
    let click = VisitAction::Click {
        link: 2,
        target: "https://shop.example/shoes?token=secret".to_owned(),
    };
    let by = UnsubscribedBy::OneClick;
    let visits = vec![
        visit(&id, VisitAction::Open),
        visit(&id, click),
        visit(&id, VisitAction::Unsubscribe { by }),
    ];
    store(&system, "visits", visits);
    let found = eventually("the visits are taken in", async || {
        let found = read(&system, &format!("/messages/{id}")).await;
        (found["engagement"]["clicks"]["total"] == 1).then_some(found)
    })
    .await;
    assert_eq!(found["engagement"]["opens"]["uniqueHuman"], 1);
    let recipient = &found["recipients"][0]["engagement"];
    assert_eq!(recipient["links"][0]["link"], 2);
    assert_eq!(recipient["unsubscribedBy"], "oneClick");
    let told = eventually("the subscriber is told", async || {
        let told = subscriber.told();
        (told.len() == 3).then_some(told)
    })
    .await;
    let events: Vec<Value> = told.iter().map(|told| told.json()[0].clone()).collect();
    let is_click = |event: &&Value| event["data"]["engagementType"] == "click";
    let event = events.iter().find(is_click).expect("a click");
    let data = &event["data"];
    assert_eq!(data["recipient"], "someone@example.com");
    assert_eq!(
        data["engagementContext"],
        "https://shop.example/shoes?token=secret"
    );
    assert_eq!(
        (&data["userAgent"], &data["audience"]),
        (&json!("Firefox"), &json!("human"))
    );
    let timeline = eventually("the timeline has what was told", async || {
        let timeline = read(&system, &format!("/messages/{id}/timeline")).await;
        let entries = timeline["entries"].as_array().unwrap();
        let webhooks = entries.iter().filter(|entry| entry["type"] == "webhook");
        (webhooks.count() == 3).then_some(timeline)
    })
    .await;
    let entries = timeline["entries"].as_array().unwrap();
    let actions: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(actions, ["open", "click", "unsubscribe"], "{timeline:#}");
    let mut lines = lines(&system, &id);
    lines.retain(|line| line["Category"] == "EmailUserEngagementOperational");
    let types: Vec<&str> = lines
        .iter()
        .map(|line| line["EngagementType"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["View", "Click", "Unsubscribe"]);
    assert_eq!(lines[1]["EngagementContext"], "https://shop.example/shoes");
    assert!(!system.log().join("\n").contains("token=secret"));
    let again = system.accepted(&system.message("again")).await;
    let outcome = system.outcome(&again).await;
    assert_eq!(
        outcome["error"]["code"],
        "EmailDroppedAllRecipientsSuppressed"
    );
}
