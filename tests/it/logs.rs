//! The log that operators analyse: ACS's columns, and nothing that it must not hold.

use serde_json::{Value, json};
use tests::{Setup, System, eventually};

use crate::events::{event, handed_over, reaches, tell};

const SUBJECT: &str = "a subject that is nobody's business";
const BODY: &str = "a body that is nobody's business";
const REPLY: &str = "550 5.1.1 <someone@example.com>: no such user";

/// Every line of the log that is one of the operation log's, about `message`.
pub(crate) fn lines(system: &System, message: &str) -> Vec<Value> {
    let log = system.log();
    let json = log.iter().filter_map(|line| line.split_once(": {"));
    let parsed = json.filter_map(|(_, rest)| serde_json::from_str(&format!("{{{rest}")).ok());
    let mut lines: Vec<Value> = parsed.collect();
    lines.retain(|line| line["CorrelationId"] == message);
    lines
}

/// Sends one message that bounces, and waits for `count` lines about it.
async fn bounced(system: &System, count: usize) -> (String, Vec<Value>) {
    let mut message = system.message(SUBJECT);
    message["content"]["plainText"] = json!(BODY);
    message["recipients"]["bcc"] = json!([{"address": "delivered@simulator.test"}]);
    let id = handed_over(system, &message).await;
    tell(system, json!([event("failed", &id, REPLY)]))
        .await
        .expect(202);
    reaches(system, &id, "Bounced").await;
    let lines = eventually("every line is written", async || {
        let lines = lines(system, &id);
        (lines.len() >= count).then_some(lines)
    });
    let lines = lines.await;
    assert_eq!(lines.len(), count, "{lines:#?}");
    (id, lines)
}

#[track_caller]
fn find<'a>(lines: &'a [Value], recipient: &str, status: &str) -> &'a Value {
    let wanted =
        |line: &&Value| line["RecipientId"] == recipient && line["DeliveryStatus"] == status;
    let found = lines.iter().find(wanted);
    assert!(
        found.is_some(),
        "no {status} of {recipient:?} in {lines:#?}"
    );
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_is_a_line_with_the_columns_of_acs_and_recipients_masked() {
    let system = Setup::default().start().await;
    let (id, lines) = bounced(&system, 5).await;
    let mail = lines
        .iter()
        .find(|line| line["OperationName"] == "SendMail");
    let mail = mail.expect("a line about the mail");
    for (column, expected) in [
        ("Category", json!("EmailSendMailOperational")),
        ("CorrelationId", json!(id)),
        ("OperationVersion", json!("1.0")),
        ("Location", json!("global")),
        ("ToRecipientsCount", json!(1)),
        ("CcRecipientsCount", json!(0)),
        ("BccRecipientsCount", json!(1)),
        ("UniqueRecipientsCount", json!(2)),
        ("AttachmentsCount", json!(0)),
        ("TrafficSource", json!("HTTP")),
    ] {
        assert_eq!(mail[column], expected, "{column}");
    }
    let octets = f64::from(u32::try_from(SUBJECT.len() + BODY.len()).unwrap());
    assert_eq!(mail["Size"], json!(octets / 1e6));
    assert!(mail["TimeGenerated"].as_str().unwrap().ends_with('Z'));
    find(&lines, "", "Queued");
    find(&lines, "", "OutForDelivery");
    find(&lines, "d***@simulator.test", "Delivered");
    let bounce = find(&lines, "s***@example.com", "Bounced");
    for (column, expected) in [
        ("OperationName", "DeliveryStatusUpdate"),
        ("Category", "EmailStatusUpdateOperational"),
        ("SmtpStatusCode", "550"),
        ("EnhancedSmtpStatusCode", "5.1.1"),
        ("SenderDomain", system.domain_name()),
        ("SenderUsername", "DoNotReply"),
        ("IsHardBounce", "true"),
        ("FailureReason", "address/recipient"),
        ("FailureMessage", "<[address]>: no such user"),
    ] {
        assert_eq!(bounce[column], expected, "{column}");
    }
    let log = system.log().join("\n");
    for secret in ["someone@example.com", SUBJECT, BODY, tests::ADMIN_TOKEN] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_are_shown_in_clear_or_hashed_where_the_operator_says_so() {
    let clear = Setup::default().variable("log_recipients", "clear");
    let clear = clear.start().await;
    let (_, lines) = bounced(&clear, 5).await;
    let line = find(&lines, "someone@example.com", "Bounced");
    assert_eq!(
        line["FailureMessage"],
        "<someone@example.com>: no such user"
    );

    let hashed = Setup::default()
        .variable("log_recipients", "hashed")
        .variable("log_hash_key", "AAECAwQFBgcICQoLDA0ODw==");
    let hashed = hashed.start().await;
    let (_, lines) = bounced(&hashed, 5).await;
    // printf %s someone@example.com | openssl mac -digest SHA256 -macopt hexkey:000102…0f HMAC
    let hash = "3bce35b652130049d64626cf2d76490fdacd0c722c8fc5845f776ea761b56a41";
    find(&lines, hash, "Bounced");
    assert!(!hashed.log().join("\n").contains("someone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_goes_to_nobody_is_dropped() {
    let system = Setup::default().start().await;
    let mut message = system.message("to nobody");
    message["recipients"]["to"] = json!([{"address": "suppressed@simulator.test"}]);
    let id = handed_over(&system, &message).await;
    let lines = eventually("every line is written", async || {
        let lines = lines(&system, &id);
        (lines.len() >= 4).then_some(lines)
    });
    let lines = lines.await;
    find(&lines, "", "Dropped");
    find(&lines, "s***@simulator.test", "Suppressed");
}
