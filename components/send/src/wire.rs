//! The JSON of the API, and nothing of it beyond this file.

use std::borrow::Cow;
use std::fmt;

use guest::{Object, Problem};
use mailer::delivery::{Failure, Outcome};
use mailer::domain::SenderError;
use mailer::operation::OperationId;
use mailer::submission::{
    Draft, DraftAttachment, DraftMailbox, InvalidProperty, Policy, Rule, Submission,
};
use mailer::submit::SubmitError;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An `EmailMessage`. What the API requires is optional here, so that its absence is named in our own words.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailMessage<'a> {
    #[serde(borrow, default)]
    sender_address: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sender_display_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<Object<EmailContent<'a>>>,
    #[serde(borrow, default)]
    recipients: Option<Object<EmailRecipients<'a>>>,
    #[serde(borrow, default)]
    reply_to: Option<Vec<Object<EmailAddress<'a>>>>,
    #[serde(borrow, default)]
    attachments: Option<Vec<Object<EmailAttachment<'a>>>>,
    #[serde(borrow, default)]
    headers: Option<Pairs<'a>>,
    #[serde(default)]
    user_engagement_tracking_disabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailContent<'a> {
    #[serde(borrow, default)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    plain_text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    html: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailRecipients<'a> {
    #[serde(borrow, default)]
    to: Option<Vec<Object<EmailAddress<'a>>>>,
    #[serde(borrow, default)]
    cc: Option<Vec<Object<EmailAddress<'a>>>>,
    #[serde(borrow, default)]
    bcc: Option<Vec<Object<EmailAddress<'a>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailAddress<'a> {
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow, default)]
    display_name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailAttachment<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
    // Borrowed from the body: this is where its megabytes are.
    #[serde(borrow)]
    content_in_base64: Cow<'a, str>,
    #[serde(borrow, default)]
    content_id: Option<Cow<'a, str>>,
}

/// An object as the pairs it was written with: a map would hide a header that is given twice.
#[derive(Default)]
struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry::<Cow<'de, str>, Cow<'de, str>>()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<'a> From<EmailMessage<'a>> for Draft<'a> {
    fn from(message: EmailMessage<'a>) -> Self {
        let Object(content) = message.content.unwrap_or_default();
        let Object(recipients) = message.recipients.unwrap_or_default();
        Self {
            sender_address: message.sender_address.unwrap_or_default(),
            sender_display_name: message.sender_display_name,
            subject: content.subject,
            plain_text: content.plain_text,
            html: content.html,
            to: mailboxes(recipients.to),
            cc: mailboxes(recipients.cc),
            bcc: mailboxes(recipients.bcc),
            reply_to: mailboxes(message.reply_to),
            attachments: message
                .attachments
                .unwrap_or_default()
                .into_iter()
                .map(|Object(attachment)| attachment.into())
                .collect(),
            headers: message.headers.unwrap_or_default().0,
            tracking_disabled: message.user_engagement_tracking_disabled.unwrap_or(false),
        }
    }
}

fn mailboxes(addresses: Option<Vec<Object<EmailAddress<'_>>>>) -> Vec<DraftMailbox<'_>> {
    addresses
        .unwrap_or_default()
        .into_iter()
        .map(|Object(address)| address.into())
        .collect()
}

impl<'a> From<EmailAddress<'a>> for DraftMailbox<'a> {
    fn from(from: EmailAddress<'a>) -> Self {
        Self {
            address: from.address,
            display_name: from.display_name,
        }
    }
}

impl<'a> From<EmailAttachment<'a>> for DraftAttachment<'a> {
    fn from(from: EmailAttachment<'a>) -> Self {
        Self {
            name: from.name,
            content_type: from.content_type,
            content_in_base64: from.content_in_base64,
            content_id: from.content_id,
        }
    }
}

/// The submission that `body` asks for.
pub(crate) fn submission(body: &[u8], policy: Policy) -> Result<Submission, Problem> {
    let Object(message): Object<EmailMessage<'_>> =
        serde_json::from_slice(body).or_else(|_| blamed_message(body))?;
    Draft::from(message)
        .check(policy)
        .map_err(|invalid| broken_rule(&invalid))
}

/// The message again, with track kept of where in it the reader is: that costs time, and only an error has a use for it.
fn blamed_message(body: &[u8]) -> Result<Object<EmailMessage<'_>>, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let message =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|e| unreadable(&e))?;
    deserializer.end().map_err(|e| not_json(&e))?;
    Ok(message)
}

fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if !error.inner().is_data() {
        return not_json(error.inner());
    }
    let path = error.path().to_string();
    let message = format!(
        "Request body validation error. See property '{path}': {}",
        cut(&error.inner().to_string())
    );
    Problem::new(400, "BadRequest", message).with_target(path)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(
        400,
        "BadRequest",
        format!("The request body is not JSON: {}", cut(&error.to_string())),
    )
}

