//! Taking one message: idempotency around capturing or handing over.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use envelope::{Reply, ReplyCode};
use futures::{FutureExt as _, StreamExt as _, stream};
use http::StatusCode;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    Log, Secret,
    answer::Answer,
    clock,
    events::Events,
    handover::{self, Handover, PER_RECIPIENT},
    inbox::Inbox,
    key_locks::{KeyGuard, KeyLocks},
    problem::Problem,
    smtp::{HandOverError, Mta},
    store::{Store, StoredAnswer},
};

/// How many messages are worked on or waited for at once.
const MAX_IN_HAND: u32 = 1_024;
/// How many octets of messages are held in memory at once.
pub(crate) const MAX_OCTETS_IN_HAND: usize = 256 * 1024 * 1024;
/// How many envelopes of one message are handed over at once.
const ENVELOPES_AT_ONCE: usize = 4;
/// How long the end waits for messages in hand.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// What becomes of messages.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    Capture(Arc<Inbox>),
    Smtp(Arc<Mta>),
}

/// The relay's state, shared by all requests.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) token: Secret,
    pub(crate) carrier: Carrier,
    pub(crate) log: Log,
    pub(crate) events: Arc<Events>,
    pub(crate) store: Store,
    keys: Arc<KeyLocks>,
    in_hand: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

impl Service {
    pub(crate) fn new(token: Secret, carrier: Carrier, store: Store, log: Log) -> Self {
        Self {
            token,
            carrier,
            log,
            events: Arc::default(),
            store,
            keys: Arc::default(),
            in_hand: Arc::new(Semaphore::new(
                usize::try_from(MAX_IN_HAND).unwrap_or(usize::MAX),
            )),
            memory: Arc::new(Semaphore::new(MAX_OCTETS_IN_HAND)),
        }
    }

    /// Sets memory aside for a part of a body.
    pub(crate) fn set_aside(&self, octets: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let octets = u32::try_from(octets).map_err(|_| Problem::busy())?;
        Arc::clone(&self.memory)
            .try_acquire_many_owned(octets)
            .map_err(|_| Problem::busy())
    }

    /// Takes a message and returns the JSON of its answer.
    ///
    /// The work goes on in a task of its own when the caller hangs up: an answer that the MTA gave is worth keeping,
    /// since the caller will ask again with the same key.
    pub(crate) async fn take(
        self: &Arc<Self>,
        handover: Handover,
        message: Bytes,
        memory: OwnedSemaphorePermit,
    ) -> Result<String, Problem> {
        let place = Arc::clone(&self.in_hand)
            .try_acquire_owned()
            .map_err(|_| Problem::busy())?;
        let service = Arc::clone(self);
        let task = tokio::spawn(async move {
            let answer = service.take_once(&handover, message).await;
            drop((memory, place));
            answer
        });
        task.await
            .map_err(|error| Problem::internal(error.to_string()))?
    }

