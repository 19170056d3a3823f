//! One attempt to hand a message to the relay: claim, render, sign, hand over, record.
//!
//! Attempts are kept apart by counters in windows of time. A window is twice as long as an attempt may take; whoever reaches 1 in its
//! first half has the rest of it to finish. Who comes in the second half has to reach 1 in the next window too, and has the rest of
//! both. So a window in which nobody works can be told from the clock alone, a crash costs a window or two, and a tick may come as
//! seldom as it likes. Clocks of different hosts may differ by less than half an attempt's time.

use std::time::Duration;

use dkim::{
    AgentOrUserIdentifier, Canonicalization, SignedFields, Signer, SigningDomain, SigningOptions,
};
use envelope::{
    AddrSpec, Domain, EnhancedStatusCode, Envelope, LocalPart, Reply, ReplyCode, ReversePath,
    StatusClass,
};
use thiserror::Error;

use crate::budget::Budget;
use crate::compose;
use crate::delivery::{
    AttemptEnd, AttemptReport, DeliveryState, Progress, RecipientState, RecipientStatus,
};
use crate::domain::{DEFAULT_SENDER, DomainRecord, Installation};
use crate::entropy::Rng;
use crate::event::{DeliveryEvent, EventBatch, EventKind, EventRecipient, Source, derived_id};
use crate::handover::{HandOverError, Handover};
use crate::journal::JournalItem;
use crate::judgement::Failure;
use crate::keyring::{Keyring, KeyringError};
use crate::keys;
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, Entropy, KeyValue, Relay, Scheduler, StoreError};
use crate::record::MessageRecord;
use crate::return_path::{ReturnPathKeys, Token};
use crate::simulator::{self, Fate};
use crate::suppression::{self, Suppressor};
use crate::time::Timestamp;

/// How long after signing a signature is worth something: the time we try, and five days in the queues behind us.
const SIGNATURE_VALID_FOR: Duration = Duration::from_hours(24 * 8);
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
        for number in window.number..=window.last {
            if keys::claim(id, attempt, number).increment(ports).await? != 1 {
                return Ok(None);
            }
        }
        Ok(Some(window))
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
    /// Content of messages under attempt: each is held about three times, as stored, rendered and signed.
    pub budget: Budget,
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
    };
    let report = attempt.make().await?;
    let next = state.after(&report);
    let batches = attempt.batches(&report, &next);
    attempt.record(&next, &batches, window).await?;
    let due = |(id, batch): &(OperationId, EventBatch)| {
        (batch.due_at <= Some(report.ended_at)).then_some(*id)
    };
    Ok(Attempted::Made {
        progress: next.progress_since(&state),
        sender: record.from.address.clone(),
        state: Box::new(next),
        batches: batches.iter().filter_map(due).collect(),
    })
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
}

