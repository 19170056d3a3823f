//! The keys of a customer's domain: rotated without a gap, brought from elsewhere, sealed anew, and never shown.

use std::{collections::BTreeSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt as _, future::join, stream};
use serde_json::{Value, json};
use tests::{MASTER_KEY, Setup, TestStore};

use crate::customer::{Customer, SHOP, Stage, check, store_at, text};

const RSA: &str = include_str!("vectors/rsa-2048.pem");
const RSA_PUBLIC: &str = include_str!("vectors/rsa-2048-public.pem");
const ED25519: &str = include_str!("vectors/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("vectors/ed25519-public.pem");
/// The master key that comes after [`MASTER_KEY`].
const NEXT_MASTER_KEY: &str = "dGhpcnR5LXR3byBvdGhlciBvY3RldHMsIG5vIG1vcmU=";

/// The selectors of the RSA key that signs, of the one after it, and of the Ed25519 key.
async fn selectors(customer: &Customer) -> [String; 3] {
    [
        customer.selector("DKIM").await,
        customer.selector("DKIM2").await,
        customer.selector("DKIMEd25519").await,
    ]
}

/// State of the key under each selector.
async fn key_states(customer: &Customer) -> Vec<(String, String)> {
    let domain = customer.domain().await;
    let field = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let keys = domain["dkimKeys"].as_array().unwrap().iter();
    keys.map(|key| (field(key, "selector"), field(key, "state")))
        .collect()
}

#[track_caller]
fn check_states(found: &[(String, String)], expected: &[(&str, &str)]) {
    let found: BTreeSet<(&str, &str)> = found
        .iter()
        .map(|(selector, state)| (selector.as_str(), state.as_str()))
        .collect();
    assert_eq!(found, expected.iter().copied().collect());
}

/// The zone without what stands under `selector`.
fn without(zone: &str, selector: &str) -> String {
    let prefix = format!("{selector}._domainkey.");
    let others = zone.lines().filter(|line| !line.starts_with(&prefix));
    others.collect::<Vec<_>>().join("\n")
}

async fn send_many(customer: &Customer, when: &str, count: usize) {
    let send = async |n: usize| {
        let answer = customer.send(&format!("{when} {n}")).await;
        answer.expect(202);
    };
    stream::iter(0..count).for_each_concurrent(4, send).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_waits_for_dns_and_every_message_around_it_verifies() {
    let customer = Customer::at(Stage::Verified).await;
    let [first, second, ed25519] = selectors(&customer).await;
    let zone = customer.zone().await;
    send_many(&customer, "before", 3).await;
    for n in 0..3 {
        customer
            .system
            .inbox()
            .arrival(&format!("before {n}"))
            .await;
    }
    customer.doh.publish(SHOP, &without(&zone, &second));
    let refused = customer.call("POST", ":rotateDkim").await;
    check(&refused, (409, "NextKeyNotPublished", Some("domain")));
    let before = [
        (ed25519.as_str(), "active"),
        (&first, "active"),
        (&second, "published"),
    ];
    check_states(&key_states(&customer).await, &before);

    customer.doh.publish(SHOP, &zone);
    let (rotated, ()) = join(
        customer.call("POST", ":rotateDkim"),
        send_many(&customer, "during", 10),
    )
    .await;
    let rotated = rotated.expect(200);
    let again = customer.call("POST", ":rotateDkim").await;
    assert_eq!(again.problem().1, "KeysBeingMade");
    assert!(again.field("retry-after").is_some());
    customer.made(&rotated).await;
    let third = customer.selector("DKIM2").await;
    let after = [
        (ed25519.as_str(), "active"),
        (&first, "retiring"),
        (&second, "active"),
        (&third, "pending"),
    ];
    check_states(&key_states(&customer).await, &after);

    customer.publish().await;
    assert!(
        !customer
            .doh
            .texts(&format!("{first}._domainkey.{SHOP}"))
            .is_empty()
    );
    customer.signed_with(&second).await;
    let mut used = BTreeSet::new();
    let messages = customer.system.inbox().messages().await;
    assert!(messages.len() >= 14);
    for captured in messages {
        let signatures = customer.signatures(&captured.source);
        assert_eq!(signatures.len(), 2);
        used.insert(signatures[0]["s"].clone());
    }
    assert_eq!(used, [first, second].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ed25519_key_is_rotated_once_its_successor_is_made_and_published() {
    let customer = Customer::at(Stage::Verified).await;
    let [rsa, next_rsa, before] = selectors(&customer).await;
    let body = json!({"algorithm": "ed25519-sha256"});
    let rotate = async || customer.call_with("POST", ":rotateDkim", &body).await;
    let started = rotate().await.expect(202);
    customer.made(&started).await;
    let refused = rotate().await;
    assert_eq!(refused.problem().1, "NextKeyNotPublished");
    customer.publish().await;
    rotate().await.expect(200);
    let after = customer.selector("DKIMEd25519").await;
    let states = [
        (before.as_str(), "retiring"),
        (&after, "active"),
        (&rsa, "active"),
        (&next_rsa, "published"),
    ];
    check_states(&key_states(&customer).await, &states);
    customer.publish().await;
    let source = customer.signed_with(&after).await;
    assert_eq!(customer.signatures(&source).len(), 2);
}

/// The octets of a PEM block.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

async fn import(customer: &Customer, selector: &str, pem: &str) -> Value {
    let path = format!("/dkimKeys/{selector}");
    let body = json!({"privateKey": pem});
    let imported = customer.call_with("PUT", &path, &body).await.expect(201);
    imported.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_brought_from_elsewhere_sign_and_are_never_shown() {
    let customer = Customer::at(Stage::Verified).await;
    let replaced = customer.selector("DKIM2").await;
    let imported = import(&customer, "own-rsa", RSA).await;
    let record = &imported["verificationRecords"]["DKIM2"];
    assert_eq!(record["name"], format!("own-rsa._domainkey.{SHOP}"));
    let public = STANDARD.encode(der(RSA_PUBLIC));
    let value = record["value"].as_str().unwrap();
    assert!(value.ends_with(&format!("p={public}")), "{value}");
    let removable = imported["removableRecords"].to_string();
    let name = format!("{replaced}._domainkey");
    assert!(removable.contains(&name), "{removable}");

    import(&customer, "own-ed", ED25519).await;
    customer.publish().await;
    let published = customer.doh.texts(&format!("own-ed._domainkey.{SHOP}"));
    // What comes before the key itself is its type: RFC 8410 section 4.
    let public = STANDARD.encode(&der(ED25519_PUBLIC)[12..]);
    let text = String::from_utf8(published[0].clone()).unwrap();
    assert!(text.ends_with(&format!("p={public}")), "{text}");

    customer.call("POST", ":rotateDkim").await.expect(200);
    let ed25519 = json!({"algorithm": "ed25519-sha256"});
    let rotated = customer.call_with("POST", ":rotateDkim", &ed25519).await;
    rotated.expect(200);
    let source = customer.signed_with("own-ed").await;
    let signatures = customer.signatures(&source);
    let selectors: Vec<&str> = signatures.iter().map(|tags| tags["s"].as_str()).collect();
    assert_eq!(selectors, ["own-rsa", "own-ed"]);
    shows_nothing(&customer).await;
}

/// Runs of octets that only the private halves have.
fn secrets() -> Vec<Vec<u8>> {
    let (rsa, ed25519) = (der(RSA), der(ED25519));
    // Behind the modulus and the public exponent: RFC 8017 appendix A.1.2.
    let rsa = rsa[320..].chunks_exact(16);
    rsa.chain(ed25519[16..].chunks_exact(16))
        .map(<[u8]>::to_vec)
        .collect()
}

/// A secret as it may be written, in base64 at any place among the groups of three.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let in_base64 = (0..3_usize).map(|shift| {
        let padded = [&[0; 2][..shift], secret].concat();
        STANDARD.encode(padded).as_bytes()[4..20].to_vec()
    });
    let in_hex = secret.iter().map(|octet| format!("{octet:02x}"));
    let in_hex = in_hex.collect::<String>();
    let in_decimal = secret.iter().map(u8::to_string).collect::<Vec<_>>();
    let others = [
        secret.to_vec(),
        in_hex.to_uppercase().into_bytes(),
        in_hex.into_bytes(),
        in_decimal.join(",").into_bytes(),
    ];
    in_base64.chain(others).collect()
}

#[track_caller]
fn check_holds_nothing(what: &str, octets: &[u8], needles: &[Vec<u8>]) {
    let holds = |needle: &Vec<u8>| octets.windows(needle.len()).any(|window| window == needle);
    assert!(
        !needles.iter().any(holds),
        "{what} has a part of a private key"
    );
}

async fn shows_nothing(customer: &Customer) {
    let mut needles: Vec<Vec<u8>> = secrets()
        .iter()
        .flat_map(|secret| spellings(secret))
        .collect();
    needles.push(b"PRIVATE KEY".to_vec());
    // A search that finds nothing anywhere would prove nothing.
    assert!(
        needles
            .iter()
            .any(|needle| RSA.as_bytes().windows(needle.len()).any(|w| w == needle))
    );
    for path in ["", "/zone", "/history", ":diagnose", "/senderUsernames"] {
        let answer = customer.call("GET", path).await.expect(200);
        check_holds_nothing(path, &answer.body, &needles);
    }
    for target in ["/domains", "/domains/ManagedDomain"] {
        let answer = customer.system.operate("GET", target).await.expect(200);
        check_holds_nothing(target, &answer.body, &needles);
    }
    let imported = json!({"privateKey": RSA});
    let refused = customer
        .call_with("PUT", "/dkimKeys/own-rsa", &imported)
        .await;
    check_holds_nothing("a refusal", &refused.body, &needles);
    let garbled = json!({"privateKey": RSA.replace("PRIVATE", "PUBLIC")});
    let refused = customer
        .call_with("PUT", "/dkimKeys/own", &garbled)
        .await
        .expect(400);
    check_holds_nothing("a refusal", &refused.body, &needles);
    check_holds_nothing(
        "the log",
        customer.system.log().join("\n").as_bytes(),
        &needles,
    );
    let Some(store) = customer.system.store() else {
        return;
    };
    let entries = store.entries();
    assert!(entries.contains_key(&format!("dkim-key/{SHOP}/own-rsa")));
    for (key, value) in entries {
        check_holds_nothing(&key, &value, &needles);
    }
}

/// What is stored of the private keys.
fn sealed(store: &TestStore) -> Vec<(String, Vec<u8>)> {
    let entries = store.entries().into_iter();
    entries
        .filter(|(key, _)| key.starts_with("dkim-key/"))
        .collect()
}

async fn arrives_signed(customer: &Customer, subject: &str) {
    customer.send(subject).await.expect(202);
    let captured = customer.system.inbox().arrival(subject).await;
    assert_eq!(customer.signatures(&captured.source).len(), 2);
}

/// Seals everything anew, page by page, and returns how many keys there are and how many were changed.
async fn reseal(customer: &Customer) -> (u64, u64) {
    let mut target = "/keys:reseal".to_owned();
    let (mut keys, mut changed) = (0, 0);
    loop {
        let page = customer.system.operate("POST", &target).await;
        let page = page.expect(200).json();
        keys += page["keys"].as_u64().unwrap();
        changed += page["changed"].as_u64().unwrap();
        match page["nextLink"].as_str() {
            Some(next) => target = next.to_owned(),
            None => return (keys, changed),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_outlive_their_master_key_once_they_are_sealed_anew() {
    let store: Arc<TestStore> = store_at(Stage::Verified).await;
    let customer = Customer::on(&store, Setup::default()).await;
    if customer.system.store().is_none() {
        return;
    }
    arrives_signed(&customer, "with the first").await;
    drop(customer);
    let before = sealed(&store);

    let setup = Setup::default()
        .variable("master_key", NEXT_MASTER_KEY)
        .variable("master_key_previous", MASTER_KEY);
    let customer = Customer::on(&store, setup).await;
    arrives_signed(&customer, "with both").await;
    let all = u64::try_from(before.len()).unwrap();
    assert_eq!(reseal(&customer).await, (all, all));
    assert_eq!(reseal(&customer).await, (all, 0), "it can be repeated");
    drop(customer);
    let after = sealed(&store);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.0, after.0);
        assert_ne!(before.1, after.1, "{} is sealed as before", before.0);
    }

    let setup = Setup::default().variable("master_key", NEXT_MASTER_KEY);
    let customer = Customer::on(&store, setup).await;
    arrives_signed(&customer, "with the second alone").await;
    let zone = customer.call("GET", "/zone").await;
    let name = format!("{}._domainkey", customer.selector("DKIM").await);
    assert!(text(&zone).contains(&name));
}
