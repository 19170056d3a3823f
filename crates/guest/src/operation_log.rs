//! The log that operators analyse: one JSON object a line, with the column names of ACS's diagnostic tables.
//!
//! `ACSEmailSendMailOperational` has a line for each accepted message, `ACSEmailStatusUpdateOperational` one for each change of a message
//! or recipient, `ACSEmailUserEngagementOperational` one for each open, click and wish for no more mail. Recipients are shown as
//! [`Disclosure`] says. No line holds a body, subject, token or key; of links, what follows the path is left out, since that is where the
//! applications' own tokens are.

use std::cell::RefCell;
use std::io::Write as _;

use mailer::delivery::Progress;
use mailer::digest::StatusUpdate;
use mailer::disclosure::Disclosure;
use mailer::engagement::VisitAction;
use mailer::engagement::intake::Engaged;
use mailer::envelope::AddrSpec;
use mailer::event::EventKind;
use mailer::hash_key::HashKey;
use mailer::operation::OperationId;
use mailer::submission::Submission;
use mailer::time::Timestamp;
use serde::Serialize;

use crate::config::{ConfigError, Variables};

/// The variables that [`operation_log`] reads.
pub const OPERATION_LOG_NAMES: [&str; 2] = ["log_hash_key", "log_recipients"];

const SEND_MAIL: &str = "SendMail";
const STATUS_UPDATE: &str = "DeliveryStatusUpdate";
const SEND_MAIL_CATEGORY: &str = "EmailSendMailOperational";
const USER_ENGAGEMENT: &str = "UserEngagementUpdate";
const USER_ENGAGEMENT_CATEGORY: &str = "EmailUserEngagementOperational";
const STATUS_UPDATE_CATEGORY: &str = "EmailStatusUpdateOperational";
/// The version of the columns.
const OPERATION_VERSION: &str = "1.0";
const LOCATION: &str = "global";
/// Mail is accepted over HTTP only.
const TRAFFIC_SOURCE: &str = "HTTP";
/// Characters of somebody else's text that are kept.
const MAX_TEXT_CHARS: usize = 1000;
const OCTETS_OF_A_MEGABYTE: f64 = 1_000_000.0;

/// Writes the log's lines.
#[derive(Debug)]
pub struct OperationLog {
    disclosure: Disclosure,
    // Of accepted messages: a write each would cost as much as a tenth of accepting does.
    waiting: RefCell<Lines>,
}

/// How recipients are shown in the log: `log_recipients`, and `log_hash_key` where that says hashed.
///
/// # Errors
/// When a variable is malformed.
pub fn operation_log(variables: &Variables) -> Result<OperationLog, ConfigError> {
    let key = variables.parse("log_hash_key", HashKey::parse)?;
    let disclosure = variables.parse("log_recipients", |word| {
        Disclosure::parse(word, key.clone())
    })?;
    Ok(OperationLog {
        disclosure,
        waiting: RefCell::default(),
    })
}

/// What the log tells of an accepted message.
#[derive(Debug)]
pub struct SendMail {
    sender: AddrSpec,
    counts: Counts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Counts {
    /// Megabytes.
    size: f64,
    to_recipients_count: usize,
    cc_recipients_count: usize,
    bcc_recipients_count: usize,
    unique_recipients_count: usize,
    attachments_count: usize,
}

impl SendMail {
    /// What is told of `submission` once it is accepted.
    #[must_use]
    pub fn of(submission: &Submission) -> Self {
        Self {
            sender: submission.sender.clone(),
            counts: Counts {
                size: megabytes(submission.content_octets()),
                to_recipients_count: submission.to.len(),
                cc_recipients_count: submission.cc.len(),
                bcc_recipients_count: submission.bcc.len(),
                unique_recipients_count: submission.unique_recipients(),
                attachments_count: submission.attachments.len(),
            },
        }
    }
}

fn megabytes(octets: usize) -> f64 {
    // Exact: no message has 2^32 octets.
    f64::from(u32::try_from(octets).unwrap_or(u32::MAX)) / OCTETS_OF_A_MEGABYTE
}

/// The columns of every table.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a, C: Serialize> {
    time_generated: &'a str,
    location: &'static str,
    operation_name: &'static str,
    operation_version: &'static str,
    category: &'static str,
    correlation_id: &'a str,
    #[serde(flatten)]
    columns: C,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendMailColumns<'a> {
    #[serde(flatten)]
    counts: &'a Counts,
    traffic_source: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatusColumns<'a> {
    /// Empty for the message as a whole.
    recipient_id: String,
    delivery_status: &'static str,
    smtp_status_code: String,
    enhanced_smtp_status_code: String,
    sender_domain: &'a str,
    sender_username: String,
    is_hard_bounce: &'static str,
    failure_reason: &'a str,
    failure_message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EngagementColumns {
    recipient_id: String,
    engagement_type: &'static str,
    /// Where the link leads, without query and fragment.
    engagement_context: String,
    /// The program's name.
    user_agent: &'static str,
    audience: &'static str,
}

impl<'a> StatusColumns<'a> {
    fn of_message(sender: &'a AddrSpec, status: &'static str) -> Self {
        Self {
            recipient_id: String::new(),
            delivery_status: status,
            smtp_status_code: String::new(),
            enhanced_smtp_status_code: String::new(),
            sender_domain: sender.domain().as_str(),
            sender_username: sender.local_part().to_string(),
            is_hard_bounce: "false",
            failure_reason: "",
            failure_message: String::new(),
        }
    }
}

impl OperationLog {
    /// Notes that the message `id` was accepted, and is queued. It is told by [`Self::tell_accepted`].
    pub fn accepted(&self, at: Timestamp, id: OperationId, mail: &SendMail) {
        let columns = SendMailColumns {
            counts: &mail.counts,
            traffic_source: TRAFFIC_SOURCE,
        };
        let queued = StatusColumns::of_message(&mail.sender, "Queued");
        let (at, id) = (at.to_rfc3339(), id.to_string());
        let mut lines = self.waiting.borrow_mut();
        lines.add(&at, &id, (SEND_MAIL, SEND_MAIL_CATEGORY), columns);
        lines.add(&at, &id, (STATUS_UPDATE, STATUS_UPDATE_CATEGORY), queued);
    }

