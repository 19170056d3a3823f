//! What became of a message for each recipient, and the decision after each attempt. All pure.

use std::time::Duration;

use envelope::{Reply, ReversePath};
use serde::{Deserialize, Serialize};

use crate::handover::{Disposition, HandOverError, RecipientResult};
use crate::keys::{Record, is_default};
use crate::retry::Retry;
use crate::time::Timestamp;

/// The most attempts that are remembered: 72 hours have 80 of them. The first ones go when there are more.
pub const MAX_LOG: usize = 100;

/// Where a message stands. Absent until the first attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryState {
    /// Attempts that ended.
    pub attempt: u32,
    /// Hand-overs of one message for all whose end is known; names the next one to the relay.
    pub handover: u32,
    /// When the next attempt is due; `None` when there will be none.
    pub due_at: Option<Timestamp>,
    /// One for each recipient, in the order of the message's record.
    pub recipients: Vec<RecipientState>,
    /// When the last attempt ended.
    pub updated_at: Timestamp,
    /// Where reports go of a hand-over for all whose end is unknown: it is repeated with this path, since the relay takes one key for
    /// one envelope only, whatever the domain's return path has become since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse_path: Option<ReversePath>,
    /// What the attempts came to, oldest first; at most [`MAX_LOG`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<AttemptEntry>,
    /// How many links of the message lead through us; 0 if none does, or that is not known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub links: u16,
}

impl Record for DeliveryState {
    const VERSION: u32 = 4;
}

/// One attempt, as the timeline tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEntry {
    /// When it ended.
    pub at: Timestamp,
    /// What came of it, with those together who share a status and a reply.
    pub results: Vec<AttemptResult>,
}

/// Recipients to whom one attempt did the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// Their places in the message's list.
    pub recipients: Vec<usize>,
    /// The status they have after it.
    pub status: RecipientStatus,
    /// The reply behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
}

/// Where one recipient stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientState {
    /// Only ever moves on from a pending status.
    pub status: RecipientStatus,
    /// The last reply, whoever gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// When this status was reached.
    pub at: Timestamp,
    /// Hand-overs of a copy of his own whose end is known; names the next one to the relay.
    #[serde(default, skip_serializing_if = "is_default")]
    pub handover: u32,
    /// Where reports go of a hand-over of his copy whose end is unknown, as [`DeliveryState::reverse_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse_path: Option<ReversePath>,
}

impl RecipientState {
    /// A recipient who has this status since `at`, and no copy of his own so far.
    #[must_use]
    pub const fn new(status: RecipientStatus, reply: Option<Reply>, at: Timestamp) -> Self {
        Self {
            status,
            reply,
            at,
            handover: 0,
            reverse_path: None,
        }
    }
}

/// The states a recipient passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientStatus {
    /// Accepted from the application, not yet tried.
    Queued,
    /// Tried, to be tried again.
    Deferred,
    /// The relay has it.
    OutForDelivery,
    /// On a suppression list, never tried.
    Suppressed,
    /// Refused for good, or not handed over within the time allowed.
    Failed,
}

impl RecipientStatus {
    /// Whether an attempt is still to be made.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        match self {
            Self::Queued | Self::Deferred => true,
            Self::OutForDelivery | Self::Suppressed | Self::Failed => false,
        }
    }
}

/// Where an operation stands, in the words of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// No recipient was handed over, some still may be.
    Running,
    /// At least one recipient was handed to the relay.
    Succeeded,
    /// No recipient was handed over and none will be.
    Failed(Failure),
}

/// Why no recipient was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Every recipient is on a suppression list.
    AllRecipientsSuppressed,
    /// Refused, or given up; with the last reply.
    Dropped(Option<Reply>),
}

/// What an attempt changed for a message as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The first recipient was handed over.
    OutForDelivery,
    /// Nobody was handed over, and nobody will be.
    Dropped,
}

/// Whom a hand-over was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressees {
    /// One message for all of these.
    Shared(Vec<usize>),
    /// A copy that is this recipient's alone.
    Personal(usize),
}

impl Addressees {
    /// Their places in the message's list, in the order of the results.
    #[must_use]
    pub fn indexes(&self) -> &[usize] {
        match self {
            Self::Shared(indexes) => indexes,
            Self::Personal(index) => std::slice::from_ref(index),
        }
    }
}

