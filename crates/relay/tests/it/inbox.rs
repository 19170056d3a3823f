//! The inbox page and its API.

use relay::{CaptureOptions, Mode};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use crate::harness::{MESSAGE, capture, start};

const HTML: &str = "From: Ann <a@b.example>\r\nTo: c@d.example\r\nSubject: html\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/related; boundary=r\r\n\r\n\
    --r\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script><img src=\"cid:p@x\"><img src=\"https://t.example/x\">\r\n\
    --r\r\nContent-Type: image/png\r\nContent-ID: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n\
    --r\r\nContent-Type: text/html; name=\"evil.html\"\r\nContent-Disposition: attachment; filename=\"evil.html\"\r\n\r\n<script>1</script>\r\n--r--\r\n";

#[tokio::test]
async fn the_page_and_its_files_come_under_a_strict_policy() {
    let (relay, _state) = capture().await;
    for (path, media_type) in [
        ("/", "text/html"),
        ("/assets/inbox.css", "text/css"),
        ("/assets/inbox.js", "text/javascript"),
    ] {
        let answer = relay.get(path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.field("content-type"),
            Some(format!("{media_type}; charset=utf-8").as_str())
        );
        let policy = answer.field("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.field("referrer-policy"), Some("no-referrer"));
    }
    // Anything inline would not work under that policy.
    let page = relay.get("/").await.text();
    for inline in [
        "<style",
        " style=",
        "<script>",
        " onclick=",
        "http://t",
        "https://",
    ] {
        assert!(!page.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn html_bodies_come_without_scripts_origin_or_network() {
    let (relay, _state) = capture().await;
    let id = relay.captured("k", HTML.as_bytes()).await;
    let answer = relay.get(&format!("/api/messages/{id}/html")).await;
    let policy = answer.field("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "img-src data:",
        "sandbox",
        "form-action 'none'",
        "frame-ancestors 'self'",
    ] {
        assert!(
            policy.split("; ").any(|directive| directive == part),
            "{part} in {policy}"
        );
    }
    assert!(
        !policy.contains("script-src") && !policy.contains("allow-"),
        "{policy}"
    );
    assert!(
        answer
            .text()
            .contains("<img src=\"data:image/png;base64,YWJj\">"),
        "{}",
        answer.text()
    );
    let shown = relay.get(&format!("/api/messages/{id}")).await.json();
    assert_eq!(shown["contents"]["html"]["wants_network"], true);
}

#[tokio::test]
async fn a_message_without_html_has_no_frame() {
    let (relay, _state) = capture().await;
    let id = relay.captured("k", MESSAGE.as_bytes()).await;
    assert_eq!(
        relay.get(&format!("/api/messages/{id}/html")).await.status,
        404
    );
    let shown = relay.get(&format!("/api/messages/{id}")).await.json();
    assert!(shown["contents"]["html"].is_null());
    assert_eq!(shown["contents"]["text"], "hello\r\n");
}

#[tokio::test]
async fn attachments_are_saved_and_never_shown() {
    let (relay, _state) = capture().await;
    let id = relay.captured("k", HTML.as_bytes()).await;
    let shown = relay.get(&format!("/api/messages/{id}")).await.json();
    let attachment = &shown["contents"]["attachments"][1];
    assert_eq!(
        (&attachment["name"], &attachment["media_type"]),
        (&"evil.html".into(), &"text/html".into())
    );
    let answer = relay
        .get(&format!("/api/messages/{id}/parts/{}", attachment["part"]))
        .await;
    assert_eq!(
        answer.field("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(
        answer.field("content-disposition"),
        Some("attachment; filename*=UTF-8''evil.html")
    );
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    assert!(
        answer
            .field("content-security-policy")
            .unwrap()
            .contains("sandbox")
    );
    for path in [
        "parts/0",
        "parts/99",
        "parts/-1",
        "parts/x",
        "parts/99999999999999999999",
    ] {
        assert_eq!(
            relay
                .get(&format!("/api/messages/{id}/{path}"))
                .await
                .status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_envelope_tells_who_is_in_no_header_field() {
    let (relay, _state) = capture().await;
    relay
        .hand_over(
            "key-1",
            &["C@d.example", "hidden@x.example"],
            MESSAGE.as_bytes(),
        )
        .await;
    let shown = relay.get("/api/messages/1").await.json();
    assert_eq!(shown["envelope"]["from"], "<a@b.example>");
    assert_eq!(shown["envelope"]["to"][0]["envelope_only"], false);
    assert_eq!(shown["envelope"]["to"][1]["envelope_only"], true);
    assert_eq!(shown["idempotency_key"], "key-1");
    assert_eq!(shown["headers"][2]["name"], "Subject");
}

#[tokio::test]
async fn lists_are_paged_and_searched() {
    let (relay, _state) = capture().await;
    for (key, subject) in [("1", "Apples"), ("2", "Pears"), ("3", "More apples")] {
        let message = format!("From: a@b.example\r\nSubject: {subject}\r\n\r\n");
        assert_eq!(
            relay
                .hand_over(key, &["c@d.example"], message.as_bytes())
                .await
                .status,
            200
        );
    }
    let subjects = async |path: &str| -> Vec<String> {
        let list = relay.get(path).await.json();
        list["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["subject"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        subjects("/api/messages").await,
        ["More apples", "Pears", "Apples"]
    );
    assert_eq!(
        subjects("/api/messages?query=APPLES").await,
        ["More apples", "Apples"]
    );
    assert_eq!(subjects("/api/messages?query=c@d").await.len(), 3);
    assert_eq!(
        subjects("/api/messages?limit=2").await,
        ["More apples", "Pears"]
    );
    let next = relay.get("/api/messages?limit=2").await.json()["next_before"].clone();
    assert_eq!(
        subjects(&format!("/api/messages?limit=2&before={next}")).await,
        ["Apples"]
    );
    for wrong in ["limit=0", "limit=201", "limit=x", "other=1", "before=x"] {
        assert_eq!(
            relay
                .get(&format!("/api/messages?{wrong}"))
                .await
                .problem()
                .0,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn only_so_many_messages_are_kept() {
    let state = tempfile::tempdir().unwrap();
    let options = || {
        Mode::Capture(CaptureOptions {
            keep: 3,
            ..CaptureOptions::default()
        })
    };
    let relay = start(state.path(), options()).await;
    for key in 0..5 {
        relay
            .hand_over(&format!("k{key}"), &["c@d.example"], MESSAGE.as_bytes())
            .await;
    }
    relay.relay.stop().await;
    let relay = start(state.path(), options()).await;
    let list = relay.get("/api/messages").await.json();
    let ids: Vec<_> = list["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [5, 4, 3]);
    assert_eq!(relay.get("/api/messages/1").await.status, 404);
}

#[tokio::test]
async fn messages_are_deleted_one_by_one_and_together() {
    let (relay, _state) = capture().await;
    for key in ["1", "2", "3"] {
        relay.captured(key, MESSAGE.as_bytes()).await;
    }
    assert_eq!(
        relay
            .request("DELETE", "/api/messages/2", &[], b"")
            .await
            .status,
        204
    );
    assert_eq!(
        relay
            .request("DELETE", "/api/messages/2", &[], b"")
            .await
            .status,
        404
    );
    assert_eq!(relay.get("/api/messages").await.json()["total"], 2);
    assert_eq!(
        relay
            .request("DELETE", "/api/messages", &[], b"")
            .await
            .status,
        204
    );
    assert_eq!(relay.get("/api/messages").await.json()["total"], 0);
    // A deleted message is not captured again by a late retry.
    relay
        .hand_over("1", &["c@d.example"], MESSAGE.as_bytes())
        .await;
    assert_eq!(relay.get("/api/messages").await.json()["total"], 0);
}

#[tokio::test]
async fn foreign_names_and_origins_are_kept_out() {
    let (relay, _state) = capture().await;
    relay.captured("k", MESSAGE.as_bytes()).await;
    for path in [
        "/",
        "/api/messages",
        "/api/messages/1/source",
        "/api/events",
    ] {
        let answer = relay
            .request("GET", path, &[("Host", "evil.example")], b"")
            .await;
        assert_eq!(answer.problem(), (403, "foreign_host".to_owned()), "{path}");
    }
    for origin in [
        ("Origin", "http://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let answer = relay
            .request("DELETE", "/api/messages", &[origin], b"")
            .await;
        assert_eq!(answer.problem(), (403, "foreign_origin".to_owned()));
    }
    assert_eq!(relay.get("/api/messages").await.json()["total"], 1);
    // Nothing lets another origin read an answer.
    let answer = relay
        .request(
            "GET",
            "/api/messages",
            &[("Origin", "http://evil.example")],
            b"",
        )
        .await;
    assert_eq!(answer.field("access-control-allow-origin"), None);
}

#[tokio::test]
async fn pages_hear_of_new_messages() {
    let (relay, _state) = capture().await;
    let mut stream = TcpStream::connect(relay.relay.address()).await.unwrap();
    let request = format!(
        "GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n",
        relay.relay.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut next = async || loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            return data.to_owned();
        }
    };
    assert_eq!(next().await, "{\"message\":null}");
    let id = relay.captured("k", MESSAGE.as_bytes()).await;
    assert_eq!(next().await, format!("{{\"message\":{id}}}"));
}

#[tokio::test]
async fn hostile_messages_are_kept_and_shown() {
    let (relay, _state) = capture().await;
    let parts = "--b\r\nContent-Type: image/png\r\nContent-ID: <p>\r\n\r\nx\r\n".repeat(10_000);
    let many_parts = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
    let header = format!(
        "{}\r\n",
        "X-A: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(20_000)
    );
    let nested: String = (0..2_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
        .collect();
    let strange = "Subject: =?utf-8?B?////?=\r\nFrom: <<<>>>,,,;:\r\nContent-Type: text/html; charset=\"\u{1}\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\n";
    for (key, message) in [many_parts.as_str(), &header, &nested, strange]
        .into_iter()
        .enumerate()
    {
        let id = relay.captured(&format!("k{key}"), message.as_bytes()).await;
        for path in ["", "/source", "/html"] {
            let answer = relay.get(&format!("/api/messages/{id}{path}")).await;
            assert!(
                [200, 404].contains(&answer.status),
                "{path} {}",
                answer.status
            );
            assert!(answer.body.len() < 8 << 20);
        }
        relay.dkim(id).await;
    }
}
