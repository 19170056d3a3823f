//! Takes in what was learnt: from a batch of events to outcomes, suppressions and notifications, in one write.
//!
//! The write is one `set-many` with the journal items of the notifications, and it closes the batch. So a crash before it has the batch
//! taken in again by whoever claims its next window, and a crash after it has lost nothing. Events that are known already change
//! nothing, whatever batch they come in.

pub mod turns;

use std::collections::btree_map::{BTreeMap, Entry as Slot};
use std::collections::{BTreeSet, HashMap};

use envelope::AddrSpec;
use futures::future::try_join_all;

use self::turns::Turns;
use crate::attempt::Windows;
use crate::event::{
    AppEvent, DeliveryEvent, EventBatch, EventData, EventId, EventKind, EventRecipient,
    ReportStatus, Source, derived_id,
};
use crate::keys;
use crate::notification::{Notification, fan_out};
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::outcome::{MAX_DEFERRALS, Outcome};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
use crate::record::MessageRecord;
use crate::simulator;
use crate::subscription::known::KnownSubscriptions;
use crate::suppression::lease::News;
use crate::suppression::{self, Heard, Suppressor};
use crate::time::Timestamp;

/// Messages read at once: a record comes with up to 256 KiB of content.
const READ_AT_ONCE: usize = 16;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digested<T = Taken> {
    /// It was taken in.
    Done(T),
    /// It is done, or due later, or another task takes it in; or somebody else changed what lists have of its recipients for too long. It
    /// is due again then.
    NotNow,
    /// There is no such batch, or it was taken in and forgotten.
    Unknown,
}

/// What was new in a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// For the log.
    pub updates: Vec<StatusUpdate>,
    /// Events about messages or recipients that do not exist.
    pub foreign: usize,
    /// What subscribers are to be told, now.
    pub notifications: Vec<OperationId>,
}

/// One new event, as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The message.
    pub message: OperationId,
    /// The address in its From field.
    pub sender: AddrSpec,
    /// The recipient.
    pub recipient: AddrSpec,
    /// The recipient's place in the message's list.
    pub index: usize,
    /// The number under which the outcome is kept.
    pub number: u64,
    /// What happened.
    pub outcome: Outcome,
}

/// What an instance needs to take batches in.
#[derive(Debug, Clone, Copy)]
pub struct Digester<'a> {
    /// Writes for all tasks of the instance.
    pub outbox: &'a Outbox,
    /// When batches are claimed.
    pub windows: Windows,
    /// Who is told of events.
    pub subscriptions: &'a KnownSubscriptions,
    /// Writes the managed suppression list.
    pub suppressor: &'a Suppressor,
    /// Keeps apart batches that tell of one message.
    pub turns: &'a Turns,
}

impl Digester<'_> {
    /// Whether this task takes in the batch `id`.
    pub(crate) async fn claims<P: Clock + KeyValue>(
        &self,
        ports: &P,
        id: OperationId,
        attempt: u32,
        due_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let claimed = self.windows.claim(ports, id, attempt, due_at).await?;
        Ok(claimed.is_some())
    }
}

/// Takes in the batch `id`, if it is due and nobody else does.
///
/// # Errors
/// When the store does not answer; the batch is taken in again then.
pub async fn digest<P>(
    ports: &P,
    digester: &Digester<'_>,
    id: OperationId,
) -> Result<Digested, StoreError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let Some(batch) = keys::batch(id).read(ports).await? else {
        return Ok(Digested::Unknown);
    };
    // Before the claim: who gets no turn leaves the batch to the next window, and not to the end of this one.
    let Some(_turn) = digester.turns.take(ports, &batch.events).await else {
        return Ok(Digested::NotNow);
    };
    let (attempt, due_at) = (batch.attempt, batch.due_at);
    if !digester.claims(ports, id, attempt, due_at).await? {
        return Ok(Digested::NotNow);
    }
    let _announced = digester.outbox.announce();
    let ids = batch.events.iter().map(|event| event.message).collect();
    let messages = read_messages(ports, ids).await?;
    let mut taken = take(ports, (id, &batch), &messages).await?;
    let entry = entry(ports, digester, (id, &batch), &messages, &mut taken).await?;
    let heard: Vec<Heard> = taken.updates.iter().filter_map(heard_of).collect();
    // Last, so that the addresses are held for no longer than it takes to write.
    let Some(edit) = suppression::heard(ports, digester.suppressor, &heard).await? else {
        return Ok(Digested::NotNow);
    };
    if !edit.commit(ports, digester.outbox, entry).await? {
        return Ok(Digested::NotNow);
    }
    // It stays behind, done, if this fails.
    let _ = ports.delete_many(vec![keys::batch(id).into_path()]).await;
    Ok(Digested::Done(taken))
}

