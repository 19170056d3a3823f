//! Asking an endpoint whether it wants to be told of events, so that nobody can be flooded by a subscription he did not make.
//!
//! An endpoint confirms in its answer, or somebody who reads what it was sent opens a link within [`CONFIRM_WITHIN`]. The link holds
//! a code that cannot be guessed; only its hash is stored.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::edit::{SubscriptionError, edit_one};
use super::known::known_everywhere;
use super::record::{Subscription, SubscriptionId, SubscriptionState};
use crate::notification::Outcome;
use crate::operation::OperationId;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, Webhook};
use crate::time::Timestamp;

/// How long the link works.
pub const CONFIRM_WITHIN: Duration = Duration::from_mins(10);

/// What confirms: a random UUID, as Event Grid has it, of 122 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidationCode(OperationId);

impl ValidationCode {
    fn random(entropy: &impl Entropy) -> Self {
        Self(OperationId::random(entropy))
    }

    /// Parses what a link or an answer has; `None` for what cannot be a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn hash(self) -> [u8; 32] {
        Sha256::digest(self.0.to_string()).into()
    }
}

impl std::fmt::Display for ValidationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A validation under way, or one that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingValidation {
    /// The SHA-256 of the code, base64.
    code_hash: String,
    /// When the link stops working.
    pub until: Timestamp,
    /// What the endpoint answered, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Outcome>,
}

impl PendingValidation {
    fn new(code: ValidationCode, now: Timestamp) -> Self {
        Self {
            code_hash: STANDARD.encode(code.hash()),
            until: now.plus(CONFIRM_WITHIN),
            answer: None,
        }
    }

    /// Whether `code` confirms at `now`. Takes as long whatever the code.
    #[must_use]
    pub fn is_confirmed_by(&self, code: ValidationCode, now: Timestamp) -> bool {
        let stored = STANDARD.decode(&self.code_hash).unwrap_or_default();
        let is_same = bool::from(stored.ct_eq(&code.hash()[..]));
        is_same && now < self.until
    }
}

/// What an endpoint said to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// It wants to be told.
    Confirmed,
    /// It did not say so; somebody may still open the link.
    Unconfirmed(Outcome),
}

/// Asks the endpoint of `id` anew, and gives what is stored afterwards. An earlier link works no more.
///
/// A subscription that was paused is active afterwards, and so is one that had ended. When this returns with one that is active, no event
/// gets past it any more.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn validate<P, W>(
    ports: &P,
    webhook: &W,
    id: SubscriptionId,
) -> Result<Subscription, SubscriptionError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
    W: Webhook,
{
    let code = ValidationCode::random(ports);
    let (asked, ()) = edit_one(ports, id, |subscription, now| {
        subscription.state = SubscriptionState::AwaitingValidation;
        subscription.validation = Some(PendingValidation::new(code, now));
        Ok(())
    })
    .await?;
    let answer = webhook.ask(&asked, code).await;
    let (told, ()) = edit_one(ports, id, |subscription, _| {
        // Somebody asked anew meanwhile, or opened the link already.
        let is_ours =
            subscription.endpoint == asked.endpoint && subscription.validation == asked.validation;
        if is_ours {
            match answer {
                Handshake::Confirmed => activate(subscription),
                Handshake::Unconfirmed(outcome) => {
                    if let Some(pending) = &mut subscription.validation {
                        pending.answer = Some(outcome);
                    }
                }
            }
        }
        Ok(())
    })
    .await?;
    if told.state == SubscriptionState::Active {
        known_everywhere(ports).await;
    }
    Ok(told)
}

/// Takes the code of a link; the subscription is active afterwards.
///
/// # Errors
/// [`SubscriptionError::NotFound`] for any code that does not confirm now, and as [`super::edit`].
pub async fn confirm<P>(
    ports: &P,
    id: SubscriptionId,
    code: ValidationCode,
) -> Result<(), SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    let is_confirmed = |subscription: &Subscription, now| {
        subscription
            .validation
            .as_ref()
            .is_some_and(|pending| pending.is_confirmed_by(code, now))
    };
    // Anybody may call this, and a lock is a write: so it is looked at first.
    let found = super::load(ports).await?;
    if !found
        .find(id)
        .is_some_and(|subscription| is_confirmed(subscription, ports.now()))
    {
        return Err(SubscriptionError::NotFound);
    }
    edit_one(ports, id, |subscription, now| {
        if !is_confirmed(subscription, now) {
            return Err(SubscriptionError::NotFound);
        }
        activate(subscription);
        Ok(())
    })
    .await?;
    known_everywhere(ports).await;
    Ok(())
}

fn activate(subscription: &mut Subscription) {
    subscription.state = SubscriptionState::Active;
    subscription.was_active = true;
    subscription.validation = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_confirms_until_its_time_is_over_and_no_other_does() {
        let code = ValidationCode::parse("9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34").unwrap();
        let other = ValidationCode::parse("9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a35").unwrap();
        let asked_at = Timestamp::from_millis(1_000);
        let pending = PendingValidation::new(code, asked_at);
        let last = Timestamp::from_millis(600_999);
        assert!(pending.is_confirmed_by(code, last));
        assert!(!pending.is_confirmed_by(other, last));
        assert!(!pending.is_confirmed_by(code, asked_at.plus(CONFIRM_WITHIN)));
    }
}
