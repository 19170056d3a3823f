//! Tracking changes nothing that readers see: copies look as the mail does that the author wrote, their links lead where
//! the author's do, and they arrive as they were made.
//!
//! # Not supported
//! Rules of an author's that look at an `href` itself, or count elements at the end of the body: those see a difference.

mod mails;

use std::fs;

use dkim::SigningKey;
use mail_parser::{MessageParser, PartType};
use message::{Mailbox, Message, render};
use serde_json::{Value, json};

use self::mails::{CLICKED, LANDINGS, Mail};
use crate::{
    judging::signed_with,
    tools::{self, Conversation},
    verifiers::{Verdicts, Verifiers},
};

const KEY: &str = include_str!("../it/vectors/rsa-2048.pem");

async fn reader(mails: &[Mail]) -> Conversation {
    let folder = tools::folder().join("engagement");
    // Of an earlier run.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mail = |mail: &Mail| json!({"name": mail.name, "original": mail.original, "copy": mail.copy, "targets": mail.targets});
    let job = json!({
        "chromium": tools::installed("/usr/bin/chromium"),
        "folder": folder,
        "mails": mails.iter().map(mail).collect::<Vec<_>>(),
        "clicked": CLICKED,
    });
    let script = tools::script("node/engagement.mjs");
    Conversation::start(&tools::node(), &script, &job).await
}

/// What is to be seen of a mail. The pixel is in the copy, and is not what makes a difference when it is blocked.
fn expected(mail: &Mail, seen: &Value) -> Value {
    json!({
        "name": mail.name,
        "links": seen["links"],
        "size": seen["size"],
        "counted": (0..mail.targets.len()).collect::<Vec<_>>(),
        "pixels": [[], [1], [0]],
        "differences": [],
    })
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stdout,
    reason = "it takes a minute, and --nocapture shows how far it is"
)]
async fn copies_look_and_lead_as_their_authors_wrote_them() {
    let mails = mails::all();
    let mut reader = reader(&mails).await;
    let mut wrong = Vec::new();
    for mail in &mails {
        let seen = reader.next().await;
        println!("{}: {} links, {}", mail.name, seen["links"], seen["size"]);
        if seen != expected(mail, &seen) {
            wrong.push(seen.to_string());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    check_clicks(&reader.next().await);
}

#[track_caller]
fn check_clicks(landed: &Value) {
    let original = LANDINGS.map(|(url, _)| json!([url, null]));
    let copy = LANDINGS.map(|(url, number)| {
        let counted = number.map(|n| format!("http://links.example/c/{CLICKED}/{n}"));
        json!([url, counted])
    });
    assert_eq!(*landed, json!({"original": original, "copy": copy}));
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox {
        display_name: None,
        addr_spec: address.parse().unwrap(),
    }
}

/// The message that a copy is sent in.
fn message(html: &str, text: Option<&str>) -> Vec<u8> {
    let message = Message {
        from: mailbox("ann@example.com"),
        to: &[mailbox("zoe@example.test")],
        cc: &[],
        reply_to: &[],
        subject: "News".parse().unwrap(),
        date: 1_700_000_000,
        message_id: "<1@example.com>".parse().unwrap(),
        fields: &[],
        text,
        html: Some(html),
        attachments: &[],
        smtputf8: false,
    };
    render(&message).unwrap()
}

/// Text as mail carries it, where a line ends in CRLF and in nothing else.
fn with_crlf(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.replace('\n', "\r\n")
}

#[track_caller]
fn check_html(mail: &Mail, message: &[u8]) {
    let read = MessageParser::new().parse(message).unwrap();
    let PartType::Html(html) = &read.html_part(0).unwrap().body else {
        panic!("{}: expected an HTML part", mail.name);
    };
    assert!(*html == with_crlf(&mail.copy), "{}: changed", mail.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_arrive_as_they_were_made() {
    let key = SigningKey::from_pkcs8_pem(KEY).unwrap();
    let mut messages = Vec::new();
    for mail in mails::all() {
        for text in [None, Some("News.")] {
            let message = signed_with(&key, &message(&mail.copy, text));
            check_html(&mail, &message);
            messages.push(message);
        }
    }
    let record = ("s1._domainkey.example.com", key.public_key_record());
    let verifiers = Verifiers::new(record);
    let verdicts = verifiers.judge(&messages).await;
    assert_eq!(verdicts, vec![Verdicts::all(true); messages.len()]);
}
