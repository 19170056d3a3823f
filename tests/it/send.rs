//! `POST /emails:send` and its polls: section 0 and 1 of the API's contract, and the message that comes out.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_parser::{Message, MessageParser, MimeHeaders as _};
use serde_json::{Value, json};
use tests::{Captured, Request, Setup, System};

const ID: &str = "0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1ff";
const VERSIONS: [&str; 5] = [
    "2023-01-15-preview",
    "2023-03-31",
    "2024-07-01-preview",
    "2025-01-15-preview",
    "2025-09-01",
];

/// Sends `message` and returns what the sandbox got of it.
async fn delivered(system: &System, message: &Value) -> Captured {
    let id = system.accepted(message).await;
    assert_eq!(
        system.outcome(&id).await,
        json!({"id": id, "status": "Succeeded", "error": null})
    );
    let subject = message["content"]["subject"].as_str().unwrap();
    system.inbox().arrival(subject).await
}

fn parsed(captured: &Captured) -> Message<'_> {
    MessageParser::default().parse(&captured.source).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_202_has_the_body_and_fields_that_every_sdk_needs() {
    let system = Setup::default().start().await;
    let answer = system.send_as(ID, &system.message("the 202")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        answer.json(),
        json!({"id": ID, "status": "Running", "error": null})
    );
    assert_eq!(
        answer.field("operation-location").unwrap(),
        format!(
            "http://{}/emails/operations/{ID}?api-version=2025-09-01",
            system.authority()
        )
    );
    assert_eq!(
        answer.field("content-type"),
        Some("application/json; charset=utf-8")
    );
    let retry_after: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!(retry_after >= 1, "0 makes Python wait for 30 seconds");
    assert!(
        answer.field("x-ms-client-request-id").is_none(),
        "nobody asked for it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operation_is_found_right_after_the_202_and_ends_without_retry_after() {
    let system = Setup::default().start().await;
    for n in 0..20 {
        let id = system
            .accepted(&system.message(&format!("at once {n}")))
            .await;
        let answer = system.operation(&id).await.expect(200);
        let operation = answer.json();
        assert_eq!(operation["id"], id.as_str());
        assert_eq!(operation["error"], Value::Null);
        let is_running = operation["status"] == "Running";
        assert_eq!(answer.field("retry-after").is_some(), is_running);
        assert_eq!(system.outcome(&id).await["status"], "Succeeded");
        let end = system.operation(&id).await.expect(200);
        assert!(end.field("retry-after").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_made_where_none_is_given() {
    let system = Setup::default().start().await;
    let first = system.accepted(&system.message("one")).await;
    let second = system.accepted(&system.message("one")).await;
    assert_ne!(first, second);
    assert_eq!(first.len(), 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_api_version_is_taken_and_echoed_but_for_the_first_preview() {
    let system = Setup::default().start().await;
    for version in VERSIONS {
        let target = format!("/emails:send?api-version={version}");
        let message = system.message(version);
        let answer = system
            .call(Request::new("POST", &target).json(&message))
            .await;
        let location = answer
            .expect(202)
            .field("operation-location")
            .unwrap()
            .to_owned();
        assert!(
            location.ends_with(&format!("?api-version={version}")),
            "{location}"
        );
        let poll = location.strip_prefix(&format!("http://{}", system.authority()));
        let poll = system.call(Request::new("GET", poll.unwrap())).await;
        assert_eq!(
            poll.status, 200,
            "what Operation-Location says can be polled"
        );
        system.inbox().arrival(version).await;
    }
    let first = Request::new("POST", "/emails:send?api-version=2021-10-01-preview");
    let refused = system.call(first.json(&system.message("first"))).await;
    assert_eq!(
        refused.problem(),
        (
            400,
            "UnsupportedApiVersion".into(),
            Some("api-version".into())
        )
    );
    let status = Request::new(
        "GET",
        &format!("/emails/{ID}/status?api-version=2021-10-01-preview"),
    );
    assert_eq!(
        system.call(status).await.problem().1,
        "UnsupportedApiVersion"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_request_id_comes_back_when_asked_for() {
    let system = Setup::default().start().await;
    let asked = |request: Request| {
        request
            .field("x-ms-client-request-id", ID)
            .field("x-ms-return-client-request-id", "true")
    };
    let answer = system
        .call(asked(system.submission(&system.message("echo"))))
        .await;
    assert_eq!(answer.expect(202).field("x-ms-client-request-id"), Some(ID));
    let refused = system.call(asked(system.submission(&json!({})))).await;
    assert_eq!(
        refused.expect(400).field("x-ms-client-request-id"),
        Some(ID)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_operation_location_is_what_the_caller_sees() {
    let system = Setup::default().start().await;
    let request = system
        .submission(&system.message("proxy"))
        .field("x-forwarded-proto", "https")
        .field("x-forwarded-host", "mail.example.com");
    // The caller signs the host it knows.
    let request = tests::Signer::new("mail.example.com").sign(request);
    let answer = system.client.call(request).await.expect(202);
    let location = answer.field("operation-location").unwrap();
    assert!(
        location.starts_with("https://mail.example.com/emails/operations/"),
        "{location}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bcc_is_in_the_envelope_and_nowhere_in_the_octets() {
    let system = Setup::default().start().await;
    let mut message = system.message("secret copy");
    message["recipients"] = json!({
        "to": [{"address": "a@example.com", "displayName": "Ada"}],
        "cc": [{"address": "c@example.com", "displayName": ""}],
        "bcc": [{"address": "hidden@example.net", "displayName": "Nobody"}],
    });
    let captured = delivered(&system, &message).await;
    assert_eq!(
        captured.envelope_to,
        ["a@example.com", "c@example.com", "hidden@example.net"]
    );
    let text = captured.text().to_lowercase();
    assert!(!text.contains("hidden@") && !text.contains("bcc:") && !text.contains("nobody"));
    let message = parsed(&captured);
    assert_eq!(message.to().unwrap().first().unwrap().name(), Some("Ada"));
    let cc = message.cc().unwrap().first().unwrap();
    assert_eq!((cc.name(), cc.address()), (None, Some("c@example.com")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_what_arrives() {
    let system = Setup::default().start().await;
    let subject = "Grüße 📬 from 東京";
    let message = json!({
        "senderAddress": system.sender(),
        "senderDisplayName": "Søren, \"the\" Sender",
        "content": {"subject": subject, "plainText": "Schöne Grüße\n", "html": "<p>Schöne <b>Grüße</b></p>"},
        "recipients": {"to": [{"address": "someone@example.com", "displayName": "José"}]},
        "replyTo": [{"address": "one@example.org", "displayName": "One"}, {"address": "two@example.org"}],
        "headers": {"X-Order": "4711", "List-Unsubscribe": "<https://example.com/u>"},
        "attachments": [
            {"name": "naïve.txt", "contentType": "text/plain", "contentInBase64": STANDARD.encode("attached")},
            {"name": "dot.png", "contentType": "image/png", "contentInBase64": STANDARD.encode("image"), "contentId": "dot"},
        ],
        "userEngagementTrackingDisabled": true,
    });
    let captured = delivered(&system, &message).await;
    let message = parsed(&captured);
    let from = message.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Søren, \"the\" Sender"));
    assert_eq!(from.address(), Some(system.sender().as_str()));
    assert_eq!(message.subject(), Some(subject));
    assert_eq!(message.body_text(0).unwrap().trim_end(), "Schöne Grüße");
    assert_eq!(
        message.body_html(0).unwrap().trim_end(),
        "<p>Schöne <b>Grüße</b></p>"
    );
    let reply_to: Vec<_> = message
        .reply_to()
        .unwrap()
        .iter()
        .filter_map(|a| a.address())
        .collect();
    assert_eq!(reply_to, ["one@example.org", "two@example.org"]);
    assert_eq!(message.header_raw("X-Order").unwrap().trim(), "4711");
    assert!(message.header_raw("List-Unsubscribe").is_some());
    let part = |name: &str| {
        message
            .parts
            .iter()
            .find(|part| part.attachment_name() == Some(name))
            .unwrap()
    };
    assert_eq!(part("naïve.txt").contents(), b"attached");
    assert_eq!(
        (part("dot.png").content_id(), part("dot.png").contents()),
        (Some("dot"), b"image".as_slice())
    );
    assert_eq!(captured.return_path_domain(), system.domain_name());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_some_sdks_leave_out_or_null_is_taken() {
    let system = Setup::default().start().await;
    let message = json!({
        "senderAddress": system.sender(),
        "senderDisplayName": null,
        "content": {"subject": "", "plainText": null, "html": "<p>hi</p>"},
        "recipients": {"to": null, "cc": [], "bcc": [{"address": "only@example.com", "displayName": ""}]},
        "replyTo": [], "attachments": null, "headers": {}, "userEngagementTrackingDisabled": null,
    });
    let captured = delivered(&system, &message).await;
    assert_eq!(captured.envelope_to, ["only@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_recipients_get_one_message() {
    let system = Setup::default().start().await;
    let addresses: Vec<String> = (0..50).map(|n| format!("r{n}@example.com")).collect();
    let mut message = system.message("fifty");
    message["recipients"]["to"] = addresses.iter().map(|a| json!({"address": a})).collect();
    let captured = delivered(&system, &message).await;
    assert_eq!(captured.envelope_to, addresses);
    assert_eq!(system.inbox().messages().await.len(), 1);
}

/// Chunking starts above 256 KiB, and 10 MB is the limit of a request.
#[tokio::test(flavor = "multi_thread")]
async fn large_attachments_arrive_octet_by_octet() {
    let system = Setup::default()
        .variable("attempt_timeout", "60")
        .start()
        .await;
    for octets in [210_000, 270_000, 7_000_000] {
        let data: Vec<u8> = (0_u32..octets)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        let subject = format!("{octets} octets");
        let mut message = system.message(&subject);
        message["attachments"] = json!([
            {"name": "data.pdf", "contentType": "application/pdf", "contentInBase64": STANDARD.encode(&data)},
        ]);
        let captured = delivered(&system, &message).await;
        let message = parsed(&captured);
        assert!(
            message.attachment(0).unwrap().contents() == data,
            "{subject}"
        );
    }
}
