//! The client against scripted servers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use envelope::{AddrSpec, Envelope, ReversePath};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{HandOverError, Mta, SmtpError};
use crate::{
    Credentials, Notify, Secret, SmtpOptions, TimeLimits, TlsPolicy, answer::Answer,
    handover::MailTransaction,
};

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\n.\r\n..x\r\nbody\r\n\r\n";

/// A server that answers each command line with the script's reply, and remembers everything it read.
///
/// An empty reply closes the connection; `<hang>` says nothing for ever. The script's keys are prefixes of lines;
/// `.` stands for the end of a message, and the empty key for the greeting.
#[derive(Clone, Debug)]
struct Script {
    replies: Vec<(&'static str, &'static str)>,
    heard: Arc<Mutex<Vec<String>>>,
    messages: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Script {
    /// A friendly server, with `changes` put before its usual replies.
    fn new(changes: &[(&'static str, &'static str)]) -> Self {
        let usual = [
            ("", "220 mx.example ESMTP"),
            (
                "EHLO",
                "250-mx.example\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250 SMTPUTF8",
            ),
            ("MAIL", "250 2.1.0 Ok"),
            ("RCPT", "250 2.1.5 Ok"),
            ("DATA", "354 go"),
            (".", "250 2.0.0 queued as 42"),
            ("RSET", "250 Ok"),
            ("QUIT", "221 bye"),
        ];
        Self {
            replies: changes.iter().copied().chain(usual).collect(),
            heard: Arc::default(),
            messages: Arc::default(),
        }
    }

    fn reply(&self, line: &str) -> &'static str {
        let fits = |key: &str| {
            if key.is_empty() {
                line.is_empty()
            } else {
                line.starts_with(key)
            }
        };
        self.replies
            .iter()
            .find(|(key, _)| fits(key))
            .map_or("500 5.5.1 unknown", |(_, reply)| reply)
    }

