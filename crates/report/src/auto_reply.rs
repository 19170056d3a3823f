//! Automatic replies: RFC 3834, and what mail programs mark theirs with instead.

use alloc::string::String;

use envelope::AddrSpec;

use crate::entity::Entity;
use crate::field::Field;
use crate::message_id;
use crate::recipient::bare_address;
use crate::text::{self, without_comments};

/// An answer that no person wrote at the time: an absence note, an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoReply {
    /// The address in From.
    pub from: Option<AddrSpec>,
    /// The first identifier of In-Reply-To, without angle brackets: the message it answers.
    pub original_message_id: Option<String>,
}

/// Fields that only automatic replies have, in any content but `no`. X-Autoreply is Gmail's and others', X-Autorespond
/// that of autorespond and cPanel, X-MS-Exchange-Inbox-Rules-Loop Exchange's.
const MARKS: [&str; 8] = [
    "Auto-Submitted",
    "X-Autoreply",
    "X-Auto-Reply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Mail-Autoreply",
    "X-MS-Exchange-Inbox-Rules-Loop",
    "X-Vacation",
];

/// What mail servers write their notices as. One that was not read as a bounce is no answer of the recipient's.
const NOBODY: [&str; 2] = ["mailer-daemon", "postmaster"];

/// An automatic reply, if the message says that it is one.
pub(crate) fn read(message: &Entity<'_>) -> Option<AutoReply> {
    if !message.fields().any(|field| is_mark(&field)) {
        return None;
    }
    let field = |name: &str| message.fields().find(|field| field.is(name));
    let from = field("From").and_then(|field| address(&field.text()));
    if from.as_ref().is_some_and(is_nobody) {
        return None;
    }
    Some(AutoReply {
        from,
        original_message_id: field("In-Reply-To").and_then(|field| message_id::parse(&field)),
    })
}

fn is_mark(field: &Field<'_>) -> bool {
    if field.is("Precedence") {
        return matches!(word(field).as_str(), "auto_reply" | "auto-reply");
    }
    MARKS.iter().any(|name| field.is(name)) && !matches!(word(field).as_str(), "no" | "")
}

/// The body up to a parameter (RFC 3834 section 5), in lower case.
fn word(field: &Field<'_>) -> String {
    let body = without_comments(&field.text());
    let word = body.split(';').next().unwrap_or_default();
    text::collapse(word, text::MAX_TEXT_OCTETS).to_ascii_lowercase()
}

fn address(body: &str) -> Option<AddrSpec> {
    let body = without_comments(body);
    match body.rsplit_once('<') {
        Some((_, rest)) => bare_address(rest.split_once('>')?.0),
        None => bare_address(&body),
    }
}

fn is_nobody(address: &AddrSpec) -> bool {
    let local_part = address.local_part().content();
    NOBODY
        .iter()
        .any(|name| local_part.eq_ignore_ascii_case(name))
}