/// One hand-over of an attempt, or what kept it from being made.
#[derive(Debug, Clone)]
pub struct HandedOver {
    /// Whom it was for.
    pub to: Addressees,
    /// The path it was made with, if it came to that.
    pub reverse_path: Option<ReversePath>,
    /// Links of it that lead through us.
    pub links: u16,
    /// One result for each of them in their order, or why there is none.
    pub end: Result<Vec<RecipientResult>, HandOverError>,
}

/// What an attempt found out.
#[derive(Debug, Clone)]
pub struct AttemptReport {
    /// Indexes of the recipients that were found suppressed.
    pub suppressed: Vec<usize>,
    /// Of those who were not, how many had unsubscribed from mail that is not owed.
    pub bypassed: usize,
    /// Simulated recipients, which no relay sees, with the reply they gave.
    pub simulated: Vec<(usize, Reply)>,
    /// What came of all others, each in one of these. Empty when there were none.
    pub handed_over: Vec<HandedOver>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// Evenly spread over all `u32`.
    pub jitter: u32,
}

impl DeliveryState {
    /// The state of a message that was accepted and not yet tried.
    #[must_use]
    pub fn queued(recipients: usize, accepted_at: Timestamp) -> Self {
        let queued = RecipientState::new(RecipientStatus::Queued, None, accepted_at);
        Self {
            attempt: 0,
            handover: 0,
            due_at: Some(accepted_at),
            recipients: vec![queued; recipients],
            updated_at: accepted_at,
            reverse_path: None,
            log: Vec::new(),
            links: 0,
        }
    }

    /// Indexes of the recipients an attempt is still to be made for.
    #[must_use]
    pub fn pending(&self) -> Vec<usize> {
        let pending = self
            .recipients
            .iter()
            .enumerate()
            .filter(|(_, recipient)| recipient.status.is_pending());
        pending.map(|(index, _)| index).collect()
    }

