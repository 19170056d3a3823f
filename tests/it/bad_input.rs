//! Requests to send that cannot be accepted: what exactly each is told. None is ever a 500, none a trap, none sends mail.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tests::{Answer, Request, Setup, System};

/// What becomes of a message when the value at a JSON pointer is replaced; null removes it.
type Row = (&'static str, Value, u16, &'static str, &'static str);

const BAD: &str = "BadRequest";
const ADDRESS: &str = "InvalidEmailAddress";

fn file(name: &str, content_type: &str, content: &str) -> Value {
    json!({"name": name, "contentType": content_type, "contentInBase64": content})
}

fn inline(content_id: &str) -> Value {
    json!({"name": "a.png", "contentType": "image/png", "contentInBase64": "AAAA", "contentId": content_id})
}

fn people(count: usize) -> Value {
    (0..count)
        .map(|n| json!({"address": format!("r{n}@example.com")}))
        .collect()
}

fn rows() -> Vec<Row> {
    let to = |address: &str| json!([{"address": address}]);
    let named = |name: &str| json!([{"address": "a@example.com", "displayName": name}]);
    vec![
        // Missing.
        ("/senderAddress", Value::Null, 400, BAD, "senderAddress"),
        ("/senderAddress", json!(""), 400, BAD, "senderAddress"),
        ("/content", Value::Null, 400, BAD, "content.subject"),
        ("/content/subject", Value::Null, 400, BAD, "content.subject"),
        ("/content/plainText", Value::Null, 400, BAD, "content"),
        ("/content/plainText", json!(""), 400, BAD, "content"),
        ("/recipients", Value::Null, 400, BAD, "recipients"),
        ("/recipients", json!({}), 400, BAD, "recipients"),
        ("/recipients/to", json!([]), 400, BAD, "recipients"),
        ("/recipients/to", json!([{}]), 400, BAD, "recipients.to[0]"),
        (
            "/attachments",
            json!([{"name": "a.txt"}]),
            400,
            BAD,
            "attachments[0]",
        ),
        // Too many.
        ("/recipients/to", people(51), 400, BAD, "recipients"),
        ("/replyTo", people(51), 400, BAD, "replyTo"),
        // Wrong types.
        ("/senderAddress", json!(1), 400, BAD, "senderAddress"),
        ("/content", json!([]), 400, BAD, "content"),
        (
            "/content",
            json!(["Hello", "Hi", null]),
            400,
            BAD,
            "content",
        ),
        ("/recipients", json!([]), 400, BAD, "recipients"),
        (
            "/recipients/to",
            json!([["a@example.com", null]]),
            400,
            BAD,
            "recipients.to[0]",
        ),
        (
            "/content/subject",
            json!({"a": 1}),
            400,
            BAD,
            "content.subject",
        ),
        (
            "/recipients/to",
            json!("a@example.com"),
            400,
            BAD,
            "recipients.to",
        ),
        (
            "/recipients/to",
            json!(["a@example.com"]),
            400,
            BAD,
            "recipients.to[0]",
        ),
        (
            "/recipients/to",
            json!([{"address": null}]),
            400,
            BAD,
            "recipients.to[0].address",
        ),
        ("/headers", json!([["a", "b"]]), 400, BAD, "headers"),
        (
            "/headers",
            json!({"X-Number": 1}),
            400,
            BAD,
            "headers.X-Number",
        ),
        (
            "/userEngagementTrackingDisabled",
            json!("yes"),
            400,
            BAD,
            "userEngagementTrackingDisabled",
        ),
        // Unknown properties.
        ("/sender", json!("x"), 400, BAD, "sender"),
        ("/content/body", json!("x"), 400, BAD, "content.body"),
        ("/recipients/bCC", json!([]), 400, BAD, "recipients.bCC"),
        (
            "/recipients/to",
            json!([{"address": "a@example.com", "email": "x"}]),
            400,
            BAD,
            "recipients.to[0].email",
        ),
        // Addresses.
        (
            "/recipients/to",
            to("nobody"),
            400,
            ADDRESS,
            "recipients.to[0].address",
        ),
        (
            "/recipients/to",
            to("a@b@c.example"),
            400,
            ADDRESS,
            "recipients.to[0].address",
        ),
        (
            "/recipients/to",
            to("a@-b.example"),
            400,
            ADDRESS,
            "recipients.to[0].address",
        ),
        (
            "/recipients/to",
            to("Ada <a@example.com>"),
            400,
            ADDRESS,
            "recipients.to[0].address",
        ),
        (
            "/recipients/to",
            to("a@example.com\r\nBcc: b@example.com"),
            400,
            ADDRESS,
            "recipients.to[0].address",
        ),
        (
            "/recipients/to",
            to("a@example.com,b@example.com"),
            400,
            ADDRESS,
            "recipients.to[0].address",
        ),
        (
            "/recipients/to",
            to("grüße@example.com"),
            400,
            ADDRESS,
            "recipients.to[0].address",
        ),
        (
            "/recipients/cc",
            to(""),
            400,
            BAD,
            "recipients.cc[0].address",
        ),
        (
            "/recipients/bcc",
            json!([{"address": "a@example.com"}, {"address": "@"}]),
            400,
            ADDRESS,
            "recipients.bcc[1].address",
        ),
        ("/replyTo", to("x@"), 400, ADDRESS, "replyTo[0].address"),
        (
            "/senderAddress",
            json!("not an address"),
            400,
            ADDRESS,
            "senderAddress",
        ),
        // Line breaks and NUL where a header field would come of it.
        (
            "/content/subject",
            json!("a\r\nBcc: b@example.com"),
            400,
            BAD,
            "content.subject",
        ),
        (
            "/content/subject",
            json!("a\nb"),
            400,
            BAD,
            "content.subject",
        ),
        (
            "/content/subject",
            json!("a\0b"),
            400,
            BAD,
            "content.subject",
        ),
        (
            "/senderDisplayName",
            json!("a\r\nb"),
            400,
            BAD,
            "senderDisplayName",
        ),
        (
            "/recipients/to",
            named("a\rb"),
            400,
            BAD,
            "recipients.to[0].displayName",
        ),
        (
            "/replyTo",
            named("a\nb"),
            400,
            BAD,
            "replyTo[0].displayName",
        ),
        (
            "/headers",
            json!({"X-A": "a\r\nBcc: b@example.com"}),
            400,
            BAD,
            "headers.X-A",
        ),
        (
            "/headers",
            json!({"X-A\r\nBcc": "b"}),
            400,
            BAD,
            "headers.X-A\u{fffd}\u{fffd}Bcc",
        ),
        (
            "/attachments",
            json!([file("a\r\nb.txt", "text/plain", "AAAA")]),
            400,
            BAD,
            "attachments[0].name",
        ),
        (
            "/attachments",
            json!([file("a.txt", "text/plain\r\nX: y", "AAAA")]),
            400,
            BAD,
            "attachments[0].contentType",
        ),
        (
            "/attachments",
            json!([inline("a\r\nb")]),
            400,
            BAD,
            "attachments[0].contentId",
        ),
        // Header fields.
        ("/headers", json!({"": "x"}), 400, BAD, "headers."),
        ("/headers", json!({"X Y": "x"}), 400, BAD, "headers.X Y"),
        (
            "/headers",
            json!({"From": "x@example.com"}),
            400,
            BAD,
            "headers.From",
        ),
        (
            "/headers",
            json!({"bCC": "x@example.com"}),
            400,
            BAD,
            "headers.bCC",
        ),
        (
            "/headers",
            json!({"DKIM-Signature": "v=1"}),
            400,
            BAD,
            "headers.DKIM-Signature",
        ),
        (
            "/headers",
            json!({"Content-Type": "text/html"}),
            400,
            BAD,
            "headers.Content-Type",
        ),
        (
            "/headers",
            json!({"Date": "today"}),
            400,
            BAD,
            "headers.Date",
        ),
        (
            "/headers",
            json!({"X-A": "1", "x-a": "2"}),
            400,
            BAD,
            "headers.x-a",
        ),
        (
            "/headers",
            json!({"x-ms-acsemail-other": "true"}),
            400,
            BAD,
            "headers.x-ms-acsemail-other",
        ),
        (
            "/headers",
            json!({"x-ms-acsemail-validate-message-id": "true", "Message-ID": "x"}),
            400,
            BAD,
            "headers.Message-ID",
        ),
        // Attachments.
        (
            "/attachments",
            json!([file("a.txt", "text/plain", "no base64")]),
            400,
            BAD,
            "attachments[0].contentInBase64",
        ),
        (
            "/attachments",
            json!([file("a.txt", "text/plain", "AAA")]),
            400,
            BAD,
            "attachments[0].contentInBase64",
        ),
        (
            "/attachments",
            json!([file("a.exe", "application/octet-stream", "AAAA")]),
            400,
            BAD,
            "attachments[0]",
        ),
        (
            "/attachments",
            json!([
                file("a.txt", "text/plain", "AAAA"),
                file("a.html", "text/html", "AAAA")
            ]),
            400,
            BAD,
            "attachments[1]",
        ),
        (
            "/attachments",
            json!([file("", "text/plain", "AAAA")]),
            400,
            BAD,
            "attachments[0].name",
        ),
        (
            "/attachments",
            json!([file("a.txt", "text", "AAAA")]),
            400,
            BAD,
            "attachments[0].contentType",
        ),
        (
            "/attachments",
            json!([inline("a"), inline("a")]),
            400,
            BAD,
            "attachments[1].contentId",
        ),
        // Senders.
        (
            "/senderAddress",
            json!("DoNotReply@unknown.example"),
            404,
            "DomainNotLinked",
            "senderAddress",
        ),
    ]
}

fn with(system: &System, pointer: &str, value: &Value) -> Value {
    let mut message = system.message("bad input");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = message
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value.clone());
    }
    message
}

