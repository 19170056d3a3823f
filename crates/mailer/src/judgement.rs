//! What a reply means for a recipient, in the words of events.

use envelope::Reply;
use report::{Cause, Classification, Party, classify};

use crate::event::EventKind;

/// What a failed delivery comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// [`EventKind::Bounced`], [`EventKind::FilteredSpam`] or [`EventKind::Failed`].
    pub kind: EventKind,
    /// Cause and party, such as `address/recipient`.
    pub class: String,
    /// The address is the one thing wrong, and will stay wrong: it is not to be written to for a while.
    pub suppresses: bool,
}

impl Failure {
    /// What `reply` means, given for good.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        let found = classify(Some(reply.code), reply.enhanced, reply.text());
        Self::judged(&found)
    }

    /// What a judgement comes to.
    #[must_use]
    pub fn judged(found: &Classification) -> Self {
        Self {
            kind: kind(found),
            class: class_name(found),
            suppresses: found.may_suppress(),
        }
    }
}

/// ACS calls what is on its hard list bounced; what a server says that it takes for spam is told apart.
const fn kind(found: &Classification) -> EventKind {
    match found {
        Classification { spam: true, .. } => EventKind::FilteredSpam,
        Classification {
            hard_bounce: true, ..
        } => EventKind::Bounced,
        _ => EventKind::Failed,
    }
}

/// `cause/party`, as events and pages show it.
fn class_name(found: &Classification) -> String {
    let cause = match found.cause {
        Cause::Address => "address",
        Cause::MailboxFull => "mailbox-full",
        Cause::Policy => "policy",
        Cause::Content => "content",
        Cause::Rate => "rate",
        Cause::Auth => "auth",
        Cause::Network => "network",
        Cause::Unknown => "unknown",
    };
    let party = match found.party {
        Party::Recipient => "recipient",
        Party::Sender => "sender",
        Party::Relay => "relay",
    };
    format!("{cause}/{party}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reply: &str, kind: EventKind, class: &str, suppresses: bool) {
        let reply = Reply::parse(reply).expect("a reply");
        let expected = Failure {
            kind,
            class: class.to_owned(),
            suppresses,
        };
        assert_eq!(Failure::of(&reply), expected, "{reply}");
    }

    #[test]
    fn only_a_wrong_address_suppresses() {
        let bounced = EventKind::Bounced;
        check("550 5.1.1 no such user", bounced, "address/recipient", true);
        check(
            "552 5.2.2 mailbox full",
            EventKind::Failed,
            "mailbox-full/recipient",
            false,
        );
        check(
            "550 5.7.1 blocked using a list",
            EventKind::Failed,
            "policy/sender",
            false,
        );
        check("550 listed at spamhaus", bounced, "policy/sender", false);
        check(
            "451 4.3.0 try again",
            EventKind::Failed,
            "network/relay",
            false,
        );
    }

    #[test]
    fn only_a_verdict_is_told_as_spam() {
        let (spam, failed) = (EventKind::FilteredSpam, EventKind::Failed);
        for (reply, kind, class) in [
            (
                "550 5.7.1 this message is likely unsolicited mail",
                spam,
                "policy/sender",
            ),
            ("554 5.7.1 Message rejected as spam", spam, "policy/sender"),
            ("554 5.6.0 virus found", spam, "content/sender"),
            (
                "552 5.3.4 Message size exceeds fixed maximum message size",
                failed,
                "content/sender",
            ),
            (
                "553 5.6.7 SMTPUTF8 is required, but was not offered",
                failed,
                "content/sender",
            ),
            ("451 4.7.1 suspected spam", failed, "policy/sender"),
        ] {
            check(reply, kind, class, false);
        }
    }
}
