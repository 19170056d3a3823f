//! What a delivery report says of the one recipient whose return path it came to.
//!
//! There may be several groups about him (RFC 3464 section 2.3), when his address is an alias or a list. The best thing that happened
//! counts, and his address is blamed only if nothing else is possible: a suppression that is wrong loses mail, and one that is missing
//! has it tried again.

use envelope::{AddrSpec, EnhancedStatusCode, Reply, ReplyCode, StatusClass};
use report::{Action, Classification, DeliveryReport, Recipient, RecipientReport};

use super::event;
use crate::event::{DeliveryEvent, EventKind};
use crate::judgement::Failure;
use crate::return_path::Token;
use crate::time::Timestamp;

/// The event that `report` tells of, about `recipient`, whom `token` names. None if it is about somebody else.
pub(super) fn told(
    token: Token,
    report: &DeliveryReport,
    recipient: &AddrSpec,
    now: Timestamp,
) -> Option<DeliveryEvent> {
    let groups = Groups::of(report, recipient);
    let about = groups.best()?;
    let failure = about.classification.as_ref().map(Failure::judged);
    let failed = failure.as_ref().map_or(EventKind::Failed, |f| f.kind);
    Some(DeliveryEvent {
        suppresses: groups.blame_the_address(),
        class: failure.map(|failure| failure.class),
        reply: reply(about),
        remote_mta: about.remote_mta.clone(),
        ..event(token, kind(about, failed), now)
    })
}

fn kind(about: &RecipientReport, failed: EventKind) -> EventKind {
    match about.action {
        Action::Failed => failed,
        Action::Delayed => EventKind::Deferred,
        Action::Delivered => EventKind::Delivered,
        Action::Relayed if is_success(about) => EventKind::Delivered,
        Action::Relayed => EventKind::OutForDelivery,
        Action::Expanded => EventKind::Expanded,
    }
}

/// The next host took the message and cannot tell of it (RFC 3464 section 2.3.3): nothing better will be learnt.
fn is_success(about: &RecipientReport) -> bool {
    let class = about.status.map(EnhancedStatusCode::class);
    class == Some(StatusClass::Success)
}

/// What may be about one recipient in a report.
struct Groups<'a> {
    all: Vec<&'a RecipientReport>,
    /// His address, in canonical form.
    wanted: String,
    /// Whether there were more than are kept.
    is_cut: bool,
}

impl<'a> Groups<'a> {
    /// Those that do not name somebody else as the one it was sent to. One that only names where it was sent on to has nobody else to be
    /// about, since each recipient has a return path of his own.
    fn of(report: &'a DeliveryReport, recipient: &AddrSpec) -> Self {
        let wanted = recipient.canonical();
        let may_be_his = |about: &&RecipientReport| {
            let original = about.original_recipient.as_ref();
            let named = original.and_then(|original| original.address());
            named.is_none_or(|named| named.canonical() == wanted)
        };
        Self {
            all: report.recipients.iter().filter(may_be_his).collect(),
            is_cut: report.omitted_recipients > 0,
            wanted,
        }
    }

    /// The one with the best news, of those that name him if there are any. Of failures, one that blames no address.
    fn best(&self) -> Option<&'a RecipientReport> {
        let order = |about: &&RecipientReport| {
            let names_him = about.address().is_some_and(|named| self.is_his(named));
            (!names_him, rank(about.action), is_address_wrong(about))
        };
        self.all.iter().copied().min_by_key(order)
    }

    /// Whether nothing but his address can be wrong.
    fn blame_the_address(&self) -> bool {
        !self.is_cut && self.all.iter().all(|about| self.blames(about))
    }

    /// An address that mail was sent on to may be one of several, and those that took it need not be told of.
    fn blames(&self, about: &RecipientReport) -> bool {
        let is_his = |reached: &Recipient| reached.address().is_some_and(|a| self.is_his(a));
        let reached = about.final_recipient.as_ref();
        is_address_wrong(about) && reached.is_none_or(is_his)
    }

    fn is_his(&self, address: &AddrSpec) -> bool {
        address.canonical() == self.wanted
    }
}

/// Whether an address is wrong, for good: the one it was sent to, or another that it was sent on to.
fn is_address_wrong(about: &RecipientReport) -> bool {
    let found = about.classification.as_ref();
    about.action == Action::Failed && found.is_some_and(Classification::may_suppress)
}

/// Better news first.
const fn rank(action: Action) -> u8 {
    match action {
        Action::Delivered => 0,
        Action::Expanded => 1,
        Action::Relayed => 2,
        Action::Delayed => 3,
        Action::Failed => 4,
    }
}

/// The reply that a report tells of. Without one in the diagnostic text, that is the text, with the code that the status stands for.
fn reply(about: &RecipientReport) -> Option<Reply> {
    if let Ok(said) = Reply::parse(&about.diagnostic) {
        let enhanced = said.enhanced.or(about.status);
        return Some(Reply::new(said.code, enhanced, said.text()));
    }
    let class = about.status.map(|status| u16::from(status.class().digit()));
    let implied = class.and_then(|class| ReplyCode::new(class * 100 + 50).ok());
    let code = about.reply_code.or(implied)?;
    Some(Reply::new(code, about.status, &about.diagnostic))
}
