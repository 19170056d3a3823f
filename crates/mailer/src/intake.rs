//! What comes back: reports that an MTA was sent by mail, and events that the relay tells of, as batches that are durable before
//! whoever brought them is answered.

mod delivery;

use std::hash::{DefaultHasher, Hasher};

use envelope::AddrSpec;
use report::{FeedbackReport, FeedbackType, Report};
use thiserror::Error;

use crate::engagement::Visit;
use crate::event::{
    DeliveryEvent, EventBatch, EventKind, EventRecipient, Source, derived_from, derived_id,
};
use crate::keys;
use crate::link::Reader;
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::record::MessageRecord;
use crate::return_path::{ForeignReturnPath, ReturnPathKeys, Token};
use crate::time::Timestamp;

/// As much of a message as has to be brought: what [`report::read`] looks at, and an octet that shows that there is more.
pub const MAX_REPORT_OCTETS: usize = report::limits::MAX_MESSAGE_OCTETS + 1;

/// Names the batch that `body` brought, of which our relay signed that it is its message `id`: the same whenever it brings it again.
///
/// A relay gives each body an id of its own. The octets are in the name for one that counts anew some day, so that it does not write
/// over what was not taken in yet. They are only told apart from those of an honest relay, by 64 bits of a hash that costs a tenth of
/// SHA-256.
#[must_use]
pub fn signed_batch(id: &str, body: &[u8]) -> OperationId {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    derived_id(&format!(
        "relay/{id}/{}/{:016x}",
        body.len(),
        hasher.finish()
    ))
}

/// Names the batch of the event that the report with these octets told of: the same whenever it is brought again. A report that came to
/// the return paths of two recipients tells of two.
#[must_use]
pub fn report_batch(event: &DeliveryEvent, octets: &[u8]) -> OperationId {
    let recipient = match &event.recipient {
        EventRecipient::Index(index) | EventRecipient::Copy { index, .. } => index.to_string(),
        EventRecipient::Address(address) => address.canonical(),
    };
    derived_from(&format!("report/{}/{recipient}/", event.message), octets)
}

/// Stores `events` as the batch `id`, and has the tick come back to it.
///
/// # Errors
/// When the store does not say that it wrote; the batch may be there all the same.
pub async fn store<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    outbox: &Outbox,
    (id, source): (OperationId, Source),
    events: Vec<DeliveryEvent>,
) -> Result<(), StoreError> {
    let now = ports.now();
    let batch = EventBatch::new(source, events, now, now);
    let entry = Entry {
        writes: vec![keys::batch(id).write(&batch)?],
        items: batch.item(id).into_iter().collect(),
    };
    outbox.commit(ports, entry).await
}

