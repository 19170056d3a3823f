//! One attempt to hand a message to the relay: claim, render, sign, hand over, record.
//!
//! Attempts are kept apart by counters in windows of time. A window is twice as long as an attempt may take; whoever reaches 1 in its
//! first half has the rest of it to finish. Who comes in the second half has to reach 1 in the next window too, and has the rest of
//! both. So a window in which nobody works can be told from the clock alone, a crash costs a window or two, and a tick may come as
//! seldom as it likes. Clocks of different hosts may differ by less than half an attempt's time.

mod copies;
mod desk;

use std::time::Duration;

use envelope::{AddrSpec, EnhancedStatusCode, Reply, ReplyCode, StatusClass};
use thiserror::Error;

use crate::budget::Budget;
use crate::delivery::{AttemptReport, DeliveryState, Progress, RecipientState, RecipientStatus};
use crate::domain::Installation;
use crate::event::{DeliveryEvent, EventBatch, EventKind, EventRecipient, Source, derived_id};
use crate::journal::JournalItem;
use crate::judgement::Failure;
use crate::keyring::Keyring;
use crate::keys;
use crate::link::LinkKeys;
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, Entropy, KeyValue, Relay, Scheduler, StoreError};
use crate::record::MessageRecord;
use crate::return_path::ReturnPathKeys;
use crate::simulator::{self, Fate};
use crate::suppression::{self, Ruling, Suppressor};
use crate::time::Timestamp;

/// What is left of a window for recording what was found out.
const TIME_TO_RECORD: Duration = Duration::from_secs(2);
/// A hand-over that has less time than this is not begun.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// By how much an attempt may be early.
const EARLY: Duration = Duration::from_secs(1);
/// How long an attempt waits for room in memory.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the outcome of an attempt is written before it is left to the next window.
pub(crate) const RECORD_TRIES: u32 = 4;
/// The pause between those.
pub(crate) const RECORD_PAUSE: Duration = Duration::from_millis(200);

/// A window can be claimed for at least this long. The tick finds it in a slot that begins up to [`crate::due::SLOT`] after it, and
/// comes a second later than that; if the window could not be claimed any more by then, the next one could not either, nor any other.
const SHORTEST_CLAIM: Duration = Duration::from_secs(5);

/// The windows in which attempts are claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    // How long a window can be claimed, and the least time its holder then has left.
    half: Duration,
}

impl Windows {
    /// Windows for attempts that take at most `attempt_timeout`.
    #[must_use]
    pub fn new(attempt_timeout: Duration) -> Self {
        Self {
            half: attempt_timeout.max(SHORTEST_CLAIM),
        }
    }

    /// How long one window is.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.half * 2
    }

    /// The window of an attempt that was due at `due_at`, if it can be claimed at `now`.
    #[must_use]
    pub fn claimable(&self, due_at: Timestamp, now: Timestamp) -> Option<Window> {
        let length = millis(self.length());
        // The host that accepted a message may be a little ahead of the one that is told of it.
        if due_at > now.plus(EARLY) {
            return None;
        }
        let elapsed = now.as_millis().saturating_sub(due_at.as_millis());
        let number = elapsed / length;
        let is_late = elapsed % length >= length / 2;
        let last = number + u64::from(is_late);
        let ends_at = Timestamp::from_millis(due_at.as_millis() + (last + 1) * length);
        Some(Window {
            number,
            last,
            ends_at,
        })
    }

    /// Whether an attempt that is due at `due_at` can be claimed anywhere at `now`, be it by a host whose clock is ahead of ours.
    pub(crate) fn may_be_claimed(&self, due_at: Timestamp, now: Timestamp) -> bool {
        due_at <= now.plus(self.half / 2 + EARLY)
    }

    /// Claims attempt number `attempt` of the work `id`, which was due at `due_at`. `None` if it cannot be claimed now, or somebody else was
    /// first.
    pub(crate) async fn claim<P: Clock + KeyValue>(
        &self,
        ports: &P,
        id: OperationId,
        attempt: u32,
        due_at: Option<Timestamp>,
    ) -> Result<Option<Window>, StoreError> {
        let now = ports.now();
        let Some(window) = due_at.and_then(|due_at| self.claimable(due_at, now)) else {
            return Ok(None);
        };
        window.win(ports, id, attempt).await
    }

    /// Claims `item` for who read at `read_at` what it stands for, so that this is still as it was read: nobody else can have written in
    /// the window since. What is not due yet can be claimed ahead. `None` if another window has begun, or somebody else was first.
    pub(crate) async fn claim_as_read<P: Clock + KeyValue>(
        &self,
        ports: &P,
        item: JournalItem,
        read_at: Timestamp,
    ) -> Result<Option<Window>, StoreError> {
        let at = |time: Timestamp| self.claimable(item.due_at, time.max(item.due_at));
        let (Some(read_in), Some(window)) = (at(read_at), at(ports.now())) else {
            return Ok(None);
        };
        if read_in.number != window.number {
            return Ok(None);
        }
        window.win(ports, item.id, item.attempt).await
    }

    /// When the first window after the one at `now` begins, or the attempt is due, if that is later.
    #[must_use]
    pub fn next_start(&self, due_at: Timestamp, now: Timestamp) -> Timestamp {
        let length = millis(self.length());
        let windows = now
            .as_millis()
            .checked_sub(due_at.as_millis())
            .map_or(0, |elapsed| elapsed / length + 1);
        Timestamp::from_millis(due_at.as_millis() + windows * length)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A window that can be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Counts from the time the attempt was due.
    pub number: u64,
    /// The window up to which the claim has to be won: the next one when the first half of this one is over.
    pub last: u64,
    /// Who holds the claim writes nothing after this.
    pub ends_at: Timestamp,
}

