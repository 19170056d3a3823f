//! The tree of body parts (RFC 2046) and how it is written.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::boundary::Boundaries;
use crate::encoded_word::{Spaces, write_unstructured};
use crate::field_writer::FieldWriter;
use crate::parameter::{write_legacy_parameter, write_parameter};
use crate::render::{Attachment, Message};
use crate::transfer::{EncodedText, Follows, TransferEncoding, base64_len, write_base64};

/// What the fields of one part take, generously.
const PART_FIELDS: usize = 1024;

/// A body part with everything decided about it.
pub(crate) enum Part<'a> {
    Text(&'static str, EncodedText<'a>),
    Attachment(&'a Attachment<'a>),
    Multipart {
        subtype: &'static str,
        boundary: String,
        parts: Vec<Self>,
    },
}

impl<'a> Part<'a> {
    /// Lays out the parts: mixed holds related holds alternative, each only where there is something to hold.
    ///
    /// None if the message has no body.
    pub(crate) fn of(message: &'a Message<'a>) -> Option<Self> {
        let is_inline = |attachment: &&Attachment<'_>| {
            message.html.is_some() && attachment.content_id.is_some()
        };
        let (inline, attached): (Vec<_>, Vec<_>) = message.attachments.iter().partition(is_inline);
        let bodies = [message.text, message.html].into_iter().flatten();
        let is_single = bodies.clone().count() == 1 && message.attachments.is_empty();
        let follows = if is_single {
            Follows::End
        } else {
            Follows::Delimiter
        };

        let texts: Vec<&str> = bodies.collect();
        let mut boundaries = Boundaries::new(message.message_id.as_str(), &texts);
        let text = message.text.map(|text| Self::text("plain", text, follows));
        let html = message.html.map(|html| Self::text("html", html, follows));
        let html = html.map(|html| html.with("related", inline, &mut boundaries));
        let body = match (text, html) {
            (Some(text), Some(html)) => Self::Multipart {
                subtype: "alternative",
                boundary: boundaries.next(),
                parts: Vec::from([text, html]),
            },
            (text, html) => text.or(html)?,
        };
        Some(body.with("mixed", attached, &mut boundaries))
    }

    fn text(subtype: &'static str, text: &'a str, follows: Follows) -> Self {
        Self::Text(subtype, EncodedText::new(text, follows))
    }

    /// Puts this part and the attachments into a multipart, if there are any.
    fn with(
        self,
        subtype: &'static str,
        attachments: Vec<&'a Attachment<'a>>,
        boundaries: &mut Boundaries,
    ) -> Self {
        if attachments.is_empty() {
            return self;
        }
        let mut parts = Vec::from([self]);
        parts.extend(attachments.into_iter().map(Self::Attachment));
        Self::Multipart {
            subtype,
            boundary: boundaries.next(),
            parts,
        }
    }

    /// About how many octets [`write`](Self::write) writes, and rarely fewer than it does.
    pub(crate) fn estimated_len(&self) -> usize {
        PART_FIELDS
            + match self {
                Self::Text(_, text) => text.estimated_len(),
                Self::Attachment(attachment) => base64_len(attachment.data.len()),
                Self::Multipart { parts, .. } => parts.iter().map(Self::estimated_len).sum(),
            }
    }

    /// Writes the fields of the part, an empty line, and its body, all lines ended.
    pub(crate) fn write(&self, out: &mut String, follows: Follows) {
        match self {
            Self::Text(subtype, text) => write_text(out, subtype, text, follows),
            Self::Attachment(attachment) => write_attachment(out, attachment),
            Self::Multipart {
                subtype,
                boundary,
                parts,
            } => write_multipart(out, subtype, boundary, parts),
        }
    }
}

fn write_text(out: &mut String, subtype: &str, text: &EncodedText<'_>, follows: Follows) {
    write_field(
        out,
        "Content-Type",
        &format!("text/{subtype}; charset=utf-8"),
    );
    write_field(out, "Content-Transfer-Encoding", text.encoding().as_str());
    out.push_str("\r\n");
    text.write(out, follows);
    // The line break before a delimiter belongs to the delimiter, unless base64 has ended its line anyway.
    if follows == Follows::Delimiter && text.encoding() != TransferEncoding::Base64 {
        out.push_str("\r\n");
    }
}

fn write_attachment(out: &mut String, attachment: &Attachment<'_>) {
    let name = attachment.name.as_str();
    write_media_type(out, attachment);
    write_field(out, "Content-Transfer-Encoding", "base64");
    let mut field = FieldWriter::start(out, "Content-Disposition");
    let disposition = if attachment.content_id.is_some() {
        "inline"
    } else {
        "attachment"
    };
    field.word(" ", disposition, 1);
    write_parameter(&mut field, "filename", name);
    field.end();
    if let Some(content_id) = &attachment.content_id {
        write_field(out, "Content-ID", &format!("<{content_id}>"));
    }
    out.push_str("\r\n");
    write_base64(out, attachment.data);
    if attachment.data.is_empty() {
        out.push_str("\r\n");
    }
}

fn write_media_type(out: &mut String, attachment: &Attachment<'_>) {
    let mut field = FieldWriter::start(out, "Content-Type");
    field.word(" ", attachment.media_type.essence(), 1);
    for (name, value) in attachment.media_type.parameters() {
        // The name is the attachment's own, below.
        if name != "name" {
            write_parameter(&mut field, name, value);
        }
    }
    write_legacy_parameter(&mut field, "name", attachment.name.as_str());
    field.end();
}

fn write_multipart(out: &mut String, subtype: &str, boundary: &str, parts: &[Part<'_>]) {
    let mut field = FieldWriter::start(out, "Content-Type");
    field.word(" ", &format!("multipart/{subtype}"), 1);
    if subtype == "related" {
        // RFC 2387 section 3.1 requires the type of the first part here.
        write_parameter(&mut field, "type", "text/html");
    }
    write_parameter(&mut field, "boundary", boundary);
    field.end();
    out.push_str("\r\n");
    for part in parts {
        write_delimiter(out, boundary, "\r\n");
        part.write(out, Follows::Delimiter);
    }
    write_delimiter(out, boundary, "--\r\n");
}

/// Writes a delimiter but for the line break it starts with, which what stands before has written.
fn write_delimiter(out: &mut String, boundary: &str, end: &str) {
    out.push_str("--");
    out.push_str(boundary);
    out.push_str(end);
}

fn write_field(out: &mut String, name: &str, body: &str) {
    let mut field = FieldWriter::start(out, name);
    write_unstructured(&mut field, body, Spaces::Separate);
    field.end();
}