    async fn take_once(&self, handover: &Handover, message: Bytes) -> Result<String, Problem> {
        let _turn: KeyGuard = Arc::clone(&self.keys).lock(&handover.key).await;
        if let Some(stored) = self.store.answer(&handover.key, clock::now_ms()).await? {
            return repeated(handover, &stored);
        }
        handover::check_message(&message).map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed_message",
                error.to_string(),
            )
        })?;
        let keep = |answer: String| StoredAnswer {
            key: handover.key.clone(),
            reverse_path: handover.reverse_path_name(),
            events: self.events_of(&handover.key, &answer),
            answer,
        };
        let answer = match &self.carrier {
            Carrier::Capture(inbox) => inbox.capture(&handover.envelope, message, keep).await,
            Carrier::Smtp(mta) => self.hand_over(mta, handover, &message, keep).await,
        };
        self.events.came();
        answer
    }

    fn events_of(&self, key: &str, answer: &str) -> Vec<String> {
        let is_final = match &self.carrier {
            Carrier::Capture(_) => true,
            Carrier::Smtp(mta) => mta.is_last(),
        };
        let answer = serde_json::from_str(answer);
        answer.map_or_else(
            |_| Vec::new(),
            |answer| self.events.of(key, &answer, is_final),
        )
    }

    /// Keeps the answer if anybody will get the message. Otherwise nothing was sent, so asking again does no harm, and
    /// may do better.
    async fn hand_over(
        &self,
        mta: &Mta,
        handover: &Handover,
        message: &[u8],
        keep: impl FnOnce(String) -> StoredAnswer,
    ) -> Result<String, Problem> {
        let answer = self.hand_over_each(mta, handover, message).await?;
        let json = to_json(&answer)?;
        if answer.accepted_any()
            && let Err(error) = self
                .store
                .keep_answer(keep(json.clone()), clock::now_ms())
                .await
        {
            // The MTA has the message, so the caller must hear of it; only a retry of his would now send it twice.
            self.log
                .line(&format!("an answer could not be kept: {error}"));
        }
        Ok(json)
    }

    /// Hands over envelope by envelope. Once one got through, those that did not are deferred: their recipients have replies of their
    /// own, and asking for all of them again would send it twice to the others.
    async fn hand_over_each(
        &self,
        mta: &Mta,
        handover: &Handover,
        message: &[u8],
    ) -> Result<Answer, Problem> {
        let transactions = handover.transactions();
        let attempts: Vec<_> = transactions
            .iter()
            .map(|transaction| mta.hand_over(transaction, message).boxed())
            .collect();
        let attempts = stream::iter(attempts).buffered(ENVELOPES_AT_ONCE);
        let mut results: Vec<_> = attempts.collect().await;
        if results.iter().all(Result::is_err) {
            // The one that leaves the outcome open, if there is one: it says most.
            let open =
                |result: &Result<_, _>| matches!(result, Err(HandOverError::OutcomeUnknown(_)));
            let place = results.iter().position(open).unwrap_or_default();
            return results.swap_remove(place).map_err(Problem::from);
        }
        let mut all = Answer {
            results: Vec::new(),
        };
        for (transaction, result) in transactions.iter().zip(results) {
            let answer = match result {
                Ok(answer) => answer,
                Err(error) => {
                    self.log
                        .line(&format!("a recipient is left for later: {error}"));
                    Answer::to_all(transaction.envelope.forward_paths(), &later(&error)?)
                }
            };
            all.results.extend(answer.results);
        }
        Ok(all)
    }

    /// Takes nothing more, and waits a while for what is in hand.
    pub(crate) async fn finish(&self) {
        // Giving up is right when the time is over: the callers will ask again.
        drop(timeout(STOP_LIMIT, self.in_hand.acquire_many(MAX_IN_HAND)).await);
        self.in_hand.close();
        if let Carrier::Smtp(mta) = &self.carrier {
            mta.close().await;
        }
    }
}

pub(crate) fn to_json(answer: &Answer) -> Result<String, Problem> {
    serde_json::to_string(answer).map_err(|error| Problem::internal(error.to_string()))
}

/// The stored answer, as far as it is about the recipients asked for now.
///
/// Fewer than before are in order: a caller whose first request ended in the dark leaves out whoever must no longer be
/// written to when it asks again, and a new key would send the message twice to the rest.
fn repeated(handover: &Handover, stored: &StoredAnswer) -> Result<String, Problem> {
    if stored.reverse_path != PER_RECIPIENT && stored.reverse_path != handover.reverse_path_name() {
        return Err(key_reused());
    }
    let answer: Answer = serde_json::from_str(&stored.answer)
        .map_err(|error| Problem::internal(format!("a stored answer is unreadable: {error}")))?;
    let about = answer.about(handover.envelope.forward_paths());
    to_json(&about.ok_or_else(key_reused)?)
}

/// The reply that stands for a recipient whose envelope was not answered.
fn later(error: &HandOverError) -> Result<Reply, Problem> {
    let text = match error {
        HandOverError::Unavailable(_) => "the MTA cannot be reached or takes nothing now",
        HandOverError::OutcomeUnknown(_) => "the MTA's answer was lost; it may have the message",
    };
    let code = ReplyCode::new(451).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Reply::new(code, None, text))
}

fn key_reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "the idempotency key was used within 24 hours for another envelope",
    )
}

impl From<HandOverError> for Problem {
    fn from(error: HandOverError) -> Self {
        let cause = error.to_string();
        match error {
            HandOverError::Unavailable(_) => Self::unavailable(
                "mta_unavailable",
                "the MTA cannot be reached or takes nothing now",
                10,
                cause,
            ),
            HandOverError::OutcomeUnknown(_) => Self::unavailable(
                "outcome_unknown",
                "the MTA's answer to the message was lost, so the message may or may not have been taken",
                10,
                cause,
            ),
        }
    }
}
