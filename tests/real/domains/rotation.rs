//! Rotating keys while mail is sent: whatever is sent when, everybody verifies it.

use std::{collections::BTreeSet, sync::OnceLock};

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::Answer;

use super::{
    customer::{Customer, SHOP, without_key},
    mailing::{Mailing, STRANGER, Selectors, client, original, return_path},
};
use crate::{
    authentication_results::Outcome::{Fail, Pass},
    judges::Judgement,
};

/// Every message there is, as it was delivered.
type Delivered = Vec<Vec<u8>>;

impl Customer {
    async fn rotate(&self, algorithm: &str) -> Answer {
        let body = json!({"algorithm": algorithm});
        self.call_with("POST", ":rotateDkim", &body).await
    }

    async fn check_states(&self, expected: &[(&str, &str)]) {
        let domain = self.domain().await;
        let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
        let keys = domain["dkimKeys"].as_array().unwrap().iter();
        let states: BTreeSet<(String, String)> = keys
            .map(|key| (text(key, "selector"), text(key, "state")))
            .collect();
        let expected = expected.iter();
        let expected = expected.map(|(key, state)| ((*key).to_owned(), (*state).to_owned()));
        assert_eq!(states, expected.collect());
    }
}

/// Sends one message after the other until a key was rotated in and one is signed with it. `rotation` returns its
/// selector.
async fn sending_on(mailing: &Mailing, rotation: impl Future<Output = String>) -> Delivered {
    let rotated_in = OnceLock::new();
    let sending = async {
        let mut delivered = Delivered::new();
        loop {
            // As it was before the message was accepted.
            let selector: Option<&String> = rotated_in.get();
            let message = mailing.deliver(SHOP, "ann").await;
            let is_last = selector.is_some_and(|selector| is_signed(&message, selector));
            delivered.push(message);
            if is_last {
                return delivered;
            }
        }
    };
    let rotating = async { rotated_in.set(rotation.await) };
    join(rotating, sending).await.1
}

fn is_signed(message: &[u8], selector: &str) -> bool {
    String::from_utf8_lossy(message).contains(&format!("s={selector};"))
}

/// Every judge passes every one of these messages, by two signatures. Returns the selectors of those.
async fn selectors(mailing: &Mailing, delivered: &[Vec<u8>]) -> BTreeSet<String> {
    let judgements = delivered
        .iter()
        .map(|message| mailing.judges.judgement(message));
    let mut selectors = BTreeSet::new();
    for Judgement {
        dkim,
        dkimpy,
        spf,
        dmarc,
    } in join_all(judgements).await
    {
        assert_eq!(dkim, dkimpy);
        assert_eq!((spf, dmarc), (Pass, Pass), "{dkim:?}");
        let algorithms: Vec<&str> = dkim.iter().map(|found| found.algorithm.as_str()).collect();
        assert_eq!(algorithms, ["rsa-sha256", "ed25519-sha256"]);
        for signature in dkim {
            assert_eq!(signature.result, Pass, "{signature:?}");
            selectors.insert(signature.selector);
        }
    }
    selectors
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_before_during_and_after_a_rotation_passes() {
    let mailing = Mailing::verified(&["ann"]).await;
    let customer = &mailing.customer;
    let first = Selectors::of(customer).await;
    let mut delivered = Delivered::new();
    for _ in 0..3 {
        delivered.push(mailing.deliver(SHOP, "ann").await);
    }
    let late = delivered[0].clone();

    delivered.extend(sending_on(&mailing, rotate_rsa(customer)).await);
    delivered.extend(sending_on(&mailing, rotate_ed25519(customer)).await);
    for _ in 0..3 {
        delivered.push(mailing.deliver(SHOP, "ann").await);
    }
    let second = Selectors::of(customer).await;
    let all = [&first.rsa, &first.ed25519, &second.rsa, &second.ed25519];
    let all: BTreeSet<String> = all.map(String::clone).into();
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(selectors(&mailing, &delivered).await, all);
    late_mail_passes_for_as_long_as_its_keys_are_left(&mailing, &late, &first).await;
}

/// Rotates as an operator does who forgot to publish the next key at first.
async fn rotate_rsa(customer: &Customer) -> String {
    let zone = customer.zone().await;
    let [rsa, next, ed25519] = [
        customer.selector("DKIM").await,
        customer.selector("DKIM2").await,
        customer.selector("DKIMEd25519").await,
    ];
    customer.publish(&without_key(&zone, &next)).await;
    let refused = customer.rotate("rsa-sha256").await;
    let expected = (409, "NextKeyNotPublished".into(), Some("domain".into()));
    assert_eq!(refused.problem(), expected);
    let message = refused.text("/error/message").unwrap();
    assert!(
        message.contains(&format!("{next}._domainkey.{SHOP}")),
        "{message}"
    );
    let before = [
        (&*ed25519, "active"),
        (&*rsa, "active"),
        (&*next, "published"),
    ];
    customer.check_states(&before).await;

    customer.publish(&zone).await;
    let rotated = customer.rotate("rsa-sha256").await.expect(200);
    customer.made(&rotated).await;
    let third = customer.selector("DKIM2").await;
    let after = [
        (&*ed25519, "active"),
        (&*rsa, "retiring"),
        (&*next, "active"),
        (&*third, "pending"),
    ];
    customer.check_states(&after).await;
    customer.publish_all().await;
    assert_eq!(customer.look_at("DKIM2").await["status"], "Verified");
    next
}

/// There is no next key of this kind until somebody asks for one.
async fn rotate_ed25519(customer: &Customer) -> String {
    let first = customer.selector("DKIMEd25519").await;
    let started = customer.rotate("ed25519-sha256").await.expect(202);
    customer.made(&started).await;
    let refused = customer.rotate("ed25519-sha256").await.problem();
    assert_eq!(
        (refused.0, refused.1.as_str()),
        (409, "NextKeyNotPublished")
    );
    assert_eq!(customer.selector("DKIMEd25519").await, first);
    customer.publish_all().await;
    customer.rotate("ed25519-sha256").await.expect(200);
    customer.publish_all().await;
    let next = customer.selector("DKIMEd25519").await;
    assert_ne!(next, first);
    next
}

/// A message that lay in a queue since before the rotations.
async fn late_mail_passes_for_as_long_as_its_keys_are_left(
    mailing: &Mailing,
    delivered: &[u8],
    keys: &Selectors,
) {
    let sender = return_path(delivered);
    let late = original(delivered);
    let judge = async || mailing.judges.judge(&late, client(STRANGER, &sender)).await;
    assert_eq!(judge().await, keys.judgement([Pass, Fail, Pass]));
    let zone = mailing.customer.zone().await;
    let zone = without_key(&without_key(&zone, &keys.rsa), &keys.ed25519);
    mailing.customer.publish(&zone).await;
    assert_eq!(judge().await, keys.judgement([Fail, Fail, Fail]));
}
