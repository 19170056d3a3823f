//! What HTTP itself can get wrong: methods, paths, lengths, bodies that end early or never.

use serde_json::json;
use tests::{API_VERSION, Answer, Request, Setup, System};

const MIB: usize = 1024 * 1024;
const PIECE: &[u8] = &[b' '; 64 * 1024];

fn send_request(system: &System) -> Request {
    Request::new("POST", &format!("/emails:send?api-version={API_VERSION}"))
        .field("host", &system.authority())
        .field("content-type", "application/json")
        .field("connection", "close")
}

#[track_caller]
fn check(what: &str, answer: &Answer, status: u16, code: &str) {
    let found = answer.problem();
    assert_eq!((found.0, found.1.as_str()), (status, code), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_refused_with_those_that_work() {
    let system = Setup::default().start().await;
    let rows = [
        ("GET", "/emails:send", "POST"),
        ("PUT", "/emails:send", "POST"),
        ("DELETE", "/emails/operations/x", "GET"),
        ("POST", "/emails/operations/x", "GET"),
        ("GET", "/tick", "POST"),
    ];
    for (method, path, allowed) in rows {
        let target = format!("{path}?api-version={API_VERSION}");
        let answer = system.call(Request::new(method, &target)).await;
        check(&target, &answer, 405, "MethodNotAllowed");
        assert_eq!(answer.field("allow"), Some(allowed), "{method} {target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_errors_of_the_same_shape() {
    let system = Setup::default().start().await;
    let paths = [
        "/",
        "/emails",
        "/emails/",
        "/emails:send/",
        "/Emails:send",
        "/emails/operations",
        "/x/y",
        "/dispatch/x",
        "//emails:send",
    ];
    for path in paths {
        for method in ["GET", "POST"] {
            let answer = system.call(Request::new(method, path)).await;
            check(path, &answer, 404, "NotFound");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_nobody_started_is_not_found() {
    let system = Setup::default().start().await;
    let ids = [
        "0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1ff",
        "x",
        "%00",
        "..%2f..%2fdomain-index",
    ];
    for id in ids {
        check(id, &system.operation(id).await, 404, "NotFound");
    }
}

/// The client promises ten megabytes more than it may, and is told before it has sent them.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_large_is_not_read() {
    let system = Setup::default().start().await;
    // Signed over whatever body: the length is judged first.
    let request = system.signer().sign(send_request(&system));
    let head = request
        .field("content-length", &(11 * MIB).to_string())
        .head();
    let (answer, sent) = system
        .client
        .flood(&format!("{head}\r\n"), PIECE, 11 * MIB)
        .await;
    check("11 MiB", &answer, 413, "RequestEntityTooLarge");
    assert!(sent < 10 * MIB, "{sent} octets were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_is_read_to_the_limit_and_no_further() {
    let system = Setup::default().start().await;
    let request = system.signer().sign(send_request(&system));
    let head = request.field("transfer-encoding", "chunked").head();
    let mut piece = format!("{:x}\r\n", PIECE.len()).into_bytes();
    piece.extend_from_slice(PIECE);
    piece.extend_from_slice(b"\r\n");
    let (answer, sent) = system
        .client
        .flood(&format!("{head}\r\n"), &piece, 40 * MIB)
        .await;
    check("chunked", &answer, 413, "RequestEntityTooLarge");
    assert!(sent < 30 * MIB, "{sent} octets were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_exactly_the_limit_is_read() {
    let system = Setup::default().start().await;
    let limit = 10 * MIB;
    let mut body = system.message("to the brim").to_string();
    body.extend(std::iter::repeat_n(' ', limit - body.len()));
    let request = |body: &str| send_request(&system).body(body.to_owned());
    system.call(request(&body)).await.expect(202);
    body.push(' ');
    let signed = system.signer().sign(request(&body));
    let head = signed.field("content-length", &body.len().to_string());
    let octets = format!("{}\r\n{body}", head.head());
    // Octet by octet: a client that gives up when it can write no more might miss the answer that came before.
    let answer = system.client.raw(octets.as_bytes()).await;
    let answer = answer.expect("an answer");
    check("one more", &answer, 413, "RequestEntityTooLarge");
}

/// The signature is right for the whole body, so only the missing half can be what is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_off_half_way_is_not_accepted() {
    let system = Setup::default().start().await;
    let body = system.message("cut off").to_string();
    let request = system
        .signer()
        .sign(send_request(&system).body(body.clone()));
    let head = request
        .field("content-length", &body.len().to_string())
        .head();
    let half = body.get(..body.len() / 2).unwrap();
    if let Some(answer) = system
        .client
        .raw(format!("{head}\r\n{half}").as_bytes())
        .await
    {
        check("half a body", &answer, 400, "BadRequest");
    }
    let chunked = system
        .signer()
        .sign(send_request(&system).body(body.clone()));
    let head = chunked.field("transfer-encoding", "chunked").head();
    let octets = format!("{head}\r\n{:x}\r\n{half}", body.len());
    if let Some(answer) = system.client.raw(octets.as_bytes()).await {
        check("half a chunk", &answer, 400, "BadRequest");
    }
    system.accepted(&system.message("whole")).await;
    system.inbox().arrival("whole").await;
    assert_eq!(system.inbox().subjects().await, ["whole"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_gets_no_further_than_the_host() {
    let system = Setup::default().start().await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(200_000));
    let rows = [
        "\r\n\r\n",
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "POST /emails:send HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /emails:send HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: dispatch.spin.internal\r\n\r\n",
        &long,
    ];
    for octets in rows {
        if let Some(answer) = system.client.raw(octets.as_bytes()).await {
            assert!(
                (400..500).contains(&answer.status),
                "{octets:.60}: {answer:?}"
            );
        }
    }
    system.accepted(&json!(system.message("still there"))).await;
}
