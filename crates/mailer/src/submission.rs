//! From what a caller wrote to a submission that can be accepted: every rule about the content of a request, as pure code.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envelope::AddrSpec;
use message::{
    ContentId, DisplayName, FieldBody, FieldName, FileName, HeaderField, Mailbox, MediaType,
    MessageId, Subject,
};
use thiserror::Error;

use crate::attachment_type;
use crate::treatment::{ORDER_PREFIX, OrderError, Orders};

/// Recipients of one message, all fields together.
pub const MAX_RECIPIENTS: usize = 50;
/// Addresses in the Reply-To field.
pub const MAX_REPLY_TO: usize = 50;
/// Header fields of the caller's own.
pub const MAX_HEADERS: usize = 100;
/// Attachments of one message.
pub const MAX_ATTACHMENTS: usize = 100;

const SUPPRESS_INVALID_ATTACHMENT: &str = "x-ms-acsemail-suppress-invalid-attachment";
const IGNORE_DUPLICATE_CONTENT_ID: &str = "x-ms-acsemail-ignore-duplicate-content-id";
const VALIDATE_MESSAGE_ID: &str = "x-ms-acsemail-validate-message-id";
const RESERVED_PREFIX: &str = "x-ms-acsemail-";

/// A message as the caller wrote it: nothing is checked but the types.
#[derive(Debug, Default)]
pub struct Draft<'a> {
    /// `senderAddress`
    pub sender_address: Cow<'a, str>,
    /// `senderDisplayName`
    pub sender_display_name: Option<Cow<'a, str>>,
    /// `content.subject`; may be empty, but has to be there.
    pub subject: Option<Cow<'a, str>>,
    /// `content.plainText`
    pub plain_text: Option<Cow<'a, str>>,
    /// `content.html`
    pub html: Option<Cow<'a, str>>,
    /// `recipients.to`
    pub to: Vec<DraftMailbox<'a>>,
    /// `recipients.cc`
    pub cc: Vec<DraftMailbox<'a>>,
    /// `recipients.bcc`
    pub bcc: Vec<DraftMailbox<'a>>,
    /// `replyTo`
    pub reply_to: Vec<DraftMailbox<'a>>,
    /// `attachments`
    pub attachments: Vec<DraftAttachment<'a>>,
    /// `headers`
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// `userEngagementTrackingDisabled`
    pub tracking_disabled: bool,
}

/// An address as the caller wrote it.
#[derive(Debug, Default)]
pub struct DraftMailbox<'a> {
    /// `address`
    pub address: Cow<'a, str>,
    /// `displayName`; empty means none.
    pub display_name: Option<Cow<'a, str>>,
}

/// An attachment as the caller wrote it.
#[derive(Debug, Default)]
pub struct DraftAttachment<'a> {
    /// `name`
    pub name: Cow<'a, str>,
    /// `contentType`
    pub content_type: Cow<'a, str>,
    /// `contentInBase64`
    pub content_in_base64: Cow<'a, str>,
    /// `contentId`; makes the part inline.
    pub content_id: Option<Cow<'a, str>>,
}

/// A message that can be rendered: every part is checked.
#[derive(Debug, PartialEq)]
pub struct Submission {
    /// The From field's address.
    pub sender: AddrSpec,
    /// The From field's display name, if the caller gave one.
    pub sender_display_name: Option<DisplayName>,
    /// The Subject field.
    pub subject: Subject,
    /// The plain text body.
    pub plain_text: Option<String>,
    /// The HTML body.
    pub html: Option<String>,
    /// The To field.
    pub to: Vec<Mailbox>,
    /// The Cc field.
    pub cc: Vec<Mailbox>,
    /// In the envelope only.
    pub bcc: Vec<Mailbox>,
    /// The Reply-To field.
    pub reply_to: Vec<Mailbox>,
    /// Attached and inline parts.
    pub attachments: Vec<Attachment>,
    /// Header fields of the caller's own.
    pub fields: Vec<HeaderField>,
    /// The caller's own Message-ID, if it gave a good one.
    pub message_id: Option<MessageId>,
    /// The caller wants the Message-ID refused if it was used before.
    pub message_id_is_unique: bool,
    /// Opens and clicks are not to be tracked.
    pub tracking_disabled: bool,
    /// How it deals with those who want no more of its kind.
    pub orders: Orders,
}

