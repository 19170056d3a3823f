//! What became of a message for each recipient, and the decision after each attempt. All pure.

use std::time::Duration;

use envelope::{Reply, ReversePath};
use serde::{Deserialize, Serialize};

use crate::handover::{Disposition, HandOverError, RecipientResult};
use crate::keys::Record;
use crate::retry::Retry;
use crate::time::Timestamp;

/// The most attempts that are remembered: 72 hours have 80 of them. The first ones go when there are more.
pub const MAX_LOG: usize = 100;

/// Where a message stands. Absent until the first attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryState {
    /// Attempts that ended.
    pub attempt: u32,
    /// Hand-overs whose end is known; names the next hand-over to the relay.
    pub handover: u32,
    /// When the next attempt is due; `None` when there will be none.
    pub due_at: Option<Timestamp>,
    /// One for each recipient, in the order of the message's record.
    pub recipients: Vec<RecipientState>,
    /// When the last attempt ended.
    pub updated_at: Timestamp,
    /// Where reports go of a hand-over whose end is unknown: it is repeated with this path, since the relay takes one key for one
    /// envelope only, whatever the domain's return path has become since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse_path: Option<ReversePath>,
    /// What the attempts came to, oldest first; at most [`MAX_LOG`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<AttemptEntry>,
    /// How many links of the message lead through us; 0 if none does, or that is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub links: u16,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(number: &u16) -> bool {
    *number == 0
}

impl Record for DeliveryState {
    const VERSION: u32 = 3;
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

/// How an attempt ended, before it is turned into states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Every pending recipient is on a suppression list: nothing was handed over.
    NobodyLeft,
    /// Answered: one result per handed-over recipient, in their order.
    Answered(Vec<RecipientResult>),
    /// Ended without results.
    Broken(HandOverError),
}

/// What an attempt found out.
#[derive(Debug, Clone)]
pub struct AttemptReport {
    /// Indexes of the recipients that were found suppressed.
    pub suppressed: Vec<usize>,
    /// Indexes of the recipients that were handed over, in the order of the results.
    pub handed_over: Vec<usize>,
    /// Simulated recipients, which no relay sees, with the reply they gave.
    pub simulated: Vec<(usize, Reply)>,
    /// What came of it.
    pub end: AttemptEnd,
    /// The path it was handed over with, if it came to that.
    pub reverse_path: Option<ReversePath>,
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
        let queued = RecipientState {
            status: RecipientStatus::Queued,
            reply: None,
            at: accepted_at,
        };
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
        let retry_after = next.apply_end(report);
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

    fn apply_end(&mut self, report: &AttemptReport) -> Option<Duration> {
        let (status, reply, retry_after) = match &report.end {
            AttemptEnd::NobodyLeft => return None,
            AttemptEnd::Answered(results) => {
                self.handover = self.handover.saturating_add(1);
                self.reverse_path = None;
                self.apply_results(report, results);
                return None;
            }
            AttemptEnd::Broken(HandOverError::Unavailable { retry_after, reply }) => {
                (RecipientStatus::Deferred, reply, *retry_after)
            }
            AttemptEnd::Broken(HandOverError::Unknown { reply }) => {
                self.reverse_path.clone_from(&report.reverse_path);
                (RecipientStatus::Deferred, reply, None)
            }
            AttemptEnd::Broken(HandOverError::Refused { reply }) => {
                (RecipientStatus::Failed, reply, None)
            }
        };
        for &index in &report.handed_over {
            self.settle(index, status, Some(reply.clone()), report.ended_at);
        }
        retry_after
    }

    fn apply_results(&mut self, report: &AttemptReport, results: &[RecipientResult]) {
        for (&index, result) in report.handed_over.iter().zip(results) {
            let status = match result.disposition {
                Disposition::Accepted => RecipientStatus::OutForDelivery,
                Disposition::Deferred => RecipientStatus::Deferred,
                Disposition::Rejected => RecipientStatus::Failed,
            };
            self.settle(index, status, Some(result.reply.clone()), report.ended_at);
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
            *recipient = RecipientState { status, reply, at };
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
