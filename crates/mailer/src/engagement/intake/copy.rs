//! What one recipient did with his copy of a message: what was known of it, and what a batch adds.

use audience::Verdict;
use envelope::AddrSpec;

use super::Engaged;
use crate::engagement::VisitAction;
use crate::engagement::chunk::{Fact, MAX_CHUNK_FACTS, MAX_CHUNKS, event_id};
use crate::engagement::verdict::judge_all;
use crate::event::{AppEvent, EngagementKind, EventData};
use crate::link::Reader;
use crate::operation::OperationId;
use crate::record::MessageRecord;
use crate::time::Timestamp;

/// One recipient's copy of a message that visits of the batch are about.
pub(super) struct ReadersCopy<'a> {
    pub(super) reader: Reader,
    pub(super) record: &'a MessageRecord,
    pub(super) address: AddrSpec,
    pub(super) delivered_at: Option<Timestamp>,
    pub(super) links: u16,
    /// The number of its new chunk.
    pub(super) number: u64,
    /// What was known, then what is new.
    pub(super) facts: Vec<Fact>,
    pub(super) known: usize,
}

impl ReadersCopy<'_> {
    pub(super) fn is_kept(&self) -> bool {
        self.number <= MAX_CHUNKS
    }

    pub(super) fn news(&self) -> &[Fact] {
        self.facts.get(self.known..).unwrap_or_default()
    }

    /// New facts as far as they are kept, and how many are not. Wishes are, however many there are of others.
    pub(super) fn kept(&self) -> (Vec<Fact>, u64) {
        let (mut facts, mut surplus) = (Vec::new(), 0);
        for fact in self.news() {
            if facts.len() < MAX_CHUNK_FACTS || wish_of(fact).is_some() {
                facts.push(fact.clone());
            } else {
                surplus += 1;
            }
        }
        (facts, surplus)
    }

    /// New facts that subscribers and the log are told of, with who that was: HEAD requests tell nothing, nor do wishes that are known.
    pub(super) fn told(&self) -> Vec<(&Fact, Verdict)> {
        let wishes = self.new_wishes();
        let verdicts = judge_all(self.delivered_at, self.links, &self.facts);
        let all = self.facts.iter().zip(verdicts).enumerate();
        let news = all.skip(self.known).filter(|(index, (fact, _))| {
            !fact.is_head && (wish_of(fact).is_none() || wishes.contains(index))
        });
        news.map(|(_, told)| told).collect()
    }

    /// Where wishes are, and what for, in the order of time.
    pub(super) fn wishes(&self) -> Vec<(usize, &Fact, bool)> {
        let facts = self.facts.iter().enumerate();
        let mut wishes: Vec<(usize, &Fact, bool)> = facts
            .filter_map(|(index, fact)| Some((index, fact, wish_of(fact)?)))
            .collect();
        wishes.sort_by_key(|(_, fact, _)| fact.at);
        wishes
    }

    /// Where wishes are that change what was wished before, as far as that is known.
    pub(super) fn new_wishes(&self) -> Vec<usize> {
        let mut wishes = self.wishes();
        let mut standing = None;
        wishes.retain(|(_, _, wish)| standing.replace(*wish) != Some(*wish));
        wishes.into_iter().map(|(index, _, _)| index).collect()
    }

    /// The last wish, if it came now: whether to get no more. It may have been said before, and an operator have undone it since.
    pub(super) fn wish(&self) -> Option<(&Fact, bool)> {
        let (index, fact, no_more) = self.wishes().pop()?;
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

/// Whether to get no more, if that is what a fact is about. HEAD requests wish for nothing.
const fn wish_of(fact: &Fact) -> Option<bool> {
    match (fact.is_head, &fact.action) {
        (false, VisitAction::Unsubscribe { .. }) => Some(true),
        (false, VisitAction::Resubscribe) => Some(false),
        (true, _) | (false, VisitAction::Open | VisitAction::Click { .. }) => None,
    }
}
