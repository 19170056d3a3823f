//! The form of Exim. A failure names its recipients in the field X-Failed-Recipients, as notices of others do (Gmail's
//! earlier ones); a delay names them in its text only.

use alloc::string::String;
use alloc::vec::Vec;

use envelope::AddrSpec;

use super::Notice;
use crate::entity::Entity;
use crate::field::{Field, lines, split_line};
use crate::message_id;
use crate::recipient::{Recipient, bare_address};
use crate::text::{is_blank, one_line};
use crate::{Action, DeliveryReport, Form, RecipientReport};
use crate::{delivery::MAX_RECIPIENTS, text::MAX_DIAGNOSTIC_OCTETS};

/// How Exim opens its notices. The words in between depend on who gets them.
const OPENING: &str = "This message was created automatically by mail delivery software";
const FAILED: &str = "could not be delivered to one or more of its recipients";
const DELAYED: &str = "has not yet been delivered to one or more of its recipients";

const MAX_OPENING_OCTETS: usize = 1000;
/// Longest line that is looked at for an address.
const MAX_ADDRESS_LINE_OCTETS: usize = 400;

/// A recipient with what the text says of it.
struct Block {
    address: AddrSpec,
    explanation: String,
}

/// What X-Failed-Recipients names.
#[derive(Default)]
struct Failed {
    /// The first [`MAX_RECIPIENTS`].
    addresses: Vec<AddrSpec>,
    /// How many more there seem to be: to read each one would cost more than it says.
    omitted: usize,
}

pub(super) fn read(message: &Entity<'_>, notice: &Notice<'_>) -> Option<DeliveryReport> {
    let failed = failed_recipients(message);
    let opening = one_line(notice.text, MAX_OPENING_OCTETS);
    let action = action(message, &opening, !failed.addresses.is_empty())?;
    let blocks = blocks(notice.text);
    let mut report = DeliveryReport::new(Form::Exim);
    if failed.addresses.is_empty() {
        for block in &blocks {
            report.add(|| explained(&block.address, action, &block.explanation));
        }
    }
    for address in &failed.addresses {
        let explanation = match failed.addresses.len() {
            1 => of_the_only_one(notice.text, &blocks),
            _ => of_one(address, &blocks),
        };
        report.add(|| explained(address, action, &explanation));
    }
    report.omitted_recipients += failed.omitted;
    report.original_message_id = notice.copy.and_then(message_id::in_copy);
    Some(report)
}

fn failed_recipients(message: &Entity<'_>) -> Failed {
    let fields = message
        .fields()
        .filter(|field| field.is("X-Failed-Recipients"));
    let pieces = fields.flat_map(|field: Field<'_>| field.folded_body().split(|&o| o == b','));
    let mut failed = Failed::default();
    for piece in pieces {
        if failed.addresses.len() < MAX_RECIPIENTS {
            failed.addresses.extend(address(piece));
        } else {
            failed.omitted += usize::from(piece.contains(&b'@'));
        }
    }
    failed
}

/// Failed or delayed; none if it is no notice.
fn action(message: &Entity<'_>, opening: &str, names_failed: bool) -> Option<Action> {
    if names_failed {
        let subject = message.fields().find(|field| field.is("Subject"));
        let subject = subject
            .map(|field| field.line(MAX_OPENING_OCTETS))
            .unwrap_or_default();
        let delayed = is_about_delay(&subject) || is_about_delay(opening);
        return Some(if delayed {
            Action::Delayed
        } else {
            Action::Failed
        });
    }
    if !opening.starts_with(OPENING) {
        return None;
    }
    if opening.contains(DELAYED) {
        return Some(Action::Delayed);
    }
    opening.contains(FAILED).then_some(Action::Failed)
}

fn is_about_delay(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("(delay)") || text.contains("delayed") || text.contains("not yet been delivered")
}

/// The addresses that stand alone on an indented line, each with the lines behind it that are indented deeper.
fn blocks(text: &[u8]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut depth = 0;
    let mut explanation = Vec::new();
    for line in lines(text) {
        let indent = indent(line);
        if depth > 0 && indent > depth && !is_blank(line) {
            explanation.extend_from_slice(line);
            continue;
        }
        finish(&mut blocks, &mut explanation);
        depth = 0;
        if indent >= 2
            && blocks.len() < MAX_RECIPIENTS
            && let Some(address) = address(line)
        {
            depth = indent;
            let explanation = String::new();
            blocks.push(Block {
                address,
                explanation,
            });
        }
    }
    finish(&mut blocks, &mut explanation);
    blocks
}

/// Gives what was gathered to the last block.
fn finish(blocks: &mut [Block], explanation: &mut Vec<u8>) {
    if let Some(block) = blocks.last_mut().filter(|_| !explanation.is_empty()) {
        block.explanation = one_line(explanation, MAX_DIAGNOSTIC_OCTETS);
    }
    explanation.clear();
}

fn indent(line: &[u8]) -> usize {
    let text = line.iter().position(|octet| !matches!(octet, b' ' | b'\t'));
    text.unwrap_or(line.len())
}

fn address(octets: &[u8]) -> Option<AddrSpec> {
    let octets = octets.trim_ascii();
    if octets.len() > MAX_ADDRESS_LINE_OCTETS || !octets.contains(&b'@') {
        return None;
    }
    bare_address(str::from_utf8(octets).ok()?.trim_end_matches(':'))
}

fn of_one(address: &AddrSpec, blocks: &[Block]) -> String {
    let block = blocks.iter().find(|block| block.address == *address);
    block
        .map(|block| block.explanation.clone())
        .unwrap_or_default()
}

/// If there is but one recipient all of the text is about it, wherever the explanation stands.
fn of_the_only_one(text: &[u8], blocks: &[Block]) -> String {
    match blocks {
        [block] if !block.explanation.is_empty() => block.explanation.clone(),
        _ => one_line(behind_address(text), MAX_DIAGNOSTIC_OCTETS),
    }
}

/// What comes behind the first line with an at sign, or all of it.
fn behind_address(text: &[u8]) -> &[u8] {
    let at = text.iter().position(|&octet| octet == b'@').unwrap_or(0);
    let rest = text.get(at..).unwrap_or_default();
    split_line(rest).map_or(text, |(_, behind)| behind)
}

/// Exim names an alias that the address was found by in front of the explanation.
fn explained(address: &AddrSpec, action: Action, explanation: &str) -> RecipientReport {
    let alias = explanation.strip_prefix("(generated from ");
    let (alias, explanation) = alias
        .and_then(|rest| rest.split_once(')'))
        .map_or((None, explanation), |(alias, rest)| {
            (bare_address(alias), rest)
        });
    RecipientReport {
        original_recipient: alias.map(Recipient::Address),
        ..RecipientReport::explained(address.clone(), action, explanation)
    }
}
