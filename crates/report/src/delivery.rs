//! Delivery status: RFC 3464 sections 2.2 and 2.3, and RFC 6533 for addresses outside ASCII.

use alloc::string::String;
use alloc::vec::Vec;

use envelope::{AddrSpec, EnhancedStatusCode, ReplyCode};

use crate::ReportError;
use crate::classification::{Classification, classify};
use crate::diagnostic::Diagnostic;
use crate::field::{MAX_FIELD_OCTETS, Singles, groups};
use crate::recipient::{Recipient, split_type};
use crate::text::{self, MAX_TEXT_OCTETS, without_comments};

/// Most recipients kept of a report.
pub const MAX_RECIPIENTS: usize = 100;

/// What became of a message: a delivery status notification, or a bounce in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// How it was written.
    pub form: Form,
    /// Reporting-MTA: the name of the server that tells of it (RFC 3464 section 2.2.2).
    pub reporting_mta: Option<String>,
    /// Arrival-Date, as it stands there (section 2.2.5).
    pub arrival_date: Option<String>,
    /// Original-Envelope-Id: the ENVID that the message was handed over with (section 2.2.1).
    pub original_envelope_id: Option<String>,
    /// Message-ID of the returned message, without angle brackets.
    pub original_message_id: Option<String>,
    /// One for each recipient, at least one, at most [`MAX_RECIPIENTS`].
    pub recipients: Vec<RecipientReport>,
    /// How many more there were.
    pub omitted_recipients: usize,
}

/// How a bounce is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A delivery status, RFC 3464.
    DeliveryStatus,
    /// Text in Exim's form, or a notice with its field X-Failed-Recipients.
    Exim,
    /// Text in the form of qmail-send (QSBMF), which Yahoo uses too.
    Qsbmf,
}

/// What became of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientReport {
    /// Final-Recipient (section 2.3.2): for whom delivery was attempted in the end, perhaps an address that the one the
    /// message was sent to forwards to.
    pub final_recipient: Option<Recipient>,
    /// Original-Recipient (section 2.3.1): what the sender stated by ORCPT.
    pub original_recipient: Option<Recipient>,
    /// What was done.
    pub action: Action,
    /// The reply code in the diagnostic, if it is certain.
    pub reply_code: Option<ReplyCode>,
    /// Status (section 2.3.4). Where that is missing, or says no more than the class (`5.0.0`), the enhanced code in the
    /// diagnostic if it is of the same class.
    pub status: Option<EnhancedStatusCode>,
    /// Diagnostic-Code without its type, or the explanation: one line of at most
    /// [`MAX_DIAGNOSTIC_OCTETS`](crate::limits::MAX_DIAGNOSTIC_OCTETS).
    pub diagnostic: String,
    /// Remote-MTA: the name of the server that said it (section 2.3.5).
    pub remote_mta: Option<String>,
    /// Last-Attempt-Date, as it stands there (section 2.3.7).
    pub last_attempt_date: Option<String>,
    /// Will-Retry-Until, as it stands there (section 2.3.9).
    pub will_retry_until: Option<String>,
    /// What a failure or delay means; none for other actions. A failure is terminal whatever its codes say, since nobody
    /// tries again; a delay never is, and never a hard bounce or spam.
    pub classification: Option<Classification>,
}

/// What was done for a recipient: section 2.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It could not be delivered, and will not be tried again.
    Failed,
    /// It could not be delivered yet.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was handed on to where no reports come from.
    Relayed,
    /// It was delivered to a list or alias and sent on to several.
    Expanded,
}

impl Action {
    fn parse(body: &str) -> Option<Self> {
        let action = without_comments(body).trim().to_ascii_lowercase();
        Some(match action.as_str() {
            "failed" => Self::Failed,
            "delayed" => Self::Delayed,
            "delivered" => Self::Delivered,
            "relayed" => Self::Relayed,
            "expanded" => Self::Expanded,
            _ => return None,
        })
    }
}

impl RecipientReport {
    /// The address that the message was sent to, as far as the report knows: the original recipient, or else the final
    /// one.
    #[must_use]
    pub fn address(&self) -> Option<&AddrSpec> {
        let original = self.original_recipient.as_ref();
        let original = original.and_then(Recipient::address);
        original.or_else(|| self.final_recipient.as_ref()?.address())
    }

    /// For bounces that are text.
    pub(crate) fn explained(recipient: AddrSpec, action: Action, explanation: &str) -> Self {
        let diagnostic = Diagnostic::of_text(explanation);
        let final_recipient = Some(Recipient::Address(recipient));
        Self::new(final_recipient, action, None, diagnostic)
    }

    fn new(
        final_recipient: Option<Recipient>,
        action: Action,
        status: Option<EnhancedStatusCode>,
        diagnostic: Diagnostic,
    ) -> Self {
        let status = precise(status, diagnostic.status);
        let found = classify(diagnostic.reply_code, status, diagnostic.reply());
        Self {
            final_recipient,
            original_recipient: None,
            action,
            reply_code: diagnostic.reply_code,
            status,
            classification: conclusion(action, found),
            diagnostic: diagnostic.text,
            remote_mta: None,
            last_attempt_date: None,
            will_retry_until: None,
        }
    }
}

