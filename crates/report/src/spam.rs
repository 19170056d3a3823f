//! Words by which a server says that it takes this one message for spam, or for a carrier of something worse.
//!
//! Unlike the phrases that find a cause, these have to be certain: an application is told that its mail was judged. That a host,
//! an address or a domain is known for spam says nothing of the message, nor does a word such as `spam` alone.

use crate::phrases::Text;

const VERDICTS: &[&str] = &[
    "rejected as spam",
    "refused as spam",
    "blocked as spam",
    "flagged as spam",
    "detected as spam",
    "identified as spam",
    "classified as spam",
    "recognized as spam",
    "recognised as spam",
    "is considered spam",
    "was considered spam",
    "is considered to be spam",
    "was considered to be spam",
    "judged to be spam",
    "appears to be spam",
    "looks like spam",
    "suspected spam",
    "spam detected",
    "spam content",
    "spam message rejected",
    "virus or spam content",
    "likely unsolicited mail",
    "virus found",
    "virus detected",
    "contains a virus",
    "contains virus",
    "contains malware",
    "malware found",
    "malware detected",
    "infected with",
];

/// What makes it a judgement on where the message comes from.
const SOURCES: &[&str] = &[
    "your ip",
    "your host",
    "your server",
    "your network",
    "your domain",
    "ip address",
    "sending ip",
    "sending host",
    "sender ip",
    "client host",
    "spam source",
    "spam sender",
    "spam trap",
    "spamtrap",
    "spammer",
    "spamming",
    "spamhaus",
    "spamcop",
    "sorbs",
    "rbl",
    "dnsbl",
    "listed",
    "black",
    "blocklist",
    "block list",
    "block-list",
    "denylist",
    "reputation",
    "complaint",
];

/// Whether a text says so of the message, and of nothing else.
pub(crate) fn is_verdict(text: &Text) -> bool {
    text.has_any(VERDICTS) && !text.has_any(SOURCES)
}
