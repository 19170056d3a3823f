//! Message-ID of the message that a report is about: RFC 5322 section 3.6.4.

use alloc::string::String;

use crate::entity::Entity;
use crate::field::{Field, Fields, split_line, split_section};
use crate::multipart::{MAX_PARTS, Parts};

/// Longest Message-ID that is taken for one, in octets without the angle brackets.
pub const MAX_MESSAGE_ID_OCTETS: usize = 512;

/// Most octets read of a returned message, in search of its Message-ID.
pub const MAX_RETURNED_OCTETS: usize = 64 * 1024;

/// What a message that is returned comes as: RFC 6522 section 3, RFC 6533 section 5.
const RETURNED: [&str; 4] = [
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
];

/// The Message-ID of the message returned in one of these parts.
pub(crate) fn in_parts(parts: Parts<'_, '_>) -> Option<String> {
    for part in parts.within(MAX_RETURNED_OCTETS).take(MAX_PARTS) {
        let part = Entity::parse(part.octets);
        if part.is(&RETURNED) {
            return in_section(&part.content()?);
        }
    }
    None
}

/// The Message-ID of a copy that stands in a text, behind lines that are empty or start with two hyphens.
pub(crate) fn in_copy(text: &[u8]) -> Option<String> {
    let mut copy = text.get(..MAX_RETURNED_OCTETS).unwrap_or(text);
    while let Some((line, rest)) = split_line(copy)
        && (line.is_empty() || line.starts_with(b"--"))
    {
        copy = rest;
    }
    in_section(copy)
}

fn in_section(message: &[u8]) -> Option<String> {
    let mut fields = Fields::new(split_section(message).0);
    parse(&fields.find(|field| field.is("Message-ID"))?)
}

/// The first identifier of a field.
pub(crate) fn parse(field: &Field<'_>) -> Option<String> {
    let body = field.text();
    let id = match body.split_once('<') {
        Some((_, rest)) => rest.split_once('>')?.0,
        None => body.as_str(),
    };
    let fits = !id.is_empty() && id.len() <= MAX_MESSAGE_ID_OCTETS;
    (fits && !id.contains(char::is_whitespace)).then(|| String::from(id))
}
