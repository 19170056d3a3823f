//! What one recipient did with his copy of a message: what was known of it, and what a batch adds.

use std::collections::BTreeSet;

use audience::Verdict;
use envelope::AddrSpec;

use super::Engaged;
use super::room::Room;
use super::said::{wish_of, wishes};
use crate::engagement::VisitAction;
use crate::engagement::chunk::{Fact, event_id};
use crate::engagement::verdict::{Delivery, judge_all};
use crate::event::{AppEvent, EngagementKind, EventData};
use crate::link::Reader;
use crate::operation::OperationId;
use crate::record::MessageRecord;

/// One recipient's copy of a message that visits of the batch are about.
pub(super) struct ReadersCopy<'a> {
    pub(super) reader: Reader,
    pub(super) record: &'a MessageRecord,
    pub(super) address: &'a AddrSpec,
    pub(super) delivery: Delivery,
    pub(super) links: u16,
    pub(super) room: Room,
    /// What was known, then what is new.
    pub(super) facts: &'a [Fact],
    pub(super) known: usize,
    /// Where new ones are that are kept.
    pub(super) kept: &'a BTreeSet<usize>,
    /// Where those are that change what he wished.
    pub(super) wishes: &'a [usize],
}

impl ReadersCopy<'_> {
    /// New facts as far as they are kept.
    pub(super) fn kept_facts(&self) -> Vec<Fact> {
        let facts = self.kept.iter().filter_map(|&index| self.facts.get(index));
        facts.cloned().collect()
    }

    /// New visits that are not kept. HEAD requests are none.
    pub(super) fn surplus(&self) -> usize {
        let news = self.facts.iter().enumerate().skip(self.known);
        news.filter(|(index, fact)| !fact.is_head && !self.kept.contains(index))
            .count()
    }

    /// What is kept and subscribers and the log are told of, with who that was: nothing else, since an erasure finds what was told by what
    /// is kept. HEAD requests tell nothing, nor do wishes that are known.
    pub(super) fn told(&self) -> Vec<(&Fact, Verdict)> {
        if self.kept.is_empty() {
            return Vec::new();
        }
        let verdicts = judge_all(self.delivery, self.links, self.facts);
        let all = self.facts.iter().zip(verdicts).enumerate();
        let told = all.filter(|(index, (fact, _))| {
            let is_news = wish_of(fact).is_none() || self.wishes.contains(index);
            self.kept.contains(index) && !fact.is_head && is_news
        });
        told.map(|(_, told)| told).collect()
    }

    /// The last wish, if it came now: whether to get no more. It may have been said before, and an operator have undone it since.
    pub(super) fn wish(&self) -> Option<(&Fact, bool)> {
        let (index, fact, no_more) = wishes(self.facts).pop()?;
        (index >= self.known).then_some((fact, no_more))
    }

    pub(super) fn event(&self, batch: OperationId, fact: &Fact, verdict: &Verdict) -> AppEvent {
        AppEvent {
            id: event_id(self.reader, batch, fact.place),
            at: fact.at,
            sender: self.record.from.address.clone(),
            message: self.reader.message,
            data: self.data(fact, verdict),
        }
    }

    pub(super) fn data(&self, fact: &Fact, verdict: &Verdict) -> EventData {
        let recipient = self.address.clone();
        let internet_message_id = self.record.message_id.clone();
        let topic = self.record.treatment.topic.clone();
        let kind = match &fact.action {
            VisitAction::Open => EngagementKind::View,
            VisitAction::Click { link, target } => EngagementKind::Click {
                link: *link,
                target: target.clone(),
            },
            VisitAction::Unsubscribe { by } => {
                return EventData::Unsubscribed {
                    recipient,
                    internet_message_id,
                    by: *by,
                    topic,
                };
            }
            VisitAction::Resubscribe => {
                return EventData::Resubscribed {
                    recipient,
                    internet_message_id,
                    topic,
                };
            }
        };
        let family = verdict.client.family.to_string();
        let kept = fact.visitor.user_agent.clone();
        EventData::Engagement {
            recipient,
            internet_message_id,
            kind,
            user_agent: kept.unwrap_or_else(|| family.clone()),
            audience: verdict.audience.to_string(),
            reason: verdict.reason.to_string(),
            family,
            class: verdict.client.class.to_string(),
        }
    }

    pub(super) fn engaged(&self, fact: &Fact, verdict: Verdict) -> Engaged {
        Engaged {
            message: self.reader.message,
            sender: self.record.from.address.clone(),
            recipient: self.address.clone(),
            at: fact.at,
            action: fact.action.clone(),
            verdict,
        }
    }
}
