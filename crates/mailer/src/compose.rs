//! From a stored message to the bytes that are signed.

use message::{
    Attachment, DisplayName, FieldBody, FieldName, FileName, HeaderField, Mailbox, MediaType,
    Message, MessageId, Subject,
};
use thiserror::Error;

use crate::record::{MessageRecord, StoredAttachment, StoredMailbox};

/// A stored message that cannot be rendered: it was damaged, or is newer than this program.
#[derive(Debug, Clone, Error)]
#[error("stored message cannot be rendered: {cause}")]
pub struct ComposeError {
    /// For the log.
    pub cause: String,
}

impl ComposeError {
    pub(crate) fn new(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: cause.to_string(),
        }
    }
}

/// A stored message whose parts were read: what all its renderings have in common.
#[derive(Debug)]
pub struct Composition<'a> {
    record: &'a MessageRecord,
    smtputf8: bool,
    from: Mailbox,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    reply_to: Vec<Mailbox>,
    subject: Subject,
    message_id: MessageId,
    fields: Vec<HeaderField>,
    plain_text: Option<&'a str>,
    html: Option<&'a str>,
    attachments: Vec<Attachment<'a>>,
}

/// What one recipient's copy has of its own.
#[derive(Debug)]
pub struct Differences<'c> {
    /// In place of the text body.
    pub plain_text: Option<&'c str>,
    /// In place of the HTML body.
    pub html: Option<&'c str>,
    /// Behind the caller's own header fields.
    pub fields: Vec<HeaderField>,
}

impl<'a> Composition<'a> {
    /// The message of `record` with `content`.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn read(
        record: &'a MessageRecord,
        content: &'a [u8],
        smtputf8: bool,
    ) -> Result<Self, ComposeError> {
        let mut rest = content;
        let plain_text = body(&mut rest, record.plain_text)?;
        let html = body(&mut rest, record.html)?;
        let mut attachments = Vec::with_capacity(record.attachments.len());
        for stored in &record.attachments {
            attachments.push(attachment(&mut rest, stored)?);
        }
        Ok(Self {
            record,
            smtputf8,
            from: mailbox(&record.from)?,
            to: mailboxes(&record.to)?,
            cc: mailboxes(&record.cc)?,
            reply_to: mailboxes(&record.reply_to)?,
            subject: Subject::parse(&record.subject).map_err(ComposeError::new)?,
            message_id: MessageId::parse(&record.message_id).map_err(ComposeError::new)?,
            fields: fields(record)?,
            plain_text,
            html,
            attachments,
        })
    }

    /// What was accepted.
    #[must_use]
    pub const fn record(&self) -> &'a MessageRecord {
        self.record
    }

    /// The text body.
    #[must_use]
    pub const fn plain_text(&self) -> Option<&'a str> {
        self.plain_text
    }

    /// The HTML body.
    #[must_use]
    pub const fn html(&self) -> Option<&'a str> {
        self.html
    }

    /// RFC 5322 bytes without a signature, the same for all recipients.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn render(&self) -> Result<Vec<u8>, ComposeError> {
        self.render_with(self.plain_text, self.html, &self.fields)
    }

    /// RFC 5322 bytes without a signature, for one recipient.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn render_copy(&self, own: Differences<'_>) -> Result<Vec<u8>, ComposeError> {
        let plain_text = own.plain_text.or(self.plain_text);
        let html = own.html.or(self.html);
        let fields = [self.fields.clone(), own.fields].concat();
        self.render_with(plain_text, html, &fields)
    }

    fn render_with(
        &self,
        plain_text: Option<&str>,
        html: Option<&str>,
        fields: &[HeaderField],
    ) -> Result<Vec<u8>, ComposeError> {
        let message = Message {
            from: self.from.clone(),
            to: &self.to,
            cc: &self.cc,
            reply_to: &self.reply_to,
            subject: self.subject.clone(),
            date: self.record.accepted_at.as_secs(),
            message_id: self.message_id.clone(),
            fields,
            text: plain_text,
            html,
            attachments: &self.attachments,
            smtputf8: self.smtputf8,
        };
        message::render(&message).map_err(ComposeError::new)
    }
}

fn take<'a>(rest: &mut &'a [u8], octets: usize) -> Result<&'a [u8], ComposeError> {
    let (taken, left) = rest
        .split_at_checked(octets)
        .ok_or_else(|| ComposeError::new("content too short"))?;
    *rest = left;
    Ok(taken)
}

fn body<'a>(rest: &mut &'a [u8], octets: Option<usize>) -> Result<Option<&'a str>, ComposeError> {
    let Some(octets) = octets else {
        return Ok(None);
    };
    let text = std::str::from_utf8(take(rest, octets)?).map_err(ComposeError::new)?;
    Ok(Some(text))
}

fn attachment<'a>(
    rest: &mut &'a [u8],
    stored: &StoredAttachment,
) -> Result<Attachment<'a>, ComposeError> {
    Ok(Attachment {
        name: FileName::parse(&stored.name).map_err(ComposeError::new)?,
        media_type: MediaType::parse(&stored.media_type).map_err(ComposeError::new)?,
        content_id: stored
            .content_id
            .as_deref()
            .map(message::ContentId::parse)
            .transpose()
            .map_err(ComposeError::new)?,
        data: take(rest, stored.octets)?,
    })
}

fn mailbox(stored: &StoredMailbox) -> Result<Mailbox, ComposeError> {
    let display_name = stored
        .name
        .as_deref()
        .map(DisplayName::parse)
        .transpose()
        .map_err(ComposeError::new)?;
    Ok(Mailbox {
        display_name,
        addr_spec: stored.address.clone(),
    })
}

fn mailboxes(stored: &[StoredMailbox]) -> Result<Vec<Mailbox>, ComposeError> {
    stored.iter().map(mailbox).collect()
}

fn fields(record: &MessageRecord) -> Result<Vec<HeaderField>, ComposeError> {
    let field = |(name, body): &(String, String)| checked_field(name, body);
    record.fields.iter().map(field).collect()
}

/// A header field that is checked.
pub(crate) fn checked_field(name: &str, body: &str) -> Result<HeaderField, ComposeError> {
    let name = FieldName::parse(name).map_err(ComposeError::new)?;
    let body = FieldBody::parse(body).map_err(ComposeError::new)?;
    Ok(HeaderField { name, body })
}