/// Mail that is sent afterwards is all that arrives.
async fn sent_nothing(system: &System) {
    system.accepted(&system.message("good")).await;
    system.inbox().arrival("good").await;
    assert_eq!(system.inbox().subjects().await, ["good"]);
}

#[track_caller]
fn check(what: &str, answer: &Answer, status: u16, code: &str, target: Option<&str>) {
    let found = answer.problem();
    let found = (found.0, found.1.as_str(), found.2.as_deref());
    assert_eq!(
        found,
        (status, code, target),
        "{what}: {:?}",
        answer.text("/error/message")
    );
    assert!(
        answer.field("retry-after").is_none(),
        "SDKs would send it again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_rule_names_the_property_that_breaks_it() {
    let system = Setup::default().start().await;
    let mut wrong = Vec::new();
    for (pointer, value, status, code, target) in rows() {
        let answer = system.send(&with(&system, pointer, &value)).await;
        let found = answer.problem();
        if (found.0, found.1.as_str(), found.2.as_deref()) != (status, code, Some(target)) {
            wrong.push(format!(
                "{pointer} = {value:.60}: {found:?}, {:?}",
                answer.text("/error/message")
            ));
        }
        assert!(
            answer.field("retry-after").is_none(),
            "SDKs would send it again"
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    sent_nothing(&system).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_the_domain_does_not_have_is_refused() {
    let system = Setup::default().start().await;
    let sender = json!(format!("sales@{}", system.domain_name()));
    let answer = system.send(&with(&system, "/senderAddress", &sender)).await;
    check(
        "sales",
        &answer,
        400,
        "InvalidSenderUserName",
        Some("senderAddress"),
    );
    sent_nothing(&system).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_refused() {
    let system = Setup::default().start().await;
    let deep = "[".repeat(100_000);
    let good = system.message("x").to_string();
    let (trailing, twice) = (format!("{good} x"), format!("{good}{good}"));
    let bodies: [&[u8]; 11] = [
        b"",
        b" ",
        b"{",
        b"{\"a\"",
        b"nonsense",
        b"{\"senderAddress\": \"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{\"senderAddress\": \"\\ud800\"}",
        deep.as_bytes(),
        trailing.as_bytes(),
        twice.as_bytes(),
    ];
    for body in bodies {
        let request = system.submission(&Value::Null).body(body.to_vec());
        let answer = system.call(request).await;
        let what = String::from_utf8_lossy(body.get(..body.len().min(40)).unwrap()).into_owned();
        let (status, code, _) = answer.problem();
        assert_eq!((status, code.as_str()), (400, BAD), "{what}");
    }
    for value in [json!([]), json!("text"), json!(1), json!(null), json!({})] {
        let answer = system.send(&value).await;
        assert_eq!(answer.problem().0, 400, "{value}");
    }
    sent_nothing(&system).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_given_twice_is_refused() {
    let system = Setup::default().start().await;
    let good = system.message("x").to_string();
    let twice = good.replacen('{', r#"{"senderAddress":"a@b.example","#, 1);
    let answer = system
        .call(system.submission(&Value::Null).body(twice))
        .await;
    assert_eq!(answer.problem().0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_version_must_be_given_and_known() {
    let system = Setup::default().start().await;
    let rows = [
        ("/emails:send", "MissingApiVersionParameter"),
        ("/emails:send?", "MissingApiVersionParameter"),
        (
            "/emails:send?version=2023-03-31",
            "MissingApiVersionParameter",
        ),
        ("/emails:send?api-version=", "UnsupportedApiVersion"),
        (
            "/emails:send?api-version=2020-01-01",
            "UnsupportedApiVersion",
        ),
        (
            "/emails:send?api-version=2023-03-31%20",
            "UnsupportedApiVersion",
        ),
        (
            "/emails:send?api-version=2021-10-01-preview",
            "UnsupportedApiVersion",
        ),
    ];
    for (target, code) in rows {
        let request = Request::new("POST", target).json(&system.message("x"));
        let answer = system.call(request).await;
        let found = answer.problem();
        let found = (found.0, found.1.as_str(), found.2.as_deref());
        assert_eq!(found, (400, code, Some("api-version")), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_id_must_be_a_uuid() {
    let system = Setup::default().start().await;
    let ids = [
        "",
        "x",
        "1234",
        "0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1f",
        "0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1fg",
        "../../domain-index",
    ];
    for id in ids {
        let answer = system.send_as(id, &system.message("x")).await;
        check(id, &answer, 400, BAD, Some("Operation-Id"));
    }
    sent_nothing(&system).await;
}

/// The orders to this service that make bad attachments and content ids acceptable.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_bad_may_be_dropped_when_the_caller_says_so() {
    let system = Setup::default().start().await;
    let mut message = system.message("dropped");
    message["headers"] = json!({"x-ms-acsemail-suppress-invalid-attachment": "true"});
    message["attachments"] = json!([
        file("a.exe", "application/octet-stream", "AAAA"),
        file("good.txt", "text/plain", &STANDARD.encode("kept")),
    ]);
    system.accepted(&message).await;
    let text = system.inbox().arrival("dropped").await.text();
    assert!(text.contains("good.txt") && !text.contains("a.exe"));
    assert!(
        !text.to_lowercase().contains("acsemail"),
        "an order to us, not to the recipient"
    );
    let mut message = system.message("doubled");
    message["headers"] = json!({"x-ms-acsemail-ignore-duplicate-content-id": "true"});
    message["attachments"] = json!([inline("a"), inline("a")]);
    system.accepted(&message).await;
}
