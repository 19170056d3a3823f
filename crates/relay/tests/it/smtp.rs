//! SMTP mode over HTTP: replies, keys and what happens when the MTA fails.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use relay::{Mode, SmtpOptions};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::harness::{MESSAGE, TOKEN, smtp, start};

/// An MTA that takes everything for `good@`, answers `busy@` with 450, and drops the connection after the final dot
/// as often as it is told to.
#[derive(Clone, Debug, Default)]
struct Server {
    taken: Arc<AtomicUsize>,
    drops: Arc<AtomicUsize>,
    /// When set, the reply to the final dot waits for it.
    hold: Option<Arc<Notify>>,
    /// Told when a final dot came.
    came: Arc<Notify>,
}

impl Server {
    async fn serve(&self) -> SmtpOptions {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = self.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                tokio::spawn(async move { server.session(stream).await });
            }
        });
        SmtpOptions::to("127.0.0.1", port)
    }

    async fn session(&self, stream: TcpStream) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mx\r\n").await.ok()?;
        let mut in_message = false;
        while let Some(line) = lines.next_line().await.ok()? {
            let reply = match line.as_str() {
                "." if in_message => {
                    in_message = false;
                    self.final_dot().await?
                }
                _ if in_message => continue,
                "DATA" => {
                    in_message = true;
                    "354 go"
                }
                line if line.starts_with("EHLO") => "250-mx\r\n250-SIZE 5000\r\n250 8BITMIME",
                line if line.starts_with("RCPT TO:<busy@") => "450 4.2.1 busy",
                _ => "250 2.0.0 Ok",
            };
            write
                .write_all(format!("{reply}\r\n").as_bytes())
                .await
                .ok()?;
        }
        Some(())
    }

    async fn final_dot(&self) -> Option<&'static str> {
        self.came.notify_one();
        if let Some(hold) = &self.hold {
            hold.notified().await;
        }
        let less = |drops: usize| drops.checked_sub(1);
        if self
            .drops
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
        {
            return None;
        }
        self.taken.fetch_add(1, Ordering::SeqCst);
        Some("250 2.0.0 queued")
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn replies_of_the_mta_are_passed_on() {
    let server = Server::default();
    let (relay, _state) = smtp(server.serve().await).await;
    let answer = relay
        .hand_over(
            "k",
            &["good@d.example", "busy@d.example"],
            MESSAGE.as_bytes(),
        )
        .await;
    let results = answer.json()["results"].clone();
    assert_eq!(
        (&results[0]["status"], &results[0]["reply"]["text"]),
        (&"accepted".into(), &"queued".into())
    );
    assert_eq!(
        (&results[1]["status"], &results[1]["reply"]["enhanced"]),
        (&"deferred".into(), &"4.2.1".into())
    );
}

