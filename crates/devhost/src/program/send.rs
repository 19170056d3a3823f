//! `sendlet send`: one mail through a running server, signed as the official SDKs sign.

use std::{
    error::Error,
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    api::{Answer, Api, ApiError, path_of},
    arguments::Send,
    connection::Connection,
    print,
    secrets::Secrets,
    state::{self, RunningServer},
};

const SEND: &str = "/emails:send?api-version=2025-09-01";

/// The most all attachments may have, as the API takes 10 MB in all once encoded.
const MAX_ATTACHED_BYTES: u64 = 7_500_000;

/// How often the operation is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Runs `sendlet send`.
pub(super) async fn run(arguments: Send) -> Result<(), Box<dyn Error>> {
    let target = Target::find(&arguments)?;
    let body = serde_json::to_vec(&message(&arguments, &target.sender)?)?;
    let answer = target.call(Method::POST, SEND, Bytes::from(body)).await?;
    if answer.status != StatusCode::ACCEPTED {
        return Err(refused(&answer).into());
    }
    let id = answer.text(&["id"]).unwrap_or("?");
    print(format_args!("accepted as {id}"))?;
    if arguments.wait > 0 {
        let operation = answer
            .header("operation-location")
            .map(path_of)
            .ok_or("the server named no operation to look at")?;
        let wait = Duration::from_secs(arguments.wait);
        let outcome = tokio::time::timeout(wait, target.outcome(&operation)).await;
        let outcome = outcome.map_err(|_| {
            format!(
                "still on its way after {} seconds; {} shows how it stands",
                arguments.wait, operation
            )
        })??;
        print(outcome)?;
    }
    if let Some(inbox) = &target.inbox {
        print(format_args!("see it at {inbox}"))?;
    }
    Ok(())
}

/// The server to send through.
struct Target {
    api: Api,
    connection: Connection,
    sender: String,
    inbox: Option<String>,
}

