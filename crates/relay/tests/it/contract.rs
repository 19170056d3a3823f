//! `POST /v1/messages` and its neighbours, rule by rule.

use relay::MAX_MESSAGE_OCTETS;
use serde_json::json;

use crate::harness::{MESSAGE, TOKEN, capture};

const AUTHORIZATION: (&str, &str) = ("Authorization", "Bearer token-for-tests");
const TYPE: (&str, &str) = ("Content-Type", "message/rfc822");
const KEY: (&str, &str) = ("Idempotency-Key", "k");
const FROM: (&str, &str) = ("Envelope-From", "<a@b.example>");
const TO: (&str, &str) = ("Envelope-To", "<c@d.example>");

async fn check(fields: &[(&str, &str)], body: &str, expected: (u16, &str)) {
    let (relay, _state) = capture().await;
    let answer = relay
        .request("POST", "/v1/messages", fields, body.as_bytes())
        .await;
    assert_eq!(
        answer.problem(),
        (expected.0, expected.1.to_owned()),
        "{fields:?}"
    );
    assert_eq!(answer.field("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_message_is_taken_with_one_result_for_each_recipient() {
    let (relay, _state) = capture().await;
    let answer = relay
        .hand_over("k", &["c@d.example", "é@f.example"], MESSAGE.as_bytes())
        .await;
    let reply = json!({ "code": 250, "enhanced": "2.0.0", "text": "kept in the sandbox inbox" });
    let expected = json!({ "results": [
        { "recipient": "c@d.example", "status": "accepted", "reply": reply },
        { "recipient": "é@f.example", "status": "accepted", "reply": reply },
    ] });
    assert_eq!((answer.status, answer.json()), (200, expected));
}

#[tokio::test]
async fn only_the_token_opens_the_door() {
    let unauthorized = (401, "unauthorized");
    for token in [
        "Bearer token-for-test",
        "Bearer ",
        "Basic token-for-tests",
        "token-for-tests",
        "Bearer token-for-tests ",
    ] {
        // White space around a field's value does not count.
        if token.trim_end() != token && token.starts_with("Bearer t") {
            continue;
        }
        check(
            &[("Authorization", token), TYPE, KEY, FROM, TO],
            MESSAGE,
            unauthorized,
        )
        .await;
    }
    check(&[TYPE, KEY, FROM, TO], MESSAGE, unauthorized).await;
}

#[tokio::test]
async fn requests_that_cannot_succeed_are_refused_by_name() {
    check(
        &[AUTHORIZATION, KEY, FROM, TO],
        MESSAGE,
        (415, "unsupported_media_type"),
    )
    .await;
    let json = ("Content-Type", "application/json");
    check(
        &[AUTHORIZATION, json, KEY, FROM, TO],
        MESSAGE,
        (415, "unsupported_media_type"),
    )
    .await;
    check(
        &[AUTHORIZATION, TYPE, FROM, TO],
        MESSAGE,
        (400, "malformed_request"),
    )
    .await;
    check(
        &[AUTHORIZATION, TYPE, KEY, TO],
        MESSAGE,
        (400, "malformed_envelope"),
    )
    .await;
    check(
        &[AUTHORIZATION, TYPE, KEY, FROM],
        MESSAGE,
        (400, "malformed_envelope"),
    )
    .await;
    check(
        &[
            AUTHORIZATION,
            TYPE,
            KEY,
            FROM,
            ("Envelope-To", "c@d.example"),
        ],
        MESSAGE,
        (400, "malformed_envelope"),
    )
    .await;
    check(
        &[
            AUTHORIZATION,
            TYPE,
            KEY,
            FROM,
            ("Envelope-To", "<@d.example>"),
        ],
        MESSAGE,
        (400, "malformed_envelope"),
    )
    .await;
    check(
        &[AUTHORIZATION, TYPE, KEY, FROM, TO],
        "",
        (400, "malformed_message"),
    )
    .await;
    check(
        &[AUTHORIZATION, TYPE, KEY, FROM, TO],
        "A: b\n\nbare\n",
        (400, "malformed_message"),
    )
    .await;
}

#[tokio::test]
async fn a_thousand_recipients_fit_and_one_more_does_not() {
    let (relay, _state) = capture().await;
    let local = "x".repeat(60);
    let domain = format!(
        "{}.{}.{}.example",
        "y".repeat(60),
        "z".repeat(60),
        "w".repeat(50)
    );
    let paths: Vec<String> = (0..1_001)
        .map(|n| format!("{n:04}{}@{domain}", &local[4..]))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let answer = relay
        .hand_over("k", &paths[..1_000], MESSAGE.as_bytes())
        .await;
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1_000);
    let answer = relay.hand_over("k2", &paths, MESSAGE.as_bytes()).await;
    assert_eq!(answer.problem(), (400, "malformed_envelope".to_owned()));
}

/// About as long as a path can be, RFC 5321 section 4.5.3.1.3, and different for each number.
fn long_path(kind: &str, number: usize) -> String {
    let [y, z, w] = [("y", 60), ("z", 60), ("w", 54)].map(|(letter, times)| letter.repeat(times));
    format!("<{kind}{number:04}{}@{y}.{z}.{w}.example>", "x".repeat(59))
}

#[tokio::test]
async fn a_thousand_recipients_may_have_a_return_path_each() {
    let (relay, _state) = capture().await;
    let paths: Vec<(String, String)> = (0..1_000)
        .map(|number| (long_path("b", number), long_path("c", number)))
        .collect();
    let mut fields = vec![AUTHORIZATION, TYPE, KEY];
    fields.extend(
        paths
            .iter()
            .map(|(from, _)| ("Envelope-From", from.as_str())),
    );
    fields.extend(paths.iter().map(|(_, to)| ("Envelope-To", to.as_str())));
    let answer = relay
        .request("POST", "/v1/messages", &fields, MESSAGE.as_bytes())
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_is_read() {
    let (relay, _state) = capture().await;
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: message/rfc822\r\nContent-Length: {}\r\n\r\n",
        MAX_MESSAGE_OCTETS + 1
    );
    assert_eq!(
        relay.raw(head.as_bytes()).await.problem(),
        (413, "message_too_large".to_owned())
    );
}

#[tokio::test]
async fn the_largest_message_is_taken_and_comes_back_as_it_was() {
    let (relay, _state) = capture().await;
    let mut message = MESSAGE.as_bytes().to_vec();
    let line = [b"x".repeat(98).as_slice(), b"\r\n"].concat();
    while message.len() + line.len() <= usize::try_from(MAX_MESSAGE_OCTETS).unwrap() {
        message.extend_from_slice(&line);
    }
    let id = relay.captured("k", &message).await;
    assert!(relay.get(&format!("/api/messages/{id}/source")).await.body == message);
}

#[tokio::test]
async fn a_body_without_a_length_is_taken_in_chunks_up_to_the_same_limit() {
    let (relay, _state) = capture().await;
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: message/rfc822\r\nIdempotency-Key: k\r\nEnvelope-From: <>\r\nEnvelope-To: <c@d.example>\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let small = format!("{head}{:x}\r\n{MESSAGE}\r\n0\r\n\r\n", MESSAGE.len());
    assert_eq!(relay.raw(small.as_bytes()).await.status, 200);
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(0x10_0000));
    let large = format!("{head}{}0\r\n\r\n", chunk.repeat(26));
    assert_eq!(
        relay.raw(large.as_bytes()).await.problem(),
        (413, "message_too_large".to_owned())
    );
}