impl Window {
    async fn win(
        self,
        store: &impl KeyValue,
        id: OperationId,
        attempt: u32,
    ) -> Result<Option<Self>, StoreError> {
        for number in self.number..=self.last {
            if keys::claim(id, attempt, number).increment(store).await? != 1 {
                return Ok(None);
            }
        }
        Ok(Some(self))
    }

    /// Gives a claim back whose holder does nothing with it. Losing the error only makes others wait for the next window.
    pub(crate) async fn give_back(self, store: &impl KeyValue, item: JournalItem) {
        let numbers = self.number..=self.last;
        let claims = numbers.map(|number| keys::claim(item.id, item.attempt, number).into_path());
        let _ = store.delete_many(claims.collect()).await;
    }
}

/// What an instance needs to attempt deliveries.
#[derive(Debug)]
pub struct Dispatcher {
    /// Opens the keys that sign.
    pub keyring: Keyring,
    /// Writes for all tasks of the instance.
    pub outbox: Outbox,
    /// When attempts are claimed.
    pub windows: Windows,
    /// The relay takes addresses outside ASCII.
    pub smtputf8: bool,
    /// Where return paths are for domains without one of their own.
    pub installation: Installation,
    /// Reads the suppression lists.
    pub suppressor: Suppressor,
    /// Makes return paths that name message and recipient.
    pub return_path_keys: ReturnPathKeys,
    /// Makes the links of readers.
    pub link_keys: LinkKeys,
    /// Content of messages under attempt: each is held about three times, as stored, rendered and signed.
    pub budget: Budget,
    /// Copies that are under way at once, besides the first of each attempt.
    pub copies: Budget,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempted {
    /// It was made.
    Made {
        /// The state after it.
        state: Box<DeliveryState>,
        /// What it changed for the message as a whole, for the log.
        progress: Option<Progress>,
        /// The address in the message's From field.
        sender: AddrSpec,
        /// How many it went to, since it is owed, who had unsubscribed.
        bypassed: usize,
        /// Batches of events that followed from it and are due now.
        batches: Vec<OperationId>,
    },
    /// The message is settled, or due later, or another task attempts it.
    NotNow,
    /// There is no such message.
    Unknown,
}

/// An attempt that could not be made or recorded. The next window makes it again.
#[derive(Debug, Clone, Error)]
pub enum AttemptError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It took longer than its window; what it found out is not recorded, since another may be at work.
    #[error("the attempt took longer than its window")]
    TooSlow,
}

