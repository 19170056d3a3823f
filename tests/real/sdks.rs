//! Microsoft's SDKs, unmodified, as applications use them.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::join_all;
use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};
use serde_json::{Value, json};
use tests::{ACCESS_KEY_PRIMARY, Captured, Setup, System};

use crate::{
    proxy::{Exchange, Fault, Proxy},
    tools,
};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n and no more";
const REPORT: &[u8] = b"a,b\r\n1,2\r\n";

/// A way to call the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sdk {
    Python {
        version: &'static str,
        style: &'static str,
    },
    JavaScript,
}

const SDKS: [Sdk; 5] = [
    python("1.1.0", "sync"),
    python("1.1.0", "async"),
    python("1.0.0", "sync"),
    python("1.0.0", "async"),
    Sdk::JavaScript,
];

const fn python(version: &'static str, style: &'static str) -> Sdk {
    Sdk::Python { version, style }
}

/// What an application does with an SDK: send one message and wait for the end.
struct Job {
    endpoint: String,
    key: String,
    message: Value,
    operation_id: Option<String>,
}

impl Job {
    fn new(endpoint: String, message: Value) -> Self {
        Self {
            endpoint,
            key: ACCESS_KEY_PRIMARY.to_owned(),
            message,
            operation_id: None,
        }
    }
}

impl Sdk {
    /// A text that names it in messages and failures.
    fn name(self) -> String {
        match self {
            Self::Python { version, style } => format!("Python {version} {style}"),
            Self::JavaScript => "JavaScript 1.1.0".to_owned(),
        }
    }

    /// A UUID of its own.
    fn operation_id(self) -> String {
        let place = SDKS.iter().position(|sdk| *sdk == self).unwrap();
        format!("c0ffee00-0000-4000-8000-00000000000{place}")
    }

    async fn run(self, job: Job) -> Value {
        let (program, script, style): (PathBuf, _, _) = match self {
            Self::Python { version, style } => (tools::python(version), "python/acs.py", style),
            Self::JavaScript => (tools::node(), "node/acs.mjs", "async"),
        };
        let job = json!({
            "endpoint": job.endpoint,
            "key": job.key,
            "message": job.message,
            "operation_id": job.operation_id,
            "style": style,
        });
        tools::ask(&program, &tools::script(script), &job).await
    }
}

fn endpoint(system: &System) -> String {
    format!("http://{}", system.authority())
}