#[tokio::test]
async fn places_and_methods_that_do_not_exist_are_answered_in_the_same_shape() {
    let (relay, _state) = capture().await;
    assert_eq!(
        relay.get("/nowhere").await.problem(),
        (404, "not_found".to_owned())
    );
    let answer = relay.get("/v1/messages").await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
    assert_eq!(answer.field("allow"), Some("POST"));
}

#[tokio::test]
async fn capabilities_want_the_token_and_health_does_not() {
    let (relay, _state) = capture().await;
    assert_eq!(
        relay.get("/healthz").await.json(),
        json!({ "status": "ok" })
    );
    assert_eq!(relay.get("/v1/capabilities").await.status, 401);
    let answer = relay
        .request("GET", "/v1/capabilities", &[AUTHORIZATION], b"")
        .await;
    let expected = json!({
        "mode": "capture", "smtputf8": true, "eight_bit_mime": true,
        "max_message_octets": MAX_MESSAGE_OCTETS, "max_recipients": 1_000,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn garbage_is_survived() {
    let (relay, _state) = capture().await;
    assert_eq!(relay.raw(b"\x16\x03\x01\x02\x00\r\n\r\n").await.status, 400);
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(5_000));
    assert_eq!(relay.raw(many.as_bytes()).await.status, 431);
    assert_eq!(relay.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_stopped_relay_closes_its_port_and_ends_open_event_streams() {
    let (relay, _state) = capture().await;
    let address = relay.relay.address();
    let request = format!("GET /api/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    let mut first = [0; 16];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first)
        .await
        .unwrap();
    relay.relay.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
