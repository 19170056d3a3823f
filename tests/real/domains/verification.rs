//! What is found out of records in a real DNS: right ones in every form they may have, wrong ones, and none because the
//! DNS has trouble.

use serde_json::{Value, json};
use tests::Setup;

use super::{
    customer::{BASE, Customer, KINDS, SHOP, ZONE, replaced},
    records::{Case, FAULTS, VARIANTS},
};
use crate::dns::{DnsServer, Trouble};

const SPF: &str = "shop.example.com. 3600 IN TXT \"v=spf1";

/// What a DNS with trouble leaves to be told.
const TROUBLES: &[(Trouble, &str)] = &[
    (Trouble::ServerFailure, "DnsServerFailure"),
    (Trouble::Refused, "DnsRefused"),
    (Trouble::Truncated, "DnsTruncated"),
    (Trouble::Dropped, "DnsUnreachable"),
];

/// The kinds of records that publish a key that is there from the start.
const KEYS: [&str; 3] = ["DKIM", "DKIM2", "DKIMEd25519"];

/// A customer whose DNS is looked at only when he asks for it.
async fn start() -> Customer {
    let dns = DnsServer::start(&[(ZONE, ""), (BASE, "")]).await;
    Customer::start(dns, Setup::default().without_ticks()).await
}

impl Customer {
    /// A zone that has a case in it.
    async fn zone_with(&self, (_, prefix, with): &Case) -> String {
        let (mut prefix, mut with) = ((*prefix).to_owned(), (*with).to_owned());
        for kind in KEYS {
            let (name, selector) = (format!("<{kind}>"), self.selector(kind).await);
            prefix = prefix.replace(&name, &selector);
            with = with.replace(&name, &selector);
        }
        replaced(&self.zone().await, &prefix, &with)
    }
}

