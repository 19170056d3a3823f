//! `POST /messages/{id}/engagement:erase`: what is left in the store, what still works, and who may not.

use mailer::link::{LinkKeys, Reader};
use mailer::token_key::TokenKey;
use serde_json::{Value, json};
use tests::{
    Answer, Faults, HostKind, LINK_KEY, Manner, Request, Setup, Subscriber, System, eventually,
};

use crate::customer::{Problem, as_operator, check};
use crate::events::handed_over;

const ZOE: &str = "zoe@example.com";
/// Her link, which leads where nobody else's does.
const TARGET: &str = "https://shop.example.com/only-for-zoe";
const OTHER: &str = "https://shop.example.com/for-others";

/// A message to two recipients, the second of them Zoe.
struct Mailing {
    system: System,
    id: String,
    subscriber: Subscriber,
}

impl Mailing {
    async fn start() -> Self {
        let setup = Setup::default().variable("webhook_private_endpoints", "true");
        let system = setup.start().await;
        let subscriber = Subscriber::start(Manner::Answer(200)).await;
        let body = json!({"endpointUrl": subscriber.url()});
        let post = as_operator("POST", "/subscriptions").json(&body);
        system.client.call(post).await.expect(201);
        let mut message = system.message("an offer");
        message["recipients"]["bcc"] = json!([{"address": ZOE}]);
        let id = handed_over(&system, &message).await;
        Self {
            system,
            id,
            subscriber,
        }
    }

    fn reader(&self, recipient: u8) -> Reader {
        let message = self.id.parse().unwrap();
        Reader { message, recipient }
    }

    async fn follow(&self, recipient: u8, target: &str) {
        let token = keys().click(self.reader(recipient), recipient.into(), target);
        let path = format!("/c/{}", token.unwrap());
        let answer = self.system.client.call(Request::new("GET", &path)).await;
        assert_eq!(answer.expect(302).field("location"), Some(target));
    }

    async fn open(&self) {
        let path = format!("/o/{}", keys().open(self.reader(1)));
        let answer = self.system.client.call(Request::new("GET", &path)).await;
        answer.expect(200);
    }

    async fn unsubscribe(&self) {
        let path = format!("/u/{}", keys().unsubscribe(self.reader(1)));
        let post = Request::new("POST", &path)
            .field("content-type", "application/x-www-form-urlencoded")
            .body("List-Unsubscribe=One-Click".to_owned());
        self.system.client.call(post).await.expect(200);
    }

    /// Zoe opens and clicks, somebody else clicks, and the subscriber is told.
    async fn visit(&self) {
        self.open().await;
        self.follow(1, TARGET).await;
        self.follow(0, OTHER).await;
        eventually("the visits are taken in", async || {
            let found = self.read("").await;
            let [other, zoe] = [0, 1].map(|n| &found["recipients"][n]["engagement"]);
            let counts = [
                &zoe["opens"]["total"],
                &zoe["clicks"]["total"],
                &other["clicks"]["total"],
            ];
            counts.iter().all(|count| **count == 1).then_some(())
        })
        .await;
        eventually("the subscriber is told", async || {
            (self.subscriber.told().len() == 3).then_some(())
        })
        .await;
    }

    /// `GET /messages/{id}`, or what is below.
    async fn read(&self, below: &str) -> Value {
        let target = format!("/messages/{}{below}", self.id);
        self.system.operate("GET", &target).await.expect(200).json()
    }

    async fn erase(&self, recipient: &str) -> Answer {
        let target = format!("/messages/{}/engagement:erase", self.id);
        let post = as_operator("POST", &target).json(&json!({"recipient": recipient}));
        self.system.client.call(post).await
    }

    /// Erases Zoe, which may have to wait until what is being told is told.
    async fn erased(&self) {
        eventually("nobody is being told", async || {
            let answer = self.erase("Zoe@EXAMPLE.com").await;
            if answer.status == 204 {
                return Some(());
            }
            check(&answer, (409, "Conflict", None));
            assert_eq!(answer.field("retry-after"), Some("1"));
            None
        })
        .await;
    }

    /// Keys whose values know `text`, or that are of Zoe's facts.
    fn traces(&self, text: &str) -> Vec<String> {
        let store = self.system.store().unwrap();
        let facts = format!("engagement/{}/1/", self.id);
        let knows = |(key, value): &(String, Vec<u8>)| {
            key.starts_with(&facts) || String::from_utf8_lossy(value).contains(text)
        };
        let found = store.entries().into_iter().filter(knows);
        found.map(|(key, _)| key).collect()
    }

    /// Nothing of what Zoe did, and of her nothing but that she got the message.
    fn nothing_is_left(&self) {
        if HostKind::chosen() == HostKind::Spin {
            return;
        }
        assert_eq!(self.traces("only-for-zoe"), Vec::<String>::new());
        assert_eq!(self.traces(ZOE), [format!("message/{}", self.id)]);
    }
}

