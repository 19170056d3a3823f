//! Domains in a real DNS: their zones are published as they come, and mail sent from them is judged by others.

mod customer;
mod diagnosis;
mod mailing;
mod records;
mod rotation;
mod verification;

use serde_json::json;
use tests::{ADMIN_TOKEN, Request, eventually};

use self::{
    customer::{BASE, SENDING, SHOP},
    mailing::{Mailing, STRANGER, Selectors, client, original, return_path},
};
use crate::{
    authentication_results::Outcome::{self, Fail, Pass},
    judges::{Judgement, Signature},
};

#[tokio::test(flavor = "multi_thread")]
async fn mail_from_a_customers_domain_passes_wherever_it_is_judged() {
    let mailing = Mailing::verified(&["ann"]).await;
    let Mailing {
        customer, judges, ..
    } = &mailing;
    // Everything up to here was done with the snippet as it is. Its policy is one that a customer may make stricter.
    let zone = customer.zone().await;
    let strict = zone.replace("p=quarantine", "p=reject");
    assert_ne!(zone, strict);
    customer.publish(&strict).await;
    customer.verify().await;
    let policy = customer.state("DMARC").await["message"].to_string();
    assert!(policy.contains("policy reject"), "{policy}");

    let delivered = mailing.deliver(SHOP, "ann").await;
    let sender = return_path(&delivered);
    assert_return_path(&sender, &format!("bounces.{SHOP}"));
    let selectors = Selectors::of(customer).await;
    let judgement = |outcomes| selectors.judgement(outcomes);
    let found = judges.judgement(&delivered).await;
    assert_eq!(found, judgement([Pass, Pass, Pass]));
    assert_eq!(judges.pyspf(client(SENDING, &sender)).await, Pass);

    let sent = original(&delivered);
    let relayed = judges.judge(&sent, client(STRANGER, &sender)).await;
    assert_eq!(relayed, judgement([Pass, Fail, Pass]));
    // SPF alone is enough, so the return path is aligned, and what is neither signed nor sent by us fails.
    let changed = [sent, b"And more.\r\n".to_vec()].concat();
    let from_us = judges.judge(&changed, client(SENDING, &sender)).await;
    assert_eq!(from_us, judgement([Fail, Pass, Pass]));
    let forged = judges.judge(&changed, client(STRANGER, &sender)).await;
    assert_eq!(forged, judgement([Fail, Fail, Fail]));
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_from_the_managed_domain_passes_with_the_operators_zone_alone() {
    let mailing = Mailing::start(&["ann"]).await;
    let system = &mailing.customer.system;
    let managed = system.operate("GET", "/domains/ManagedDomain").await;
    let managed = managed.expect(200);
    let name = managed.text("/name").unwrap();
    let key = managed.text("/verificationRecords/DKIM/name").unwrap();
    let (selector, _) = key.split_once("._domainkey.").unwrap();
    for kind in ["SPF", "DKIM", "DMARC", "ReturnPath"] {
        managed_record_is_verified(&mailing, kind).await;
    }

    let delivered = mailing.deliver(&name, "ann").await;
    let sender = return_path(&delivered);
    assert_return_path(&sender, &name);
    let signature = |result| Signature {
        domain: name.clone(),
        selector: selector.to_owned(),
        algorithm: "rsa-sha256".to_owned(),
        result,
    };
    let judgement = |[dkim, spf, dmarc]: [_; 3]| Judgement {
        dkim: vec![signature(dkim)],
        dkimpy: vec![signature(dkim)],
        spf,
        dmarc,
    };
    let judges = &mailing.judges;
    let found = judges.judgement(&delivered).await;
    assert_eq!(found, judgement([Pass, Pass, Pass]));
    assert_eq!(judges.pyspf(client(SENDING, &sender)).await, Pass);
    let sent = original(&delivered);
    let relayed = judges.judge(&sent, client(STRANGER, &sender)).await;
    assert_eq!(relayed, judgement([Pass, Fail, Pass]));
    // All of that was in the operator's zone.
    mailing.customer.dns.set_zone(BASE, "").await;
    let unknown = judges.judge(&sent, client(STRANGER, &sender)).await;
    assert_eq!(unknown, judgement([Fail, Outcome::None, Outcome::None]));
}

/// Has a record of the managed domain looked up.
async fn managed_record_is_verified(mailing: &Mailing, kind: &str) {
    let system = &mailing.customer.system;
    let target = "/domains/ManagedDomain:initiateVerification";
    let request = Request::new("POST", target)
        .field("authorization", &format!("Bearer {ADMIN_TOKEN}"))
        .json(&json!({"verificationType": kind}));
    system.client.call(request).await.expect(202);
    let state = eventually("DNS was looked at", async || {
        let domain = system.operate("GET", "/domains/ManagedDomain").await;
        let state = domain.expect(200).json()["verificationStates"][kind].clone();
        state["lastCheckedAt"].is_string().then_some(state)
    })
    .await;
    assert_eq!(state["status"], "Verified", "{kind}: {state}");
}

/// It is one of a recipient's own, at this domain.
#[track_caller]
fn assert_return_path(address: &str, domain: &str) {
    let local_part = address.strip_suffix(&format!("@{domain}"));
    let is_own = local_part.is_some_and(|name| name.starts_with("b-") && name.len() == 50);
    assert!(is_own, "{address}, expected at {domain}");
}