/// Errors quote what was found, which may be long.
fn cut(text: &str) -> String {
    const SHOWN: usize = 300;
    text.chars().take(SHOWN).collect()
}

fn broken_rule(invalid: &InvalidProperty) -> Problem {
    let code = match invalid.rule {
        Rule::Address(_) | Rule::NeedsSmtputf8 => "InvalidEmailAddress",
        _ => "BadRequest",
    };
    let message = format!(
        "Request body validation error. See property '{}': {invalid}",
        invalid.property
    );
    Problem::new(400, code, message).with_target(invalid.property.clone())
}

/// The answer when a message is not accepted.
pub(crate) fn refusal(error: SubmitError) -> Problem {
    let message = error.to_string();
    match error {
        SubmitError::Sender(SenderError::DomainNotLinked) => {
            Problem::new(404, "DomainNotLinked", message).with_target("senderAddress")
        }
        SubmitError::Sender(SenderError::DomainNotVerified(_)) => {
            Problem::new(404, "DomainNotVerified", message).with_target("senderAddress")
        }
        SubmitError::Sender(SenderError::UnknownUsername) => {
            Problem::new(400, "InvalidSenderUserName", message).with_target("senderAddress")
        }
        SubmitError::OperationIdReused => {
            Problem::new(409, "OperationIdReused", message).with_target("Operation-Id")
        }
        SubmitError::OperationInProgress => {
            Problem::new(503, "OperationInProgress", message).with_header("retry-after", "1")
        }
        SubmitError::DuplicateMessageId => {
            Problem::new(400, "BadRequest", message).with_target("headers.Message-ID")
        }
        SubmitError::Store(error) => error.into(),
    }
}

/// The answer when nothing was accepted under `id`.
pub(crate) fn unknown_operation(id: &str) -> Problem {
    let message = format!(
        "Requested message could not be located. Couldn't find a record with the messageID: {}",
        cut(id)
    );
    Problem::new(404, "NotFound", message)
}

/// The body of a 202 and of every poll.
#[derive(Serialize)]
pub(crate) struct Operation {
    id: String,
    status: Status,
    error: Option<OperationError>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
enum Status {
    Running,
    Succeeded,
    Failed,
}

#[derive(Serialize)]
struct OperationError {
    code: &'static str,
    message: String,
}

impl Operation {
    /// What a 202 says: always Running, since the SDKs of two languages do not poll otherwise.
    pub(crate) fn running(id: OperationId) -> Self {
        Self::new(id, &Outcome::Running)
    }

    pub(crate) fn new(id: OperationId, outcome: &Outcome) -> Self {
        let (status, error) = match outcome {
            Outcome::Running => (Status::Running, None),
            Outcome::Succeeded => (Status::Succeeded, None),
            Outcome::Failed(failure) => (Status::Failed, Some(OperationError::from(failure))),
        };
        Self {
            id: id.to_string(),
            status,
            error,
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.status != Status::Running
    }
}

impl From<&Failure> for OperationError {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::AllRecipientsSuppressed => Self {
                code: "EmailDroppedAllRecipientsSuppressed",
                message: "Message dropped because all recipients were suppressed.".to_owned(),
            },
            Failure::Dropped(None) => Self {
                code: "EmailDropped",
                message: DROPPED.to_owned(),
            },
            Failure::Dropped(Some(reply)) => Self {
                code: "EmailDropped",
                message: format!("{DROPPED} Last reply: {reply}"),
            },
        }
    }
}

const DROPPED: &str = "Email was dropped after several attempts to deliver.";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(body: &str, target: &str) {
        let problem = submission(body.as_bytes(), Policy::default()).expect_err("refused");
        assert_eq!((problem.status, problem.code), (400, "BadRequest"));
        assert_eq!(problem.target.as_deref(), Some(target), "{body}");
        assert!(problem.message.contains("expected an object"), "{body}");
    }

    #[test]
    fn an_array_is_no_object_wherever_it_stands() {
        let rest = |content, recipients| {
            format!(
                r#"{{"senderAddress":"a@a.example","content":{content},"recipients":{recipients}}}"#
            )
        };
        let content = r#"{"subject":"s","plainText":"t"}"#;
        let to = r#"{"to":[{"address":"b@b.example"}]}"#;
        let good = rest(content, to);
        assert!(submission(good.as_bytes(), Policy::default()).is_ok());
        refused(
            r#"["a@a.example",null,["s","t",null],[[["b@b.example",null]],null,null]]"#,
            ".",
        );
        refused(&rest(r#"["s","t",null]"#, to), "content");
        refused(
            &rest(content, r#"[[{"address":"b@b.example"}],null,null]"#),
            "recipients",
        );
        refused(
            &rest(content, r#"{"to":[["b@b.example",null]]}"#),
            "recipients.to[0]",
        );
        let attached = good.replacen('{', r#"{"attachments":[["a.txt","text/plain","YQ=="]],"#, 1);
        refused(&attached, "attachments[0]");
    }
}