impl Submission {
    /// Octets of subject, bodies and attachments.
    #[must_use]
    pub fn content_octets(&self) -> usize {
        let bodies = [&self.plain_text, &self.html];
        let bodies = bodies.into_iter().flatten().map(String::len);
        let attachments = self.attachments.iter().map(|part| part.data.len());
        bodies.chain(attachments).sum::<usize>() + self.subject.as_str().len()
    }

    /// How many mailboxes it is for, however often they are named.
    #[must_use]
    pub fn unique_recipients(&self) -> usize {
        let fields = [&self.to, &self.cc, &self.bcc];
        let named = fields.into_iter().flatten();
        let unique: BTreeSet<String> = named.map(|m| m.addr_spec.canonical()).collect();
        unique.len()
    }
}

/// A checked attachment.
#[derive(Debug, PartialEq)]
pub struct Attachment {
    /// The file's name.
    pub name: FileName,
    /// Its media type.
    pub media_type: MediaType,
    /// Makes the part inline.
    pub content_id: Option<ContentId>,
    /// The octets.
    pub data: Vec<u8>,
}

/// A property of the request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{rule}")]
pub struct InvalidProperty {
    /// Where, as a path into the JSON: `recipients.to[1].address`.
    pub property: String,
    /// What is wrong.
    pub rule: Rule,
}

/// The rules a request can break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rule {
    /// A required property is missing or empty.
    #[error("expected a value, found none")]
    Missing,
    /// Neither plain text nor HTML.
    #[error("expected plainText or html, found neither")]
    NoBody,
    /// No recipient in any of the three lists.
    #[error("expected at least one recipient in to, cc or bcc, found none")]
    NoRecipients,
    /// Too many entries.
    #[error("expected at most {limit} entries, found {found}")]
    TooMany {
        /// The maximum.
        limit: usize,
        /// What was given.
        found: usize,
    },
    /// Not an address.
    #[error("invalid format for email address: {0}")]
    Address(envelope::AddrSpecError),
    /// An address outside ASCII, which the relay does not take.
    #[error(
        "the relay does not support SMTPUTF8 (RFC 6531), so the part before the @ has to be ASCII"
    )]
    NeedsSmtputf8,
    /// A text that may not stand where it should: line breaks, control characters, too long.
    #[error("{0}")]
    Text(String),
    /// A header field that this service writes itself.
    #[error("the header field {0} is written by the service and cannot be set")]
    OwnedField(String),
    /// An unknown name under the reserved prefix, or a value other than true or false.
    #[error("expected one of the known x-ms-acsemail headers with the value true or false")]
    ReservedField,
    /// An order to this service that is none.
    #[error(transparent)]
    Order(OrderError),
    /// The same field twice where only one can stand.
    #[error("the header field {0} is given twice")]
    RepeatedField(String),
    /// A Message-ID that was to be checked and is not one.
    #[error("expected a Message-ID such as <unique@example.com>")]
    MessageId,
    /// Content that is not base64.
    #[error("expected base64 (RFC 4648 section 4) with padding")]
    Base64,
    /// A type or extension that may not be attached.
    #[error("files of this name and content type may not be attached")]
    AttachmentType,
    /// Two attachments with one contentId.
    #[error("the contentId is used by another attachment")]
    DuplicateContentId,
}

impl Rule {
    fn text(error: impl std::fmt::Display) -> Self {
        Self::Text(error.to_string())
    }
}

/// What the operator decided that bears on a submission.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy {
    /// The relay takes addresses outside ASCII.
    pub smtputf8: bool,
}

type Checked<T> = Result<T, InvalidProperty>;

fn at<T>(property: &str, result: Result<T, Rule>) -> Checked<T> {
    result.map_err(|rule| InvalidProperty {
        property: property.to_owned(),
        rule,
    })
}

fn refuse<T>(property: impl Into<String>, rule: Rule) -> Checked<T> {
    Err(InvalidProperty {
        property: property.into(),
        rule,
    })
}

