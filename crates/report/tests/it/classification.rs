//! Codes and words of replies.

use envelope::{EnhancedStatusCode, ReplyCode};
use report::{Cause, Party, classify};

fn judge(reply: &str) -> report::Classification {
    let mut words = reply.splitn(3, ' ');
    let code = words
        .next()
        .unwrap()
        .parse()
        .ok()
        .and_then(|code| ReplyCode::new(code).ok());
    let status = EnhancedStatusCode::parse(words.next().unwrap_or_default()).ok();
    classify(code, status, words.next().unwrap_or_default())
}

/// `-` stands for a code that is missing.
#[track_caller]
fn check(reply: &str, cause: Cause, party: Party) {
    let found = judge(reply);
    assert_eq!((found.cause, found.party), (cause, party), "{reply}");
}

#[track_caller]
fn hard(reply: &str, expected: bool) {
    assert_eq!(judge(reply).hard_bounce, expected, "{reply}");
}

#[test]
fn addresses() {
    for reply in [
        "550 5.1.1 user unknown",
        "550 - No such user here",
        "550 - Requested action not taken: mailbox unavailable",
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)",
        "550 5.1.1 <abuse@spam.example>: Recipient address rejected: User unknown",
        "550 - The email account that you tried to reach does not exist",
        "554 - delivery error: dd This user doesn\u{2019}t have a yahoo.com account",
        "550 5.1.0 Unrouteable address",
        "550 5.4.4 Host or domain name not found. Name service error for name=x type=AAAA: Host not found",
        "556 - domain does not accept mail",
        "525 5.7.13 User Account Disabled",
        "550 5.2.1 The email account that you tried to reach is disabled.",
        "550 5.4.1 Recipient address rejected: Access denied.",
        "550 5.4.310 DNS domain gone.example does not exist",
        "450 4.1.1 unverified address",
        "- - Sorry, no mailbox here by that name.",
        // Listed in a directory is not listed by those who block.
        "- 5.1.1 User bob not listed in Domino Directory",
        "550 - bob (bob@example.com) not listed in public Name & Address Book",
    ] {
        check(reply, Cause::Address, Party::Recipient);
    }
    check(
        "553 5.1.8 sender's domain does not resolve",
        Cause::Address,
        Party::Sender,
    );
}

#[test]
fn a_refusal_by_policy_never_blames_the_address() {
    for reply in [
        "550 - blocked using zen.spamhaus.org",
        "550 5.1.1 192.0.2.1 is listed at bl.example",
        "550 5.7.1 user unknown",
        "550 5.1.1 refused by policy",
        "550 - Administrative prohibition",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using b.barracudacentral.org",
        "550 - Message rejected as spam",
        "553 - sorry, your envelope sender is denied (#5.7.1)",
        "521 5.2.1 AOL will not accept delivery of this message; your IP has poor reputation",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication",
    ] {
        check(reply, Cause::Policy, Party::Sender);
        assert!(!judge(reply).may_suppress(), "{reply}");
    }
    check(
        "554 5.7.1 <a@b.example>: Relay access denied",
        Cause::Policy,
        Party::Relay,
    );
}

#[track_caller]
fn spam(reply: &str, expected: bool) {
    assert_eq!(judge(reply).spam, expected, "{reply}");
}

#[test]
fn a_verdict_on_the_message_is_told_apart() {
    for reply in [
        "550 5.7.1 Our system has detected that this message is likely unsolicited mail",
        "554 5.7.1 Message rejected as spam by Content Filtering.",
        "550 5.1.1 Message rejected as spam",
        "554 - rejected due to spam content",
        "550 5.7.1 This message was CLASSIFIED AS SPAM and may not be delivered",
        "550 - virus found",
        "554 5.6.0 attachment is infected with Eicar",
    ] {
        spam(reply, true);
        assert!(!judge(reply).may_suppress(), "{reply}");
    }
}

#[test]
fn what_is_refused_for_something_else_is_no_spam_for_certain() {
    for reply in [
        // The message, for its size or form.
        "552 5.3.4 Message size exceeds fixed maximum message size",
        "553 5.6.7 SMTPUTF8 is required, but was not offered",
        "550 - attachment not allowed",
        // Where it comes from, and what is known of that.
        "550 - blocked using zen.spamhaus.org",
        "550 5.7.1 your IP has been identified as spam source",
        "550 - host 192.0.2.1 was identified as spam sender",
        "554 5.7.1 classified as spammers",
        "550 5.7.1 unsolicited mail is not taken here",
        "550 - see our anti spam policy",
        // Words within words, and other causes that come first.
        "550 - antispam.example says no",
        "550 - mailbox is full, and this is spam detected",
        "550 5.7.26 unauthenticated mail is rejected as spam",
        // Not for good, and not said.
        "451 4.7.1 suspected spam, try again",
        "- - rejected as spam",
        "554 5.6.0 x",
    ] {
        spam(reply, false);
    }
}

