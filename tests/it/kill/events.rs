//! What was learnt of an accepted message reaches its subscribers, whatever dies on the way: events of the relay and of attempts, and
//! those that came straight to `/webhooks/relay` and got a 202. Each is told at least once, and every time in the same words.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use devhost::{KeyValue as _, SqliteKeyValue};
use futures::future::join;
use mailer::{
    event::{EventBatch, EventKind},
    keys::{self, Record},
    notification::{Notification, Phase},
    outcome::Outcome,
};
use serde_json::{Value, json};
use tests::{Client, HostKind, Manner, RELAY_EVENT_SECRET, Received, Subscriber};
use tokio::time::{MissedTickBehavior, interval};

use super::{Dice, Load, Mortal, TRIES, answers, is_settled, kills, promised};
use crate::{
    customer::as_operator,
    events::{now_secs, signed_as},
};

const KILLS: usize = 20;
/// Within what time after the last of a life's sends the process is killed: usually while it is at them, …
const LAST_MOMENTS: Duration = Duration::from_millis(40);
/// … and in one of so many lives later, when the tick finds what earlier deaths left.
const LONG_LIVES: u64 = 5;
const LATE_MOMENTS: Duration = Duration::from_secs(4);
/// How often it is looked in vain for less that is missing, and the pause between two looks: together longer than an endpoint that
/// failed is left alone and what failed once waits.
const MAX_LOOKS: usize = 240;
const LOOK_PAUSE: Duration = Duration::from_millis(250);
/// Messages that one batch of the test's tells of.
const BATCH: usize = 5;

/// Some are written to, and some are simulated.
fn recipients(n: usize) -> Vec<String> {
    let real = (0..=n % 3).map(|place| format!("kill-{n}-{place}@example.com"));
    let simulated = ["bounced", "delivered"].into_iter().zip([4, 6]);
    let simulated = simulated
        .filter(|(_, each)| n.is_multiple_of(*each))
        .map(|(fate, _)| format!("{fate}+{n}@simulator.test"));
    real.chain(simulated).collect()
}

/// One thing that a subscriber has to be told: message, recipient, and what became of it.
type News = (String, String, String);

/// What follows from a message's acceptance alone.
fn promised_of(load: &Load, n: usize) -> impl Iterator<Item = News> {
    let id = load.id(n);
    recipients(n).into_iter().map(move |recipient| {
        let is_bounced = recipient.starts_with("bounced+");
        let status = if is_bounced { "Bounced" } else { "Delivered" };
        (id.clone(), recipient, status.to_owned())
    })
}

/// Tells of messages that were accepted, in batches, and returns what got a 202.
async fn tell(load: &Load) -> BTreeSet<News> {
    let client = Client::new(load.address);
    let mut dice = Dice(!load.seed);
    let (mut told, mut taken) = (0, BTreeSet::new());
    for number in 0.. {
        let some = load.accepted_behind(told, BATCH).await;
        if some.is_empty() {
            break;
        }
        told += some.len();
        let batch = Batch::about(load, &some, &mut dice);
        // Some are brought again, by somebody who makes another batch of them.
        let times = 1 + usize::from(dice.below(4) == 0);
        for time in 0..times {
            if batch.bring(&client, (number, time)).await {
                taken.extend(batch.news.iter().cloned());
            }
        }
    }
    taken
}

/// Events that the test makes up.
struct Batch {
    /// What a subscriber has to be told of them.
    news: Vec<News>,
    body: String,
}

impl Batch {
    /// An event about each of these messages. None of them puts its recipient on the suppression list: an event may come before the
    /// message was handed over, and it still has to be.
    fn about(load: &Load, messages: &[usize], dice: &mut Dice) -> Self {
        let kinds = [
            ("bounced", "250 2.0.0 taken, and returned", "Bounced"),
            ("failed", "552 5.2.2 the mailbox is full", "Failed"),
            (
                "quarantined",
                "250 2.0.0 taken, and kept apart",
                "Quarantined",
            ),
        ];
        let (mut news, mut events) = (Vec::new(), Vec::new());
        for &n in messages {
            let (kind, reply, what) = kinds[dice.below(kinds.len())];
            let (id, recipient) = (load.id(n), recipients(n).swap_remove(0));
            events.push(json!({
                "type": kind,
                "idempotencyKey": format!("{id}.0"),
                "recipient": recipient,
                "at": now_secs() * 1000,
                "reply": reply,
            }));
            news.push((id, recipient, what.to_owned()));
        }
        let body = json!({"events": events}).to_string();
        Self { news, body }
    }

