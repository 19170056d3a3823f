//! Recipients that are never written to and whose fate is in their name, for whoever tests an application.
//!
//! They are at [`DOMAIN`], which nobody can hold (RFC 6761), and no relay sees them in any mode. `bounced+anything` is another address
//! with the same fate. The managed suppression list leaves them out: a test may be run twice. Lists of the customer's own do not.

use std::time::Duration;

use envelope::{AddrSpec, Reply};

use crate::event::EventKind;

/// The domain of simulated recipients.
pub const DOMAIN: &str = "simulator.test";
/// How long the deferred one waits for its delivery.
pub const DEFERRED_FOR: Duration = Duration::from_secs(5);
/// How long the slow one does.
pub const SLOW_FOR: Duration = Duration::from_secs(30);

/// What becomes of a simulated recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// As if it were on a suppression list.
    Suppressed,
    /// Handed over, and then these happen, each so long after.
    Events(Vec<SimulatedEvent>),
}

/// One thing that happens to a simulated recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedEvent {
    /// How long after the attempt.
    pub after: Duration,
    /// What happens.
    pub kind: EventKind,
    /// The reply that comes with it, if one does.
    pub reply: Option<Reply>,
}

/// Whether `address` is a simulated one.
#[must_use]
pub fn is_simulated(address: &AddrSpec) -> bool {
    address.domain().as_str().eq_ignore_ascii_case(DOMAIN)
}

/// What becomes of `address`; none if it is not simulated.
#[must_use]
pub fn fate(address: &AddrSpec) -> Option<Fate> {
    if !is_simulated(address) {
        return None;
    }
    let local_part = address.local_part().content().to_ascii_lowercase();
    let name = local_part.split('+').next().unwrap_or_default();
    let now = Duration::ZERO;
    Some(match name {
        "suppressed" => Fate::Suppressed,
        "delivered" => events(&[(now, EventKind::Delivered, TAKEN)]),
        "slow" => events(&[(SLOW_FOR, EventKind::Delivered, TAKEN)]),
        "mailbox-full" => events(&[(now, EventKind::Failed, "552 5.2.2 the mailbox is full")]),
        "complained" => events(&[
            (now, EventKind::Delivered, TAKEN),
            (now, EventKind::Complained, ""),
        ]),
        "deferred-then-delivered" => events(&[
            (now, EventKind::Deferred, "451 4.2.1 the mailbox is busy"),
            (DEFERRED_FOR, EventKind::Delivered, TAKEN),
        ]),
        "bounced" => events(&[(now, EventKind::Bounced, "550 5.1.1 no such mailbox")]),
        // Whoever mistypes one of the names shall see that, not a success.
        _ => events(&[(
            now,
            EventKind::Bounced,
            "550 5.1.1 no such simulated recipient",
        )]),
    })
}

const TAKEN: &str = "250 2.0.0 taken";

fn events(list: &[(Duration, EventKind, &str)]) -> Fate {
    let event = |&(after, kind, reply): &(Duration, EventKind, &str)| SimulatedEvent {
        after,
        kind,
        reply: Reply::parse(reply).ok(),
    };
    Fate::Events(list.iter().map(event).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&[EventKind]>) {
        let address = AddrSpec::parse(address).expect("an address");
        let found = fate(&address).map(|fate| match fate {
            Fate::Suppressed => vec![EventKind::Suppressed],
            Fate::Events(events) => events.into_iter().map(|event| event.kind).collect(),
        });
        assert_eq!(found.as_deref(), expected, "{address}");
    }

    #[test]
    fn the_name_decides_whatever_the_label() {
        check("delivered@simulator.test", Some(&[EventKind::Delivered]));
        check(
            "Delivered+a+b@SIMULATOR.test",
            Some(&[EventKind::Delivered]),
        );
        check("bounced+1@simulator.test", Some(&[EventKind::Bounced]));
        check("bounce@simulator.test", Some(&[EventKind::Bounced]));
        check("suppressed@simulator.test", Some(&[EventKind::Suppressed]));
        check("mailbox-full@simulator.test", Some(&[EventKind::Failed]));
        let complained = [EventKind::Delivered, EventKind::Complained];
        check("complained@simulator.test", Some(&complained));
        let deferred = [EventKind::Deferred, EventKind::Delivered];
        check("deferred-then-delivered@simulator.test", Some(&deferred));
        check("delivered@simulator.test.example", None);
        check("delivered@example.com", None);
    }
}