/// What differs from the expected end of a look.
fn wrong(state: &Value, (status, code): (&str, &str), parts: &[&str]) -> Option<String> {
    let message = state["message"].as_str().unwrap_or_default();
    let is_right = state["status"] == status
        && state["errorCode"] == code
        && parts.iter().all(|part| message.contains(part));
    (!is_right).then(|| format!("expected {status} {code} {parts:?}, found {state}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_record_has_its_code_and_tells_what_was_expected_and_found() {
    let customer = start().await;
    let zone = customer.zone().await;
    let mut errors = Vec::new();
    for (case @ (kind, prefix, with), code, found) in FAULTS {
        customer.publish(&customer.zone_with(case).await).await;
        let state = customer.look_at(kind).await;
        let parts = ["expected ", " found ", found];
        let error = wrong(&state, ("VerificationFailed", code), &parts);
        errors.extend(error.map(|error| format!("{kind}, {prefix} {with}: {error}")));
    }
    // The right keys, in each other's place.
    let [first, second] = [customer.selector("DKIM"), customer.selector("DKIM2")];
    let swapped = swapped(&zone, &first.await, &second.await);
    customer.publish(&swapped).await;
    for kind in ["DKIM", "DKIM2"] {
        let state = customer.look_at(kind).await;
        let other = ("VerificationFailed", "OtherKey");
        errors.extend(wrong(&state, other, &["expected ", "found another key"]));
    }
    assert!(errors.is_empty(), "{errors:#?}");
    // With the snippet as it is, none of it is wrong.
    customer.publish(&zone).await;
    customer.verify().await;
}

/// A zone with two words in each other's place.
fn swapped(zone: &str, first: &str, second: &str) -> String {
    let aside = zone.replace(first, "aside");
    aside.replace(second, first).replace("aside", second)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_record_is_found_in_every_form_it_may_have() {
    let customer = start().await;
    for case @ (kind, _, with) in VARIANTS {
        customer.publish(&customer.zone_with(case).await).await;
        let state = customer.look_at(kind).await;
        assert_eq!(state["status"], "Verified", "{with}: {state}");
        assert_eq!(state["errorCode"], Value::Null, "{with}: {state}");
        // So that the next one has to be found too.
        customer.publish("").await;
        customer.look_at(kind).await;
    }
    // A key that is published elsewhere, as services like to have it.
    let owner = format!("{}._domainkey.shop", customer.selector("DKIM").await);
    let zone = customer.zone().await;
    let key = zone.lines().find(|line| line.starts_with(&owner)).unwrap();
    let elsewhere = key.replace(&owner, "key");
    let alias = format!("{owner} CNAME key\n{elsewhere}");
    customer.publish(&replaced(&zone, &owner, &alias)).await;
    assert_eq!(customer.look_at("DKIM").await["status"], "Verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dns_with_trouble_leaves_open_what_is_open_and_takes_back_nothing() {
    let customer = start().await;
    customer.publish_all().await;
    for (trouble, code) in TROUBLES {
        customer.dns.trouble(SHOP, *trouble).await;
        let states = customer.look_at_all().await;
        for kind in KINDS {
            let open = ("VerificationInProgress", *code);
            let error = wrong(&states[kind], open, &["DNS gave no usable answer", SHOP]);
            assert_eq!(error, None, "{kind}, {trouble:?}");
        }
        customer.dns.heal().await;
    }
    customer.verify().await;
    for (trouble, _) in TROUBLES {
        customer.dns.trouble(SHOP, *trouble).await;
        customer.verify().await;
        assert_eq!(customer.domain().await["canSend"], true, "{trouble:?}");
        customer.dns.heal().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_elsewhere_is_told_of_where_it_is() {
    let customer = start().await;
    let zone = customer.zone().await;
    customer.publish(&zone).await;
    customer.dns.trouble(BASE, Trouble::ServerFailure).await;
    let states = customer.look_at_all().await;
    for kind in KINDS {
        let includes = ["SPF", "ReturnPath"].contains(&kind);
        if includes {
            let open = ("VerificationInProgress", "DnsServerFailure");
            let error = wrong(&states[kind], open, &["about spf.mail.sendlet.example"]);
            assert_eq!(error, None, "{kind}");
        } else {
            assert_eq!(states[kind]["status"], "Verified", "{kind}: {states}");
        }
    }
    customer.dns.heal().await;
    // A zone that no server has is refused, and nobody knows what is in it.
    let with =
        "shop TXT \"v=spf1 include:spf.unknown.example include:spf.mail.sendlet.example -all\"";
    customer.publish(&replaced(&zone, SPF, with)).await;
    let open = ("VerificationInProgress", "DnsRefused");
    let state = customer.look_at("SPF").await;
    assert_eq!(wrong(&state, open, &["about spf.unknown.example"]), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dns_that_is_silent_is_given_up_in_time() {
    let customer = start().await;
    customer.publish_all().await;
    customer.dns.trouble(SHOP, Trouble::Silent).await;
    let state = customer.look_at("DMARC").await;
    let open = ("VerificationInProgress", "DnsTimeout");
    assert_eq!(
        wrong(&state, open, &["about _dmarc.shop.example.com"]),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_has_these_states() {
    let customer = start().await;
    let zone = customer.zone().await;
    let spf = json!({"verificationType": "SPF"});
    let status = async || customer.state("SPF").await["status"].clone();
    assert_eq!(status().await, "NotStarted");
    customer.dns.trouble(SHOP, Trouble::ServerFailure).await;
    let asked = customer
        .call_with("POST", ":initiateVerification", &spf)
        .await;
    let asked = asked.expect(202).json();
    let state = &asked["verificationStates"]["SPF"];
    assert_eq!(state["status"], "VerificationRequested");
    assert_eq!(
        customer.look_at("SPF").await["status"],
        "VerificationInProgress"
    );
    let cancelled = customer
        .call_with("POST", ":cancelVerification", &spf)
        .await;
    let cancelled = cancelled.expect(202).json();
    let state = &cancelled["verificationStates"]["SPF"];
    assert_eq!(state["status"], "CancellationRequested");
    customer.dns.heal().await;
    assert_eq!(
        customer.look_at("SPF").await["status"],
        "VerificationFailed"
    );
    customer.publish(&zone).await;
    customer.verify().await;
    // What sending needs may be missing for a day, and is warned of; mail does without the rest at once.
    customer.publish("").await;
    let states = customer.look_at_all().await;
    for kind in KINDS {
        let is_needed = ["Domain", "SPF", "DKIM"].contains(&kind);
        let expected = if is_needed {
            "Verified"
        } else {
            "VerificationFailed"
        };
        let code = if kind == "DMARC" {
            "RecordNotFound"
        } else {
            "DomainDoesNotExist"
        };
        assert_eq!(
            wrong(&states[kind], (expected, code), &["found no"]),
            None,
            "{kind}"
        );
        assert_eq!(
            states[kind]["failingSince"].is_string(),
            is_needed,
            "{kind}"
        );
    }
    assert_eq!(customer.domain().await["canSend"], true);
}