impl Draft<'_> {
    /// Checks every rule about the content.
    ///
    /// # Errors
    /// The first broken rule, with the property that breaks it.
    pub fn check(&self, policy: Policy) -> Checked<Submission> {
        let headers = Headers::check(&self.headers)?;
        let sender = at("senderAddress", address(&self.sender_address, policy))?;
        let sender_display_name = at(
            "senderDisplayName",
            display_name(self.sender_display_name.as_deref()),
        )?;
        let subject = at("content.subject", subject(self.subject.as_deref()))?;
        self.check_bodies()?;
        self.check_recipient_count()?;
        Ok(Submission {
            sender,
            sender_display_name,
            subject,
            plain_text: body(self.plain_text.as_deref()),
            html: body(self.html.as_deref()),
            to: mailboxes("recipients.to", &self.to, policy)?,
            cc: mailboxes("recipients.cc", &self.cc, policy)?,
            bcc: mailboxes("recipients.bcc", &self.bcc, policy)?,
            reply_to: mailboxes("replyTo", &self.reply_to, policy)?,
            attachments: self.check_attachments(&headers)?,
            fields: headers.fields,
            message_id: headers.message_id,
            message_id_is_unique: headers.validate_message_id,
            tracking_disabled: self.tracking_disabled,
            orders: headers.orders,
        })
    }

    fn check_bodies(&self) -> Checked<()> {
        let has_body = body(self.plain_text.as_deref())
            .or_else(|| body(self.html.as_deref()))
            .is_some();
        if has_body {
            Ok(())
        } else {
            refuse("content", Rule::NoBody)
        }
    }

    fn check_recipient_count(&self) -> Checked<()> {
        let found = self.to.len() + self.cc.len() + self.bcc.len();
        match found {
            0 => refuse("recipients", Rule::NoRecipients),
            1..=MAX_RECIPIENTS => at_most("replyTo", self.reply_to.len(), MAX_REPLY_TO),
            _ => at_most("recipients", found, MAX_RECIPIENTS),
        }
    }

    fn check_attachments(&self, headers: &Headers) -> Checked<Vec<Attachment>> {
        at_most("attachments", self.attachments.len(), MAX_ATTACHMENTS)?;
        let mut checked = Vec::with_capacity(self.attachments.len());
        let mut content_ids = BTreeSet::new();
        for (index, draft) in self.attachments.iter().enumerate() {
            let path = format!("attachments[{index}]");
            match draft.check(&path) {
                Ok(attachment) => {
                    let is_new = attachment
                        .content_id
                        .as_ref()
                        .is_none_or(|id| content_ids.insert(id.as_str().to_owned()));
                    if !is_new && !headers.ignore_duplicate_content_id {
                        return refuse(format!("{path}.contentId"), Rule::DuplicateContentId);
                    }
                    checked.push(attachment);
                }
                Err(_) if headers.suppress_invalid_attachment => {}
                Err(invalid) => return Err(invalid),
            }
        }
        Ok(checked)
    }
}

impl DraftAttachment<'_> {
    fn check(&self, path: &str) -> Checked<Attachment> {
        let property = |name: &str| format!("{path}.{name}");
        let name = at(
            &property("name"),
            FileName::parse(&self.name).map_err(Rule::text),
        )?;
        let media_type = at(
            &property("contentType"),
            MediaType::parse(&self.content_type).map_err(Rule::text),
        )?;
        if !attachment_type::is_allowed(name.as_str(), media_type.essence()) {
            return refuse(path, Rule::AttachmentType);
        }
        let content_id = self
            .content_id
            .as_deref()
            .filter(|id| !id.is_empty())
            .map(|id| ContentId::parse(id).map_err(Rule::text));
        let content_id = at(&property("contentId"), content_id.transpose())?;
        let data = at(
            &property("contentInBase64"),
            STANDARD
                .decode(self.content_in_base64.as_bytes())
                .map_err(|_| Rule::Base64),
        )?;
        Ok(Attachment {
            name,
            media_type,
            content_id,
            data,
        })
    }
}

/// The caller's header fields, sorted into fields of the message and orders to this service.
#[derive(Debug, Default)]
struct Headers {
    fields: Vec<HeaderField>,
    message_id: Option<MessageId>,
    validate_message_id: bool,
    suppress_invalid_attachment: bool,
    ignore_duplicate_content_id: bool,
    orders: Orders,
}