/// What is new in a batch.
async fn take(
    store: &impl KeyValue,
    (id, batch): (OperationId, &EventBatch),
    messages: &Messages,
) -> Result<Taken, StoreError> {
    let mut taken = Taken::default();
    let mut seen = Seen::new();
    for event in &batch.events {
        match locate(messages, event) {
            Some(place) => {
                let update = news(store, (id, batch), event, place, &mut seen).await?;
                taken.updates.extend(update);
            }
            None => taken.foreign += 1,
        }
    }
    Ok(taken)
}

/// Messages by their ids, without their content.
pub(crate) type Messages = HashMap<OperationId, MessageRecord>;

/// Those of `ids` that there are.
pub(crate) async fn read_messages(
    store: &impl KeyValue,
    ids: BTreeSet<OperationId>,
) -> Result<Messages, StoreError> {
    let ids: Vec<OperationId> = ids.into_iter().collect();
    let mut messages = HashMap::new();
    for some in ids.chunks(READ_AT_ONCE) {
        let reads = some.iter().map(|&id| MessageRecord::read_head(store, id));
        let found = try_join_all(reads).await?;
        let records = found.into_iter().flatten().map(|(record, _)| record);
        messages.extend(records.map(|record| (record.id, record)));
    }
    Ok(messages)
}

/// The recipient that an event is about.
struct Place {
    index: usize,
    address: AddrSpec,
    sender: AddrSpec,
    accepted_at: Timestamp,
}

/// None when there is no such message, or it was not for this recipient: a report about somebody else is believed in nothing.
fn locate(messages: &Messages, event: &DeliveryEvent) -> Option<Place> {
    let record = messages.get(&event.message)?;
    let recipients = record.recipients();
    let index = match &event.recipient {
        EventRecipient::Index(index) => *index,
        EventRecipient::Address(address) => {
            let wanted = address.canonical();
            recipients
                .iter()
                .position(|recipient| recipient.canonical() == wanted)?
        }
        EventRecipient::Copy { index, address } => {
            let named = recipients.get(*index)?;
            (named.canonical() == address.canonical()).then_some(*index)?
        }
    };
    Some(Place {
        index,
        address: recipients.get(index)?.clone(),
        sender: record.from.address.clone(),
        accepted_at: record.accepted_at,
    })
}

/// Places that a batch fills, with the origins of what it puts there.
type Seen = BTreeMap<String, Option<OperationId>>;

/// What `event` adds to what is known; none if it adds nothing.
async fn news(
    store: &impl KeyValue,
    (id, batch): (OperationId, &EventBatch),
    event: &DeliveryEvent,
    place: Place,
    seen: &mut Seen,
) -> Result<Option<StatusUpdate>, StoreError> {
    let mut outcome = Outcome {
        id: EventId::of(event.message, place.index, event.kind, 0),
        kind: event.kind,
        // A source's clock may be ahead of ours or behind it; what it tells of was neither to come nor before the message.
        at: event.at.min(batch.received_at).max(place.accepted_at),
        origin: origin((id, batch.source), event),
        received_at: batch.received_at,
        source: batch.source,
        reply: event.reply.clone(),
        class: event.class.clone(),
        suppresses: event.suppresses,
        remote_mta: event.remote_mta.clone(),
        feedback_type: event.feedback_type.clone(),
        notifications: Vec::new(),
    };
    let about = (event.message, place.index);
    let Some(number) = free_number(store, about, &outcome, seen).await? else {
        return Ok(None);
    };
    outcome.id = EventId::of(event.message, place.index, event.kind, number);
    Ok(Some(StatusUpdate {
        message: event.message,
        sender: place.sender,
        recipient: place.address,
        index: place.index,
        number,
        outcome,
    }))
}

/// What a deferral is known again by: what its source says of it, by the source's own clock. A report does not say for certain when it
/// was; its batch is named by its octets.
fn origin((batch, source): (OperationId, Source), event: &DeliveryEvent) -> Option<OperationId> {
    let said = match source {
        Source::Report => batch.to_string(),
        Source::Attempt | Source::Relay | Source::Simulator => {
            let reply = event.reply.as_ref().map(ToString::to_string);
            format!("{}/{}", event.at.as_millis(), reply.unwrap_or_default())
        }
    };
    let is_deferral = event.kind == EventKind::Deferred;
    is_deferral.then(|| derived_id(&format!("deferral/{said}")))
}

/// The number under which an outcome is kept; none if it is known. Only deferrals can happen more than once.
async fn free_number(
    store: &impl KeyValue,
    (message, recipient): (OperationId, usize),
    outcome: &Outcome,
    seen: &mut Seen,
) -> Result<Option<u64>, StoreError> {
    let repeats = outcome.kind == EventKind::Deferred;
    let numbers = if repeats { MAX_DEFERRALS } else { 1 };
    for number in 0..numbers {
        let key = keys::outcome(message, recipient, outcome.kind, number);
        let is_known = match key.read(store).await? {
            Some(known) => known.is_repeated_by(outcome),
            None => match seen.entry(key.into_path()) {
                Slot::Vacant(slot) => {
                    slot.insert(outcome.origin);
                    return Ok(Some(number));
                }
                Slot::Occupied(slot) => *slot.get() == outcome.origin,
            },
        };
        if is_known {
            return Ok(None);
        }
    }
    Ok(repeats.then(|| MAX_DEFERRALS.saturating_sub(1)))
}

