//! A customer's domain from its first day to its last.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Behaviour, ScriptedRelay, Setup, eventually};

use crate::customer::{
    Customer, KINDS, NOT_VERIFIED, Problem, SHOP, Stage, as_operator, check, now,
};

const NOT_LINKED: Problem = (404, "DomainNotLinked", Some("senderAddress"));

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_sends_once_its_zone_is_published_and_verified() {
    let customer = Customer::at(Stage::Absent).await;
    check(&customer.send("absent").await, NOT_LINKED);
    add(&customer).await;
    let refused = customer.send("not verified").await;
    let message = refused.text("/error/message").unwrap();
    assert!(message.contains("Domain record"), "{message}");
    check(&refused, NOT_VERIFIED);

    customer.publish().await;
    customer.verify().await;
    let domain = customer.domain().await;
    assert_eq!(
        (&domain["canSend"], &domain["waitingFor"]),
        (&json!(true), &Value::Null)
    );
    let return_path = format!("bounces.{SHOP}");
    assert_eq!(domain["mailFromSenderDomain"], return_path.as_str());
    accepts(&customer).await;
    let unknown = customer
        .system
        .send(&customer.message("sales", "unknown"))
        .await;
    let expected = (400, "InvalidSenderUserName", Some("senderAddress"));
    check(&unknown, expected);
    arrives_signed_twice(&customer, &return_path).await;
    receivers_will_be_content(&customer).await;
}

