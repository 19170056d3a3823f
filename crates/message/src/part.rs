//! The tree of body parts (RFC 2046), which `mail-builder` writes.
//!
//! What it would get wrong is decided before: boundaries are given, text comes encoded with its encoding named, and
//! fields with file names are raw and folded already, because `mail-builder` breaks lines inside quotes and writes no
//! `name` for old readers. It keeps the breaks it is given, and adds none to lines that are short enough.
//!
//! An attachment's Content-Type being raw also makes its content base64: what `mail-builder` recognises as text it
//! would send as it is, lone line breaks included.

use std::borrow::Cow;

use mail_builder::headers::HeaderType;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};

use crate::boundary::Boundaries;
use crate::field_writer::FieldWriter;
use crate::parameter::{write_legacy_parameter, write_parameter};
use crate::render::{Attachment, Message};
use crate::transfer::{EncodedText, Follows, base64_len};

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

    /// About how many octets the part takes, and rarely fewer than it does.
    pub(crate) fn estimated_len(&self) -> usize {
        PART_FIELDS
            + match self {
                Self::Text(_, text) => text.estimated_len(),
                Self::Attachment(attachment) => base64_len(attachment.data.len()),
                Self::Multipart { parts, .. } => parts.iter().map(Self::estimated_len).sum(),
            }
    }

    /// The part as `mail-builder` writes it: its fields, an empty line, and its body.
    pub(crate) fn into_mime(self, follows: Follows) -> MimePart<'a> {
        match self {
            Self::Text(subtype, text) => text_part(subtype, text, follows),
            Self::Attachment(attachment) => attachment_part(attachment),
            Self::Multipart {
                subtype,
                boundary,
                parts,
            } => multipart(subtype, boundary, parts),
        }
    }
}

fn text_part<'a>(subtype: &str, text: EncodedText<'a>, follows: Follows) -> MimePart<'a> {
    let fields = vec![
        field("Content-Type", format!("text/{subtype}; charset=utf-8")),
        field("Content-Transfer-Encoding", text.encoding().as_str()),
    ];
    part(fields, BodyPart::Text(text.into_encoded(follows)))
}

fn attachment_part<'a>(attachment: &Attachment<'a>) -> MimePart<'a> {
    let mut fields = vec![
        field("Content-Type", media_type(attachment)),
        field("Content-Disposition", disposition(attachment)),
    ];
    if let Some(content_id) = &attachment.content_id {
        fields.push(field("Content-ID", format!("<{content_id}>")));
    }
    part(fields, BodyPart::Binary(Cow::Borrowed(attachment.data)))
}

fn media_type(attachment: &Attachment<'_>) -> String {
    folded("Content-Type", |field| {
        field.word(" ", attachment.media_type.essence(), 1);
        for (name, value) in attachment.media_type.parameters() {
            // The name is the attachment's own, below.
            if name != "name" {
                write_parameter(field, name, value);
            }
        }
        write_legacy_parameter(field, "name", attachment.name.as_str());
    })
}

fn disposition(attachment: &Attachment<'_>) -> String {
    let disposition = match attachment.content_id {
        Some(_) => "inline",
        None => "attachment",
    };
    folded("Content-Disposition", |field| {
        field.word(" ", disposition, 1);
        write_parameter(field, "filename", attachment.name.as_str());
    })
}

fn multipart<'a>(subtype: &str, boundary: String, parts: Vec<Part<'a>>) -> MimePart<'a> {
    let mut content_type = ContentType::new(format!("multipart/{subtype}"));
    if subtype == "related" {
        // RFC 2387 section 3.1 requires the type of the first part here.
        content_type = content_type.attribute("type", "text/html");
    }
    let parts = parts
        .into_iter()
        .map(|part| part.into_mime(Follows::Delimiter));
    MimePart::new(
        // Without this attribute `mail-builder` would make one up from the clock.
        content_type.attribute("boundary", boundary),
        BodyPart::Multipart(parts.collect()),
    )
}

type Field<'a> = (Cow<'a, str>, HeaderType<'a>);

fn part<'a>(headers: Vec<Field<'a>>, contents: BodyPart<'a>) -> MimePart<'a> {
    MimePart { headers, contents }
}

fn field<'a>(name: &'static str, body: impl Into<Cow<'a, str>>) -> Field<'a> {
    (Cow::Borrowed(name), HeaderType::Raw(Raw::new(body)))
}

/// The body of a field, folded.
fn folded(name: &str, write: impl FnOnce(&mut FieldWriter<'_>)) -> String {
    let mut out = String::new();
    let mut field = FieldWriter::start(&mut out, name);
    write(&mut field);
    // `mail-builder` writes the name, the colon, a space and the end of the line.
    let start = name.len() + ": ".len();
    out.get(start..).unwrap_or_default().into()
}