/// The more precise of what Status and the diagnostic say.
fn precise(
    field: Option<EnhancedStatusCode>,
    diagnostic: Option<EnhancedStatusCode>,
) -> Option<EnhancedStatusCode> {
    let (Some(field), Some(diagnostic)) = (field, diagnostic) else {
        return field.or(diagnostic);
    };
    let is_general = (field.subject(), field.detail()) == (0, 0);
    let replaces = is_general && field.class() == diagnostic.class();
    Some(if replaces { diagnostic } else { field })
}

fn conclusion(action: Action, found: Classification) -> Option<Classification> {
    match action {
        Action::Failed => Some(Classification {
            terminal: true,
            ..found
        }),
        Action::Delayed => Some(Classification {
            terminal: false,
            hard_bounce: false,
            spam: false,
            ..found
        }),
        Action::Delivered | Action::Relayed | Action::Expanded => None,
    }
}

impl DeliveryReport {
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            reporting_mta: None,
            arrival_date: None,
            original_envelope_id: None,
            original_message_id: None,
            recipients: Vec::new(),
            omitted_recipients: 0,
        }
    }

    /// Reads the content of a status part. Fields of the message are taken from whichever group has them first, since some
    /// MTAs leave the blank line out.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, ReportError> {
        let mut report = Self::new(Form::DeliveryStatus);
        for group in groups(content) {
            let fields = Group::read(group, &NAMES);
            report.add_message_fields(&fields);
            if let Some(addressed) = Addressed::read(&fields) {
                report.add(|| addressed.explained(&fields));
            }
        }
        if report.recipients.is_empty() {
            return Err(ReportError::NoRecipient);
        }
        Ok(report)
    }

    /// Adds a recipient, or counts it if there are enough; then it is not made, since to judge it costs the most.
    pub(crate) fn add(&mut self, make: impl FnOnce() -> RecipientReport) {
        if self.recipients.len() < MAX_RECIPIENTS {
            self.recipients.push(make());
        } else {
            self.omitted_recipients += 1;
        }
    }

    fn add_message_fields(&mut self, fields: &Group<'_>) {
        let first = |slot: &mut Option<String>, found: Option<String>| {
            *slot = slot.take().or(found);
        };
        first(&mut self.reporting_mta, mta(fields, "Reporting-MTA"));
        first(&mut self.arrival_date, fields.line("Arrival-Date"));
        let envelope_id = fields.identifier("Original-Envelope-Id");
        first(&mut self.original_envelope_id, envelope_id);
    }
}

const NAMES: [&str; 11] = [
    "Reporting-MTA",
    "Arrival-Date",
    "Original-Envelope-Id",
    "Original-Recipient",
    "Final-Recipient",
    "Action",
    "Status",
    "Remote-MTA",
    "Diagnostic-Code",
    "Last-Attempt-Date",
    "Will-Retry-Until",
];

type Group<'a> = Singles<'a, { NAMES.len() }>;

/// About whom a group is, and what was done.
struct Addressed {
    action: Action,
    final_recipient: Option<Recipient>,
    original_recipient: Option<Recipient>,
}

impl Addressed {
    /// None if the group does not say it for certain.
    fn read(fields: &Group<'_>) -> Option<Self> {
        let named = |name| Recipient::parse(&fields.get(name)?.text());
        let addressed = Self {
            action: Action::parse(&fields.get("Action")?.text())?,
            final_recipient: named("Final-Recipient"),
            original_recipient: named("Original-Recipient"),
        };
        let is_named =
            addressed.final_recipient.is_some() || addressed.original_recipient.is_some();
        is_named.then_some(addressed)
    }

    /// With what else the group says.
    fn explained(self, fields: &Group<'_>) -> RecipientReport {
        let diagnostic = fields.get("Diagnostic-Code");
        let diagnostic =
            diagnostic.map(|field| Diagnostic::of_field(&field.line(MAX_FIELD_OCTETS)));
        RecipientReport {
            original_recipient: self.original_recipient,
            remote_mta: mta(fields, "Remote-MTA"),
            last_attempt_date: fields.line("Last-Attempt-Date"),
            will_retry_until: fields.line("Will-Retry-Until"),
            ..RecipientReport::new(
                self.final_recipient,
                self.action,
                status(fields),
                diagnostic.unwrap_or_default(),
            )
        }
    }
}

/// The code that Status starts with; comments and what else stands behind it are passed over.
fn status(fields: &Group<'_>) -> Option<EnhancedStatusCode> {
    let body = fields.get("Status")?.text();
    let ends = |character: char| character.is_whitespace() || "(;,".contains(character);
    EnhancedStatusCode::parse(body.split(ends).next()?).ok()
}

/// The name of an MTA without its type and comments (section 2.1.2, `mta-name`).
pub(crate) fn mta<const N: usize>(fields: &Singles<'_, N>, name: &str) -> Option<String> {
    let body = without_comments(&fields.get(name)?.text());
    let name = text::collapse(split_type(&body).1, MAX_TEXT_OCTETS);
    (!name.is_empty()).then_some(name)
}