impl Target {
    fn find(arguments: &Send) -> Result<Self, Box<dyn Error>> {
        if let Some(text) = &arguments.connection_string {
            let connection = Connection::parse(text)?;
            let sender = arguments
                .from
                .clone()
                .ok_or("with --connection-string the sender must be named: --from address")?;
            return Ok(Self {
                api: Api::new(&connection.origin),
                connection,
                sender,
                inbox: None,
            });
        }
        let server =
            RunningServer::read(&arguments.state).map_err(|_| never_started(&arguments.state))?;
        let secrets = Secrets::load(&state::secrets(&arguments.state))?
            .ok_or_else(|| never_started(&arguments.state))?;
        let connection = Connection::new(&server.origin, secrets.get("access_key_primary"))?;
        let sender = arguments.from.clone().unwrap_or(server.sender);
        Ok(Self {
            api: Api::new(&connection.origin),
            connection,
            sender,
            inbox: server.inbox,
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer, Box<dyn Error>> {
        let date = date();
        let mut fields = self.connection.sign(method.as_str(), path, &date, &body);
        if !body.is_empty() {
            fields.push(("content-type", "application/json".to_owned()));
        }
        self.api
            .call(method, path, &fields, body)
            .await
            .map_err(|error| match error {
                ApiError::Unreachable { .. } => {
                    format!("{error}; start one with: cargo run").into()
                }
                ApiError::Request(_) | ApiError::Timeout { .. } => error.into(),
            })
    }

    /// Waits for the end of the operation.
    async fn outcome(&self, path: &str) -> Result<String, Box<dyn Error>> {
        loop {
            let answer = self.call(Method::GET, path, Bytes::new()).await?;
            match answer.text(&["status"]) {
                Some("Succeeded") => return Ok("handed over to the relay".to_owned()),
                Some("Running" | "NotStarted") => tokio::time::sleep(POLL).await,
                Some(status) => {
                    return Err(
                        format!("the mail ended as {status}: {}", answer.complaint()).into(),
                    );
                }
                None => return Err(refused(&answer).into()),
            }
        }
    }
}

fn never_started(state: &Path) -> String {
    format!(
        "no server was started with the state folder {}; start one with: cargo run",
        state.display()
    )
}

fn refused(answer: &Answer) -> String {
    let hint = match answer.status.as_u16() {
        401 => {
            "; the server may have been started anew with other keys, or this machine's clock is wrong"
        }
        404 => "; the sender's domain must be one that GET /domains shows",
        _ => "",
    };
    format!("the server refused the mail: {}{hint}", answer.complaint())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a request is signed with the time it is made"
)]
fn date() -> String {
    httpdate::fmt_http_date(SystemTime::now())
}

fn message(arguments: &Send, sender: &str) -> io::Result<Value> {
    let to: Vec<Value> = arguments
        .to
        .iter()
        .map(|address| json!({ "address": address }))
        .collect();
    let text = match (&arguments.text, &arguments.html) {
        (None, None) => Some("It works.\n".to_owned()),
        (text, _) => text.clone(),
    };
    let content =
        json!({ "subject": arguments.subject, "plainText": text, "html": arguments.html });
    let content: serde_json::Map<String, Value> = content
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    Ok(json!({
        "senderAddress": sender,
        "recipients": { "to": to },
        "content": content,
        "attachments": attachments(arguments)?,
    }))
}

fn attachments(arguments: &Send) -> io::Result<Vec<Value>> {
    let mut left = MAX_ATTACHED_BYTES;
    let attach = |path: &std::path::PathBuf| {
        let told = |error: io::Error| {
            io::Error::other(format!("cannot attach {}: {error}", path.display()))
        };
        let length = std::fs::metadata(path).map_err(told)?.len();
        left = left.checked_sub(length).ok_or_else(|| {
            told(io::Error::other(format!(
                "expected at most {MAX_ATTACHED_BYTES} bytes in all attachments"
            )))
        })?;
        let contents = std::fs::read(path).map_err(told)?;
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        Ok(
            json!({ "name": name, "contentType": media_type(path), "contentInBase64": BASE64_STANDARD.encode(contents) }),
        )
    };
    arguments.attach.iter().map(attach).collect()
}

/// Returns the media type that goes with a file's extension.
fn media_type(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => "text/csv",
        "gif" => "image/gif",
        "htm" | "html" => "text/html",
        "ics" => "text/calendar",
        "jpg" | "jpeg" => "image/jpeg",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "txt" | "md" | "log" => "text/plain",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::program::arguments::{Arguments, Command};

    fn arguments(list: &[&str]) -> Send {
        let all = ["sendlet", "send", "--to", "a@b.example"]
            .iter()
            .chain(list);
        match Arguments::try_parse_from(all).unwrap().command {
            Some(Command::Send(send)) => send,
            other => unreachable!("{other:?}"),
        }
    }

    #[track_caller]
    fn check(list: &[&str], content: &Value) {
        assert_eq!(
            message(&arguments(list), "s@d.example").unwrap()["content"],
            *content
        );
    }

    #[test]
    fn a_mail_always_has_a_body() {
        check(
            &[],
            &json!({"subject": "Hello from Sendlet", "plainText": "It works.\n"}),
        );
        check(
            &["--subject", "S", "--html", "<p>"],
            &json!({"subject": "S", "html": "<p>"}),
        );
        check(
            &["--text", "t", "--html", "<p>"],
            &json!({"subject": "Hello from Sendlet", "plainText": "t", "html": "<p>"}),
        );
    }

    #[test]
    fn files_are_attached_with_name_and_type() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.TXT");
        std::fs::write(&path, "hi").unwrap();
        let message = message(
            &arguments(&["--attach", path.to_str().unwrap()]),
            "s@d.example",
        )
        .unwrap();
        assert_eq!(
            message["attachments"],
            json!([{"name": "note.TXT", "contentType": "text/plain", "contentInBase64": "aGk="}])
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = message(&arguments(&["--attach", "/nowhere/x.pdf"]), "s@d.example")
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nowhere/x.pdf"), "{error}");
    }

    #[test]
    fn without_a_server_the_user_learns_how_to_start_one() {
        let folder = tempfile::tempdir().unwrap();
        let error = Target::find(&arguments(&["--state", folder.path().to_str().unwrap()]))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("cargo run"), "{error}");
    }
}
