//! Requests about subscriptions that cannot be served: what exactly each is told. None is ever a 500, none a trap.

use serde_json::{Value, json};
use tests::{DohServer, Manner, Request, Setup, Subscriber, System};

use crate::customer::check;
use crate::subscriptions::{operate, system};

/// Tells of all rows that went otherwise at once.
async fn refused(system: &System, rows: &[(Value, u16, &str, &str)]) {
    let mut wrong = Vec::new();
    for (body, status, code, target) in rows {
        let answer = operate(system, "POST", "/subscriptions", body).await;
        if answer.status == 201 {
            wrong.push(format!("{body}: made"));
            continue;
        }
        let found = answer.problem();
        if (found.0, found.1.as_str(), found.2.as_deref()) != (*status, code, Some(*target)) {
            wrong.push(format!("{body:.120}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_only_we_reach_are_refused() {
    let doh = DohServer::start().await;
    doh.publish(
        "hooks.example",
        "private.hooks.example. A 10.0.0.1\n\
         loopback.hooks.example. AAAA ::1\n\
         both.hooks.example. A 8.8.8.8\n\
         both.hooks.example. A 169.254.169.254\n\
         mapped.hooks.example. AAAA ::ffff:8.8.8.8\n\
         alias.hooks.example. CNAME private.hooks.example.\n",
    );
    let system = Setup::default()
        .variable("doh_url", &doh.origin())
        .start()
        .await;
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.1.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::a00:1]",
        "localhost",
        "intranet",
        "printer.local",
        "metadata.google.internal",
        "dispatch.spin.internal",
        "private.hooks.example",
        "loopback.hooks.example",
        "both.hooks.example",
        "mapped.hooks.example",
        "alias.hooks.example",
        "absent.hooks.example",
        "user@hooks.example",
    ];
    let urls = hosts.iter().map(|host| format!("https://{host}/hook"));
    let others = [
        "http://8.8.8.8/",
        "ftp://hooks.example/",
        "hooks.example",
        "",
    ];
    let urls = urls.chain(others.map(str::to_owned));
    let row = |url: String| {
        (
            json!({"endpointUrl": url}),
            400,
            "InvalidEndpoint",
            "endpointUrl",
        )
    };
    refused(&system, &urls.map(row).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_components_are_no_endpoint_in_development_either() {
    let system = system().await;
    let rows = [
        "http://manage.spin.internal/domains",
        "http://DISPATCH.spin.internal./tick",
    ];
    let row = |url| {
        (
            json!({"endpointUrl": url}),
            400,
            "InvalidEndpoint",
            "endpointUrl",
        )
    };
    refused(&system, &rows.map(row)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_property_that_cannot_be_used_is_named() {
    let system = system().await;
    let with =
        |name: &str, value: Value| json!({"endpointUrl": "http://127.0.0.1:9/", name: value});
    let many: Vec<String> = (0..21).map(|n| format!("d{n}.example")).collect();
    let rows = [
        (json!({}), 400, "InvalidEndpoint", "endpointUrl"),
        (
            with("name", json!("")),
            400,
            "InvalidSubscriptionName",
            "name",
        ),
        (
            with("name", json!("a b")),
            400,
            "InvalidSubscriptionName",
            "name",
        ),
        (
            with("name", json!("a\r\nb")),
            400,
            "InvalidSubscriptionName",
            "name",
        ),
        (
            with("name", json!("a".repeat(65))),
            400,
            "InvalidSubscriptionName",
            "name",
        ),
        (
            with("eventDeliverySchema", json!("Custom")),
            400,
            "InvalidSchema",
            "eventDeliverySchema",
        ),
        (
            with("includedEventTypes", json!(["Other"])),
            400,
            "InvalidEventType",
            "includedEventTypes",
        ),
        (
            with("senderDomains", json!(["not a domain"])),
            400,
            "InvalidDomain",
            "senderDomains",
        ),
        (
            with("senderDomains", json!(many)),
            400,
            "FilterTooLong",
            "senderDomains",
        ),
        (
            with("senderAddresses", json!(["nobody"])),
            400,
            "InvalidEmailAddress",
            "senderAddresses",
        ),
        (
            with("batchSize", json!(0)),
            400,
            "InvalidBatchSize",
            "batchSize",
        ),
        (
            with("batchSize", json!(101)),
            400,
            "InvalidBatchSize",
            "batchSize",
        ),
        (
            with("secret", json!("whsec_c2hvcnQ=")),
            400,
            "InvalidSecret",
            "secret",
        ),
        (
            with("secret", json!("no secret")),
            400,
            "InvalidSecret",
            "secret",
        ),
    ];
    refused(&system, &rows).await;
    for body in [
        json!({"endpoint": "x"}),
        json!([]),
        json!({"batchSize": "1"}),
    ] {
        let answer = operate(&system, "POST", "/subscriptions", &body).await;
        check(&answer, (400, "BadRequest", None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found_and_nobody_else_may_ask() {
    let system = system().await;
    let id = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34";
    for id in [id, "x", "..", "%00"] {
        for (method, rest) in [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/deadLetters"),
            ("POST", ":pause"),
            ("POST", ":resume"),
            ("POST", ":rotateSecret"),
            ("POST", ":removeOldSecret"),
            ("POST", ":validate"),
            ("POST", ":test"),
        ] {
            let target = format!("/subscriptions/{id}{rest}");
            let answer = operate(&system, method, &target, &Value::Null).await;
            check(&answer, (404, "SubscriptionNotFound", None));
        }
    }
    for (method, target, allowed) in [
        ("PUT", "/subscriptions".to_owned(), "GET, POST"),
        ("POST", format!("/subscriptions/{id}"), "GET, PATCH, DELETE"),
        ("GET", format!("/subscriptions/{id}:pause"), "POST"),
        ("POST", format!("/subscriptions/{id}/deadLetters"), "GET"),
        ("POST", "/subscriptions/validate".to_owned(), "GET"),
    ] {
        let answer = operate(&system, method, &target, &Value::Null).await;
        assert_eq!(answer.field("allow"), Some(allowed), "{method} {target}");
    }
    for target in ["/subscriptions", &format!("/subscriptions/{id}")] {
        let answer = system.client.call(Request::new("GET", target)).await;
        check(&answer, (401, "Unauthorized", None));
    }
    // Only siblings reach these.
    for target in [
        format!("/jobs/notification:{id}"),
        format!("/validate/{id}"),
    ] {
        let answer = operate(&system, "POST", &target, &Value::Null).await;
        assert_eq!(answer.status, 404, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_sent_anew_is_named_in_one_way() {
    let system = system().await;
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let body = json!({"endpointUrl": subscriber.url()});
    let made = operate(&system, "POST", "/subscriptions", &body).await;
    let id = made.expect(201).text("/id").unwrap();
    let target = format!("/subscriptions/{id}:redeliver");
    let now = "2026-11-24T16:39:12Z";
    for (body, at) in [
        (json!({}), None),
        (json!({"all": false}), None),
        (json!({"all": true, "notification": id}), None),
        (json!({"from": now}), None),
        (json!({"from": now, "to": "yesterday"}), Some("to")),
        (
            json!({"from": "2026-02-30T00:00:00Z", "to": now}),
            Some("from"),
        ),
        (json!({"notification": "x"}), Some("notification")),
    ] {
        let answer = operate(&system, "POST", &target, &body).await;
        check(&answer, (400, "BadRequest", at));
    }
    for events in [0, 101] {
        let target = format!("/subscriptions/{id}:test");
        let answer = operate(&system, "POST", &target, &json!({"events": events})).await;
        check(&answer, (400, "BadRequest", Some("events")));
    }
    let target = format!("/subscriptions/{id}:rotateSecret");
    let body = json!({"oldSecretSeconds": 604_801});
    let answer = operate(&system, "POST", &target, &body).await;
    check(&answer, (400, "InvalidOverlap", Some("oldSecretSeconds")));
}