impl<P: Clock + Entropy + KeyValue + Scheduler, R: Relay> Attempt<'_, P, R> {
    async fn make(&self) -> Result<AttemptReport, StoreError> {
        let (mut suppressed, others) = self.split().await?;
        let mut simulated = Vec::new();
        let mut handed_over = Vec::new();
        for index in others {
            match self.recipients.get(index).and_then(simulator::fate) {
                Some(Fate::Suppressed) => suppressed.push(index),
                Some(Fate::Events(_)) => {
                    simulated.push((index, local_reply(250, "taken by the simulator")));
                }
                None => handed_over.push(index),
            }
        }
        let (end, reverse_path) = if handed_over.is_empty() {
            (AttemptEnd::NobodyLeft, None)
        } else {
            self.hand_over(&handed_over).await?
        };
        let mut jitter = [0; 4];
        self.ports.fill(&mut jitter);
        Ok(AttemptReport {
            suppressed,
            handed_over,
            simulated,
            end,
            reverse_path,
            ended_at: self.ports.now(),
            accepted_at: self.record.accepted_at,
            jitter: u32::from_le_bytes(jitter),
        })
    }

    /// Indexes of the pending recipients that are suppressed, and of the others.
    async fn split(&self) -> Result<(Vec<usize>, Vec<usize>), StoreError> {
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
        let all = pending.into_iter().zip(rulings);
        let (suppressed, others): (Vec<_>, Vec<_>) = all.partition(|(_, ruling)| ruling.is_held());
        let indexes = |some: Vec<(usize, _)>| some.into_iter().map(|(index, _)| index).collect();
        Ok((indexes(suppressed), indexes(others)))
    }

    /// How the hand-over ended, and the path it was made with.
    async fn hand_over(
        &self,
        indexes: &[usize],
    ) -> Result<(AttemptEnd, Option<ReversePath>), StoreError> {
        let (message, reverse_path) = match self.prepared().await {
            Ok(prepared) => prepared,
            Err(unsigned) => return unsigned.into_end().map(|end| (end, None)),
        };
        let forward_paths: Vec<AddrSpec> = indexes
            .iter()
            .filter_map(|&index| self.recipients.get(index).cloned())
            .collect();
        let return_paths: Vec<ReversePath> = indexes
            .iter()
            .map(|&index| self.return_path(&reverse_path, index))
            .collect();
        let Ok(envelope) = Envelope::new(reverse_path.clone(), forward_paths) else {
            return Ok((AttemptEnd::NobodyLeft, None));
        };
        let idempotency_key = format!("{}.{}", self.record.id, self.state.handover);
        let handover = Handover {
            idempotency_key,
            envelope: &envelope,
            return_paths: &return_paths,
            message,
        };
        let end = match self.relay.hand_over(handover).await {
            Ok(results) if results.len() == indexes.len() => AttemptEnd::Answered(results),
            Ok(_) => AttemptEnd::Broken(HandOverError::Unknown {
                reply: local_reply(451, "the relay answered for another number of recipients"),
            }),
            Err(error) => AttemptEnd::Broken(error),
        };
        Ok((end, Some(reverse_path)))
    }

    /// The signed message, and the path that reports about it take.
    async fn prepared(&self) -> Result<(Vec<u8>, ReversePath), Unsigned> {
        let domain = self.record.from.address.domain();
        let domain = self.dispatcher.keyring.domain(self.ports, domain).await?;
        let message = self.signed_message(&domain).await?;
        // The relay may have taken it with that one already. A key that changed since does no harm: the relay compares no octets.
        let unresolved = self.state.reverse_path.clone();
        Ok((
            message,
            unresolved.unwrap_or_else(|| self.reverse_path(&domain)),
        ))
    }

    async fn signed_message(&self, domain: &DomainRecord) -> Result<Vec<u8>, Unsigned> {
        let keyring = &self.dispatcher.keyring;
        let keys = keyring.signing_keys(self.ports, domain).await?;
        let unsigned = compose::render(self.record, self.content, self.dispatcher.smtputf8)
            .map_err(|_| Unsigned::Never("the message could not be rendered"))?;
        let mut options = Vec::with_capacity(keys.len());
        for (selector, _) in &keys {
            let named = self.signing_options(&domain.domain, selector);
            options.push(named.ok_or(Unsigned::Later("the signing key has no usable name"))?);
        }
        let signers: Vec<Signer<'_>> = options
            .iter()
            .zip(&keys)
            .map(|(options, (_, key))| Signer { options, key })
            .collect();
        let fields = dkim::sign_with_each(&unsigned, &signers, &mut Rng(self.ports))
            .map_err(|_| Unsigned::Later("the message could not be signed"))?;
        let mut signed = Vec::with_capacity(fields.len() + unsigned.len());
        signed.extend_from_slice(fields.as_bytes());
        signed.extend_from_slice(&unsigned);
        Ok(signed)
    }

    /// Signed as of its acceptance, so that a repeated hand-over is the same message to the octet, unless the keys were rotated meanwhile.
    fn signing_options(&self, domain: &Domain, selector: &str) -> Option<SigningOptions> {
        let domain: SigningDomain = domain.as_str().parse().ok()?;
        Some(SigningOptions {
            auid: Some(AgentOrUserIdentifier::of_domain(domain.clone())),
            domain,
            selector: selector.parse().ok()?,
            canonicalization: Canonicalization::RELAXED,
            signed_at: self.record.accepted_at.as_secs(),
            expires_at: Some(self.record.accepted_at.plus(SIGNATURE_VALID_FOR).as_secs()),
            signed_fields: SignedFields::Recommended,
        })
    }

    /// `DoNotReply` at the sender's return path, so that SPF is judged for a domain that is aligned with From, if that is verified.
    fn reverse_path(&self, domain: &DomainRecord) -> ReversePath {
        let local_part = LocalPart::parse(DEFAULT_SENDER).ok();
        let domain = domain.return_path_now(&self.dispatcher.installation);
        let address = local_part
            .zip(domain)
            .and_then(|(local_part, domain)| AddrSpec::new(local_part, domain).ok());
        address.map_or(ReversePath::Null, ReversePath::Address)
    }

    /// Where reports about one recipient go: a path of its own at the domain of `reverse_path`.
    fn return_path(&self, reverse_path: &ReversePath, index: usize) -> ReversePath {
        let own = || {
            let domain = reverse_path.address()?.domain().clone();
            let recipient = u8::try_from(index).ok()?;
            let token = Token::new(self.record.id, recipient, self.record.accepted_at);
            let local_part = self.dispatcher.return_path_keys.local_part(&token)?;
            AddrSpec::new(local_part, domain).ok()
        };
        own().map_or_else(|| reverse_path.clone(), ReversePath::Address)
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
        window: Window,
    ) -> Result<(), AttemptError> {
        let id = self.record.id;
        let item = next
            .due_at
            .map(|due_at| JournalItem::message(id, next.attempt, due_at));
        let mut last = Err(AttemptError::TooSlow);
        for _ in 0..RECORD_TRIES {
            if self.ports.now() >= window.ends_at {
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

/// Why there is no signed message.
enum Unsigned {
    Store(StoreError),
    Later(&'static str),
    Never(&'static str),
}

impl Unsigned {
    /// How an attempt without a hand-over ends.
    fn into_end(self) -> Result<AttemptEnd, StoreError> {
        let error = match self {
            Self::Store(error) => return Err(error),
            Self::Later(text) => HandOverError::Unavailable {
                retry_after: None,
                reply: local_reply(451, text),
            },
            Self::Never(text) => HandOverError::Refused {
                reply: local_reply(554, text),
            },
        };
        Ok(AttemptEnd::Broken(error))
    }
}

impl From<KeyringError> for Unsigned {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Store(error) => Self::Store(error),
            KeyringError::NoKey => Self::Later("the sender domain has no signing key"),
            KeyringError::Unseal(_) => {
                Self::Later("the signing key does not open with this master key")
            }
            KeyringError::NotAKey => Self::Later("the signing key is damaged"),
        }
    }
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
