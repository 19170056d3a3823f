//! One hand-over of a signed message to the relay, and what may come of it.

use std::time::Duration;

use envelope::{Envelope, Reply, ReversePath};
use thiserror::Error;

/// A signed message with its envelope, ready for the relay.
#[derive(Debug)]
pub struct Handover<'a> {
    /// The relay takes one key once: repeats of a hand-over whose end is unknown carry the same key.
    pub idempotency_key: String,
    /// Who sends, and who still has to receive.
    pub envelope: &'a Envelope,
    /// Where reports about each recipient go, in the order of the envelope's forward paths. Empty: to its reverse path, for all.
    pub return_paths: &'a [ReversePath],
    /// The message as signed, CRLF line ends.
    pub message: Vec<u8>,
    /// How long the attempt can wait for an answer; what takes longer has an unknown end.
    pub patience: Duration,
}

/// What the relay said of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientResult {
    /// Taken, to be tried again, or refused for good.
    pub disposition: Disposition,
    /// The SMTP reply behind it.
    pub reply: Reply,
}

/// The three ways a recipient can come out of a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The relay answers for it from now on.
    Accepted,
    /// Not now; a later attempt may succeed.
    Deferred,
    /// Never.
    Rejected,
}

/// A hand-over without a result per recipient.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandOverError {
    /// The relay took nothing: it refused the connection, or said 429 or 503.
    #[error("relay unavailable: {reply}")]
    Unavailable {
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
        /// What is kept as the last reply.
        reply: Reply,
    },
    /// The relay may have taken the message: time-out, broken connection, unreadable answer.
    #[error("outcome unknown: {reply}")]
    Unknown {
        /// What is kept as the last reply.
        reply: Reply,
    },
    /// The relay refuses this message for good, whoever receives it.
    #[error("relay refused the message: {reply}")]
    Refused {
        /// What is kept as the last reply.
        reply: Reply,
    },
}
