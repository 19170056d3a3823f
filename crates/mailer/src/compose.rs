//! From a stored message to the bytes that are signed.

use message::{
    Attachment, DisplayName, FieldBody, FieldName, FileName, HeaderField, Mailbox, MediaType,
    Message, MessageId, Subject,
};
use thiserror::Error;

use crate::record::{MessageRecord, StoredMailbox};

/// A stored message that cannot be rendered: it was damaged, or is newer than this program.
#[derive(Debug, Clone, Error)]
#[error("stored message cannot be rendered: {cause}")]
pub struct ComposeError {
    /// For the log.
    pub cause: String,
}

impl ComposeError {
    fn new(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: cause.to_string(),
        }
    }
}

/// The message of `record` with `content`, as RFC 5322 bytes without a signature.
///
/// # Errors
/// When the record is damaged.
pub fn render(
    record: &MessageRecord,
    content: &[u8],
    smtputf8: bool,
) -> Result<Vec<u8>, ComposeError> {
    let mut rest = content;
    let plain_text = record
        .plain_text
        .map(|octets| text(&mut rest, octets))
        .transpose()?;
    let html = record
        .html
        .map(|octets| text(&mut rest, octets))
        .transpose()?;
    let mut attachments = Vec::with_capacity(record.attachments.len());
    for stored in &record.attachments {
        attachments.push(Attachment {
            name: FileName::parse(&stored.name).map_err(ComposeError::new)?,
            media_type: MediaType::parse(&stored.media_type).map_err(ComposeError::new)?,
            content_id: stored
                .content_id
                .as_deref()
                .map(message::ContentId::parse)
                .transpose()
                .map_err(ComposeError::new)?,
            data: take(&mut rest, stored.octets)?,
        });
    }
    let message = Message {
        from: mailbox(&record.from)?,
        to: &mailboxes(&record.to)?,
        cc: &mailboxes(&record.cc)?,
        reply_to: &mailboxes(&record.reply_to)?,
        subject: Subject::parse(&record.subject).map_err(ComposeError::new)?,
        date: record.accepted_at.as_secs(),
        message_id: MessageId::parse(&record.message_id).map_err(ComposeError::new)?,
        fields: &fields(record)?,
        text: plain_text,
        html,
        attachments: &attachments,
        smtputf8,
    };
    message::render(&message).map_err(ComposeError::new)
}

fn take<'a>(rest: &mut &'a [u8], octets: usize) -> Result<&'a [u8], ComposeError> {
    let (taken, left) = rest
        .split_at_checked(octets)
        .ok_or_else(|| ComposeError::new("content too short"))?;
    *rest = left;
    Ok(taken)
}

fn text<'a>(rest: &mut &'a [u8], octets: usize) -> Result<&'a str, ComposeError> {
    std::str::from_utf8(take(rest, octets)?).map_err(ComposeError::new)
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
    let field = |(name, body): &(String, String)| {
        let name = FieldName::parse(name).map_err(ComposeError::new)?;
        let body = FieldBody::parse(body).map_err(ComposeError::new)?;
        Ok(HeaderField { name, body })
    };
    record.fields.iter().map(field).collect()
}
