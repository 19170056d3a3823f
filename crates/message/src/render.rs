//! From a message as values to a message as bytes.

use crate::date::date_time;
use crate::encoded_word::{Spaces, looks_encoded, write_encoded, write_unstructured};
use crate::field_writer::FieldWriter;
use crate::identifier::is_atext;
use crate::parameter::quoted;
use crate::part::Part;
use crate::transfer::Follows;
use crate::{ContentId, FieldName, FileName, HeaderField, Mailbox, MediaType, MessageId, Subject};

/// Longest display name written without encoded words.
const MAX_PLAIN_NAME: usize = 64;

/// Everything a message says. Blind copies are the envelope's business: there is no field for them.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The author.
    pub from: Mailbox,
    /// The primary recipients; if there are neither these nor `cc`, the field says `undisclosed-recipients`.
    pub to: &'a [Mailbox],
    /// The other recipients.
    pub cc: &'a [Mailbox],
    /// Where answers go, if not to the author.
    pub reply_to: &'a [Mailbox],
    /// The subject; rendered even if empty.
    pub subject: Subject,
    /// When the message was accepted, in seconds since 1970.
    pub date: u64,
    /// The message's identifier.
    pub message_id: MessageId,
    /// Fields of the caller's own, rendered in this order.
    pub fields: &'a [HeaderField],
    /// The plain text body.
    pub text: Option<&'a str>,
    /// The HTML body.
    pub html: Option<&'a str>,
    /// Files, and images that the HTML body shows.
    pub attachments: &'a [Attachment<'a>],
    /// Whether addresses may have UTF-8 local parts, because every host on the way takes them (RFC 6532).
    pub smtputf8: bool,
}

/// A file that travels with a message.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// What to save it as.
    pub name: FileName,
    /// What it is. A `name` parameter is replaced by the name above.
    pub media_type: MediaType,
    /// Its content.
    pub data: &'a [u8],
    /// What the HTML body calls it, if it is shown there.
    pub content_id: Option<ContentId>,
}

/// Why a message cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Neither text nor HTML.
    #[error("expected a text or html body, found neither")]
    NoBody,
    /// A local part outside ASCII, but SMTPUTF8 is not allowed.
    #[error("expected addresses in ascii, found one that needs smtputf8")]
    NeedsSmtputf8,
    /// A field that only the service may write.
    #[error("expected header fields of the caller's own, found {name}")]
    OwnedField {
        /// The field's name.
        name: FieldName,
    },
    /// A `multipart` or `message` type, which may not be encoded.
    #[error("expected attachments of single media types, found {media_type}")]
    CompositeAttachment {
        /// The attachment's type.
        media_type: MediaType,
    },
}

/// Renders a message. Equal messages give equal bytes.
///
/// # Errors
///
/// If the parts of the message do not go together. What each part may be is held by its type.
pub fn render(message: &Message<'_>) -> Result<Vec<u8>, RenderError> {
    check(message)?;
    let body = Part::of(message).ok_or(RenderError::NoBody)?;
    let mut out = String::with_capacity(estimated_fields_len(message) + body.estimated_len());
    write_fields(&mut out, message);
    let mut out = out.into_bytes();
    body.into_mime(Follows::End).write_part(&mut out);
    Ok(out)
}

fn check(message: &Message<'_>) -> Result<(), RenderError> {
    let needs_smtputf8 = mailboxes(message).any(|mailbox| mailbox.addr_spec.needs_smtputf8());
    if needs_smtputf8 && !message.smtputf8 {
        return Err(RenderError::NeedsSmtputf8);
    }
    if let Some(field) = message
        .fields
        .iter()
        .find(|field| field.name.is_owned_by_us())
    {
        let name = field.name.clone();
        return Err(RenderError::OwnedField { name });
    }
    let mut types = message
        .attachments
        .iter()
        .map(|attachment| &attachment.media_type);
    match types.find(|media_type| media_type.is_composite()) {
        Some(media_type) => Err(RenderError::CompositeAttachment {
            media_type: media_type.clone(),
        }),
        None => Ok(()),
    }
}