/// A message with everything that the SDKs can put into one.
fn everything(system: &System, subject: &str) -> Value {
    let file = |name: &str, media_type: &str, content: &[u8]| {
        json!({
            "name": name,
            "contentType": media_type,
            "contentInBase64": STANDARD.encode(content),
        })
    };
    let mut picture = file("logo.png", "image/png", PICTURE);
    picture["contentId"] = "logo".into();
    json!({
        "senderAddress": system.sender(),
        "content": {
            "subject": subject,
            "plainText": "Grüße.",
            "html": "<p>Grüße.</p><img src=\"cid:logo\">",
        },
        "recipients": {
            "to": [{"address": "to@example.com", "displayName": "Zoë"}],
            "cc": [{"address": "cc@example.com"}],
            "bcc": [{"address": "bcc@example.com"}],
        },
        "replyTo": [{"address": "reply@example.com", "displayName": "Reply"}],
        "attachments": [file("report.csv", "text/csv", REPORT), picture],
        "headers": {"X-Campaign": "first"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_a_message_arrives() {
    let system = Setup::default().start().await;
    let sent = SDKS.map(|sdk| {
        sdk.run(Job::new(
            endpoint(&system),
            everything(&system, &sdk.name()),
        ))
    });
    for (sdk, outcome) in SDKS.iter().zip(join_all(sent).await) {
        assert_eq!(
            outcome["result"]["status"], "Succeeded",
            "{sdk:?}: {outcome}"
        );
        check_everything(&system.inbox().arrival(&sdk.name()).await);
    }
    assert_eq!(system.inbox().messages().await.len(), SDKS.len());
}

fn check_everything(captured: &Captured) {
    let text = captured.text();
    assert_eq!(
        captured.envelope_to,
        ["to@example.com", "cc@example.com", "bcc@example.com"]
    );
    assert!(!text.contains("bcc@example.com"), "{text}");
    let message = MessageParser::new().parse(&captured.source).unwrap();
    assert_eq!(addresses(message.to()), ["Zoë <to@example.com>"]);
    assert_eq!(addresses(message.cc()), [" <cc@example.com>"]);
    assert_eq!(addresses(message.reply_to()), ["Reply <reply@example.com>"]);
    assert_eq!(
        message.header_raw("X-Campaign").map(str::trim),
        Some("first")
    );
    assert_eq!(
        message.body_text(0).as_deref().map(str::trim_end),
        Some("Grüße.")
    );
    assert!(
        message.body_html(0).unwrap().contains("<p>Grüße.</p>"),
        "{text}"
    );
    check_files(&message);
}

fn addresses(found: Option<&Address<'_>>) -> Vec<String> {
    let mailboxes = found.into_iter().flat_map(Address::iter);
    let shown = mailboxes.map(|mailbox| {
        let address = mailbox.address().unwrap_or_default();
        format!("{} <{address}>", mailbox.name().unwrap_or_default())
    });
    shown.collect()
}

fn check_files(message: &Message<'_>) {
    let found: Vec<_> = message
        .attachments()
        .map(|part| (part.attachment_name(), part.content_id(), part.contents()))
        .collect();
    // The picture belongs to the HTML body, so it stands before what is attached to the whole.
    let expected = [
        (Some("logo.png"), Some("logo"), PICTURE),
        (Some("report.csv"), None, REPORT),
    ];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_the_sdks_own_error() {
    let system = Setup::default().start().await;
    let sent = SDKS.map(|sdk| {
        let mut job = Job::new(endpoint(&system), system.message("refused"));
        job.key = STANDARD.encode("a key that opens nothing at all");
        sdk.run(job)
    });
    for (sdk, outcome) in SDKS.iter().zip(join_all(sent).await) {
        check_error(*sdk, &outcome, "ClientAuthenticationError", 401, "Denied");
    }
    assert!(system.inbox().messages().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_recipients_are_the_sdks_own_error() {
    let system = Setup::default().start().await;
    let sent = SDKS.map(|sdk| {
        let mut message = system.message("refused");
        let recipient = |n| json!({"address": format!("r{n}@example.com")});
        message["recipients"]["to"] = (0..51).map(recipient).collect();
        sdk.run(Job::new(endpoint(&system), message))
    });
    for (sdk, outcome) in SDKS.iter().zip(join_all(sent).await) {
        check_error(*sdk, &outcome, "HttpResponseError", 400, "BadRequest");
    }
    assert!(system.inbox().messages().await.is_empty());
}

/// Checks what an application sees of a refusal; JavaScript has one class for all.
#[track_caller]
fn check_error(sdk: Sdk, outcome: &Value, python_class: &str, status: u16, code: &str) {
    let class = match sdk {
        Sdk::Python { .. } => python_class,
        Sdk::JavaScript => "RestError",
    };
    let error = &outcome["error"];
    let found = (&error["class"], &error["status"], &error["code"]);
    let expected = (&json!(class), &json!(status), &json!(code));
    assert_eq!(found, expected, "{sdk:?}: {outcome}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{sdk:?}: {outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_a_lost_answer_sends_one_mail() {
    let system = Setup::default().start().await;
    join_all(SDKS.map(|sdk| check_retry(&system, sdk))).await;
    let mut subjects = system.inbox().subjects().await;
    subjects.sort();
    let mut expected = SDKS.map(Sdk::name);
    expected.sort();
    assert_eq!(subjects, expected, "one mail each");
}

/// The SDK's first POST reaches the server, but the answer that comes back is a 503.
async fn check_retry(system: &System, sdk: Sdk) {
    let proxy = Proxy::start(system.client.address(), Fault::LosesFirstAnswer).await;
    let mut job = Job::new(proxy.origin(), system.message(&sdk.name()));
    job.operation_id = Some(sdk.operation_id());
    let outcome = sdk.run(job).await;
    assert_eq!(
        outcome["result"]["status"], "Succeeded",
        "{sdk:?}: {outcome}"
    );
    assert_eq!(outcome["result"]["id"], sdk.operation_id(), "{sdk:?}");
    let exchanges = proxy.exchanges();
    let posts: Vec<_> = exchanges
        .iter()
        .filter(|exchange| exchange.method == "POST")
        .collect();
    let [lost, repeated] = posts[..] else {
        panic!("{sdk:?}: expected two POSTs, found {posts:?}");
    };
    assert_eq!(
        (lost.status.as_u16(), repeated.status.as_u16()),
        (202, 202),
        "{sdk:?}"
    );
    assert_eq!(
        id(lost),
        id(repeated),
        "{sdk:?}: the stored 202 is repeated"
    );
    assert_eq!(lost.fields["operation-id"], repeated.fields["operation-id"]);
    system.inbox().arrival(&sdk.name()).await;
}

fn id(exchange: &Exchange) -> Value {
    serde_json::from_slice::<Value>(&exchange.answer).unwrap()["id"].clone()
}
