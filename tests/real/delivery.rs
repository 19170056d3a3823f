//! From the API through Postfix into mailboxes: what arrives is what was signed, and others verify it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::join_all;
use mail_parser::MessageParser;
use mailer::{
    delivery::{DeliveryState, RecipientStatus},
    keys,
};
use serde_json::{Value, json};
use tests::{Setup, System};

use crate::{
    postfix::{DOMAIN, Postfix},
    proxy::{Exchange, Fault, Proxy},
    relays::RunningRelay,
    verifiers::{Verdicts, Verifiers},
};

/// The API, a relay that hands on to Postfix, and between the two a proxy that writes down what is handed over.
struct Chain {
    system: System,
    proxy: Proxy,
    postfix: Postfix,
    // Kept for as long as the chain is.
    _relay: RunningRelay,
}

impl Chain {
    async fn start(users: &[String]) -> Self {
        let postfix = Postfix::start(users);
        let relay = RunningRelay::to_mta(postfix.port).await;
        let proxy = Proxy::start(relay.relay.address(), Fault::None).await;
        Self {
            system: Setup::default().relay(&proxy.origin()).start().await,
            proxy,
            postfix,
            _relay: relay,
        }
    }

    /// Sends `message`, and returns its operation's id once it was handed over.
    async fn send(&self, message: &Value) -> String {
        let id = self.system.accepted(message).await;
        let outcome = self.system.outcome(&id).await;
        assert_eq!(outcome["status"], "Succeeded", "{}", self.postfix.log());
        id
    }
}

/// Content that has trouble on its way elsewhere.
fn contents() -> Vec<(&'static str, Value)> {
    let text = |subject: &str, text: &str| json!({"subject": subject, "plainText": text});
    let long_line = "0123456789".repeat(200);
    vec![
        ("ascii", text("Plain words", "Hello.\r\nBye.\r\n")),
        (
            "eight-bit",
            text("Grüße aus Köln", "Übergrößenträger\nпривет, мир\n日本語\n"),
        ),
        ("emoji", text("🎉 Done 👩‍💻🚀", "🎉\n")),
        ("no-subject", text("", "Nothing above.\n")),
        (
            "long-lines",
            json!({
                "subject": "Long lines",
                "plainText": format!("{long_line}\n{long_line}\n"),
                "html": format!("<p>{long_line}</p>"),
            }),
        ),
        ("dots", text("Dots", ".\n..\n.hidden\nFrom here\n-- \n")),
        (
            "white-space",
            text("White space at the end", "Words \t\n\t\n \n\n \t \n\n"),
        ),
    ]
}

fn message(system: &System, user: &str, content: &Value) -> Value {
    json!({
        "senderAddress": system.sender(),
        "content": content,
        "recipients": {"to": [{"address": format!("{user}@{DOMAIN}")}]},
    })
}

