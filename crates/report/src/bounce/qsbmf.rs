//! The form of qmail-send, "qmail-send Bounce Message Format": a greeting, a paragraph for each recipient that starts with
//! its address in angle brackets and a colon, a line of hyphens, the message.

use alloc::string::String;

use envelope::AddrSpec;

use super::Notice;
use crate::field::groups;
use crate::message_id;
use crate::recipient::bare_address;
use crate::text::one_line;
use crate::{Action, DeliveryReport, Form, RecipientReport};

/// How the first paragraph starts: qmail and what follows it, and Yahoo.
const GREETINGS: [&str; 3] = [
    "Hi. This is the ",
    "Sorry, we were unable to deliver your message to the following address",
    "Message from yahoo.",
];

/// What a greeting says that is about a delay. qmail has no such notices; some that follow it have.
const DELAYS: [&str; 4] = ["delay", "not yet", "still trying", "keep trying"];

const MAX_GREETING_OCTETS: usize = 1000;
const MAX_PARAGRAPH_OCTETS: usize = 4096;

pub(super) fn read(notice: &Notice<'_>) -> Option<DeliveryReport> {
    let copy = notice.copy?;
    let mut paragraphs = groups(notice.text);
    let greeting = one_line(paragraphs.next()?, MAX_GREETING_OCTETS);
    if !GREETINGS.iter().any(|start| greeting.starts_with(start)) {
        return None;
    }
    let mut report = DeliveryReport::new(Form::Qsbmf);
    let action = action(&greeting);
    for (address, explanation) in paragraphs.filter_map(recipient) {
        report.add(|| RecipientReport::explained(address, action, &explanation));
    }
    report.reporting_mta = host(&greeting);
    report.original_message_id = message_id::in_copy(copy);
    Some(report)
}

fn action(greeting: &str) -> Action {
    let greeting = greeting.to_ascii_lowercase();
    if DELAYS.iter().any(|word| greeting.contains(word)) {
        return Action::Delayed;
    }
    Action::Failed
}

/// `<a@b.example>:` and what comes behind it.
fn recipient(paragraph: &[u8]) -> Option<(AddrSpec, String)> {
    let text = one_line(paragraph, MAX_PARAGRAPH_OCTETS);
    let (address, explanation) = text.strip_prefix('<')?.split_once(">:")?;
    Some((bare_address(address)?, String::from(explanation)))
}

/// `Hi. This is the qmail-send program at mx.example.`
fn host(greeting: &str) -> Option<String> {
    let (_, rest) = greeting.split_once(" program at ")?;
    let host = rest.split(' ').next()?.trim_end_matches(['.', ',']);
    (!host.is_empty()).then(|| String::from(host))
}
