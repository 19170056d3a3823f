//! An accepted message as it is stored: a record with everything but the content, and the content in pieces a store can hold.
//!
//! The value under `message/<id>` is the record as one line of JSON, then, when both fit into [`CHUNK_OCTETS`], the content itself:
//! plain text, HTML and attachments one after the other. Larger content is cut into `message/<id>/content/<n>`.

use std::collections::BTreeSet;

use envelope::AddrSpec;
use serde::{Deserialize, Serialize};

use crate::keys::{self, CHUNK_OCTETS, Record, decode, encode};
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError, Write};
use crate::submission::Submission;
use crate::time::Timestamp;
use crate::treatment::Treatment;

/// Everything about an accepted message but its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// The operation it was accepted as.
    pub id: OperationId,
    /// When it was accepted; the Date field.
    pub accepted_at: Timestamp,
    /// SHA-256 of the request's body, in base64: tells a repeated request from another with the same id.
    pub request_hash: String,
    /// The Message-ID field, with its angle brackets.
    pub message_id: String,
    /// The From field.
    pub from: StoredMailbox,
    /// The To field.
    pub to: Vec<StoredMailbox>,
    /// The Cc field.
    pub cc: Vec<StoredMailbox>,
    /// In the envelope only.
    pub bcc: Vec<StoredMailbox>,
    /// The Reply-To field.
    pub reply_to: Vec<StoredMailbox>,
    /// The Subject field.
    pub subject: String,
    /// Header fields of the caller's own, name and body.
    pub fields: Vec<(String, String)>,
    /// Octets of plain text, if there is such a body.
    pub plain_text: Option<usize>,
    /// Octets of HTML, if there is such a body.
    pub html: Option<usize>,
    /// Attached and inline parts.
    pub attachments: Vec<StoredAttachment>,
    /// Opens and clicks are not to be tracked.
    pub tracking_disabled: bool,
    /// What was decided when it was accepted.
    #[serde(default, skip_serializing_if = "Treatment::is_plain")]
    pub treatment: Treatment,
    /// Pieces of content under keys of their own; 0 when it follows the record.
    pub chunks: usize,
}

impl Record for MessageRecord {
    const VERSION: u32 = 2;
}

/// A mailbox with its display name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMailbox {
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address.
    pub address: AddrSpec,
}

/// An attachment without its octets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAttachment {
    /// The file's name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Makes the part inline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// How many octets of the content are its own.
    pub octets: usize,
}

/// What the service itself adds to a submission.
#[derive(Debug)]
pub struct Acceptance {
    /// The operation.
    pub id: OperationId,
    /// The time.
    pub accepted_at: Timestamp,
    /// See [`MessageRecord::request_hash`].
    pub request_hash: String,
    /// The display name of the sender username, where the caller gave none.
    pub sender_display_name: Option<String>,
    /// What was decided for it.
    pub treatment: Treatment,
}

impl MessageRecord {
    /// The record of `submission`, and its content.
    #[must_use]
    pub fn new(submission: Submission, acceptance: Acceptance) -> (Self, Vec<u8>) {
        let Acceptance {
            id,
            accepted_at,
            request_hash,
            sender_display_name,
            treatment,
        } = acceptance;
        let domain = submission.sender.domain();
        let message_id = submission
            .message_id
            .as_ref()
            .map_or_else(|| format!("<{id}@{domain}>"), ToString::to_string);
        let name = submission
            .sender_display_name
            .as_ref()
            .map(|name| name.as_str().to_owned())
            .or(sender_display_name);
        let record = Self {
            id,
            accepted_at,
            request_hash,
            message_id,
            from: StoredMailbox {
                name,
                address: submission.sender.clone(),
            },
            to: stored_mailboxes(&submission.to),
            cc: stored_mailboxes(&submission.cc),
            bcc: stored_mailboxes(&submission.bcc),
            reply_to: stored_mailboxes(&submission.reply_to),
            subject: submission.subject.as_str().to_owned(),
            fields: stored_fields(&submission),
            plain_text: submission.plain_text.as_ref().map(String::len),
            html: submission.html.as_ref().map(String::len),
            attachments: stored_attachments(&submission),
            tracking_disabled: submission.tracking_disabled,
            treatment,
            chunks: 0,
        };
        (record, content(submission))
    }

    /// Everybody who receives it, each once, in the order to, cc, bcc.
    #[must_use]
    pub fn recipients(&self) -> Vec<AddrSpec> {
        let mut seen = BTreeSet::new();
        let all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        all.filter(|mailbox| seen.insert(mailbox.address.canonical()))
            .map(|mailbox| mailbox.address.clone())
            .collect()
    }