#[test]
fn other_causes() {
    check("552 5.2.2 x", Cause::MailboxFull, Party::Recipient);
    check(
        "550 5.1.1 mailbox is full",
        Cause::MailboxFull,
        Party::Recipient,
    );
    check(
        "452 4.2.2 The recipient's inbox is out of storage space",
        Cause::MailboxFull,
        Party::Recipient,
    );
    check("552 - x", Cause::MailboxFull, Party::Recipient);
    check("552 5.3.4 message too big", Cause::Content, Party::Sender);
    check("554 5.6.0 x", Cause::Content, Party::Sender);
    check("550 - virus found", Cause::Content, Party::Sender);
    check(
        "421 4.7.28 unusual rate of unsolicited mail",
        Cause::Rate,
        Party::Sender,
    );
    check(
        "450 4.2.0 Recipient address rejected: Greylisted",
        Cause::Rate,
        Party::Recipient,
    );
    check(
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate",
        Cause::Rate,
        Party::Recipient,
    );
    check("452 4.5.3 x", Cause::Rate, Party::Sender);
    check(
        "421 4.7.0 [TSS04] Messages temporarily deferred",
        Cause::Rate,
        Party::Sender,
    );
    check("550 5.7.26 x", Cause::Auth, Party::Sender);
    check("550 5.7.1 fails DMARC policy", Cause::Auth, Party::Sender);
    check(
        "530 5.7.0 Authentication required",
        Cause::Auth,
        Party::Relay,
    );
    check("535 5.7.8 x", Cause::Auth, Party::Relay);
    check("- 4.4.1 x", Cause::Network, Party::Relay);
    check("421 - x", Cause::Network, Party::Relay);
    check(
        "450 - Host not found, try again",
        Cause::Network,
        Party::Relay,
    );
    check(
        "- 5.4.6 mail loops back to myself",
        Cause::Network,
        Party::Relay,
    );
}

#[test]
fn what_says_nothing_is_unknown() {
    check("550 - x", Cause::Unknown, Party::Recipient);
    check("554 - x", Cause::Unknown, Party::Relay);
    check("- - ", Cause::Unknown, Party::Relay);
    check("250 2.0.0 ok", Cause::Unknown, Party::Relay);
    // Words within words.
    check(
        "550 - antispam.example says no",
        Cause::Unknown,
        Party::Recipient,
    );
    check("550 - herbl", Cause::Unknown, Party::Recipient);
}

#[test]
fn hard_list() {
    for detail in [
        "1.1", "1.2", "1.3", "1.4", "1.6", "1.9", "1.10", "2.1", "3.2", "4.1", "4.4", "4.6",
        "4.310", "7.13",
    ] {
        hard(&format!("554 5.{detail} x"), true);
        hard(&format!("- 5.{detail} x"), true);
    }
    for code in [521, 525, 550, 553] {
        hard(&format!("{code} - x"), true);
        hard(&format!("{code} 5.0.0 x"), true);
    }
}

#[test]
fn soft_list() {
    let mut details: Vec<String> = [
        "2.2", "2.3", "2.121", "2.122", "3.1", "3.3", "3.4", "5.3", "6.0", "6.999", "7.1", "7.2",
        "7.12", "7.51",
    ]
    .map(String::from)
    .into();
    details.extend((15..=30).map(|detail| format!("7.{detail}")));
    for detail in details {
        hard(&format!("550 5.{detail} x"), false);
    }
    for code in [551, 552, 554, 500, 556] {
        hard(&format!("{code} - x"), false);
    }
    hard("550 5.7.14 not listed, so the reply code decides", true);
    hard("550 5.7.31 not listed, so the reply code decides", true);
}

#[test]
fn only_what_is_terminal_is_hard() {
    for reply in [
        "450 5.1.1 x",
        "450 4.1.1 x",
        "- 4.1.1 x",
        "250 5.1.1 x",
        "550 4.1.1 x",
        "- - x",
    ] {
        hard(reply, false);
    }
    assert!(judge("550 4.2.2 x").terminal);
    assert!(!judge("450 5.1.1 x").terminal);
    assert!(judge("- 5.0.0 x").terminal);
}

#[test]
fn a_long_text_is_looked_at_up_to_the_limit() {
    let text = format!("{} user unknown", "x ".repeat(500_000));
    assert_eq!(classify(None, None, &text).cause, Cause::Unknown);
}