fn mailboxes<'m>(message: &'m Message<'_>) -> impl Iterator<Item = &'m Mailbox> {
    core::iter::once(&message.from)
        .chain(message.reply_to)
        .chain(message.to)
        .chain(message.cc)
}

/// Generous, so that the one buffer is allocated once: display names and field bodies may grow threefold and more.
fn estimated_fields_len(message: &Message<'_>) -> usize {
    let name_len = |mailbox: &Mailbox| {
        mailbox
            .display_name
            .as_ref()
            .map_or(0, |name| name.as_str().len())
    };
    let addresses: usize = mailboxes(message)
        .map(|mailbox| 272 + 4 * name_len(mailbox))
        .sum();
    let fields: usize = message
        .fields
        .iter()
        .map(|field| 80 + 4 * field.body.as_str().len())
        .sum();
    1024 + 4 * message.subject.as_str().len() + addresses + fields
}

fn write_fields(out: &mut String, message: &Message<'_>) {
    write_mailboxes(out, "From", core::slice::from_ref(&message.from));
    write_mailboxes(out, "Reply-To", message.reply_to);
    write_mailboxes(out, "To", message.to);
    if message.to.is_empty() && message.cc.is_empty() {
        write_words(out, "To", &["undisclosed-recipients:;"]);
    }
    write_mailboxes(out, "Cc", message.cc);
    write_text(out, "Subject", message.subject.as_str(), Spaces::Count);
    write_words(out, "Date", &[&date_time(message.date)]);
    write_words(out, "Message-ID", &[message.message_id.as_str()]);
    for field in message.fields {
        write_text(
            out,
            field.name.as_str(),
            field.body.as_str(),
            Spaces::Separate,
        );
    }
    write_words(out, "MIME-Version", &["1.0"]);
}

fn write_text(out: &mut String, name: &str, text: &str, spaces: Spaces) {
    let mut field = FieldWriter::start(out, name);
    write_unstructured(&mut field, text, spaces);
    field.end();
}

fn write_words(out: &mut String, name: &str, words: &[&str]) {
    let mut field = FieldWriter::start(out, name);
    for word in words {
        field.word(" ", word, 0);
    }
    field.end();
}

/// Writes a list of mailboxes; nothing at all if it is empty, because the list may not be.
fn write_mailboxes(out: &mut String, name: &str, mailboxes: &[Mailbox]) {
    if mailboxes.is_empty() {
        return;
    }
    let mut field = FieldWriter::start(out, name);
    for (index, mailbox) in mailboxes.iter().enumerate() {
        if index > 0 {
            field.glue(",");
        }
        write_mailbox(&mut field, mailbox);
    }
    field.end();
}

fn write_mailbox(field: &mut FieldWriter<'_>, mailbox: &Mailbox) {
    // One octet is kept for the comma.
    let Some(display_name) = &mailbox.display_name else {
        return field.word(" ", &format!("{}", mailbox.addr_spec), 1);
    };
    write_phrase(field, display_name.as_str());
    field.word(" ", &format!("<{}>", mailbox.addr_spec), 1);
}

/// Writes a display name as atoms, as a quoted string, or as encoded words: the first that can hold it.
fn write_phrase(field: &mut FieldWriter<'_>, name: &str) {
    let is_plain = name.len() <= MAX_PLAIN_NAME
        && name.bytes().all(|octet| matches!(octet, b' '..=b'~'))
        && !name.split(' ').any(looks_encoded);
    if !is_plain {
        return write_encoded(field, name);
    }
    let is_atom = |word: &str| !word.is_empty() && word.chars().all(is_atext);
    match name.split(' ').all(is_atom) {
        true => name.split(' ').for_each(|word| field.word(" ", word, 0)),
        false => field.word(" ", &quoted(name), 0),
    }
}