impl Headers {
    fn check(headers: &[(Cow<'_, str>, Cow<'_, str>)]) -> Checked<Self> {
        at_most("headers", headers.len(), MAX_HEADERS)?;
        let mut sorted = Self::default();
        let mut message_id = None;
        let mut seen = BTreeSet::new();
        for (name, value) in headers {
            let property = format!("headers.{}", printable(name));
            let lower = name.to_ascii_lowercase();
            if !seen.insert(lower.clone()) {
                return refuse(property, Rule::RepeatedField(printable(name)));
            }
            if lower.starts_with(RESERVED_PREFIX) {
                at(&property, sorted.take_order(&lower, value))?;
            } else if lower.starts_with(ORDER_PREFIX) {
                let taken = sorted.orders.take(&lower, value);
                at(&property, taken.map_err(Rule::Order))?;
            } else if lower == "message-id" {
                message_id = Some((property, value));
            } else {
                sorted.fields.push(at(&property, field(name, value))?);
            }
        }
        // Judged last: whether a bad one is refused or replaced depends on another header.
        if let Some((property, value)) = message_id {
            sorted.message_id = MessageId::parse(value.trim()).ok();
            if sorted.validate_message_id && sorted.message_id.is_none() {
                return refuse(property, Rule::MessageId);
            }
        }
        Ok(sorted)
    }

    fn take_order(&mut self, lower: &str, value: &str) -> Result<(), Rule> {
        let order = match lower {
            SUPPRESS_INVALID_ATTACHMENT => &mut self.suppress_invalid_attachment,
            IGNORE_DUPLICATE_CONTENT_ID => &mut self.ignore_duplicate_content_id,
            VALIDATE_MESSAGE_ID => &mut self.validate_message_id,
            _ => return Err(Rule::ReservedField),
        };
        *order = match value.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(Rule::ReservedField),
        };
        Ok(())
    }
}

fn field(name: &str, value: &str) -> Result<HeaderField, Rule> {
    let name = FieldName::parse(name).map_err(Rule::text)?;
    if name.is_owned_by_us() {
        return Err(Rule::OwnedField(name.as_str().to_owned()));
    }
    let body = FieldBody::parse(value).map_err(Rule::text)?;
    Ok(HeaderField { name, body })
}

/// A name as it may be shown in an error: hostile characters replaced, cut to a readable length.
fn printable(name: &str) -> String {
    const SHOWN: usize = 60;
    name.chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn at_most(property: &str, found: usize, limit: usize) -> Checked<()> {
    if found > limit {
        refuse(property, Rule::TooMany { limit, found })
    } else {
        Ok(())
    }
}

fn mailboxes(property: &str, drafts: &[DraftMailbox<'_>], policy: Policy) -> Checked<Vec<Mailbox>> {
    let check = |(index, draft): (usize, &DraftMailbox<'_>)| {
        let addr_spec = at(
            &format!("{property}[{index}].address"),
            address(&draft.address, policy),
        )?;
        let display_name = at(
            &format!("{property}[{index}].displayName"),
            display_name(draft.display_name.as_deref()),
        )?;
        Ok(Mailbox {
            display_name,
            addr_spec,
        })
    };
    drafts.iter().enumerate().map(check).collect()
}

fn address(text: &str, policy: Policy) -> Result<AddrSpec, Rule> {
    if text.is_empty() {
        return Err(Rule::Missing);
    }
    let address = AddrSpec::parse(text).map_err(Rule::Address)?;
    if address.needs_smtputf8() && !policy.smtputf8 {
        return Err(Rule::NeedsSmtputf8);
    }
    Ok(address)
}

fn subject(text: Option<&str>) -> Result<Subject, Rule> {
    Subject::parse(text.ok_or(Rule::Missing)?).map_err(Rule::text)
}

/// An empty body is none.
fn body(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// .NET sends an empty display name for none.
fn display_name(text: Option<&str>) -> Result<Option<DisplayName>, Rule> {
    text.filter(|text| !text.is_empty())
        .map(DisplayName::parse)
        .transpose()
        .map_err(Rule::text)
}