    /// Tells of all that was accepted since the last time, at once.
    pub fn tell_accepted(&self) {
        self.waiting.take().write();
    }

    /// Tells what became of the message `id` as a whole.
    pub fn progress(&self, at: Timestamp, id: OperationId, sender: &AddrSpec, progress: Progress) {
        let status = match progress {
            Progress::OutForDelivery => "OutForDelivery",
            Progress::Dropped => "Dropped",
        };
        let columns = StatusColumns::of_message(sender, status);
        let mut lines = Lines::default();
        let (at, id) = (at.to_rfc3339(), id.to_string());
        lines.add(&at, &id, (STATUS_UPDATE, STATUS_UPDATE_CATEGORY), columns);
        lines.write();
    }

    /// Tells what became of recipients.
    pub fn updates(&self, updates: &[StatusUpdate]) {
        let mut lines = Lines::default();
        for update in updates {
            let at = update.outcome.at.to_rfc3339();
            let id = update.message.to_string();
            let operation = (STATUS_UPDATE, STATUS_UPDATE_CATEGORY);
            lines.add(&at, &id, operation, self.of_recipient(update));
        }
        lines.write();
    }

    /// Tells what recipients did.
    pub fn engagements(&self, engaged: &[Engaged]) {
        let mut lines = Lines::default();
        for one in engaged {
            let columns = EngagementColumns {
                recipient_id: self.disclosure.address(&one.recipient),
                engagement_type: engagement_type(&one.action),
                engagement_context: one.context(),
                user_agent: one.verdict.client.family.as_str(),
                audience: one.verdict.audience.as_str(),
            };
            let operation = (USER_ENGAGEMENT, USER_ENGAGEMENT_CATEGORY);
            let (at, id) = (one.at.to_rfc3339(), one.message.to_string());
            lines.add(&at, &id, operation, columns);
        }
        lines.write();
    }

    fn of_recipient<'a>(&self, update: &'a StatusUpdate) -> StatusColumns<'a> {
        let outcome = &update.outcome;
        let reply = outcome.reply.as_ref();
        let enhanced = reply.and_then(|reply| reply.enhanced);
        // Whole, since half an address would not be known for one.
        let text = self.disclosure.text(reply.map_or("", |reply| reply.text()));
        StatusColumns {
            recipient_id: self.disclosure.address(&update.recipient),
            delivery_status: status(outcome.kind),
            smtp_status_code: reply
                .map(|reply| reply.code.to_string())
                .unwrap_or_default(),
            enhanced_smtp_status_code: enhanced.map(|code| code.to_string()).unwrap_or_default(),
            is_hard_bounce: match outcome.kind {
                EventKind::Bounced => "true",
                _ => "false",
            },
            failure_reason: outcome.class.as_deref().unwrap_or_default(),
            failure_message: text.chars().take(MAX_TEXT_CHARS).collect(),
            ..StatusColumns::of_message(&update.sender, "")
        }
    }
}

/// ACS's words, and three that it does not tell recipient by recipient.
const fn status(kind: EventKind) -> &'static str {
    match kind {
        EventKind::OutForDelivery => "OutForDelivery",
        EventKind::Deferred => "Deferred",
        EventKind::Delivered => "Delivered",
        EventKind::Expanded => "Expanded",
        EventKind::Suppressed => "Suppressed",
        EventKind::Failed => "Failed",
        EventKind::Quarantined => "Quarantined",
        EventKind::FilteredSpam => "FilteredSpam",
        EventKind::Bounced => "Bounced",
        EventKind::Complained => "Complained",
    }
}

/// ACS's words, and two for what it does not know.
const fn engagement_type(action: &VisitAction) -> &'static str {
    match action {
        VisitAction::Open => "View",
        VisitAction::Click { .. } => "Click",
        VisitAction::Unsubscribe { .. } => "Unsubscribe",
        VisitAction::Resubscribe => "Resubscribe",
    }
}

/// Lines that are written at once.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn add(
        &mut self,
        at: &str,
        id: &str,
        (operation_name, category): (&'static str, &'static str),
        columns: impl Serialize,
    ) {
        let line = Line {
            time_generated: at,
            location: LOCATION,
            operation_name,
            operation_version: OPERATION_VERSION,
            category,
            correlation_id: id,
            columns,
        };
        let before = self.0.len();
        // Only a failing `Serialize` makes this fail, and none of these does.
        match serde_json::to_writer(&mut self.0, &line) {
            Ok(()) => self.0.push(b'\n'),
            Err(_) => self.0.truncate(before),
        }
    }

    fn write(&self) {
        if !self.0.is_empty() {
            // A log that cannot be written is no reason to fail a request.
            let _ = std::io::stderr().write_all(&self.0);
        }
    }
}