/// Why a report that came by mail changes nothing.
#[derive(Debug, Clone, Error)]
pub enum ReportRefusal {
    /// It came to none of our return paths, or to one that is not what it seems.
    #[error(transparent)]
    ReturnPath(#[from] ForeignReturnPath),
    /// It is a report, but cannot be read.
    #[error(transparent)]
    Unreadable(#[from] report::ReportError),
    /// It is about a message that is not there, or about somebody else than its return path.
    #[error("expected a report about the message and recipient of its return path")]
    Foreign,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a message that came back turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It says what became of a message.
    Event(Box<DeliveryEvent>),
    /// Somebody wants no more mail, and wrote to the address to unsubscribe at.
    Unsubscribe(Box<Visit>),
    /// Feedback that is no complaint: a virus, failed authentication, mail that is no spam.
    OtherFeedback {
        /// Its type, in lower case; `other` if that is no word.
        feedback_type: String,
    },
    /// An automatic reply.
    AutoReply,
    /// No report: a person's answer, or a bounce in a form that is not known.
    NotAReport,
}

/// Reads a message that came to the addresses `to`.
///
/// # Errors
/// See [`ReportRefusal`].
pub async fn receive<P: Clock + KeyValue>(
    ports: &P,
    keys: &ReturnPathKeys,
    to: &[AddrSpec],
    octets: &[u8],
) -> Result<Received, ReportRefusal> {
    match unread(keys, to, ports.now()) {
        Some(unread) => unread,
        None => believe(ports, keys, to, report::read(octets)?).await,
    }
}

async fn believe<P: Clock + KeyValue>(
    ports: &P,
    keys: &ReturnPathKeys,
    to: &[AddrSpec],
    report: Report,
) -> Result<Received, ReportRefusal> {
    let now = ports.now();
    match report {
        Report::Delivery(report) => {
            let token = verified(keys, to, None, now)?;
            let named = Named::read(ports, token).await?;
            let told = delivery::told(token, &report, &named.recipient, now);
            let event = told.ok_or(ReportRefusal::Foreign)?;
            Ok(Received::Event(Box::new(event)))
        }
        Report::Feedback(report) => {
            let token = verified(keys, to, report.original_mail_from.as_ref(), now)?;
            let named = Named::read(ports, token).await?;
            feedback(token, &report, &named, now)
        }
        Report::AutoReply(_) => Ok(Received::AutoReply),
        Report::Other => Ok(unsubscribe(keys, to, now)),
    }
}

/// What is answered without reading the message, if all that it came to is forged: anybody may write to what looks like an address of
/// ours, and reading costs.
fn unread(
    keys: &ReturnPathKeys,
    to: &[AddrSpec],
    now: Timestamp,
) -> Option<Result<Received, ReportRefusal>> {
    let is_forged = |address: &AddrSpec| {
        let local_part = address.local_part().content();
        let as_return_path = keys.verify(local_part, now).err();
        let to_unsubscribe = keys.verify_unsubscribe(local_part).err();
        [as_return_path, to_unsubscribe].contains(&Some(ForeignReturnPath::Forged))
    };
    if to.is_empty() || !to.iter().all(is_forged) {
        return None;
    }
    match verified(keys, to, None, now) {
        // They are addresses to unsubscribe at, and nobody is told more of those.
        Ok(_) | Err(ForeignReturnPath::Form) => Some(Ok(Received::NotAReport)),
        Err(refusal) => Some(Err(refusal.into())),
    }
}

/// A message of a person's own, which counts only where it came to. What it says is nothing that a program could tell, and whoever
/// has the address got the mail.
fn unsubscribe(keys: &ReturnPathKeys, to: &[AddrSpec], now: Timestamp) -> Received {
    let named = |address: &AddrSpec| keys.verify_unsubscribe(address.local_part().content());
    let token = to.iter().find_map(|address| named(address).ok());
    token.map_or(Received::NotAReport, |token| {
        let reader = Reader {
            message: token.message,
            recipient: token.recipient,
        };
        Received::Unsubscribe(Box::new(Visit::unsubscribe_by_mail(reader, now)))
    })
}

/// The first of the addresses that is a return path of ours.
fn verified(
    keys: &ReturnPathKeys,
    to: &[AddrSpec],
    original: Option<&AddrSpec>,
    now: Timestamp,
) -> Result<Token, ForeignReturnPath> {
    let mut refusal = ForeignReturnPath::Form;
    for address in to.iter().chain(original) {
        match keys.verify(address.local_part().content(), now) {
            Ok(token) => return Ok(token),
            Err(ForeignReturnPath::Form) => {}
            Err(other) => refusal = other,
        }
    }
    Err(refusal)
}

/// Whom a token names.
struct Named {
    recipient: AddrSpec,
    /// The other recipients of the message.
    others: Vec<AddrSpec>,
}

impl Named {
    async fn read(store: &impl KeyValue, token: Token) -> Result<Self, ReportRefusal> {
        let found = MessageRecord::read_head(store, token.message).await?;
        let (record, _) = found.ok_or(ReportRefusal::Foreign)?;
        let mut others = record.recipients();
        let index = usize::from(token.recipient);
        if index >= others.len() {
            return Err(ReportRefusal::Foreign);
        }
        let recipient = others.swap_remove(index);
        Ok(Self { recipient, others })
    }
}

fn event(token: Token, kind: EventKind, at: Timestamp) -> DeliveryEvent {
    DeliveryEvent {
        message: token.message,
        recipient: EventRecipient::Index(usize::from(token.recipient)),
        kind,
        at,
        reply: None,
        class: None,
        suppresses: false,
        remote_mta: None,
        feedback_type: None,
    }
}

/// What feedback comes to. Its token says whose it is; many providers leave the address out, redact it (RFC 6590), or name the one that
/// it was sent on to. Only another recipient of the message has no business there.
fn feedback(
    token: Token,
    report: &FeedbackReport,
    named: &Named,
    now: Timestamp,
) -> Result<Received, ReportRefusal> {
    let is_named = |address: &AddrSpec| {
        let wanted = address.canonical();
        let mut original = report.original_rcpt_to.iter();
        original.any(|original| original.canonical() == wanted)
    };
    if !is_named(&named.recipient) && named.others.iter().any(is_named) {
        return Err(ReportRefusal::Foreign);
    }
    let feedback_type = word(&report.feedback_type).to_owned();
    if !is_complaint(&report.feedback_type) {
        return Ok(Received::OtherFeedback { feedback_type });
    }
    Ok(Received::Event(Box::new(DeliveryEvent {
        feedback_type: Some(feedback_type),
        remote_mta: report.reporting_mta.clone(),
        ..event(token, EventKind::Complained, now)
    })))
}

/// A type that is fit to be logged: strangers write there what they like.
fn word(feedback_type: &FeedbackType) -> &str {
    let name = feedback_type.name();
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    if name.bytes().all(fits) {
        name
    } else {
        "other"
    }
}

/// Whether the recipient certainly wants no such mail: an address is held back for good then. Drafts of RFC 5965 had words of their own
/// for who opts out; of the other types a program is the source, or nobody knows (section 7.3).
fn is_complaint(feedback_type: &FeedbackType) -> bool {
    match feedback_type {
        FeedbackType::Abuse | FeedbackType::Fraud => true,
        FeedbackType::Other(name) => matches!(name.as_str(), "opt-out" | "opt-out-list"),
        FeedbackType::AuthFailure | FeedbackType::NotSpam | FeedbackType::Virus => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_named_by_its_signed_id_and_its_octets() {
        let named = signed_batch("relay-1", b"{}");
        assert_eq!(signed_batch("relay-1", b"{}"), named);
        assert_ne!(signed_batch("relay-2", b"{}"), named);
        assert_ne!(signed_batch("relay-1", b"[]"), named);
        assert_ne!(signed_batch("relay-1", b""), named);
    }

    #[test]
    fn one_report_for_two_recipients_makes_two_batches() {
        let event = |recipient| {
            let token = Token::new(derived_id("m"), recipient, Timestamp::from_millis(0));
            event(token, EventKind::Bounced, Timestamp::from_millis(0))
        };
        let named = report_batch(&event(0), b"report");
        assert_eq!(report_batch(&event(0), b"report"), named);
        assert_ne!(report_batch(&event(1), b"report"), named);
        assert_ne!(report_batch(&event(0), b"another"), named);
    }
}
