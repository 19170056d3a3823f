//! Phrases of mail servers, and what they mean.
//!
//! They are what Postfix, Exim, Exchange, Gmail, Yahoo, qmail, sendmail and the filters in front of them say. A phrase is
//! looked for in the text in ASCII lower case, where no letter or digit comes right before it, so `spam` is not found in
//! `antispam.example`. Within a group the order does not matter; between groups the first that is found counts.

use alloc::string::String;
use alloc::vec::Vec;

use crate::classification::{Cause, Party};
use crate::text::{self, MAX_DIAGNOSTIC_OCTETS};

type Group = (Cause, Party, &'static [&'static str]);

/// Checked before any code. The first are about an address after all: Exchange Online and Domino say so of unknown ones.
const OTHER_THAN_ADDRESS: [Group; 9] = [
    (
        Cause::Address,
        Party::Recipient,
        &[
            "recipient address rejected: access denied",
            "not listed in domino directory",
            "not listed in public name & address book",
        ],
    ),
    (
        Cause::Rate,
        Party::Recipient,
        &[
            "greylist",
            "graylist",
            "grey-list",
            "gray-list",
            "grey list",
            "receiving mail at a rate",
            "receiving mail too quickly",
        ],
    ),
    (
        Cause::Rate,
        Party::Sender,
        &[
            "rate limit",
            "ratelimit",
            "rate-limit",
            "message rate",
            "too many messages",
            "too many connections",
            "too many concurrent",
            "too many recipients",
            "too fast",
            "unusual rate",
            "sending quota",
            "throttl",
            "temporarily deferred",
            "sending limit",
            "too much mail",
            "too many emails",
        ],
    ),
    (
        Cause::MailboxFull,
        Party::Recipient,
        &[
            "mailbox full",
            "mailbox is full",
            "inbox is full",
            "mailfolder is full",
            "quota",
            "overquota",
            "out of storage",
            "storage allocation",
            "mailbox size limit",
            "insufficient disk space",
        ],
    ),
    (
        Cause::Auth,
        Party::Relay,
        &[
            "authentication required",
            "must authenticate",
            "authentication credentials",
            "must issue a starttls",
        ],
    ),
    (
        Cause::Auth,
        Party::Sender,
        &[
            "spf",
            "dkim",
            "dmarc",
            "unauthenticated",
            "not authenticated",
            "sender authentication",
            "reverse dns",
            "ptr record",
            "rdns",
            "cannot find your hostname",
            "cannot find your reverse hostname",
        ],
    ),
    (
        Cause::Policy,
        Party::Relay,
        &[
            "relay access denied",
            "relaying denied",
            "unable to relay",
            "relay not permitted",
            "relaying not allowed",
            "relaying not permitted",
            "not permitted to relay",
            "relay denied",
            "list of allowed rcpthosts",
            "not allowed to relay",
            "we do not relay",
            "relaying prohibited",
            "relaying to",
        ],
    ),
    (
        Cause::Policy,
        Party::Sender,
        &[
            "blocked",
            "blacklist",
            "black list",
            "blocklist",
            "block list",
            "block-list",
            "denylist",
            "spamhaus",
            "spamcop",
            "barracuda",
            "sorbs",
            "proofpoint",
            "cloudmark",
            "listed at",
            "listed in",
            "listed on",
            "listed by",
            "rbl",
            "dnsbl",
            "reputation",
            "policy",
            "policies",
            "unsolicited",
            "spam",
            "junk mail",
            "bulk mail",
            "banned",
            "client host rejected",
            "access denied",
            "administrative prohibition",
            "administratively",
            "prohibited",
            "sender address rejected",
            "sender rejected",
            "sender denied",
            "envelope sender",
            "not authorized",
            "not authorised",
            "not permitted",
            "not allowed",
            "unauthorized",
            "you are not",
            "restricted",
            "complaint",
            "abuse",
            "suspicious",
            "refused by",
            "security",
            "refusing your",
            "refused your",
            "your ip",
            "your host",
            "your domain",
            "rejecting banned",
            "sender verify failed",
        ],
    ),
    (
        Cause::Content,
        Party::Sender,
        &[
            "message size",
            "too large",
            "too big",
            "size limit",
            "exceeds the maximum",
            "maximum message size",
            "maximum size",
            "virus",
            "malware",
            "infected",
            "attachment",
            "message content",
            "content rejected",
            "content filter",
            "invalid header",
            "header field",
            "line too long",
            "bare lf",
            "message contains",
            "missing a valid",
            "8bit",
            "smtputf8",
        ],
    ),
];