/// Attempts the message `id`, if it is due and nobody else does.
///
/// # Errors
/// See [`AttemptError`].
pub async fn attempt<P, R>(
    ports: &P,
    relay: &R,
    dispatcher: &Dispatcher,
    id: OperationId,
) -> Result<Attempted, AttemptError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
    R: Relay,
{
    let Some((record, head)) = MessageRecord::read_head(ports, id).await? else {
        return Ok(Attempted::Unknown);
    };
    // Before the claim: whoever finds no room leaves the message to others, or to the next window.
    let octets = record.content_octets();
    let share = dispatcher.budget.take(ports, octets, PATIENCE).await;
    let Some(_share) = share else {
        return Ok(Attempted::NotNow);
    };
    let recipients = record.recipients();
    let state = keys::state(id).read(ports).await?;
    let state =
        state.unwrap_or_else(|| DeliveryState::queued(recipients.len(), record.accepted_at));
    let windows = dispatcher.windows;
    let claimed = windows
        .claim(ports, id, state.attempt, state.due_at)
        .await?;
    let Some(window) = claimed else {
        return Ok(Attempted::NotNow);
    };
    let _announced = dispatcher.outbox.announce();
    let content = record.read_content(ports, head).await?;
    let attempt = Attempt {
        ports,
        relay,
        dispatcher,
        record: &record,
        content: &content,
        recipients: &recipients,
        state: &state,
        window,
    };
    let report = attempt.make().await?;
    let next = state.after(&report);
    let batches = attempt.batches(&report, &next);
    attempt.record(&next, &batches).await?;
    let due = |(id, batch): &(OperationId, EventBatch)| {
        (batch.due_at <= Some(report.ended_at)).then_some(*id)
    };
    Ok(Attempted::Made {
        progress: next.progress_since(&state),
        sender: record.from.address.clone(),
        bypassed: report.bypassed,
        state: Box::new(next),
        batches: batches.iter().filter_map(due).collect(),
    })
}

/// Who is left out of an attempt, by their places in the message's list.
struct Split {
    suppressed: Vec<usize>,
    others: Vec<usize>,
    // Of the others, how many had unsubscribed from mail that is not owed.
    bypassed: usize,
}

/// A claimed attempt.
struct Attempt<'a, P, R> {
    ports: &'a P,
    relay: &'a R,
    dispatcher: &'a Dispatcher,
    record: &'a MessageRecord,
    content: &'a [u8],
    recipients: &'a [AddrSpec],
    state: &'a DeliveryState,
    window: Window,
}

impl<P: Clock + Entropy + KeyValue + Scheduler, R: Relay> Attempt<'_, P, R> {
    async fn make(&self) -> Result<AttemptReport, StoreError> {
        let Split {
            mut suppressed,
            others,
            bypassed,
        } = self.split().await?;
        let mut simulated = Vec::new();
        let mut left = Vec::new();
        for index in others {
            match self.recipients.get(index).and_then(simulator::fate) {
                Some(Fate::Suppressed) => suppressed.push(index),
                Some(Fate::Events(_)) => {
                    simulated.push((index, local_reply(250, "taken by the simulator")));
                }
                None => left.push(index),
            }
        }
        let handed_over = if left.is_empty() {
            Vec::new()
        } else {
            self.hand_over(left).await?
        };
        let mut jitter = [0; 4];
        self.ports.fill(&mut jitter);
        Ok(AttemptReport {
            suppressed,
            bypassed,
            simulated,
            handed_over,
            ended_at: self.ports.now(),
            accepted_at: self.record.accepted_at,
            jitter: u32::from_le_bytes(jitter),
        })
    }

    /// Tells the pending recipients that are suppressed from the others.
    async fn split(&self) -> Result<Split, StoreError> {
        let pending = self.state.pending();
        let addresses = pending
            .iter()
            .filter_map(|&index| self.recipients.get(index));
        let addresses: Vec<AddrSpec> = addresses.cloned().collect();
        let mail = suppression::Mail {
            sender: &self.record.from.address,
            treatment: &self.record.treatment,
        };
        let lists = &self.dispatcher.suppressor;
        let now = self.ports.now();
        let rulings = suppression::check(self.ports, lists, mail, &addresses, now).await?;
        let is_bypassed = |ruling: &&Ruling| matches!(ruling, Ruling::Bypassed(_));
        let bypassed = rulings.iter().filter(is_bypassed).count();
        let all = pending.into_iter().zip(rulings);
        let (suppressed, others): (Vec<_>, Vec<_>) = all.partition(|(_, ruling)| ruling.is_held());
        let indexes = |some: Vec<(usize, _)>| some.into_iter().map(|(index, _)| index).collect();
        Ok(Split {
            suppressed: indexes(suppressed),
            others: indexes(others),
            bypassed,
        })
    }

    /// What the attempt makes known: who was left out or refused, and what befalls simulated recipients.
    fn batches(
        &self,
        report: &AttemptReport,
        next: &DeliveryState,
    ) -> Vec<(OperationId, EventBatch)> {
        let ended = next.ended_here(self.state);
        let events: Vec<DeliveryEvent> = ended
            .into_iter()
            .map(|(index, state)| ended_event(self.record.id, index, state))
            .collect();
        let mut batches = Vec::new();
        if !events.is_empty() {
            let id = derived_id(&format!(
                "attempt/{}/{}",
                self.record.id, self.state.attempt
            ));
            let now = report.ended_at;
            batches.push((id, EventBatch::new(Source::Attempt, events, now, now)));
        }
        for (index, _) in &report.simulated {
            if let Some(recipient) = self.recipients.get(*index) {
                let events = simulated(self.record.id, *index, recipient, report.ended_at);
                batches.extend(events);
            }
        }
        batches
    }

    /// Writes the state with the events that followed, and journal items for what the tick has to come back to.
    async fn record(
        &self,
        next: &DeliveryState,
        batches: &[(OperationId, EventBatch)],
    ) -> Result<(), AttemptError> {
        let id = self.record.id;
        let item = next
            .due_at
            .map(|due_at| JournalItem::message(id, next.attempt, due_at));
        let mut last = Err(AttemptError::TooSlow);
        for _ in 0..RECORD_TRIES {
            if self.ports.now() >= self.window.ends_at {
                return Err(AttemptError::TooSlow);
            }
            let mut writes = vec![keys::state(id).write(next)?];
            let mut items: Vec<JournalItem> = item.into_iter().collect();
            for (id, batch) in batches {
                writes.push(keys::batch(*id).write(batch)?);
                items.extend(batch.item(*id));
            }
            match self
                .dispatcher
                .outbox
                .commit(self.ports, Entry { writes, items })
                .await
            {
                Ok(()) => return Ok(()),
                Err(error) => last = Err(error.into()),
            }
            self.ports.sleep(RECORD_PAUSE).await;
        }
        last
    }
}