    /// Serves in the background, and returns options that lead there.
    async fn serve(&self) -> SmtpOptions {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = self.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let script = script.clone();
                tokio::spawn(async move { script.session(stream).await });
            }
        });
        let brief = Duration::from_millis(300);
        let time_limits = TimeLimits {
            connect: brief,
            reply: brief,
            final_reply: brief,
            overall: 4 * brief,
        };
        SmtpOptions {
            time_limits,
            hello: "relay.example".to_owned(),
            ..SmtpOptions::to("127.0.0.1", port)
        }
    }

    async fn session(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        loop {
            let reply = self.reply(&line);
            if reply.is_empty() {
                return;
            }
            if reply == "<hang>" {
                std::future::pending::<()>().await;
            }
            if stream
                .write_all(format!("{reply}\r\n").as_bytes())
                .await
                .is_err()
            {
                return;
            }
            let read = if reply.starts_with("354") {
                self.read_message(&mut stream).await
            } else {
                read_line(&mut stream).await
            };
            let Some(read) = read else { return };
            line = read;
            self.heard.lock().unwrap().push(line.clone());
        }
    }

    /// Reads to the final dot, undoes the stuffing, and keeps the octets.
    async fn read_message(&self, stream: &mut BufReader<TcpStream>) -> Option<String> {
        let mut raw = b"\r\n".to_vec();
        while !raw.ends_with(b"\r\n.\r\n") {
            raw.push(stream.read_u8().await.ok()?);
        }
        let text = &raw[..raw.len() - 3];
        let mut message = Vec::new();
        for line in text[2..].split_inclusive(|&octet| octet == b'\n') {
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        self.messages.lock().unwrap().push(message);
        Some(".".to_owned())
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn heard_times(&self, prefix: &str) -> usize {
        self.heard()
            .iter()
            .filter(|line| line.starts_with(prefix))
            .count()
    }
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream
        .read_line(&mut line)
        .await
        .ok()
        .filter(|&octets| octets > 0)?;
    Some(line.trim_end().to_owned())
}

/// A transaction that no reports are asked for.
fn envelope(recipients: &[&str]) -> MailTransaction {
    let paths = recipients
        .iter()
        .map(|path| AddrSpec::parse(path).unwrap())
        .collect();
    let reverse_path = ReversePath::parse("<a@b.example>").unwrap();
    MailTransaction {
        envelope: Envelope::new(reverse_path, paths).unwrap(),
        envelope_id: None,
    }
}

/// A transaction whose return path is the recipient's own.
fn reported(recipient: &str) -> MailTransaction {
    MailTransaction {
        envelope_id: Some("4f0c.1=2".to_owned()),
        ..envelope(&[recipient])
    }
}

/// Shows an answer as one line for each recipient.
fn show(answer: &Answer) -> Vec<String> {
    answer
        .results
        .iter()
        .map(|result| format!("{} {:?} {}", result.recipient, result.status, result.reply))
        .collect()
}

async fn hand_over(script: &Script, recipients: &[&str]) -> Result<Vec<String>, HandOverError> {
    let mta = Mta::new(script.serve().await).unwrap();
    mta.hand_over(&envelope(recipients), MESSAGE)
        .await
        .map(|answer| show(&answer))
}

/// Hands a message to a friendly server with `changes`, and compares the results.
async fn check(changes: &[(&'static str, &'static str)], expected: &[&str]) {
    let found = hand_over(
        &Script::new(changes),
        &["c@d.example", "e@f.example", "g@h.example"],
    )
    .await
    .unwrap();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_message_arrives_with_its_octets_and_the_final_reply_counts() {
    let script = Script::new(&[]);
    let found = hand_over(&script, &["c@d.example"]).await.unwrap();
    assert_eq!(found, ["c@d.example Accepted 250 2.0.0 queued as 42"]);
    assert_eq!(script.messages.lock().unwrap().as_slice(), [MESSAGE]);
    let expected = [
        "EHLO relay.example",
        "MAIL FROM:<a@b.example> SIZE=31",
        "RCPT TO:<c@d.example>",
        "DATA",
        ".",
    ];
    assert_eq!(script.heard(), expected);
}

#[tokio::test]
async fn each_recipient_has_the_reply_meant_for_it() {
    check(
        &[
            ("RCPT TO:<e@", "450-4.2.1 mailbox\r\n450 4.2.1 busy"),
            ("RCPT TO:<g@", "550 5.1.1 no such user"),
        ],
        &[
            "c@d.example Accepted 250 2.0.0 queued as 42",
            "e@f.example Deferred 450 4.2.1 mailbox busy",
            "g@h.example Rejected 550 5.1.1 no such user",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_message_nobody_may_get_is_not_sent() {
    let script = Script::new(&[("RCPT", "550 5.7.1 no relaying")]);
    let found = hand_over(&script, &["c@d.example"]).await.unwrap();
    assert_eq!(found, ["c@d.example Rejected 550 5.7.1 no relaying"]);
    assert_eq!(script.heard_times("DATA"), 0);
}

#[tokio::test]
async fn a_refusal_of_the_whole_message_is_everybodys_result() {
    for (command, reply, expected) in [
        ("MAIL", "451 4.3.0 later", "Deferred 451 4.3.0 later"),
        (
            "MAIL",
            "553 5.1.8 bad sender",
            "Rejected 553 5.1.8 bad sender",
        ),
        ("DATA", "451 4.3.2 later", "Deferred 451 4.3.2 later"),
        (".", "554 5.7.1 spam", "Rejected 554 5.7.1 spam"),
        (".", "452 4.3.1 disk full", "Deferred 452 4.3.1 disk full"),
    ] {
        let found = hand_over(&Script::new(&[(command, reply)]), &["c@d.example"])
            .await
            .unwrap();
        assert_eq!(found, [format!("c@d.example {expected}")]);
    }
}

#[tokio::test]
async fn before_the_final_dot_every_failure_means_that_nothing_was_sent() {
    for step in ["", "EHLO", "MAIL", "RCPT", "DATA"] {
        for reply in ["", "<hang>", "421 4.3.2 shutting down", "garbage"] {
            let script = Script::new(&[(step, reply)]);
            let found = hand_over(&script, &["c@d.example"]).await;
            assert!(
                matches!(found, Err(HandOverError::Unavailable(_))),
                "{step} {reply}: {found:?}"
            );
            assert!(script.messages.lock().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn after_the_final_dot_every_failure_leaves_the_outcome_unknown() {
    for reply in [
        "",
        "<hang>",
        "421 4.3.2 shutting down",
        "garbage",
        "354 what",
    ] {
        let found = hand_over(&Script::new(&[(".", reply)]), &["c@d.example"]).await;
        assert!(
            matches!(found, Err(HandOverError::OutcomeUnknown(_))),
            "{reply}: {found:?}"
        );
    }
}

#[tokio::test]
async fn nobody_listening_means_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mta = Mta::new(SmtpOptions::to("127.0.0.1", port)).unwrap();
    let found = mta.hand_over(&envelope(&["c@d.example"]), MESSAGE).await;
    assert!(
        matches!(
            found,
            Err(HandOverError::Unavailable(SmtpError::Connect(_)))
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn connections_are_used_again_after_a_reset() {
    let script = Script::new(&[]);
    let mta = Mta::new(script.serve().await).unwrap();
    for _ in 0..3 {
        mta.hand_over(&envelope(&["c@d.example"]), MESSAGE)
            .await
            .unwrap();
    }
    assert_eq!(
        (script.heard_times("EHLO"), script.heard_times("RSET")),
        (1, 2)
    );
    assert_eq!(script.messages.lock().unwrap().len(), 3);
    mta.close().await;
    assert_eq!(script.heard_times("QUIT"), 1);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced() {
    let script = Script::new(&[("RSET", "")]);
    let mta = Mta::new(script.serve().await).unwrap();
    for _ in 0..2 {
        mta.hand_over(&envelope(&["c@d.example"]), MESSAGE)
            .await
            .unwrap();
    }
    assert_eq!(script.heard_times("EHLO"), 2);
}

#[tokio::test]
async fn connections_are_replaced_after_a_hundred_messages() {
    let script = Script::new(&[]);
    let mta = Mta::new(script.serve().await).unwrap();
    for _ in 0..101 {
        mta.hand_over(&envelope(&["c@d.example"]), MESSAGE)
            .await
            .unwrap();
    }
    assert_eq!(script.heard_times("EHLO"), 2);
}

#[tokio::test]
async fn more_messages_than_connections_wait_their_turn() {
    let script = Script::new(&[]);
    let options = SmtpOptions {
        max_connections: 2,
        ..script.serve().await
    };
    let mta = Arc::new(Mta::new(options).unwrap());
    let sent = (0..20).map(|_| {
        let mta = Arc::clone(&mta);
        async move { mta.hand_over(&envelope(&["c@d.example"]), MESSAGE).await }
    });
    for answer in futures::future::join_all(sent).await {
        assert!(answer.unwrap().accepted_any());
    }
    assert!(script.heard_times("EHLO") <= 2);
}

#[tokio::test]
async fn recipients_go_out_together_where_pipelining_is_offered() {
    let script = Script::new(&[
        ("EHLO", "250-mx\r\n250 PIPELINING"),
        ("RCPT TO:<u77@", "550 5.1.1 no"),
    ]);
    let paths: Vec<String> = (0..120).map(|n| format!("u{n}@d.example")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let found = hand_over(&script, &paths).await.unwrap();
    assert_eq!(found.len(), 120);
    let rejected: Vec<_> = found
        .iter()
        .filter(|line| line.contains("Rejected"))
        .collect();
    assert_eq!(rejected, ["u77@d.example Rejected 550 5.1.1 no"]);
}

#[tokio::test]
async fn eight_bit_and_internationalised_messages_say_so() {
    let script = Script::new(&[]);
    let mta = Mta::new(script.serve().await).unwrap();
    mta.hand_over(&envelope(&["c@d.example"]), "A: b\r\n\r\né\r\n".as_bytes())
        .await
        .unwrap();
    mta.hand_over(&envelope(&["é@d.example"]), MESSAGE)
        .await
        .unwrap();
    mta.hand_over(&envelope(&["c@d.example"]), "A: é\r\n\r\n".as_bytes())
        .await
        .unwrap();
    let mail: Vec<_> = script
        .heard()
        .into_iter()
        .filter(|line| line.starts_with("MAIL"))
        .collect();
    let expected = [
        "MAIL FROM:<a@b.example> SIZE=12 BODY=8BITMIME",
        "MAIL FROM:<a@b.example> SIZE=31 SMTPUTF8",
        "MAIL FROM:<a@b.example> SIZE=9 BODY=8BITMIME SMTPUTF8",
    ];
    assert_eq!(mail, expected);
}

/// The `MAIL` and `RCPT` that a server with these extensions hears from a client with `options`.
async fn asked(ehlo: &'static str, options: SmtpOptions, sent: &MailTransaction) -> [String; 2] {
    let script = Script::new(&[("EHLO", ehlo)]);
    let SmtpOptions { host, port, .. } = script.serve().await;
    let mta = Mta::new(SmtpOptions {
        host,
        port,
        ..options
    });
    let answer = mta.unwrap().hand_over(sent, MESSAGE).await.unwrap();
    assert!(answer.accepted_any());
    let heard = script.heard();
    [heard[1].clone(), heard[2].clone()]
}

const WITH_DSN: &str = "250-mx\r\n250-SMTPUTF8\r\n250 DSN";

#[tokio::test]
async fn reports_are_asked_for_where_they_say_whom_they_are_about() {
    let options = SmtpOptions::to("127.0.0.1", 25);
    let mail = "MAIL FROM:<a@b.example>";
    assert_eq!(
        asked(WITH_DSN, options.clone(), &reported("c+x@d.example")).await,
        [
            format!("{mail} RET=HDRS ENVID=4f0c.1+3D2"),
            "RCPT TO:<c+x@d.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;c+2Bx@d.example"
                .to_owned(),
        ]
    );
    assert_eq!(
        asked(WITH_DSN, options.clone(), &reported("é@d.example")).await,
        [
            format!("{mail} SMTPUTF8 RET=HDRS ENVID=4f0c.1+3D2"),
            "RCPT TO:<é@d.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=utf-8;\\x{E9}@d.example"
                .to_owned(),
        ]
    );
    for (ehlo, sent) in [
        ("250-mx\r\n250 PIPELINING", reported("c@d.example")),
        (WITH_DSN, envelope(&["c@d.example"])),
    ] {
        let heard = asked(ehlo, options.clone(), &sent).await;
        assert_eq!(heard, [mail, "RCPT TO:<c@d.example>"]);
    }
}

#[tokio::test]
async fn success_is_not_asked_for_where_it_is_known_or_not_wanted() {
    let options = SmtpOptions::to("127.0.0.1", 25);
    for options in [
        SmtpOptions {
            is_last: true,
            ..options.clone()
        },
        SmtpOptions {
            notify: Notify::FailureDelay,
            ..options
        },
    ] {
        let [_, rcpt] = asked(WITH_DSN, options, &reported("c@d.example")).await;
        let expected = "RCPT TO:<c@d.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@d.example";
        assert_eq!(rcpt, expected);
    }
}

#[tokio::test]
async fn what_the_server_cannot_take_is_rejected_without_being_sent() {
    let script = Script::new(&[("EHLO", "250-mx\r\n250 SIZE 20")]);
    let options = script.serve().await;
    let mta = Mta::new(options).unwrap();
    for (recipient, message, expected) in [
        (
            "c@d.example",
            "A: b\r\n\r\nmore than twenty\r\n",
            "552 5.3.4",
        ),
        ("é@d.example", "A: b\r\n\r\n", "553 5.6.7"),
        ("c@d.example", "A: b\r\n\r\né\r\n", "554 5.6.3"),
    ] {
        let answer = mta
            .hand_over(&envelope(&[recipient]), message.as_bytes())
            .await
            .unwrap();
        let found = show(&answer);
        assert!(
            found[0].contains(&format!("Rejected {expected}")),
            "{found:?}"
        );
    }
    assert_eq!(script.heard_times("MAIL"), 0);
}

#[tokio::test]
async fn a_server_without_ehlo_is_greeted_the_old_way() {
    let script = Script::new(&[("EHLO", "502 what"), ("HELO", "250 mx")]);
    let found = hand_over(&script, &["c@d.example"]).await.unwrap();
    assert_eq!(found, ["c@d.example Accepted 250 2.0.0 queued as 42"]);
    assert!(
        script
            .heard()
            .contains(&"MAIL FROM:<a@b.example>".to_owned())
    );
}

#[tokio::test]
async fn required_encryption_is_never_gone_without() {
    for ehlo in ["250 mx", "250-mx\r\n250 STARTTLS"] {
        let script = Script::new(&[("EHLO", ehlo), ("STARTTLS", "454 4.7.0 not now")]);
        let options = SmtpOptions {
            tls: TlsPolicy::Required,
            ..script.serve().await
        };
        let found = Mta::new(options)
            .unwrap()
            .hand_over(&envelope(&["c@d.example"]), MESSAGE)
            .await;
        assert!(
            matches!(found, Err(HandOverError::Unavailable(_))),
            "{found:?}"
        );
        assert_eq!(script.heard_times("MAIL"), 0);
    }
}

#[tokio::test]
async fn opportunistic_encryption_is_gone_without_when_it_fails() {
    // The second server agrees to STARTTLS and then speaks something else.
    for reply in ["454 4.7.0 not now", "220 go"] {
        let script = Script::new(&[("EHLO", "250-mx\r\n250 STARTTLS"), ("STARTTLS", reply)]);
        let found = hand_over(&script, &["c@d.example"]).await.unwrap();
        assert_eq!(found, ["c@d.example Accepted 250 2.0.0 queued as 42"]);
    }
}

#[tokio::test]
async fn words_put_behind_the_reply_to_starttls_are_noticed() {
    let script = Script::new(&[
        ("EHLO", "250-mx\r\n250 STARTTLS"),
        ("STARTTLS", "220 go\r\n250 injected"),
    ]);
    let found = hand_over(&script, &["c@d.example"]).await;
    assert!(
        matches!(
            found,
            Err(HandOverError::Unavailable(SmtpError::TlsInjection))
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn accounts_are_said_with_the_mechanism_offered() {
    for (offered, expected) in [
        (
            "250-mx\r\n250 AUTH PLAIN LOGIN",
            vec!["AUTH PLAIN AHVzZXIAaHVudGVyMg=="],
        ),
        (
            "250-mx\r\n250 AUTH LOGIN",
            vec!["AUTH LOGIN", "dXNlcg==", "aHVudGVyMg=="],
        ),
    ] {
        let script = Script::new(&[
            ("EHLO", offered),
            ("AUTH PLAIN", "235 2.7.0 welcome"),
            ("AUTH LOGIN", "334 VXNlcm5hbWU6"),
            ("dXNl", "334 UGFzc3dvcmQ6"),
            ("aHVu", "235 2.7.0 welcome"),
        ]);
        let credentials = Credentials {
            user: "user".to_owned(),
            password: Secret::parse("hunter2").unwrap(),
        };
        let options = SmtpOptions {
            credentials: Some(credentials),
            ..script.serve().await
        };
        Mta::new(options)
            .unwrap()
            .hand_over(&envelope(&["c@d.example"]), MESSAGE)
            .await
            .unwrap();
        assert_eq!(script.heard()[1..=expected.len()], expected);
    }
}

#[tokio::test]
async fn a_refused_account_sends_nothing() {
    let script = Script::new(&[
        ("EHLO", "250-mx\r\n250 AUTH PLAIN"),
        ("AUTH", "535 5.7.8 no"),
    ]);
    let credentials = Credentials {
        user: "user".to_owned(),
        password: Secret::parse("hunter2").unwrap(),
    };
    let options = SmtpOptions {
        credentials: Some(credentials),
        ..script.serve().await
    };
    let error = Mta::new(options)
        .unwrap()
        .hand_over(&envelope(&["c@d.example"]), MESSAGE)
        .await
        .unwrap_err();
    let expected = "the MTA did not take the message: expected a positive reply to AUTH, found 535";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn what_the_server_offers_is_asked_once_a_minute() {
    let script = Script::new(&[]);
    let mta = Mta::new(script.serve().await).unwrap();
    for _ in 0..3 {
        let extensions = mta.extensions().await.unwrap();
        assert_eq!(
            (extensions.smtputf8, extensions.max_message_octets),
            (true, Some(1_000_000))
        );
    }
    assert_eq!(script.heard(), ["EHLO relay.example"]);
}

#[tokio::test]
async fn options_that_could_break_a_command_are_refused() {
    let base = SmtpOptions::to("127.0.0.1", 25);
    for options in [
        SmtpOptions {
            hello: "a\r\nMAIL".to_owned(),
            ..base.clone()
        },
        SmtpOptions {
            hello: String::new(),
            ..base.clone()
        },
        SmtpOptions {
            host: String::new(),
            ..base.clone()
        },
        SmtpOptions {
            max_connections: 0,
            ..base
        },
    ] {
        assert!(Mta::new(options).is_err());
    }
}