/// The recipient's address.
const ADDRESS: &[&str] = &[
    "user unknown",
    "unknown user",
    "unknown or illegal",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "no such person",
    "no such address",
    "no such account",
    "no such local user",
    "no mailbox here",
    "no mailbox by that name",
    "no account by that name",
    "mailbox unavailable",
    "mailbox not found",
    "mailbox does not exist",
    "mailbox doesn't exist",
    "mailbox unknown",
    "unknown mailbox",
    "recipient unknown",
    "unknown recipient",
    "recipient not found",
    "recipnotfound",
    "exrecipnotfound",
    "recipient does not exist",
    "recipient doesn't exist",
    "user not found",
    "user does not exist",
    "user doesn't exist",
    "account does not exist",
    "account that you tried to reach does not exist",
    "account that you tried to reach is disabled",
    "account that you tried to reach is inactive",
    "address does not exist",
    "address doesn't exist",
    "user doesn't have a",
    "user does not have a",
    "account has been disabled",
    "account is disabled",
    "account disabled",
    "account is inactive",
    "account inactive",
    "mailbox disabled",
    "mailbox is disabled",
    "mailbox is inactive",
    "inactive user",
    "inactive mailbox",
    "user is inactive",
    "account has been deactivated",
    "account closed",
    "not a valid mailbox",
    "not a valid recipient",
    "not a valid user",
    "invalid mailbox",
    "invalid recipient",
    "invalid user",
    "address unknown",
    "unknown address",
    "unrouteable address",
    "unknown local part",
    "unknown local-part",
    "bad destination mailbox",
    "not our customer",
    "does not accept mail",
    "null mx",
    "delivery error: dd",
];

/// The recipient's domain, if the failure is for good: a name server may be out of order for a while.
const DOMAIN: &[&str] = &[
    "host or domain name not found",
    "host not found",
    "domain not found",
    "domain does not exist",
    "no such domain",
    "unknown host",
    "host unknown",
    "nxdomain",
    "couldn't find any host named",
    "domain name not found",
];

const NETWORK: &[&str] = &[
    "timed out",
    "time-out",
    "timeout",
    "connection refused",
    "connection reset",
    "connection closed",
    "connection dropped",
    "connection lost",
    "lost connection",
    "no route to host",
    "unreachable",
    "unable to connect",
    "couldn't connect",
    "could not connect",
    "establish an smtp connection",
    "name service error",
    "temporary lookup failure",
    "dns error",
    "loops back",
    "too many hops",
    "mail loop",
    "routing loop",
    "hop count",
    "certificate",
    "handshake",
    "starttls",
    "service unavailable",
    "service not available",
    "try again later",
    "temporarily unavailable",
    "local error in processing",
    "system storage",
    "in the queue too long",
    "retry time not reached",
    "retry timeout exceeded",
    "system resources",
    "temporary failure",
    "internal error",
    "server error",
    "queue file write error",
    "message expired",
];

/// What a server said, made ready to look for phrases.
pub(crate) struct Text {
    line: String,
    /// Where no letter or digit comes before.
    starts: Vec<usize>,
    pairs: Pairs,
}

/// Which two octets are at one of the starts, so that most phrases are passed over by a look at one bit.
struct Pairs([u64; 16]);

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let line = text::collapse(text, MAX_DIAGNOSTIC_OCTETS);
        let line = line.to_ascii_lowercase().replace('\u{2019}', "'");
        let line = without_addresses(&line);
        let starts = starts(&line);
        let pairs = Pairs::new(&line, &starts);
        Self {
            line,
            starts,
            pairs,
        }
    }

    /// What says for certain that it is not the address, with one exception.
    pub(crate) fn other_than_address(&self) -> Option<(Cause, Party)> {
        let mut groups = OTHER_THAN_ADDRESS.iter();
        let (cause, party, _) = groups.find(|(_, _, phrases)| self.has_any(phrases))?;
        Some((*cause, *party))
    }

    /// What an address or the network is blamed with.
    pub(crate) fn address_or_network(&self, terminal: bool) -> Option<(Cause, Party)> {
        if self.has_any(ADDRESS) || (terminal && self.has_any(DOMAIN)) {
            return Some((Cause::Address, Party::Recipient));
        }
        let network = self.has_any(NETWORK) || self.has_any(DOMAIN);
        network.then_some((Cause::Network, Party::Relay))
    }

    pub(crate) fn has_any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.has(phrase))
    }

    fn has(&self, phrase: &str) -> bool {
        let at = |start: &usize| {
            self.line
                .get(*start..)
                .is_some_and(|rest| rest.starts_with(phrase))
        };
        self.pairs.may_start(phrase) && self.starts.iter().any(at)
    }
}

fn starts(line: &str) -> Vec<usize> {
    let mut within_word = false;
    let offsets = line.char_indices().filter_map(|(offset, character)| {
        let starts = !core::mem::replace(&mut within_word, character.is_alphanumeric());
        starts.then_some(offset)
    });
    offsets.collect()
}

impl Pairs {
    fn new(line: &str, starts: &[usize]) -> Self {
        let mut pairs = Self([0; 16]);
        for start in starts {
            let (word, bit) = place(line.get(*start..).unwrap_or_default());
            if let Some(word) = pairs.0.get_mut(word) {
                *word |= bit;
            }
        }
        pairs
    }

    fn may_start(&self, phrase: &str) -> bool {
        let (word, bit) = place(phrase);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// Five bits of each of the first two octets choose one of 1,024.
fn place(text: &str) -> (usize, u64) {
    let [first, second] = match text.as_bytes() {
        [first, second, ..] => [*first, *second],
        _ => [0, 0],
    };
    (
        usize::from(first & 15),
        1 << (((first & 16) << 1) | (second & 31)),
    )
}

/// An address says nothing of a failure, whatever words it is made of.
fn without_addresses(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    for word in line.split(' ').filter(|word| !word.contains('@')) {
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(word);
    }
    kept
}