/// What the end of a recipient here means.
fn ended_event(message: OperationId, index: usize, state: &RecipientState) -> DeliveryEvent {
    let failure = state.reply.as_ref().map(Failure::of);
    let kind = match state.status {
        RecipientStatus::Suppressed => EventKind::Suppressed,
        _ => failure
            .as_ref()
            .map_or(EventKind::Failed, |failure| failure.kind),
    };
    DeliveryEvent {
        message,
        recipient: EventRecipient::Index(index),
        kind,
        at: state.at,
        reply: state.reply.clone(),
        suppresses: failure.as_ref().is_some_and(|failure| failure.suppresses),
        class: failure.map(|failure| failure.class),
        remote_mta: None,
        feedback_type: None,
    }
}

/// What befalls a simulated recipient, as one batch for each time at which something does.
fn simulated(
    message: OperationId,
    index: usize,
    recipient: &AddrSpec,
    now: Timestamp,
) -> Vec<(OperationId, EventBatch)> {
    let Some(Fate::Events(fate)) = simulator::fate(recipient) else {
        return Vec::new();
    };
    let mut batches: Vec<(OperationId, EventBatch)> = Vec::new();
    for step in fate {
        let at = now.plus(step.after);
        let failure = step.reply.as_ref().map(Failure::of);
        let event = DeliveryEvent {
            message,
            recipient: EventRecipient::Index(index),
            kind: step.kind,
            at,
            class: failure
                .filter(|_| {
                    step.reply
                        .as_ref()
                        .is_some_and(|reply| !reply.code.is_positive())
                })
                .map(|failure| failure.class),
            // The next test is to go as this one did.
            suppresses: false,
            remote_mta: Some(simulator::DOMAIN.to_owned()),
            feedback_type: (step.kind == EventKind::Complained).then(|| "abuse".to_owned()),
            reply: step.reply,
        };
        match batches.last_mut() {
            Some((_, batch)) if batch.due_at == Some(at) => batch.events.push(event),
            _ => {
                let id = derived_id(&format!("simulated/{message}/{index}/{}", batches.len()));
                let batch = EventBatch::new(Source::Simulator, vec![event], at, at);
                batches.push((id, batch));
            }
        }
    }
    batches
}

/// A reply of our own making, for what never reached the relay.
#[must_use]
pub fn local_reply(code: u16, text: &str) -> Reply {
    const OTHER: ReplyCode = match ReplyCode::new(451) {
        Ok(code) => code,
        Err(_) => panic!("451 is a reply code"),
    };
    let code = ReplyCode::new(code).unwrap_or(OTHER);
    let class = if code.is_permanent() {
        StatusClass::Permanent
    } else {
        StatusClass::Transient
    };
    Reply::new(code, EnhancedStatusCode::new(class, 3, 0), text)
}
