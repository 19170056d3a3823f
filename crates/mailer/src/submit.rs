//! Accepting a message: the one durable write between a caller's POST and its 202.

use std::rc::Rc;
use std::time::Duration;

use thiserror::Error;

use crate::access::{BodyHash, Principal};
use crate::domain::{DomainRecord, SenderError};
use crate::journal::JournalItem;
use crate::keys::{self, Key};
use crate::operation::OperationId;
use crate::outbox::{Entry, Outbox};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
use crate::record::{Acceptance, MessageRecord};
use crate::sender_domains::SenderDomains;
use crate::submission::Submission;
use crate::time::Timestamp;
use crate::treatment::Treatment;

/// Claims on a caller's Operation-Id are counted in windows of this length.
pub const CLAIM_WINDOW: Duration = Duration::from_secs(20);
/// Whoever won a claim writes within this time or not at all.
const CLAIM_HOLDS: Duration = Duration::from_secs(5);

/// What an instance keeps from one message to the next.
#[derive(Debug, Default)]
pub struct Acceptor {
    /// Writes for all tasks of the instance.
    pub outbox: Outbox,
    /// Writes again what repeats are about. Its numbers are not noted under the day, so a message is listed once.
    pub repeats: Outbox,
    /// What was read of the senders' domains.
    pub sender_domains: SenderDomains,
}

impl Acceptor {
    /// One whose messages are found by the day they were accepted on.
    #[must_use]
    pub fn listing() -> Self {
        Self {
            outbox: Outbox::listing(),
            ..Self::default()
        }
    }
}

/// A checked request to send.
#[derive(Debug)]
pub struct Request {
    /// What the caller named it.
    pub operation_id: Option<OperationId>,
    /// The hash of the request's body.
    pub body_hash: BodyHash,
    /// What to send.
    pub submission: Submission,
}

/// A message is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// What to poll.
    pub id: OperationId,
    /// It was accepted before: the answer repeats, the mail does not.
    pub is_repeat: bool,
}

/// Why a message is not accepted.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The sender may not send.
    #[error(transparent)]
    Sender(#[from] SenderError),
    /// The Operation-Id names another message.
    #[error("The Operation-Id was used for a request with another body.")]
    OperationIdReused,
    /// Another request with this Operation-Id is being accepted.
    #[error("A request with this Operation-Id is being accepted. Try again.")]
    OperationInProgress,
    /// The caller asked for a new Message-ID, and this one was used.
    #[error("The Message-ID was used before.")]
    DuplicateMessageId,
    /// The store did not answer. Nothing was promised.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Accepts `request`, durably, once for each Operation-Id.
///
/// # Errors
/// See [`SubmitError`].
pub async fn submit<P>(
    ports: &P,
    acceptor: &Acceptor,
    _: &Principal,
    request: Request,
) -> Result<Accepted, SubmitError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let Acceptor {
        outbox, repeats, ..
    } = acceptor;
    let request_hash = request.body_hash.to_base64();
    if let Some(id) = request.operation_id
        && let Some(record) = accepted(ports, id, &request_hash).await?
    {
        return repeat(ports, repeats, &record).await;
    }
    let domain = sender_domain(ports, &acceptor.sender_domains, &request.submission).await?;
    let sender = domain.sender(request.submission.sender.local_part())?;
    refuse_used_message_id(ports, &request.submission).await?;
    let claim = match request.operation_id {
        None => Claim {
            id: OperationId::random(ports),
            counted: None,
        },
        Some(id) => match claim(ports, id, &request_hash).await? {
            Claimed::Won(claim) => claim,
            Claimed::Accepted(record) => return repeat(ports, repeats, &record).await,
        },
    };
    let acceptance = Acceptance {
        id: claim.id,
        accepted_at: ports.now(),
        request_hash,
        sender_display_name: sender.display_name.clone(),
        treatment: Treatment::of(
            request.submission.orders.clone(),
            request.submission.tracking_disabled,
            &domain,
        ),
    };
    let written = write(ports, outbox, &claim, request.submission, acceptance).await;
    if written.is_err() {
        claim.release(ports).await;
    }
    written.map(|()| Accepted {
        id: claim.id,
        is_repeat: false,
    })
}

/// Answers for a message that is there already.
///
/// A store that writes a `set-many` in parts may have kept the message of a failed request and lost its journal entry. Until the
/// first attempt has ended nobody can tell, so the entry is written once more; of two, one is found stale.
async fn repeat<P>(
    ports: &P,
    repeats: &Outbox,
    record: &MessageRecord,
) -> Result<Accepted, SubmitError>
where
    P: Clock + KeyValue + Scheduler,
{
    let id = record.id;
    if !ports.exists(keys::state(id).path()).await? {
        let items = vec![JournalItem::message(id, 0, record.accepted_at)];
        let writes = Vec::new();
        repeats.commit(ports, Entry { writes, items }).await?;
    }
    Ok(Accepted {
        id,
        is_repeat: true,
    })
}