    /// The writes that store this record with `content`.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn into_writes(mut self, content: &[u8]) -> Result<Vec<Write>, StoreError> {
        let id = self.id;
        let mut line = encode(&self)?;
        if line.len() + 1 + content.len() <= CHUNK_OCTETS {
            line.push(b'\n');
            line.extend_from_slice(content);
            return Ok(vec![(keys::message(id).into_path(), line)]);
        }
        self.chunks = content.len().div_ceil(CHUNK_OCTETS);
        let chunks = content.chunks(CHUNK_OCTETS).enumerate();
        let mut writes: Vec<Write> = chunks
            .map(|(n, chunk)| (keys::content(id, n).into_path(), chunk.to_vec()))
            .collect();
        writes.push(keys::message(id).write(&self)?);
        Ok(writes)
    }

    /// The record of `id` without its content, if there is one.
    ///
    /// # Errors
    /// When the store does not answer, or holds no such record.
    pub async fn read(store: &impl KeyValue, id: OperationId) -> Result<Option<Self>, StoreError> {
        let bytes = store.get(keys::message(id).path()).await?;
        bytes.map(|bytes| decode(split(&bytes).0)).transpose()
    }

    /// The record of `id` and the part of its content that is stored beside it, if there is one.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_head(
        store: &impl KeyValue,
        id: OperationId,
    ) -> Result<Option<(Self, Vec<u8>)>, StoreError> {
        let Some(bytes) = store.get(keys::message(id).path()).await? else {
            return Ok(None);
        };
        let (line, inline) = split(&bytes);
        Ok(Some((decode(line)?, inline.to_vec())))
    }

    /// The whole content, of which `head` is what [`Self::read_head`] found.
    ///
    /// # Errors
    /// When the store does not answer, or holds less content than this record says.
    pub async fn read_content(
        &self,
        store: &impl KeyValue,
        head: Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        let mut content = head;
        for n in 0..self.chunks {
            let chunk = store.get(keys::content(self.id, n).path()).await?;
            let chunk = chunk.ok_or_else(|| StoreError::new("a piece of content is missing"))?;
            content.extend_from_slice(&chunk);
        }
        if content.len() != self.content_octets() {
            return Err(StoreError::new(
                "the content is not as long as its record says",
            ));
        }
        Ok(content)
    }

    /// How long the content is.
    #[must_use]
    pub fn content_octets(&self) -> usize {
        let attached: usize = self
            .attachments
            .iter()
            .map(|attachment| attachment.octets)
            .sum();
        self.plain_text.unwrap_or(0) + self.html.unwrap_or(0) + attached
    }
}

fn split(value: &[u8]) -> (&[u8], &[u8]) {
    match value.iter().position(|&octet| octet == b'\n') {
        Some(end) => (
            value.get(..end).unwrap_or_default(),
            value.get(end + 1..).unwrap_or_default(),
        ),
        None => (value, &[]),
    }
}

fn stored_mailboxes(mailboxes: &[message::Mailbox]) -> Vec<StoredMailbox> {
    let stored = |mailbox: &message::Mailbox| StoredMailbox {
        name: mailbox
            .display_name
            .as_ref()
            .map(|name| name.as_str().to_owned()),
        address: mailbox.addr_spec.clone(),
    };
    mailboxes.iter().map(stored).collect()
}

fn stored_fields(submission: &Submission) -> Vec<(String, String)> {
    let pair = |field: &message::HeaderField| {
        (
            field.name.as_str().to_owned(),
            field.body.as_str().to_owned(),
        )
    };
    submission.fields.iter().map(pair).collect()
}

fn stored_attachments(submission: &Submission) -> Vec<StoredAttachment> {
    let stored = |attachment: &crate::submission::Attachment| StoredAttachment {
        name: attachment.name.as_str().to_owned(),
        media_type: attachment.media_type.to_string(),
        content_id: attachment
            .content_id
            .as_ref()
            .map(|id| id.as_str().to_owned()),
        octets: attachment.data.len(),
    };
    submission.attachments.iter().map(stored).collect()
}

fn content(submission: Submission) -> Vec<u8> {
    let mut content = submission
        .plain_text
        .map(String::into_bytes)
        .unwrap_or_default();
    content.extend_from_slice(submission.html.unwrap_or_default().as_bytes());
    let attached: usize = submission
        .attachments
        .iter()
        .map(|attachment| attachment.data.len())
        .sum();
    content.reserve_exact(attached);
    for attachment in submission.attachments {
        content.extend_from_slice(&attachment.data);
    }
    content
}