/// Adds the domain, spelt as people do, and waits for its keys.
async fn add(customer: &Customer) {
    let body = json!({"domainManagement": "CustomerManaged"});
    let request = as_operator("PUT", "/domains/Shop.Example.COM").json(&body);
    let added = customer.system.client.call(request).await.expect(201);
    assert_eq!(added.text("/name").as_deref(), Some(SHOP));
    assert_eq!(
        added.text("/provisioningState").as_deref(),
        Some("Creating")
    );
    assert_eq!(added.field("retry-after"), Some("1"));
    customer.made(&added).await;
    let domain = customer.domain().await;
    assert_eq!(domain["provisioningState"], "Succeeded");
    assert_eq!(domain["domainManagement"], "CustomerManaged");
    let keys: Vec<Value> = domain["dkimKeys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| key["state"] == "pending"));
    let statuses = customer.statuses().await;
    assert_eq!(statuses.len(), KINDS.len() + 1, "there is Tracking too");
    assert!(statuses.values().all(|status| status == "NotStarted"));
    let again = customer.call("PUT", "").await;
    check(&again, (409, "DomainAlreadyExists", Some("domain")));
}

async fn arrives_signed_twice(customer: &Customer, return_path: &str) {
    customer.send("signed twice").await.expect(202);
    let captured = customer.system.inbox().arrival("signed twice").await;
    assert_eq!(captured.return_path_domain(), return_path);
    let signatures = customer.signatures(&captured.source);
    let algorithms: Vec<&str> = signatures.iter().map(|tags| tags["a"].as_str()).collect();
    assert_eq!(algorithms, ["rsa-sha256", "ed25519-sha256"]);
    for tags in &signatures {
        assert_eq!(tags["d"], SHOP, "aligned with From");
        assert!(tags["i"].ends_with(&format!("@{SHOP}")), "{tags:?}");
        let (signed_at, expires_at): (u64, u64) =
            (tags["t"].parse().unwrap(), tags["x"].parse().unwrap());
        assert!(signed_at <= now() && now() < expires_at, "{tags:?}");
    }
    let forged = captured.text().replacen("Hello.", "Hallo.", 1);
    assert_eq!(customer.verifies(forged.as_bytes()), [false, false]);
}

async fn receivers_will_be_content(customer: &Customer) {
    let diagnosis = customer.call("GET", ":diagnose").await.expect(200).json();
    let results = |list: &Value| -> Vec<Value> {
        let list = list.as_array().unwrap();
        list.iter()
            .map(|outlook| outlook["result"].clone())
            .collect()
    };
    assert_eq!(results(&diagnosis["spf"]), ["pass"], "{diagnosis}");
    assert_eq!(results(&diagnosis["dkim"]), ["pass", "pass"], "{diagnosis}");
    assert_eq!(diagnosis["dmarc"]["result"], "pass", "{diagnosis}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlinked_domain_does_not_send_until_it_is_linked_again() {
    let customer = Customer::at(Stage::Verified).await;
    customer.send("linked").await.expect(202);
    let unlinked = customer.call("POST", ":unlink").await.expect(200);
    assert_eq!(unlinked.json()["canSend"], false);
    check(&customer.refusal("DoNotReply").await, NOT_LINKED);
    customer.call("POST", ":link").await.expect(200);
    accepts(&customer).await;
}

/// Waits until mail is accepted, which is not before the second is over for which it was not.
async fn accepts(customer: &Customer) {
    eventually("mail is accepted", async || {
        (customer.send("accepted").await.status == 202).then_some(())
    })
    .await;
}

/// Sends a message and returns the domain of its return path.
async fn return_path(customer: &Customer, subject: &str) -> String {
    customer.send(subject).await.expect(202);
    let captured = customer.system.inbox().arrival(subject).await;
    captured.return_path_domain().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_return_path_is_used_once_it_is_verified() {
    let customer = Customer::with(Stage::Verified, Setup::default().without_ticks()).await;
    let body = json!({"mailFromSenderDomain": format!("Mail.{SHOP}")});
    let changed = customer.call_with("PATCH", "", &body).await.expect(200);
    let changed = changed.json();
    assert_eq!(
        changed["verificationStates"]["ReturnPath"]["status"],
        "NotStarted"
    );
    let own = format!("mail.{SHOP}");
    let of_the_service = "bounces.mail.sendlet.example";
    assert_eq!(return_path(&customer, "unverified").await, of_the_service);
    customer.publish().await;
    customer.verify().await;
    let mut sent = 0;
    eventually("the return path is used", async || {
        sent += 1;
        let used = return_path(&customer, &format!("verified {sent}")).await;
        (used == own).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_add_a_domain_at_once_one_does() {
    let customer = Customer::at(Stage::Absent).await;
    // Once might be luck.
    for n in 0..10 {
        let target = format!("/domains/shop{n}.example.com");
        let put = || customer.system.operate("PUT", &target);
        let answers = join_all((0..8).map(|_| put())).await;
        // Before its keys are made, which would take long.
        customer.system.operate("DELETE", &target).await.expect(204);
        let (added, refused): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == 201);
        assert_eq!(added.len(), 1, "{target}");
        for answer in refused {
            let (status, code, _) = answer.problem();
            assert_eq!(status, 409, "{code}");
            assert!(["DomainAlreadyExists", "Conflict"].contains(&code.as_str()));
            assert_eq!(answer.field("retry-after").is_some(), code == "Conflict");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_was_accepted_before_its_domain_was_deleted_arrives_signed() {
    let relay = ScriptedRelay::start(Behaviour::Answer(503, None, "{}".to_owned()));
    let setup = Setup::default()
        .relay(&relay.origin())
        .variable("attempt_timeout", "2");
    let customer = Customer::with(Stage::Verified, setup).await;
    let id = customer.send("in flight").await.expect(202).text("/id");
    eventually("the relay refuses", async || {
        (!relay.handed_over().is_empty()).then_some(())
    })
    .await;
    customer.call("DELETE", "").await.expect(204);
    check(&customer.refusal("DoNotReply").await, NOT_LINKED);
    let gone: Problem = (404, "DomainNotFound", Some("domain"));
    for (method, path) in [
        ("GET", ""),
        ("GET", "/zone"),
        ("DELETE", ""),
        ("POST", ":link"),
    ] {
        check(&customer.call(method, path).await, gone);
    }
    let history = customer.call("GET", "/history").await.expect(200).json();
    assert_eq!(history["value"][0]["kind"], "DomainDeleted");

    relay.behave(Behaviour::Accept);
    let outcome = customer.system.outcome(&id.unwrap()).await;
    assert_eq!(outcome["status"], "Succeeded");
    let handed_over = relay.handed_over();
    assert!(handed_over.len() >= 2, "it was refused at first");
    for again in &handed_over {
        assert_eq!(customer.signatures(&again.source).len(), 2);
    }
    comes_back_unverified(&customer).await;
}

/// Who adds it again need not be who had it, so it is verified anew, with another proof of ownership.
async fn comes_back_unverified(customer: &Customer) {
    let before = customer.doh.texts(SHOP);
    let added = customer.call("PUT", "").await.expect(201);
    customer.made(&added).await;
    check(&customer.send("again").await, NOT_VERIFIED);
    let record = added.text("/verificationRecords/Domain/value").unwrap();
    assert!(
        !before.contains(&record.into_bytes()),
        "the old proof holds"
    );
}
