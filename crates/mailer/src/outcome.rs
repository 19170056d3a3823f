//! What is known of each recipient, and the one status that follows from it.
//!
//! Every kind of event has a key of its own below message and recipient, so two that are learnt at once cannot overwrite each other,
//! and all of them are found without listing. A rank decides between them; what comes late or twice takes nothing back.

use envelope::Reply;
use futures::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};

use crate::delivery::{DeliveryState, RecipientState, RecipientStatus};
use crate::event::{EventId, EventKind, Source};
use crate::keys::{self, Record};
use crate::operation::OperationId;
use crate::ports::{KeyValue, StoreError};
use crate::time::Timestamp;

/// Deferrals of one recipient that are kept; a further one takes the place of the last.
pub const MAX_DEFERRALS: u64 = 8;

/// One event about one recipient, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The same for every repeat.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When, as the source says.
    pub at: Timestamp,
    /// When it was learnt.
    pub received_at: Timestamp,
    /// Who said so.
    pub source: Source,
    /// Of a deferral, what it is known again by: the same whenever its source tells of it. None on those of before there was one, and on
    /// what happens once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OperationId>,
    /// The SMTP reply behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// Cause and party, such as `address/recipient`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The address is not written to for a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suppresses: bool,
    /// The server that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_mta: Option<String>,
    /// The feedback type of a complaint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_type: Option<String>,
    /// Notifications of subscribers that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<OperationId>,
}

impl Record for Outcome {
    const VERSION: u32 = 1;
}

impl Outcome {
    /// Whether `other`, of the same kind about the same recipient, tells of nothing else.
    #[must_use]
    pub fn is_repeated_by(&self, other: &Self) -> bool {
        match (self.kind, self.origin) {
            (EventKind::Deferred, Some(origin)) => other.origin == Some(origin),
            (EventKind::Deferred, None) => self.at == other.at && self.reply == other.reply,
            _ => true,
        }
    }
}

/// The one status of a recipient. Later ones have the higher rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Accepted from the application, not yet tried.
    Queued,
    /// On its way behind the relay.
    OutForDelivery,
    /// Not taken yet; it will be tried again.
    Deferred,
    /// Taken by the recipient's server.
    Delivered,
    /// The recipient was a list, and was expanded.
    Expanded,
    /// On a suppression list, never tried.
    Suppressed,
    /// Not delivered, for another reason than the address.
    Failed,
    /// Kept apart as spam or phishing.
    Quarantined,
    /// Refused as spam.
    FilteredSpam,
    /// The address does not take mail.
    Bounced,
}

impl Status {
    /// Every status, by rank.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::OutForDelivery,
        Self::Deferred,
        Self::Delivered,
        Self::Expanded,
        Self::Suppressed,
        Self::Failed,
        Self::Quarantined,
        Self::FilteredSpam,
        Self::Bounced,
    ];

    /// The word of the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::OutForDelivery => "OutForDelivery",
            Self::Deferred => "Deferred",
            Self::Delivered => "Delivered",
            Self::Expanded => "Expanded",
            Self::Suppressed => "Suppressed",
            Self::Failed => "Failed",
            Self::Quarantined => "Quarantined",
            Self::FilteredSpam => "FilteredSpam",
            Self::Bounced => "Bounced",
        }
    }

    /// The status that an event alone would mean; a complaint means none, since it does not undo a delivery.
    const fn of_event(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::OutForDelivery => Some(Self::OutForDelivery),
            EventKind::Deferred => Some(Self::Deferred),
            EventKind::Delivered => Some(Self::Delivered),
            EventKind::Expanded => Some(Self::Expanded),
            EventKind::Suppressed => Some(Self::Suppressed),
            EventKind::Failed => Some(Self::Failed),
            EventKind::Quarantined => Some(Self::Quarantined),
            EventKind::FilteredSpam => Some(Self::FilteredSpam),
            EventKind::Bounced => Some(Self::Bounced),
            EventKind::Complained => None,
        }
    }

    const fn of_attempts(status: RecipientStatus) -> Self {
        match status {
            RecipientStatus::Queued => Self::Queued,
            RecipientStatus::Deferred => Self::Deferred,
            RecipientStatus::OutForDelivery => Self::OutForDelivery,
            RecipientStatus::Suppressed => Self::Suppressed,
            RecipientStatus::Failed => Self::Failed,
        }
    }
}

/// A recipient as a reader of the API sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientView {
    /// The status with the highest rank.
    pub status: Status,
    /// When it was reached.
    pub at: Timestamp,
    /// The last SMTP reply behind that status.
    pub reply: Option<Reply>,
    /// Cause and party, such as `address/recipient`.
    pub class: Option<String>,
    /// The server that said so.
    pub remote_mta: Option<String>,
    /// It was delivered first, whatever came after.
    pub was_delivered: bool,
    /// The recipient called it unwanted.
    pub complained: bool,
}

impl RecipientView {
    /// What follows from the attempts' state and the events about a recipient.
    #[must_use]
    pub fn of(state: &RecipientState, outcomes: &[Outcome]) -> Self {
        let mut view = Self {
            status: Status::of_attempts(state.status),
            at: state.at,
            reply: state.reply.clone(),
            class: None,
            remote_mta: None,
            was_delivered: false,
            complained: false,
        };
        for outcome in outcomes {
            view.was_delivered |= outcome.kind == EventKind::Delivered;
            view.complained |= outcome.kind == EventKind::Complained;
            view.take(outcome, state.status);
        }
        view
    }