    /// The operation's state, in the words of the API.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let has = |status| {
            self.recipients
                .iter()
                .any(|recipient| recipient.status == status)
        };
        if has(RecipientStatus::OutForDelivery) {
            Outcome::Succeeded
        } else if self
            .recipients
            .iter()
            .any(|recipient| recipient.status.is_pending())
        {
            Outcome::Running
        } else if has(RecipientStatus::Failed) {
            Outcome::Failed(Failure::Dropped(self.last_failure()))
        } else {
            Outcome::Failed(Failure::AllRecipientsSuppressed)
        }
    }

    /// What changed for the message as a whole since `before`; none if it stands where it stood.
    #[must_use]
    pub fn progress_since(&self, before: &Self) -> Option<Progress> {
        if before.outcome() != Outcome::Running {
            return None;
        }
        match self.outcome() {
            Outcome::Running => None,
            Outcome::Succeeded => Some(Progress::OutForDelivery),
            Outcome::Failed(_) => Some(Progress::Dropped),
        }
    }

    fn last_failure(&self) -> Option<Reply> {
        let failed = self
            .recipients
            .iter()
            .filter(|recipient| recipient.status == RecipientStatus::Failed);
        failed
            .max_by_key(|recipient| recipient.at)
            .and_then(|recipient| recipient.reply.clone())
    }

    /// The state after the attempt that `report` tells of.
    #[must_use]
    pub fn after(&self, report: &AttemptReport) -> Self {
        let mut next = self.clone();
        next.attempt = self.attempt.saturating_add(1);
        next.updated_at = report.ended_at;
        for &index in &report.suppressed {
            next.settle(index, RecipientStatus::Suppressed, None, report.ended_at);
        }
        for (index, reply) in &report.simulated {
            let reply = Some(reply.clone());
            next.settle(
                *index,
                RecipientStatus::OutForDelivery,
                reply,
                report.ended_at,
            );
        }
        let asked = report.handed_over.iter();
        let retry_after = asked.filter_map(|one| next.apply(one, report.ended_at));
        let retry_after = retry_after.max();
        next.due_at = next.next_due(report, retry_after);
        if next.due_at.is_none() {
            next.give_up(report.ended_at);
        }
        next.remember(self, report.ended_at);
        next
    }

    /// Adds what the attempt did to those who were pending before it.
    fn remember(&mut self, before: &Self, at: Timestamp) {
        let mut results: Vec<AttemptResult> = Vec::new();
        for index in before.pending() {
            let Some(now) = self.recipients.get(index) else {
                continue;
            };
            let same = |result: &&mut AttemptResult| {
                result.status == now.status && result.reply == now.reply
            };
            match results.iter_mut().find(same) {
                Some(result) => result.recipients.push(index),
                None => results.push(AttemptResult {
                    recipients: vec![index],
                    status: now.status,
                    reply: now.reply.clone(),
                }),
            }
        }
        if self.log.len() >= MAX_LOG {
            self.log.remove(0);
        }
        self.log.push(AttemptEntry { at, results });
    }

    /// Those who were pending before and are settled now without having been handed over: nobody else will tell of them.
    #[must_use]
    pub fn ended_here(&self, before: &Self) -> Vec<(usize, &RecipientState)> {
        let settled = |index: usize| {
            let state = self.recipients.get(index)?;
            let is_end = matches!(
                state.status,
                RecipientStatus::Suppressed | RecipientStatus::Failed
            );
            is_end.then_some((index, state))
        };
        before.pending().into_iter().filter_map(settled).collect()
    }

    /// Takes one hand-over in, and gives how long the relay asked to be left alone.
    fn apply(&mut self, one: &HandedOver, at: Timestamp) -> Option<Duration> {
        self.links = self.links.max(one.links);
        let (status, reply, retry_after) = match &one.end {
            Ok(results) => {
                self.resolve(&one.to);
                self.apply_results(one.to.indexes(), results, at);
                return None;
            }
            Err(HandOverError::Unavailable { retry_after, reply }) => {
                (RecipientStatus::Deferred, reply, *retry_after)
            }
            Err(HandOverError::Unknown { reply }) => {
                self.leave_open(&one.to, one.reverse_path.as_ref());
                (RecipientStatus::Deferred, reply, None)
            }
            Err(HandOverError::Refused { reply }) => (RecipientStatus::Failed, reply, None),
        };
        for &index in one.to.indexes() {
            self.settle(index, status, Some(reply.clone()), at);
        }
        retry_after
    }

    /// The end of the hand-over to these is known: the next one is another.
    fn resolve(&mut self, to: &Addressees) {
        if let Some((handover, reverse_path)) = self.naming(to) {
            *handover = handover.saturating_add(1);
            *reverse_path = None;
        }
    }

    /// The end of the hand-over to these is unknown: the next one repeats it.
    fn leave_open(&mut self, to: &Addressees, path: Option<&ReversePath>) {
        if let Some((_, reverse_path)) = self.naming(to) {
            *reverse_path = path.cloned();
        }
    }

    /// What names the next hand-over to these.
    fn naming(&mut self, to: &Addressees) -> Option<(&mut u32, &mut Option<ReversePath>)> {
        match to {
            Addressees::Shared(_) => Some((&mut self.handover, &mut self.reverse_path)),
            Addressees::Personal(index) => {
                let own = self.recipients.get_mut(*index)?;
                Some((&mut own.handover, &mut own.reverse_path))
            }
        }
    }

    fn apply_results(&mut self, indexes: &[usize], results: &[RecipientResult], at: Timestamp) {
        for (&index, result) in indexes.iter().zip(results) {
            let status = match result.disposition {
                Disposition::Accepted => RecipientStatus::OutForDelivery,
                Disposition::Deferred => RecipientStatus::Deferred,
                Disposition::Rejected => RecipientStatus::Failed,
            };
            self.settle(index, status, Some(result.reply.clone()), at);
        }
    }

    /// Moves a pending recipient on; a settled one stays as it is, whatever comes late.
    fn settle(
        &mut self,
        index: usize,
        status: RecipientStatus,
        reply: Option<Reply>,
        at: Timestamp,
    ) {
        if let Some(recipient) = self.recipients.get_mut(index)
            && recipient.status.is_pending()
        {
            recipient.status = status;
            recipient.reply = reply;
            recipient.at = at;
        }
    }

    fn next_due(&self, report: &AttemptReport, retry_after: Option<Duration>) -> Option<Timestamp> {
        if self.pending().is_empty() {
            return None;
        }
        let retry = Retry {
            accepted_at: report.accepted_at,
            attempts: self.attempt,
            retry_after,
            jitter: report.jitter,
        };
        retry.next(report.ended_at)
    }

    fn give_up(&mut self, at: Timestamp) {
        for recipient in self
            .recipients
            .iter_mut()
            .filter(|recipient| recipient.status.is_pending())
        {
            recipient.status = RecipientStatus::Failed;
            recipient.at = at;
        }
    }
}