#[tokio::test]
async fn a_key_sends_once_across_restarts() {
    let server = Server::default();
    let options = server.serve().await;
    let (relay, state) = smtp(options.clone()).await;
    let first = relay
        .hand_over("k", &["good@d.example"], MESSAGE.as_bytes())
        .await;
    relay.relay.stop().await;
    let relay = start(state.path(), Mode::Smtp(options)).await;
    let second = relay
        .hand_over("k", &["good@d.example"], MESSAGE.as_bytes())
        .await;
    assert_eq!(
        (second.status, second.body, server.taken()),
        (200, first.body, 1)
    );
    assert_eq!(
        relay
            .hand_over("k", &["other@d.example"], MESSAGE.as_bytes())
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn an_answer_that_sent_nothing_is_asked_for_again() {
    let (relay, _state) = smtp(Server::default().serve().await).await;
    for recipients in [["busy@d.example"], ["busy@e.example"]] {
        // Not even another envelope clashes with a key that sent nothing.
        let answer = relay.hand_over("k", &recipients, MESSAGE.as_bytes()).await;
        assert_eq!(answer.json()["results"][0]["status"], "deferred");
    }
}

#[tokio::test]
async fn a_lost_reply_is_unknown_and_not_kept() {
    let server = Server::default();
    server.drops.store(1, Ordering::SeqCst);
    let (relay, _state) = smtp(server.serve().await).await;
    let answer = relay
        .hand_over("k", &["good@d.example"], MESSAGE.as_bytes())
        .await;
    assert_eq!(answer.problem(), (503, "outcome_unknown".to_owned()));
    assert!(answer.field("retry-after").is_some());
    assert_eq!(
        relay
            .hand_over("k", &["good@d.example"], MESSAGE.as_bytes())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn an_mta_that_is_down_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (relay, _state) = smtp(SmtpOptions::to("127.0.0.1", port)).await;
    let answer = relay
        .hand_over("k", &["good@d.example"], MESSAGE.as_bytes())
        .await;
    assert_eq!(answer.problem(), (503, "mta_unavailable".to_owned()));
    assert!(
        !answer.text().contains(&port.to_string()),
        "the cause is for the log only"
    );
    let authorization = format!("Bearer {TOKEN}");
    let answer = relay
        .request(
            "GET",
            "/v1/capabilities",
            &[("Authorization", &authorization)],
            b"",
        )
        .await;
    assert_eq!(answer.problem(), (503, "mta_unavailable".to_owned()));
}

#[tokio::test]
async fn the_same_key_at_once_is_sent_once() {
    let server = Server::default();
    let (relay, _state) = smtp(server.serve().await).await;
    let all = (0..10).map(|_| relay.hand_over("k", &["good@d.example"], MESSAGE.as_bytes()));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(server.taken(), 1);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_the_hand_over() {
    let hold = Arc::new(Notify::new());
    let server = Server {
        hold: Some(Arc::clone(&hold)),
        ..Server::default()
    };
    let (relay, _state) = smtp(server.serve().await).await;
    tokio::select! {
        _ = relay.hand_over("k", &["good@d.example"], MESSAGE.as_bytes()) => panic!("answered too early"),
        () = server.came.notified() => {}
    }
    hold.notify_one();
    assert_eq!(
        relay
            .hand_over("k", &["good@d.example"], MESSAGE.as_bytes())
            .await
            .status,
        200
    );
    assert_eq!(server.taken(), 1);
}

#[tokio::test]
async fn stopping_waits_for_the_message_in_hand() {
    let hold = Arc::new(Notify::new());
    let server = Server {
        hold: Some(Arc::clone(&hold)),
        ..Server::default()
    };
    let (relay, _state) = smtp(server.serve().await).await;
    let address = relay.relay.address();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: message/rfc822\r\n\
         Idempotency-Key: k\r\nEnvelope-From: <>\r\nEnvelope-To: <good@d.example>\r\nContent-Length: {}\r\n\r\n{MESSAGE}",
        MESSAGE.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    server.came.notified().await;
    let stopped = tokio::spawn(relay.relay.stop());
    hold.notify_one();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer)
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopped.await.unwrap();
}

#[tokio::test]
async fn capabilities_are_what_the_mta_offers_and_there_is_no_inbox() {
    let (relay, _state) = smtp(Server::default().serve().await).await;
    let authorization = format!("Bearer {TOKEN}");
    let found = relay
        .request(
            "GET",
            "/v1/capabilities",
            &[("Authorization", &authorization)],
            b"",
        )
        .await
        .json();
    assert_eq!(
        (&found["mode"], &found["smtputf8"]),
        (&"smtp".into(), &false.into())
    );
    assert_eq!(
        (&found["eight_bit_mime"], &found["max_message_octets"]),
        (&true.into(), &5_000.into())
    );
    assert_eq!(relay.get("/").await.status, 404);
    assert_eq!(relay.get("/api/messages").await.status, 404);
}

#[tokio::test]
async fn recipients_with_reverse_paths_of_their_own_have_transactions_of_their_own() {
    let server = Server::default();
    let (relay, _state) = smtp(server.serve().await).await;
    let authorization = format!("Bearer {TOKEN}");
    let fields = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "message/rfc822"),
        ("Idempotency-Key", "k"),
        ("Envelope-From", "<r1@b.example>"),
        ("Envelope-From", "<r2@b.example>"),
        ("Envelope-From", "<r3@b.example>"),
        ("Envelope-To", "<good@d.example>"),
        ("Envelope-To", "<busy@d.example>"),
        ("Envelope-To", "<fine@d.example>"),
    ];
    let message = MESSAGE.as_bytes();
    for _ in 0..2 {
        let answer = relay
            .request("POST", "/v1/messages", &fields, message)
            .await;
        for (place, expected) in ["accepted", "deferred", "accepted"].iter().enumerate() {
            let found = &answer.json()["results"][place]["status"];
            assert_eq!(found, expected, "{}", answer.text());
        }
        assert_eq!(server.taken(), 2, "once each, and again for nobody");
    }
    // Fewer recipients, with fewer paths, are part of what was answered.
    let fewer = [0, 1, 2, 3, 6].map(|place| fields[place]);
    let answer = relay.request("POST", "/v1/messages", &fewer, message).await;
    assert_eq!(answer.json()["results"][0]["recipient"], "good@d.example");
    assert_eq!(server.taken(), 2);
}

#[tokio::test]
async fn a_transaction_whose_end_is_lost_holds_up_no_other() {
    let server = Server::default();
    server.drops.store(1, Ordering::SeqCst);
    let (relay, _state) = smtp(server.serve().await).await;
    let authorization = format!("Bearer {TOKEN}");
    let fields = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "message/rfc822"),
        ("Idempotency-Key", "k"),
        ("Envelope-From", "<r1@b.example>"),
        ("Envelope-From", "<r2@b.example>"),
        ("Envelope-To", "<good@d.example>"),
        ("Envelope-To", "<fine@d.example>"),
    ];
    let answer = relay
        .request("POST", "/v1/messages", &fields, MESSAGE.as_bytes())
        .await;
    let results = answer.json()["results"].clone();
    let mut statuses: Vec<String> = (0..2).map(|n| results[n]["status"].to_string()).collect();
    statuses.sort();
    assert_eq!(
        statuses,
        ["\"accepted\"", "\"deferred\""],
        "{}",
        answer.text()
    );
    assert_eq!(server.taken(), 1);
}
