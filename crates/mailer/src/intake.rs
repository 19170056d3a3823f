//! What comes back: reports that an MTA was sent by mail, and events that the relay tells of, as batches that are durable before
//! whoever brought them is answered.

use std::hash::{DefaultHasher, Hasher};

use envelope::{AddrSpec, Reply, ReplyCode};
use report::{Action, DeliveryReport, FeedbackReport, FeedbackType, RecipientReport, Report};
use thiserror::Error;

use crate::engagement::Visit;
use crate::event::{
    DeliveryEvent, EventBatch, EventKind, EventRecipient, Source, derived_from, derived_id,
};
use crate::judgement::Failure;
use crate::keys;
use crate::link::Reader;
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::record::MessageRecord;
use crate::return_path::{ForeignReturnPath, ReturnPathKeys, Token};
use crate::time::Timestamp;

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
    let now = ports.now();
    match report::read(octets)? {
        Report::Delivery(report) => {
            let token = verified(keys, to, None, now)?;
            let recipient = recipient(ports, token).await?;
            let about = pick(&report, &recipient).ok_or(ReportRefusal::Foreign)?;
            Ok(Received::Event(Box::new(delivery_event(token, about, now))))
        }
        Report::Feedback(report) => {
            let token = verified(keys, to, report.original_mail_from.as_ref(), now)?;
            let recipient = recipient(ports, token).await?;
            Ok(complaint(token, &report, &recipient, now)?)
        }
        Report::AutoReply(_) => Ok(Received::AutoReply),
        Report::Other => Ok(unsubscribe(keys, to, now)),
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

/// The recipient that a token names.
async fn recipient(store: &impl KeyValue, token: Token) -> Result<AddrSpec, ReportRefusal> {
    let found = MessageRecord::read_head(store, token.message).await?;
    let (record, _) = found.ok_or(ReportRefusal::Foreign)?;
    let mut recipients = record.recipients();
    let index = usize::from(token.recipient);
    if index >= recipients.len() {
        return Err(ReportRefusal::Foreign);
    }
    Ok(recipients.swap_remove(index))
}

/// The part of a report that is about `recipient`. One that names who it was sent to has to name him; one that only names where it was
/// sent on to has nobody else to be about, since each recipient has a return path of his own.
fn pick<'a>(report: &'a DeliveryReport, recipient: &AddrSpec) -> Option<&'a RecipientReport> {
    let wanted = recipient.canonical();
    let names = |about: &RecipientReport| {
        let original = about.original_recipient.as_ref();
        let named = original.and_then(|original| original.address());
        named.is_none_or(|named| named.canonical() == wanted)
    };
    let is_exact = |about: &&RecipientReport| {
        about
            .address()
            .is_some_and(|address| address.canonical() == wanted)
    };
    let all = || report.recipients.iter();
    all()
        .find(is_exact)
        .or_else(|| all().find(|about| names(about)))
}

fn delivery_event(token: Token, about: &RecipientReport, now: Timestamp) -> DeliveryEvent {
    let failure = || Failure::of_codes(about.reply_code, about.status, &about.diagnostic);
    let (kind, failure) = match about.action {
        Action::Failed => {
            let failure = failure();
            (failure.kind, Some(failure))
        }
        Action::Delayed => (EventKind::Deferred, Some(failure())),
        Action::Delivered => (EventKind::Delivered, None),
        Action::Relayed => (EventKind::OutForDelivery, None),
        Action::Expanded => (EventKind::Expanded, None),
    };
    DeliveryEvent {
        suppresses: about.action == Action::Failed
            && failure.as_ref().is_some_and(|f| f.suppresses),
        class: failure.map(|failure| failure.class),
        reply: reply(about),
        remote_mta: about.remote_mta.clone(),
        ..event(token, kind, now)
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

fn complaint(
    token: Token,
    report: &FeedbackReport,
    recipient: &AddrSpec,
    now: Timestamp,
) -> Result<Received, ReportRefusal> {
    let wanted = recipient.canonical();
    let named = &report.original_rcpt_to;
    // Many providers leave the address out; one that is there has to be his.
    if !named.is_empty() && !named.iter().any(|named| named.canonical() == wanted) {
        return Err(ReportRefusal::Foreign);
    }
    let feedback_type = match &report.feedback_type {
        FeedbackType::Abuse => "abuse",
        FeedbackType::Fraud => "fraud",
        FeedbackType::Virus => "virus",
        FeedbackType::Other(name) => name.as_str(),
        // Neither says that the recipient does not want the mail.
        FeedbackType::NotSpam | FeedbackType::AuthFailure => return Ok(Received::NotAReport),
    };
    Ok(Received::Event(Box::new(DeliveryEvent {
        feedback_type: Some(feedback_type.to_owned()),
        remote_mta: report.reporting_mta.clone(),
        ..event(token, EventKind::Complained, now)
    })))
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