    /// Posts it, every other one until it is taken, and says whether it was.
    async fn bring(&self, client: &Client, (number, time): (usize, usize)) -> bool {
        let tries = if number.is_multiple_of(2) { TRIES } else { 1 };
        let id = format!("told-{number}-{time}");
        let request = || signed_as(&id, &self.body, (RELAY_EVENT_SECRET, now_secs()));
        promised(client, 202, tries, request).await
    }
}

/// A subscriber that outlives the process.
struct Listener {
    subscriber: Subscriber,
    secret: String,
}

impl Listener {
    async fn subscribe(mortal: &Mortal, more: Value) -> Self {
        let subscriber = Subscriber::start(Manner::Moody(mortal.seed)).await;
        let mut body = json!({"endpointUrl": subscriber.url()});
        let fields = body.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        let request = as_operator("POST", "/subscriptions").json(&body);
        let made = mortal.client().call(request).await.expect(201).json();
        assert_eq!(made["state"], "Active");
        Self {
            subscriber,
            secret: made["secret"].as_str().unwrap().to_owned(),
        }
    }

    /// What it took, with the ids of the events.
    fn took(&self) -> BTreeMap<News, String> {
        let told = self.subscriber.told().into_iter();
        let took = told.filter(|one| matches!(one.answered, Some(200)));
        took.flat_map(|one| events(&one))
            .map(|event| (news(&event), text(&event, "/id")))
            .collect()
    }

    /// Every notification was the same each time, and so was every event, whether it was taken or not. Returns how many notifications
    /// came again.
    fn check(&self, what: &str) -> usize {
        let told = self.subscriber.told();
        let (mut bodies, mut all, mut ids) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for one in &told {
            assert!(one.is_signed_with(&self.secret), "{one:?} ({what})");
            let first = bodies.entry(one.field("webhook-id")).or_insert(&one.body);
            assert_eq!(*first, &one.body, "a notification changed ({what})");
            for event in events(one) {
                let id = text(&event, "/id");
                let first = ids.entry(news(&event)).or_insert_with(|| id.clone());
                assert_eq!(*first, id, "{event} was told as two events ({what})");
                let first = all.entry(id).or_insert_with(|| event.clone());
                assert_eq!(*first, event, "an event changed ({what})");
            }
        }
        told.len() - bodies.len()
    }

    /// Every event has a notification of its own. Who wants several at once may find one in two of them, if two instances take it in
    /// at the same moment.
    fn check_alone(&self, what: &str) {
        let mut notifications = BTreeMap::new();
        for one in self.subscriber.told() {
            let id = one.field("webhook-id").to_owned();
            let [event] = &events(&one)[..] else {
                panic!("expected one event, found {one:?} ({what})");
            };
            let first = notifications
                .entry(text(event, "/id"))
                .or_insert_with(|| id.clone());
            assert_eq!(*first, id, "{event} was told in two notifications ({what})");
        }
    }
}

fn events(told: &Received) -> Vec<Value> {
    match told.json() {
        Value::Array(events) => events,
        event => vec![event],
    }
}