    fn take(&mut self, outcome: &Outcome, attempts: RecipientStatus) {
        let Some(status) = Status::of_event(outcome.kind) else {
            return;
        };
        // While we try ourselves, a deferral by somebody behind us is older than that.
        let is_stale = attempts.is_pending() && status <= Status::Deferred;
        let is_later = status == self.status && outcome.at >= self.at;
        if is_stale || (status <= self.status && !is_later) {
            return;
        }
        self.status = status;
        self.at = outcome.at;
        if outcome.reply.is_some() {
            self.reply.clone_from(&outcome.reply);
        }
        self.class.clone_from(&outcome.class);
        self.remote_mta.clone_from(&outcome.remote_mta);
    }
}

/// All events about one recipient, oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn of_recipient(
    store: &impl KeyValue,
    message: OperationId,
    recipient: usize,
) -> Result<Vec<Outcome>, StoreError> {
    let places = EventKind::ALL.into_iter().flat_map(|kind| {
        let numbers = if kind == EventKind::Deferred {
            MAX_DEFERRALS
        } else {
            1
        };
        (0..numbers).map(move |number| (kind, number))
    });
    let reads = places.map(async |(kind, number)| {
        let key = keys::outcome(message, recipient, kind, number);
        key.read(store).await
    });
    let found = try_join_all(reads).await?;
    let mut outcomes: Vec<Outcome> = found.into_iter().flatten().collect();
    outcomes.sort_by_key(|outcome| (outcome.at, outcome.kind));
    Ok(outcomes)
}

/// What is known of every recipient of a message, in the order of its record, with the events behind it.
///
/// # Errors
/// When the store does not answer.
pub async fn of_message(
    store: &impl KeyValue,
    message: OperationId,
    state: &DeliveryState,
) -> Result<Vec<(RecipientView, Vec<Outcome>)>, StoreError> {
    let recipients = state.recipients.iter().enumerate();
    let reads = recipients.map(async |(index, recipient)| {
        let outcomes = of_recipient(store, message, index).await?;
        Ok((RecipientView::of(recipient, &outcomes), outcomes))
    });
    join_all(reads).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use EventKind as E;
    use RecipientStatus as R;

    fn outcome(kind: EventKind, at: u64) -> Outcome {
        Outcome {
            id: EventId::of(crate::event::derived_id("m"), 0, kind, 0),
            kind,
            at: Timestamp::from_millis(at),
            received_at: Timestamp::from_millis(at),
            source: Source::Relay,
            origin: None,
            reply: None,
            class: None,
            suppresses: false,
            remote_mta: None,
            feedback_type: None,
            notifications: Vec::new(),
        }
    }

    #[track_caller]
    fn check(attempts: RecipientStatus, events: &[EventKind], expected: Status) {
        let state = RecipientState::new(attempts, None, Timestamp::from_millis(1));
        let mut outcomes: Vec<Outcome> = (10..)
            .zip(events)
            .map(|(at, &kind)| outcome(kind, at))
            .collect();
        assert_eq!(RecipientView::of(&state, &outcomes).status, expected);
        outcomes.reverse();
        let found = RecipientView::of(&state, &outcomes).status;
        assert_eq!(found, expected, "in whatever order");
    }

    #[test]
    fn the_highest_rank_decides_in_whatever_order_events_come() {
        check(R::Queued, &[], Status::Queued);
        check(R::OutForDelivery, &[], Status::OutForDelivery);
        check(R::OutForDelivery, &[E::Deferred], Status::Deferred);
        check(
            R::OutForDelivery,
            &[E::Deferred, E::Delivered],
            Status::Delivered,
        );
        check(
            R::OutForDelivery,
            &[E::Delivered, E::Deferred],
            Status::Delivered,
        );
        check(
            R::OutForDelivery,
            &[E::Delivered, E::Bounced],
            Status::Bounced,
        );
        check(R::OutForDelivery, &[E::Failed, E::Bounced], Status::Bounced);
        check(
            R::OutForDelivery,
            &[E::Delivered, E::Complained],
            Status::Delivered,
        );
        check(R::Suppressed, &[E::Suppressed], Status::Suppressed);
        check(R::Failed, &[E::Bounced], Status::Bounced);
    }

    #[test]
    fn a_deferral_is_known_by_its_origin_and_an_older_one_by_its_time_and_reply() {
        let [first, second] = ["a", "b"].map(|name| Some(crate::event::derived_id(name)));
        let of = |kind, at, origin| Outcome {
            origin,
            ..outcome(kind, at)
        };
        let deferred = |at, origin| of(E::Deferred, at, origin);
        for (known, other, expected) in [
            (deferred(1, first), deferred(2, first), true),
            (deferred(1, first), deferred(1, second), false),
            (deferred(1, None), deferred(1, first), true),
            (deferred(1, None), deferred(2, first), false),
            (of(E::Bounced, 1, None), of(E::Bounced, 2, None), true),
        ] {
            assert_eq!(known.is_repeated_by(&other), expected, "{known:?}");
        }
    }

    #[test]
    fn what_is_tried_again_is_not_on_its_way() {
        check(R::Deferred, &[E::OutForDelivery], Status::Deferred);
        check(R::Queued, &[E::Deferred], Status::Queued);
        check(R::Queued, &[E::Delivered], Status::Delivered);
    }

    #[test]
    fn a_bounce_after_a_delivery_and_a_complaint_are_shown_beside() {
        let at = Timestamp::from_millis(1);
        let state = RecipientState::new(R::OutForDelivery, None, at);
        let outcomes = [
            outcome(E::Delivered, 2),
            outcome(E::Bounced, 3),
            outcome(E::Complained, 4),
        ];
        let view = RecipientView::of(&state, &outcomes);
        assert_eq!(view.status, Status::Bounced);
        assert!(view.was_delivered && view.complained);
    }
}
