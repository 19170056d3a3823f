//! What the use cases need from the world, as narrow traits.
//!
//! `guest` implements them on the Spin SDK, tests implement them on a map and a fixed clock. The store is a port at the level of
//! keys and values on purpose: which keys are written together, in which order, and what a crash in between leaves, is the
//! domain's own knowledge (see [`crate::keys`]) and has to be testable with a store that fails at any call.
#![expect(
    async_fn_in_trait,
    reason = "guests run on one thread, so futures need not be Send"
)]

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use thiserror::Error;

use crate::handover::{HandOverError, Handover, RecipientResult};
use crate::notification::Outcome;
use crate::notification::attempt::Delivery;
use crate::subscription::Subscription;
use crate::subscription::validation::{Handshake, ValidationCode};
use crate::time::Timestamp;

/// Reads the wall clock.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Gives unpredictable bytes.
pub trait Entropy {
    /// Fills `bytes` with output of a cryptographic generator.
    fn fill(&self, bytes: &mut [u8]);
}

/// Lets the other tasks of the instance run.
pub trait Scheduler {
    /// Returns after every task that is ready had its turn.
    async fn yield_now(&self);

    /// Returns after `pause`.
    async fn sleep(&self, pause: Duration);

    /// A gate that is shut, for a task to wait at until another one opens it.
    fn gate(&self) -> Gate;
}

/// Where one task of an instance waits for another.
pub struct Gate {
    /// Opens the gate when it is dropped.
    pub opener: Opener,
    /// Returns once the gate is open.
    pub opened: Pin<Box<dyn Future<Output = ()>>>,
}

/// Keeps a gate shut until it is dropped.
pub type Opener = Box<dyn Any>;

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// The key-value store, as far as every backend behaves alike.
///
/// There is no listing, no compare-and-swap and no multi-get: each of them is missing or wrong on some backend.
pub trait KeyValue {
    /// The value under `key`, if there is one.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Whether there is a value under `key`.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn exists(&self, key: &str) -> Result<bool, StoreError>;

    /// Writes one pair. Other tasks of the instance may go on meanwhile, which [`KeyValue::set_many`] holds up on most hosts.
    ///
    /// # Errors
    /// When the store does not say that it wrote it; it may be there all the same.
    async fn set(&self, write: Write) -> Result<(), StoreError> {
        self.set_many(vec![write]).await
    }

    /// Writes all pairs at once.
    ///
    /// # Errors
    /// When the store does not say that it wrote them; some or all of them may be there all the same.
    async fn set_many(&self, writes: Vec<Write>) -> Result<(), StoreError>;

    /// Deletes all keys; absent ones are not an error.
    ///
    /// # Errors
    /// When the store does not answer; some of them may be gone.
    async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError>;

    /// Adds `delta` to the counter under `key`, which starts at 0, and gives the new value.
    ///
    /// # Errors
    /// When the store does not answer; the counter may have moved.
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError>;
}

/// One pair of a [`KeyValue::set_many`].
pub type Write = (String, Vec<u8>);

/// Takes a finished message to the relay.
pub trait Relay {
    /// Hands `handover` over once and gives one result per recipient, in their order.
    ///
    /// # Errors
    /// See [`HandOverError`]: each variant says whether the relay may have taken the message.
    async fn hand_over(
        &self,
        handover: Handover<'_>,
    ) -> Result<Vec<RecipientResult>, HandOverError>;
}

/// Tells subscribers of events.
pub trait Webhook {
    /// Makes one request, and says how it ended. Follows no redirect, and waits for no longer than a request may take.
    async fn deliver(&self, delivery: &Delivery<'_>) -> Outcome;

    /// Asks the endpoint of `subscription` whether it wants to be told, showing it `code`.
    async fn ask(&self, subscription: &Subscription, code: ValidationCode) -> Handshake;
}

/// The store did not answer, or answered what no writer of ours writes.
#[derive(Debug, Clone, Error)]
#[error("key-value store: {cause}")]
pub struct StoreError {
    /// For the log, never for a caller.
    pub cause: String,
}

impl StoreError {
    /// An error whose text is for the log.
    #[must_use]
    pub fn new(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
        }
    }
}
