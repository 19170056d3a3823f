//! What a reply means for a recipient, in the words of events.

use envelope::{EnhancedStatusCode, Reply, ReplyCode};
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
        Self::of_codes(Some(reply.code), reply.enhanced, reply.text())
    }

    /// What codes and text mean that need not have stood in one reply.
    #[must_use]
    pub fn of_codes(
        code: Option<ReplyCode>,
        status: Option<EnhancedStatusCode>,
        text: &str,
    ) -> Self {
        let found = classify(code, status, text);
        Self {
            kind: kind(&found),
            class: class_name(&found),
            suppresses: found.may_suppress(),
        }
    }
}

/// ACS calls what is on its hard list bounced; what was refused for its content is told apart.
const fn kind(found: &Classification) -> EventKind {
    match found.cause {
        Cause::Content if found.terminal => EventKind::FilteredSpam,
        _ if found.hard_bounce => EventKind::Bounced,
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
}
