//! Why a delivery failed and what to conclude, from the codes and the text of a reply.
//!
//! Cause and party come from, in this order: phrases that say that something other than the address is wrong
//! ([`crate::classify`] has to be sure before it blames an address), the enhanced code (RFC 3463 and the IANA registry),
//! phrases about addresses, domains and the network, and the reply code (RFC 5321 section 4.2.3, RFC 7504). Where none
//! says anything, the cause is [`Cause::Unknown`].

use envelope::{EnhancedStatusCode, ReplyCode, StatusClass};

use crate::{phrases, spam};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An address does not exist, is no longer used, or its domain takes no mail.
    Address,
    /// The mailbox has no room.
    MailboxFull,
    /// A rule of the receiver's: block lists, reputation, permissions.
    Policy,
    /// What is in the message, or its size.
    Content,
    /// Too much at once, greylisting included.
    Rate,
    /// SPF, DKIM, DMARC, or credentials.
    Auth,
    /// Connections, routes, DNS and faults of servers.
    Network,
    /// It is not said, or not in words that are known here.
    Unknown,
}

/// Who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// The recipient: the address, the mailbox or its domain.
    Recipient,
    /// The sender: the message, its address or domain, what is known of it.
    Sender,
    /// The mail systems between them.
    Relay,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Classification {
    /// What is wrong.
    pub cause: Cause,
    /// Who has to change something.
    pub party: Party,
    /// Whether trying again is of no use. The reply code decides (RFC 5321 section 4.2.1), the class of the enhanced
    /// code where there is none.
    pub terminal: bool,
    /// Whether Azure Communication Services calls it a hard bounce; only what is terminal is one. See [`classify`].
    pub hard_bounce: bool,
    /// Whether the server says in words that it takes the message itself for spam, or for a carrier of malware; only what
    /// is terminal is. A block list, a reputation or a message that is too large is no such verdict.
    pub spam: bool,
}

impl Classification {
    /// Whether the address may be suppressed for it without asking anyone: it is the recipient's address that is wrong,
    /// and it will stay wrong.
    #[must_use]
    pub fn may_suppress(&self) -> bool {
        self.hard_bounce && self.cause == Cause::Address && self.party == Party::Recipient
    }
}

/// Classifies a reply. `text` is what it says behind the codes; the first [`MAX_DIAGNOSTIC_OCTETS`] of it are looked at.
///
/// `hard_bounce` follows the lists of Azure Communication Services. Hard are 5.1.1, .2, .3, .4, .6, .9 and .10, 5.2.1,
/// 5.3.2, 5.4.1, .4, .6 and .310, 5.7.13, and the reply codes 521, 525, 550 and 553. Soft are 5.2.2, .3, .121 and .122,
/// 5.3.1, .3 and .4, 5.5.3, all of 5.6, 5.7.1, .2, .12, .15 to .30 and .51, and 551, 552 and 554. An enhanced code that is
/// on one of them decides; else the reply code does. Two things are never hard: what is not terminal, and what an
/// enhanced code calls transient.
///
/// A hard bounce need not be the fault of the address, since 550 is the code for all sorts of refusals: ask
/// [`Classification::may_suppress`].
///
/// [`MAX_DIAGNOSTIC_OCTETS`]: crate::limits::MAX_DIAGNOSTIC_OCTETS
#[must_use]
pub fn classify(
    reply_code: Option<ReplyCode>,
    status: Option<EnhancedStatusCode>,
    text: &str,
) -> Classification {
    let terminal = is_terminal(reply_code, status);
    let text = phrases::Text::new(text);
    let (cause, party) = text
        .other_than_address()
        .or_else(|| of_status(status?))
        .or_else(|| text.address_or_network(terminal))
        .or_else(|| of_reply_code(reply_code?))
        .unwrap_or((Cause::Unknown, Party::Relay));
    Classification {
        cause,
        party,
        terminal,
        hard_bounce: terminal && is_hard(reply_code, status),
        spam: terminal && judges_content(cause, party) && spam::is_verdict(&text),
    }
}

/// Whether a verdict on the message may be behind it. Words that come first say that something else is wrong.
fn judges_content(cause: Cause, party: Party) -> bool {
    matches!(
        (cause, party),
        (Cause::Policy | Cause::Content, Party::Sender)
    )
}

fn is_terminal(reply_code: Option<ReplyCode>, status: Option<EnhancedStatusCode>) -> bool {
    match reply_code {
        Some(code) => code.is_permanent(),
        None => status.is_some_and(|status| status.class() == StatusClass::Permanent),
    }
}

fn is_hard(reply_code: Option<ReplyCode>, status: Option<EnhancedStatusCode>) -> bool {
    if status.is_some_and(|status| status.class() != StatusClass::Permanent) {
        return false;
    }
    let by_reply_code = || matches!(reply_code.map(ReplyCode::get), Some(521 | 525 | 550 | 553));
    status.and_then(listed).unwrap_or_else(by_reply_code)
}

/// Whether a permanent status is on the hard list (true) or the soft one (false).
fn listed(status: EnhancedStatusCode) -> Option<bool> {
    match (status.subject(), status.detail()) {
        (1, 1..=4 | 6 | 9 | 10) | (2, 1) | (3, 2) | (4, 1 | 4 | 6 | 310) | (7, 13) => Some(true),
        (2, 2 | 3 | 121 | 122) | (3, 1 | 3 | 4) | (5, 3) | (6, _) => Some(false),
        (7, 1 | 2 | 12 | 15..=30 | 51) => Some(false),
        _ => None,
    }
}

/// What an enhanced code says, if it says something of its own: RFC 3463 section 3 and the registry of RFC 5248.
fn of_status(status: EnhancedStatusCode) -> Option<(Cause, Party)> {
    Some(match (status.subject(), status.detail()) {
        (1, 1..=4 | 6 | 9 | 10) => (Cause::Address, Party::Recipient),
        (1, 7 | 8) => (Cause::Address, Party::Sender),
        (2, 1) | (4, 310) | (7, 13 | 17 | 18) => (Cause::Address, Party::Recipient),
        (2, 2) => (Cause::MailboxFull, Party::Recipient),
        (2, 121 | 122) => (Cause::Rate, Party::Recipient),
        (2, 3) | (3, 4) | (6, _) => (Cause::Content, Party::Sender),
        (5, 3) | (7, 28) => (Cause::Rate, Party::Sender),
        (7, 20..=27 | 29) => (Cause::Auth, Party::Sender),
        (7, 8 | 9 | 11 | 14) => (Cause::Auth, Party::Relay),
        (7, _) => (Cause::Policy, Party::Sender),
        (3, 1..=3 | 5) | (4, 1 | 2 | 3 | 5 | 6 | 7) => (Cause::Network, Party::Relay),
        _ => return None,
    })
}

/// What a reply code says where nothing else does. 550 and 553 say too little: an unknown address, or any refusal.
fn of_reply_code(code: ReplyCode) -> Option<(Cause, Party)> {
    Some(match code.get() {
        525 | 556 => (Cause::Address, Party::Recipient),
        552 => (Cause::MailboxFull, Party::Recipient),
        421 | 451 => (Cause::Network, Party::Relay),
        530 | 534 | 535 | 538 => (Cause::Auth, Party::Relay),
        450 | 521 | 550 | 551 | 553 => (Cause::Unknown, Party::Recipient),
        _ => return None,
    })
}
