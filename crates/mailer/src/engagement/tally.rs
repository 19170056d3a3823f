//! How often something was asked for, and by whom: counted from facts and their verdicts whenever somebody wants to know.

use std::collections::BTreeMap;

use audience::{Audience, Verdict};

use super::chunk::{Chunk, Fact, Known, event_id};
use super::verdict::{Delivery, judge_all};
use super::{UnsubscribedBy, VisitAction};
use crate::event::EventId;
use crate::link::Reader;
use crate::operation::OperationId;
use crate::time::Timestamp;

/// How often, by whom and when. HEAD requests are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub total: u64,
    /// Recipients who did it: of one recipient, 0 or 1.
    pub unique: u64,
    /// Those by people, as far as can be told.
    pub human: u64,
    /// Recipients of whom it was a person, as far as can be told.
    pub unique_human: u64,
    /// By the word for who did it.
    pub by_audience: BTreeMap<&'static str, u64>,
    /// The first one.
    pub first: Option<Timestamp>,
    /// The last one.
    pub last: Option<Timestamp>,
    /// The first one by a person.
    pub first_human: Option<Timestamp>,
}

impl Tally {
    fn count(&mut self, at: Timestamp, audience: Audience) {
        self.total += 1;
        self.unique = 1;
        *self.by_audience.entry(audience.as_str()).or_insert(0) += 1;
        self.first = earlier(self.first, Some(at));
        self.last = self.last.max(Some(at));
        if audience == Audience::Human {
            self.human += 1;
            self.unique_human = 1;
            self.first_human = earlier(self.first_human, Some(at));
        }
    }

    /// Adds what another recipient did.
    pub fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.unique += other.unique;
        self.human += other.human;
        self.unique_human += other.unique_human;
        for (&audience, count) in &other.by_audience {
            *self.by_audience.entry(audience).or_insert(0) += count;
        }
        self.first = earlier(self.first, other.first);
        self.last = self.last.max(other.last);
        self.first_human = earlier(self.first_human, other.first_human);
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// Clicks by the link's number, and where it leads.
pub type Links = BTreeMap<(u16, String), Tally>;

/// Since when somebody is unsubscribed, and how it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribed {
    /// Since when.
    pub at: Timestamp,
    /// How it was said.
    pub by: UnsubscribedBy,
}

/// One visit, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What subscribers know it by.
    pub event: EventId,
    /// What came.
    pub fact: Fact,
    /// Who that was.
    pub verdict: Verdict,
}

/// What one recipient did with a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engagement {
    /// Requests for the tracking image.
    pub opens: Tally,
    /// Requests for links.
    pub clicks: Tally,
    /// The same, link by link.
    pub links: Links,
    /// The last thing said of that in this copy, unless it was taken back.
    pub unsubscribed: Option<Unsubscribed>,
    /// Visits and batches of them that were too many to be kept.
    pub surplus: u64,
    /// All that is kept, oldest first.
    pub visits: Vec<Judged>,
    /// Notifications that told of it.
    pub notifications: Vec<OperationId>,
}

impl Engagement {
    /// What follows from all that is known of `reader`, who got it then, of a message with so many links.
    #[must_use]
    pub fn of(reader: Reader, delivery: Delivery, links: u16, known: Known) -> Self {
        let mut found = Self {
            surplus: known.surplus,
            ..Self::default()
        };
        let mut facts = Vec::new();
        let mut events = Vec::new();
        for chunk in known.chunks {
            let Chunk {
                batch,
                facts: some,
                surplus: _,
                notifications,
            } = chunk;
            events.extend(some.iter().map(|fact| event_id(reader, batch, fact.place)));
            facts.extend(some);
            found.notifications.extend(notifications);
        }
        let verdicts = judge_all(delivery, links, &facts);
        let judged = events.into_iter().zip(facts).zip(verdicts);
        found.visits = judged
            .map(|((event, fact), verdict)| Judged {
                event,
                fact,
                verdict,
            })
            .collect();
        found.visits.sort_by_key(|visit| visit.fact.at);
        found.count();
        found
    }

    fn count(&mut self) {
        for Judged { fact, verdict, .. } in &self.visits {
            let (at, audience) = (fact.at, verdict.audience);
            match &fact.action {
                _ if fact.is_head => {}
                VisitAction::Open => self.opens.count(at, audience),
                VisitAction::Click { link, target } => {
                    self.clicks.count(at, audience);
                    let link = self.links.entry((*link, target.clone())).or_default();
                    link.count(at, audience);
                }
                VisitAction::Unsubscribe { by } => {
                    let since = Unsubscribed { at, by: *by };
                    self.unsubscribed = self.unsubscribed.or(Some(since));
                }
                VisitAction::Resubscribe => self.unsubscribed = None,
            }
        }
    }
}

/// What all recipients of a message did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests for the tracking image.
    pub opens: Tally,
    /// Requests for links.
    pub clicks: Tally,
    /// The same, link by link.
    pub links: Links,
    /// Recipients who are unsubscribed.
    pub unsubscribed: u64,
}

impl Totals {
    /// The sum.
    #[must_use]
    pub fn of(all: &[Engagement]) -> Self {
        let mut totals = Self::default();
        for one in all {
            totals.opens.add(&one.opens);
            totals.clicks.add(&one.clicks);
            for (link, tally) in &one.links {
                totals.links.entry(link.clone()).or_default().add(tally);
            }
            totals.unsubscribed += u64::from(one.unsubscribed.is_some());
        }
        totals
    }
}