async fn write<P>(
    ports: &P,
    outbox: &Outbox,
    claim: &Claim,
    submission: Submission,
    acceptance: Acceptance,
) -> Result<(), SubmitError>
where
    P: Clock + KeyValue + Scheduler,
{
    let mut writes = Vec::new();
    let due_at = acceptance.accepted_at;
    if let Some(key) = unique_message_id(&submission) {
        writes.push(key.write(&claim.id)?);
    }
    let (record, content) = MessageRecord::new(submission, acceptance);
    writes.extend(record.into_writes(&content)?);
    if claim
        .counted
        .as_ref()
        .is_some_and(|counted| ports.now() >= counted.holds_until)
    {
        return Err(SubmitError::OperationInProgress);
    }
    let items = vec![JournalItem::message(claim.id, 0, due_at)];
    Ok(outbox.commit(ports, Entry { writes, items }).await?)
}

/// The key that remembers a Message-ID the caller wants used once.
fn unique_message_id(submission: &Submission) -> Option<Key<OperationId>> {
    let message_id = submission
        .message_id
        .as_ref()
        .filter(|_| submission.message_id_is_unique)?;
    Some(keys::message_id(
        &BodyHash::of(message_id.to_string().as_bytes()).to_base64(),
    ))
}

async fn refuse_used_message_id(
    store: &impl KeyValue,
    submission: &Submission,
) -> Result<(), SubmitError> {
    match unique_message_id(submission) {
        Some(key) if key.read(store).await?.is_some() => Err(SubmitError::DuplicateMessageId),
        _ => Ok(()),
    }
}

/// The right to write under an id.
struct Claim {
    id: OperationId,
    counted: Option<Counted>,
}

/// A claim that others may be waiting for.
struct Counted {
    window: u64,
    holds_until: Timestamp,
}

impl Claim {
    /// Lets the caller try again at once. If this fails too, the end of the window does it.
    async fn release(&self, store: &impl KeyValue) {
        if let Some(counted) = &self.counted {
            let path = keys::operation_claim(self.id, counted.window).into_path();
            // Losing this error only makes the caller wait for the next window.
            let _ = store.delete_many(vec![path]).await;
        }
    }
}

/// What came of a claim.
enum Claimed {
    /// The caller may write.
    Won(Claim),
    /// Somebody else did: this.
    Accepted(Box<MessageRecord>),
}

/// Claims an id the caller chose, unless the same request was accepted under it.
///
/// The first to increment the counter of a window may write, within [`CLAIM_HOLDS`]. A claim of the window before may still be in
/// use just after the turn, so that one is waited out. Whoever crashed in between frees the id with the end of its window.
async fn claim<P>(ports: &P, id: OperationId, request_hash: &str) -> Result<Claimed, SubmitError>
where
    P: Clock + KeyValue + Scheduler,
{
    const LOOKS: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(100);
    let now = ports.now();
    let (window, into) = window(now);
    let is_left_over = into < CLAIM_HOLDS
        && keys::operation_claim(id, window.saturating_sub(1))
            .is_taken(ports)
            .await?;
    if !is_left_over && keys::operation_claim(id, window).increment(ports).await? == 1 {
        return Ok(Claimed::Won(Claim {
            id,
            counted: Some(Counted {
                window,
                holds_until: now.plus(CLAIM_HOLDS),
            }),
        }));
    }
    for _ in 0..LOOKS {
        if let Some(record) = accepted(ports, id, request_hash).await? {
            return Ok(Claimed::Accepted(Box::new(record)));
        }
        ports.sleep(PAUSE).await;
    }
    Err(SubmitError::OperationInProgress)
}

fn window(now: Timestamp) -> (u64, Duration) {
    let length = u64::try_from(CLAIM_WINDOW.as_millis()).unwrap_or(u64::MAX);
    (
        now.as_millis() / length,
        Duration::from_millis(now.as_millis() % length),
    )
}

/// The message that was accepted as `id`, if there is one and it is the same request.
async fn accepted(
    store: &impl KeyValue,
    id: OperationId,
    request_hash: &str,
) -> Result<Option<MessageRecord>, SubmitError> {
    let record = MessageRecord::read(store, id).await?;
    if record
        .as_ref()
        .is_some_and(|record| record.request_hash != request_hash)
    {
        return Err(SubmitError::OperationIdReused);
    }
    Ok(record)
}

async fn sender_domain<P: Clock + KeyValue>(
    ports: &P,
    sender_domains: &SenderDomains,
    submission: &Submission,
) -> Result<Rc<DomainRecord>, SubmitError> {
    let domain = submission.sender.domain();
    let record = sender_domains.read(ports, domain).await?;
    Ok(record.ok_or(SenderError::DomainNotLinked)?)
}