fn keys() -> LinkKeys {
    LinkKeys::new(TokenKey::parse(LINK_KEY).unwrap(), Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_what_a_recipient_did_is_left() {
    let mailing = Mailing::start().await;
    let untouched = mailing.read("").await["recipients"][1]["engagement"].clone();
    mailing.visit().await;
    if HostKind::chosen() == HostKind::Devhost {
        assert!(mailing.traces("only-for-zoe").len() >= 2, "fact and event");
        assert!(mailing.traces(ZOE).len() >= 4, "message, fact, two events");
    }
    for _ in 0..2 {
        mailing.erased().await;
        mailing.nothing_is_left();
        let found = mailing.read("").await;
        assert_eq!(found["recipients"][1]["engagement"], untouched);
        assert_eq!(found["engagement"]["clicks"]["total"], 1);
        assert_eq!(found["engagement"]["opens"]["total"], 0);
    }
    let timeline = mailing.read("/timeline").await;
    let entries = timeline["entries"].as_array().unwrap();
    let of = |kind: &str| entries.iter().filter(|e| e["type"] == kind).count();
    assert_eq!((of("engagement"), of("webhook")), (1, 1), "{timeline:#}");
    assert!(!mailing.system.log().join("\n").contains(ZOE));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_who_is_erased_lead_on_and_his_wish_is_obeyed() {
    let mailing = Mailing::start().await;
    mailing.visit().await;
    mailing.erased().await;
    mailing.open().await;
    mailing.follow(1, TARGET).await;
    mailing.unsubscribe().await;
    let mut again = mailing.system.message("again");
    again["recipients"] = json!({"to": [{"address": ZOE}]});
    eventually("the wish is obeyed", async || {
        let id = mailing.system.accepted(&again).await;
        let outcome = mailing.system.outcome(&id).await;
        (outcome["error"]["code"] == "EmailDroppedAllRecipientsSuppressed").then_some(())
    })
    .await;
    if HostKind::chosen() == HostKind::Devhost {
        eventually("late visits are dropped", async || {
            mailing.traces("only-for-zoe").is_empty().then_some(())
        })
        .await;
    }
    let found = mailing.read("").await;
    assert_eq!(found["engagement"]["clicks"]["total"], 1);
    assert_eq!(found["engagement"]["unsubscribed"], 0);
    let told = mailing.subscriber.told();
    let engagements = told.iter().filter(|told| {
        let kind = &told.json()[0]["eventType"];
        *kind != "Microsoft.Communication.EmailDeliveryReportReceived"
    });
    assert_eq!(engagements.count(), 3, "of late visits nobody is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_or_does_not_say_whom_erases_nobody() {
    let mailing = Mailing::start().await;
    mailing.visit().await;
    let target = format!("/messages/{}/engagement:erase", mailing.id);
    let zoe = json!({"recipient": ZOE});
    let stranger = Request::new("POST", &target).json(&zoe);
    let answer = mailing.system.client.call(stranger.clone()).await;
    check(&answer, (401, "Unauthorized", None));
    let answer = mailing.system.call(stranger).await;
    check(&answer, (401, "Unauthorized", None));
    let answer = mailing.system.operate("GET", &target).await;
    check(&answer, (405, "MethodNotAllowed", None));
    assert_eq!(answer.field("allow"), Some("POST"));
    for id in ["9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34", "x", "%00"] {
        let target = format!("/messages/{id}/engagement:erase");
        let post = as_operator("POST", &target).json(&zoe);
        let answer = mailing.system.client.call(post).await;
        check(&answer, (404, "MessageNotFound", None));
    }
    let long = format!("{{\"recipient\":\"{}@example.com\"}}", "z".repeat(70_000));
    let who = Some("recipient");
    let rows: [(&str, Problem); 9] = [
        ("", (400, "BadRequest", who)),
        ("{}", (400, "BadRequest", who)),
        (r#"{"recipient":null}"#, (400, "BadRequest", who)),
        (r#"{"recipient":1}"#, (400, "BadRequest", None)),
        (r#"{"recipient":"#, (400, "BadRequest", None)),
        (
            r#"{"recipient":"zoe@example.com","all":true}"#,
            (400, "BadRequest", None),
        ),
        (r#"{"recipient":"zoe"}"#, (400, "InvalidEmailAddress", who)),
        (
            r#"{"recipient":"mallory@example.com"}"#,
            (404, "RecipientNotFound", who),
        ),
        (&long, (413, "RequestEntityTooLarge", None)),
    ];
    for (body, expected) in rows {
        let post = as_operator("POST", &target)
            .field("content-type", "application/json")
            .body(body.to_owned());
        check(&mailing.system.client.call(post).await, expected);
    }
    let found = mailing.read("").await;
    assert_eq!(found["recipients"][1]["engagement"]["clicks"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_in_between_leaves_it_to_be_done_again() {
    if HostKind::chosen() == HostKind::Spin {
        return;
    }
    for n in [3, 4, 5, 7] {
        let mailing = Mailing::start().await;
        mailing.visit().await;
        let store = mailing.system.store().unwrap();
        store.set_faults(Faults::EveryNth(n));
        for _ in 0..3 {
            let answer = mailing.erase(ZOE).await;
            assert!(matches!(answer.status, 204 | 409 | 503), "{n}: {answer:?}");
        }
        assert!(store.failed() > 0, "no call failed for n = {n}");
        store.set_faults(Faults::None);
        mailing.erased().await;
        mailing.nothing_is_left();
    }
}
