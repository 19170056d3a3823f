//! What an operator sets for the engagement of a domain's readers, and the host that links in its mail lead through.

use serde_json::{Value, json};
use tests::{Setup, Trouble, eventually};

use crate::customer::{Customer, SHOP, Stage, as_operator, check};

const HOST: &str = "links.shop.example.com";
const OURS: &str = "https://links.example.net";
const OWN: &str = "https://links.shop.example.com";
const NAME_OF_ALIAS: &str = "links.shop.example.com.";

async fn customer(tracking_url: &str) -> Customer {
    let setup = Setup::default()
        .variable("tracking_url", tracking_url)
        .without_ticks();
    Customer::with(Stage::Verified, setup).await
}

async fn patch(customer: &Customer, body: &Value) -> Value {
    let answer = customer.call_with("PATCH", "", body).await;
    answer.expect(200).json()
}

/// The kinds of what happened to the domain, the newest first.
async fn newest(customer: &Customer) -> Value {
    let history = customer.call("GET", "/history").await.expect(200).json();
    history["value"][0].clone()
}

async fn origin(customer: &Customer) -> Value {
    customer.domain().await["linkOrigin"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_through_the_domains_own_host_while_its_alias_is_there() {
    let customer = customer(OURS).await;
    let domain = customer.domain().await;
    assert_eq!(domain["userEngagementTracking"], "Disabled");
    assert_eq!(domain["bulkByDefault"], false);
    assert_eq!(domain["trackingHost"], Value::Null);
    let switched = json!({
        "userEngagementTracking": "Enabled",
        "bulkByDefault": true,
        "trackingHost": "Links.Shop.Example.COM",
    });
    let domain = patch(&customer, &switched).await;
    assert_eq!(domain["userEngagementTracking"], "Enabled");
    assert_eq!(domain["bulkByDefault"], true);
    assert_eq!(domain["trackingHost"], HOST);
    assert_eq!(domain["linkOrigin"], OURS);
    let record = &domain["verificationRecords"]["Tracking"];
    let expected =
        json!({"type": "CNAME", "name": HOST, "value": "links.example.net", "ttl": 3600});
    assert_eq!(record, &expected);
    assert_eq!(newest(&customer).await["kind"], "TrackingHostChanged");

    let state = customer.look_at("Tracking").await;
    assert_eq!(state["errorCode"], "DomainDoesNotExist", "{state}");
    customer.publish().await;
    assert_eq!(customer.look_at("Tracking").await["status"], "Verified");
    assert_eq!(origin(&customer).await, OWN);
    steps_back_when_it_breaks(&customer).await;
}

async fn steps_back_when_it_breaks(customer: &Customer) {
    // What DNS does not say changes nothing.
    customer.doh.trouble(HOST, Trouble::ServerFailure);
    assert_eq!(looked_again(customer).await["status"], "Verified");
    customer.doh.recover();
    let zone = customer.zone().await;
    let others = zone.lines().filter(|line| !line.starts_with(NAME_OF_ALIAS));
    let others: String = others.map(|line| format!("{line}\n")).collect();
    let faults = [
        ("CNAME other.example.net.", "RecordMismatch"),
        ("A 192.0.2.1", "RecordNotFound"),
    ];
    for (data, code) in faults {
        customer.publish().await;
        assert_eq!(looked_again(customer).await["status"], "Verified");
        customer
            .doh
            .publish(SHOP, &format!("{others}{HOST} {data}\n"));
        let state = looked_again(customer).await;
        let found = (&state["status"], &state["errorCode"]);
        assert_eq!(
            found,
            (&json!("VerificationFailed"), &json!(code)),
            "{state}"
        );
        let event = newest(customer).await;
        let found = (&event["kind"], &event["record"]);
        assert_eq!(found, (&json!("VerificationFailed"), &json!("Tracking")));
        assert_eq!(origin(customer).await, OURS);
    }
    customer.send("goes on").await.expect(202);
    let taken = patch(customer, &json!({"trackingHost": null})).await;
    assert_eq!(taken["trackingHost"], Value::Null);
    assert_eq!(
        taken["verificationStates"]["Tracking"]["status"],
        "NotStarted"
    );
    assert!(!customer.zone().await.contains("CNAME"));
}

/// Has the record looked at and returns what that came to, also where it was verified before.
async fn looked_again(customer: &Customer) -> Value {
    let before = customer.state("Tracking").await["lastCheckedAt"].clone();
    let body = json!({"verificationType": "Tracking"});
    let asked = customer.call_with("POST", ":initiateVerification", &body);
    asked.await.expect(202);
    eventually("DNS was looked at again", async || {
        let state = customer.state("Tracking").await;
        let checked = &state["lastCheckedAt"];
        (checked != &before && checked != &Value::Null).then_some(state)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn tracking_that_can_lead_nowhere_is_warned_of() {
    let customer = customer("").await;
    let domain = patch(&customer, &json!({"userEngagementTracking": "Enabled"})).await;
    assert_eq!(domain["userEngagementTracking"], "Enabled");
    assert_eq!(domain["linkOrigin"], Value::Null);
    let diagnosis = customer.call("GET", ":diagnose").await.expect(200).json();
    let advice = diagnosis["advice"].as_array().unwrap();
    let told = |line: &&Value| line.as_str().unwrap().contains("tracking_url");
    assert_eq!(advice.iter().filter(told).count(), 1, "{diagnosis}");
    patch(&customer, &json!({"trackingHost": HOST})).await;
    let state = customer.look_at("Tracking").await;
    let found = (&state["status"], &state["errorCode"]);
    let expected = (&json!("VerificationInProgress"), &json!("NoTrackingUrl"));
    assert_eq!(found, expected, "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_managed_domain_is_tracked_through_the_installations_host_only() {
    let customer = customer(OURS).await;
    let call = async |body: &Value| {
        let request = as_operator("PATCH", "/domains/ManagedDomain").json(body);
        customer.system.client.call(request).await
    };
    let answer = call(&json!({"userEngagementTracking": "Enabled", "bulkByDefault": true})).await;
    let domain = answer.expect(200).json();
    assert_eq!(domain["userEngagementTracking"], "Enabled");
    assert_eq!(domain["linkOrigin"], OURS);
    let host = format!("links.{}", domain["name"].as_str().unwrap());
    let refused = call(&json!({"trackingHost": host})).await;
    check(&refused, (409, "DomainIsManaged", Some("domain")));
}
