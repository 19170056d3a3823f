//! A relay in this process, and a client that sends exactly the octets it is told to.

use std::path::Path;

use relay::{CaptureOptions, Log, Mode, Relay, RelayOptions, Secret, SmtpOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) const TOKEN: &str = "token-for-tests";
pub(crate) const MESSAGE: &str =
    "From: a@b.example\r\nTo: c@d.example\r\nSubject: hi\r\n\r\nhello\r\n";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The status and the error's code, for comparing both at once.
    pub(crate) fn problem(&self) -> (u16, String) {
        (
            self.status,
            self.json()["error"]["code"].as_str().unwrap().to_owned(),
        )
    }
}

/// A running relay.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) relay: Relay,
}

pub(crate) async fn start(state: &Path, mode: Mode) -> Running {
    let options = RelayOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        token: Secret::parse(TOKEN).unwrap(),
        state: state.to_owned(),
        mode,
        log: Log::silent(),
    };
    Running {
        relay: Relay::start(options).await.unwrap(),
    }
}

pub(crate) async fn capture() -> (Running, TempDir) {
    let state = tempfile::tempdir().unwrap();
    (
        start(state.path(), Mode::Capture(CaptureOptions::default())).await,
        state,
    )
}

pub(crate) async fn smtp(options: SmtpOptions) -> (Running, TempDir) {
    let state = tempfile::tempdir().unwrap();
    (start(state.path(), Mode::Smtp(options)).await, state)
}

impl Running {
    /// Sends `octets` on a connection of their own, and reads what comes until the relay closes it.
    pub(crate) async fn raw(&self, octets: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.relay.address()).await.unwrap();
        // The relay may answer and close before it has read everything.
        drop(stream.write_all(octets).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        parse(&answer)
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !fields.iter().any(|(name, _)| *name == "Host") {
            head.push_str(&format!("Host: {}\r\n", self.relay.address()));
        }
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.raw(&[head.as_bytes(), b"\r\n", body].concat()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"").await
    }

    /// Hands a message over under `key`.
    pub(crate) async fn hand_over(&self, key: &str, recipients: &[&str], message: &[u8]) -> Answer {
        let authorization = format!("Bearer {TOKEN}");
        let recipients: Vec<String> = recipients.iter().map(|path| format!("<{path}>")).collect();
        let mut fields = vec![
            ("Authorization", authorization.as_str()),
            ("Content-Type", "message/rfc822"),
            ("Idempotency-Key", key),
            ("Envelope-From", "<a@b.example>"),
        ];
        fields.extend(recipients.iter().map(|path| ("Envelope-To", path.as_str())));
        self.request("POST", "/v1/messages", &fields, message).await
    }

    /// Captures a message and returns its id.
    pub(crate) async fn captured(&self, key: &str, message: &[u8]) -> i64 {
        let answer = self.hand_over(key, &["c@d.example"], message).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.get("/api/messages?limit=1").await.json()["messages"][0]["id"]
            .as_i64()
            .unwrap()
    }

    /// Waits until the signatures of a message were checked, and returns the report.
    pub(crate) async fn dkim(&self, id: i64) -> Value {
        loop {
            let report = self.get(&format!("/api/messages/{id}")).await.json()["dkim"].clone();
            if !report.is_null() {
                return report;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer
        .windows(4)
        .position(|octets| octets == b"\r\n\r\n")
        .unwrap_or_else(|| {
            panic!(
                "expected an answer, found {:?}",
                String::from_utf8_lossy(answer)
            );
        });
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: answer[end + 4..].to_vec(),
    }
}