/// 9 MB as the API counts it: in base64, which is what its limit of 10 MB is about.
fn large(system: &System, user: &str) -> Value {
    // Octets without a pattern, the same in every run.
    let octet = |n: u32| n.wrapping_mul(2_654_435_761).to_be_bytes()[0];
    let octets: Vec<u8> = (0..6_750_000).map(octet).collect();
    let mut message = message(
        system,
        user,
        &json!({"subject": "9 MB", "plainText": "See the file."}),
    );
    message["attachments"] = json!([{"name": "large.zip", "contentType": "application/zip", "contentInBase64": STANDARD.encode(octets)}]);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn mailboxes_hold_what_was_signed() {
    let mut users: Vec<String> = contents()
        .iter()
        .map(|(user, _)| (*user).to_owned())
        .collect();
    users.push("large".to_owned());
    let chain = Chain::start(&users).await;
    let system = &chain.system;
    let mut messages: Vec<Value> = contents()
        .iter()
        .map(|(user, content)| message(system, user, content))
        .collect();
    messages.push(large(system, "large"));
    join_all(messages.iter().map(|message| chain.send(message))).await;

    let delivered = join_all(users.iter().map(|user| chain.postfix.delivered(user))).await;
    for ((user, sent), message) in users.iter().zip(&messages).zip(&delivered) {
        check_content(message, &sent["content"]);
        let handed_over = handed_over(&chain.proxy, user);
        check_lines(&handed_over.body, user);
        // Postfix puts its own fields above; from our signature on nothing may differ, to the last octet.
        assert!(
            message.ends_with(&handed_over.body),
            "{user}: changed on the way"
        );
    }
    check_verdicts(&chain, &users, &delivered).await;
}

/// What a reader sees is what the application wrote.
#[track_caller]
fn check_content(message: &[u8], content: &Value) {
    let read = MessageParser::new().parse(message).unwrap();
    let text = read.body_text(0).unwrap().replace("\r\n", "\n");
    let subject = read.subject().unwrap_or_default();
    let wanted = content["plainText"].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!((json!(subject), text), (content["subject"].clone(), wanted));
}

/// The one request that handed over a message to `user`.
#[track_caller]
fn handed_over(proxy: &Proxy, user: &str) -> Exchange {
    let to = format!("<{user}@{DOMAIN}>");
    let exchanges = proxy.exchanges();
    let mut fitting = exchanges
        .into_iter()
        .filter(|exchange| exchange.fields["envelope-to"] == to.as_str());
    let found = fitting.next().unwrap();
    assert!(fitting.next().is_none(), "handed over once");
    found
}

/// RFC 5321, section 4.5.3.1.6, and what a seven-bit hop can carry.
#[track_caller]
fn check_lines(message: &[u8], user: &str) {
    let text = std::str::from_utf8(message).unwrap();
    assert!(text.is_ascii(), "{user}: expected seven bits");
    let longest = text.split("\r\n").map(str::len).max();
    assert!(longest <= Some(998), "{user}: a line of {longest:?}");
}

async fn check_verdicts(chain: &Chain, users: &[String], delivered: &[Vec<u8>]) {
    let verifiers = Verifiers::new(chain.system.dkim_record());
    let verdicts = verifiers.judge(delivered).await;
    for (user, verdicts) in users.iter().zip(verdicts) {
        assert_eq!(verdicts, Verdicts::all(true), "{user}");
    }
    // A verifier that passes everything proves nothing.
    let mut changed = delivered[0].clone();
    let at = changed.len() - 4;
    changed[at] ^= 1;
    assert_eq!(verifiers.judge(&[changed]).await, [Verdicts::all(false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_mailbox_fails_alone_among_fifty() {
    let users: Vec<String> = (1..50).map(|n| format!("user{n}")).collect();
    let chain = Chain::start(&users).await;
    let mut recipients = users.clone();
    // In the middle, so that those before and after it are seen to be unharmed.
    recipients.insert(25, "nobody-here".to_owned());
    let mut message = message(
        &chain.system,
        "user1",
        &json!({"subject": "To fifty", "plainText": "Hello."}),
    );
    let recipient = |user: &String| json!({"address": format!("{user}@{DOMAIN}")});
    message["recipients"] = json!({"bcc": recipients.iter().map(recipient).collect::<Vec<_>>()});
    let id = chain.send(&message).await;

    check_results(&chain, &id, &recipients);
    let delivered = join_all(users.iter().map(|user| chain.postfix.delivered(user))).await;
    let [exchange] = &chain.proxy.exchanges()[..] else {
        panic!("expected one hand-over");
    };
    assert!(
        delivered
            .iter()
            .all(|message| message.ends_with(&exchange.body))
    );
    let verifiers = Verifiers::new(chain.system.dkim_record());
    assert_eq!(
        verifiers.judge(&delivered[..1]).await,
        [Verdicts::all(true)]
    );
}

#[track_caller]
fn check_results(chain: &Chain, id: &str, recipients: &[String]) {
    // The `spin` program keeps its store to itself; there the mailboxes have to do.
    let Some(store) = chain.system.store() else {
        return;
    };
    let state: DeliveryState = store.record(&keys::state(id.parse().unwrap())).unwrap();
    assert_eq!(state.recipients.len(), recipients.len());
    assert_eq!(state.due_at, None, "nothing is left to try");
    for (user, found) in recipients.iter().zip(state.recipients) {
        let reply = found.reply.unwrap();
        if user == "nobody-here" {
            assert_eq!(found.status, RecipientStatus::Failed);
            assert_eq!(reply.code.get(), 550, "Postfix's own reply is kept");
        } else {
            assert_eq!(
                found.status,
                RecipientStatus::OutForDelivery,
                "{user}: {reply:?}"
            );
        }
    }
}
