//! The inbox page in headless Chromium.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tests::{Setup, System};
use tokio::net::TcpListener;

use crate::{
    relays::{Keys, RunningRelay},
    tools::{self, Conversation},
};

const SUBJECT: &str = "Your order is on its way ✉";

/// A picture of 16 × 16 pixels, in base64.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mPgzsskCTGMahjVMHw1AADJR+IBloZd+AAAAABJRU5ErkJggg==";

/// Tries what a hostile mail tries, beside what an ordinary one has. TRACKER stands for a server of the sender's.
const HTML: &str = r#"<h1>Thank you</h1>
<p>Your order <b>4711</b> left our house today. <a href="TRACKER/order">Follow it</a>.</p>
<p><img id="inline" src="cid:logo" alt="our logo"> With love, the shop.</p>
<p id="mark">the script did not run</p>
<img src="TRACKER/open.gif" onerror="document.getElementById('mark').textContent = 'the handler ran'">
<script>
document.getElementById("mark").textContent = "the script ran";
alert("hello"); open("TRACKER/window"); parent.document.title = "taken"; top.location = "TRACKER/";
</script>"#;

/// A server that nobody may be made to visit by opening a mail.
struct Tracker {
    origin: String,
    visits: Arc<AtomicUsize>,
}

impl Tracker {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { origin, visits }
    }
}

fn mail(system: &System, tracker: &Tracker) -> Value {
    let html = HTML.replace("TRACKER", &tracker.origin);
    json!({
        "senderAddress": system.sender(),
        "content": {"subject": SUBJECT, "plainText": "Your order 4711 left our house today.", "html": html},
        "recipients": {
            "to": [{"address": "zoe@example.com", "displayName": "Zoë Example"}],
            "bcc": [{"address": "archive@example.com"}],
        },
        "attachments": [
            {"name": "logo.png", "contentType": "image/png", "contentInBase64": PICTURE, "contentId": "logo"},
            {"name": "invoice.pdf", "contentType": "application/pdf", "contentInBase64": "JVBERi0xLjQK"},
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_appears_by_itself_and_is_read_safely() {
    let keys = Arc::new(Keys::default());
    let sandbox = RunningRelay::sandbox(&keys).await;
    let inbox = format!("http://{}", sandbox.relay.address());
    let system = Setup::default().relay(&inbox).start().await;
    keys.learn(system.dkim_record());

    let job = json!({
        "inbox": inbox,
        "subject": SUBJECT,
        "chromium": tools::installed("/usr/bin/chromium"),
        "screenshot": tools::folder().join("inbox.png"),
    });
    let script = tools::script("node/inbox.mjs");
    let mut reader = Conversation::start(&tools::node(), &script, &job).await;
    assert_eq!(reader.next().await, json!({"waiting": true}));
    let tracker = Tracker::start().await;
    let id = system.accepted(&mail(&system, &tracker)).await;
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");

    let expected = json!({
        "title": "(1) Sendlet inbox",
        "subject": SUBJECT,
        "badge": "DKIM ✓",
        "text": "Your order 4711 left our house today.",
        "picture": 16,
        "sandbox": "",
        "mark": "the script did not run",
        "failures": [],
        "dialogs": 0,
        "windows": 0,
    });
    let mut seen = reader.next().await;
    seen["text"] = seen["text"].as_str().unwrap_or_default().trim().into();
    assert_eq!(seen, expected);
    assert_eq!(tracker.visits.load(Ordering::SeqCst), 0);
}