/// What the application is told of a new event; nothing of what is under way still.
fn app_event(update: &StatusUpdate, messages: &Messages) -> Option<AppEvent> {
    let outcome = &update.outcome;
    let record = messages.get(&update.message)?;
    let message_id = Some(record.message_id.clone());
    let recipient = update.recipient.clone();
    let data = match outcome.kind.report_status() {
        Some(status) => EventData::DeliveryReport {
            recipient,
            status,
            // What was never sent has none.
            internet_message_id: message_id.filter(|_| status != ReportStatus::Suppressed),
            status_message: status_message(outcome),
            remote_mta: outcome.remote_mta.clone(),
            attempted_at: outcome.at,
            cause: outcome.class.clone(),
            reply: outcome.reply.as_ref().map(ToString::to_string),
        },
        None if outcome.kind == EventKind::Complained => EventData::Complaint {
            recipient,
            internet_message_id: message_id,
            feedback_type: outcome.feedback_type.clone().unwrap_or_default(),
        },
        None => return None,
    };
    Some(AppEvent {
        id: outcome.id,
        at: outcome.at,
        sender: update.sender.clone(),
        message: update.message,
        data,
    })
}

fn status_message(outcome: &Outcome) -> String {
    let said = outcome.reply.as_ref().map(|reply| reply.text().to_owned());
    let sentence = match outcome.kind {
        EventKind::Delivered => "The recipient's server took the message.",
        EventKind::Expanded => "The recipient is a list; the message went to its members.",
        EventKind::Suppressed => "The address is on a suppression list.",
        EventKind::Quarantined => "The recipient's server keeps the message apart as spam.",
        EventKind::FilteredSpam => "The message was refused as spam.",
        EventKind::Bounced => "The address does not take mail.",
        EventKind::OutForDelivery
        | EventKind::Deferred
        | EventKind::Failed
        | EventKind::Complained => "The message was not delivered.",
    };
    said.filter(|text| !text.is_empty())
        .unwrap_or_else(|| sentence.to_owned())
}

/// Everything that follows from what is new, besides what the suppression list makes of it, and the end of the batch.
async fn entry<P: Clock + KeyValue>(
    ports: &P,
    digester: &Digester<'_>,
    (id, batch): (OperationId, &EventBatch),
    messages: &Messages,
    taken: &mut Taken,
) -> Result<Entry, StoreError> {
    let mut writes = Vec::new();
    let notifications = notifications(ports, digester, id, messages, &taken.updates).await?;
    for notification in &notifications {
        note(notification, &mut taken.updates);
        writes.push(notification.write()?);
        taken.notifications.push(notification.id);
    }
    for update in &taken.updates {
        let outcome = &update.outcome;
        let key = keys::outcome(update.message, update.index, outcome.kind, update.number);
        writes.push(key.write(outcome)?);
    }
    let done = EventBatch {
        attempt: 1,
        due_at: None,
        events: Vec::new(),
        ..batch.clone()
    };
    writes.push(keys::batch(id).write(&done)?);
    let items = notifications.iter().filter_map(Notification::item);
    Ok(Entry {
        writes,
        items: items.collect(),
    })
}

async fn notifications<P: Clock + KeyValue>(
    ports: &P,
    digester: &Digester<'_>,
    batch: OperationId,
    messages: &Messages,
    updates: &[StatusUpdate],
) -> Result<Vec<Notification>, StoreError> {
    let events: Vec<AppEvent> = updates
        .iter()
        .filter_map(|update| app_event(update, messages))
        .collect();
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let subscriptions = digester.subscriptions.read(ports).await?;
    Ok(fan_out(&subscriptions, batch, &events, ports.now()))
}

/// Has the outcomes know the notification that tells of them, for the timeline.
fn note(notification: &Notification, updates: &mut [StatusUpdate]) {
    for event in &notification.events {
        let told = updates.iter_mut().filter(|u| u.outcome.id == event.id);
        for update in told {
            update.outcome.notifications.push(notification.id);
        }
    }
}

/// What a new event says of the recipient's address. Simulated recipients are left out: a test may be run twice.
fn heard_of(update: &StatusUpdate) -> Option<Heard> {
    let outcome = &update.outcome;
    let news = match outcome.kind {
        EventKind::Complained => News::Complaint,
        EventKind::Suppressed => News::Tried,
        _ if outcome.suppresses => News::Bounce,
        _ => return None,
    };
    let is_real = !simulator::is_simulated(&update.recipient);
    is_real.then(|| Heard {
        news,
        recipient: update.recipient.clone(),
        event: outcome.id,
        message: update.message,
        reply: outcome.reply.as_ref().map(ToString::to_string),
        at: outcome.at,
    })
}