fn text(event: &Value, pointer: &str) -> String {
    let found = event.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn news(event: &Value) -> News {
    let what = match event["data"]["status"].as_str() {
        Some(status) => status.to_owned(),
        None => "Complaint".to_owned(),
    };
    let data = |name: &str| text(event, &format!("/data/{name}"));
    (data("messageId"), data("recipient"), what)
}

/// All records below `prefix`.
fn records<T: Record>(store: &SqliteKeyValue, prefix: &str) -> Vec<T> {
    let keys = store.keys().unwrap();
    let found = keys.iter().filter(|key| key.starts_with(prefix));
    let read = found.filter_map(|key| store.get(key).unwrap());
    read.map(|bytes| keys::decode(&bytes).unwrap()).collect()
}

/// What is not settled in the store: none of it may stay.
fn unsettled(store: &SqliteKeyValue) -> Vec<String> {
    let batches = records::<EventBatch>(store, "batch/").into_iter();
    let batches = batches.filter(|batch| batch.due_at.is_some());
    let notifications = records::<Notification>(store, "notification/").into_iter();
    let notifications = notifications.filter(|one| one.phase != Phase::Delivered);
    let mut found: Vec<String> = batches.map(|batch| format!("{batch:?}")).collect();
    found.extend(notifications.map(|one| format!("{one:?}")));
    if !is_settled(store) {
        found.push("a message".to_owned());
    }
    found
}

/// The events in the store that subscribers are told of, promised to anybody or not.
fn known(store: &SqliteKeyValue) -> BTreeSet<String> {
    let outcomes = records::<Outcome>(store, "outcome/").into_iter();
    let is_told = |kind: EventKind| kind.report_status().is_some() || kind == EventKind::Complained;
    let told = outcomes.filter(|outcome| is_told(outcome.kind));
    told.map(|outcome| outcome.id.to_string()).collect()
}

/// What listeners did not take of what they have to, and what is still under way.
fn missing(store: &SqliteKeyValue, listeners: &[Listener], wanted: &BTreeSet<News>) -> Vec<String> {
    let mut missing = unsettled(store);
    for listener in listeners {
        let took = listener.took();
        let lost = wanted.iter().filter(|news| !took.contains_key(news));
        missing.extend(lost.map(|news| format!("{news:?}")));
    }
    missing
}

/// Waits until nothing is missing, for as long as it gets less: a long run on a slow machine leaves much to be told.
async fn all_is_told(
    store: &SqliteKeyValue,
    listeners: &[Listener],
    (wanted, what): (&BTreeSet<News>, &str),
) {
    let mut pauses = interval(LOOK_PAUSE);
    pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut least, mut looks_in_vain) = (usize::MAX, 0);
    loop {
        pauses.tick().await;
        let lost = missing(store, listeners, wanted);
        if lost.is_empty() {
            break;
        }
        looks_in_vain = if lost.len() < least {
            0
        } else {
            looks_in_vain + 1
        };
        least = least.min(lost.len());
        let some = &lost[..lost.len().min(5)];
        assert!(
            looks_in_vain < MAX_LOOKS,
            "{} are missing: {some:#?} ({what})",
            lost.len()
        );
    }
    for listener in listeners {
        let took: BTreeSet<String> = listener.took().into_values().collect();
        assert_eq!(took, known(store), "what is known was told ({what})");
    }
}

/// Two subscribers, of which one wants several events at once, known to a process that has died since.
async fn subscribe(mortal: &Mortal) -> [Listener; 2] {
    let mut process = mortal.start();
    answers(&mortal.client()).await;
    let batches = json!({"eventDeliverySchema": "CloudEventSchemaV1_0", "batchSize": 10});
    let listeners = [
        Listener::subscribe(mortal, json!({})).await,
        Listener::subscribe(mortal, batches).await,
    ];
    process.kill().await.unwrap();
    listeners
}

fn moment(dice: &mut Dice) -> Duration {
    match dice.roll() % LONG_LIVES {
        0 => dice.moments(LATE_MOMENTS),
        _ => dice.moments(LAST_MOMENTS),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_learnt_survives_every_kill_and_is_told_in_the_same_words() {
    if HostKind::chosen() != HostKind::Devhost {
        return;
    }
    let mortal = Mortal::prepare(25_000..30_000).await;
    let listeners = subscribe(&mortal).await;
    let load = Load::of(&mortal, recipients);
    let kills = kills(KILLS);
    let work = join(load.run(), tell(&load));
    let (process, ((), told)) = mortal.die(kills, &load, moment, work).await;
    let (accepted, seed) = (load.accepted(), mortal.seed);
    let what = format!(
        "SENDLET_KILL_SEED={seed}, {kills} kills, {} accepted, {} told",
        accepted.len(),
        told.len()
    );
    let count = accepted.len().min(told.len());
    assert!(count > kills * 5, "too easy: {what}");
    let mut wanted = told;
    wanted.extend(accepted.iter().flat_map(|&n| promised_of(&load, n)));
    all_is_told(&mortal.store(), &listeners, (&wanted, &what)).await;
    drop(process);
    listeners[0].check_alone(&what);
    for listener in listeners {
        let repeats = listener.check(&what);
        assert!(repeats > kills / 2, "too easy: {repeats} repeats, {what}");
    }
}
