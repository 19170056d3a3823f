//! Who made each visit, judged from all that is known of one recipient. Pure: nothing that was judged is stored.
//!
//! What the request itself says was judged when it came, by who saw it. Here is added what only many requests and the delivery show.
//! So a click that is a scanner's after all is judged so from then on, with nothing to be written over.

use audience::{
    Action, Audience, Class, Client, Family, Headers, History, MAX_CLICKS, Method, Reason, Rules,
    Verdict, judge_later, rejudge,
};

use super::chunk::Fact;
use super::{VisitAction, Visitor};
use crate::delivery::{RecipientState, RecipientStatus};
use crate::event::EventKind;
use crate::outcome::Outcome;
use crate::time::Timestamp;

/// When a recipient's copy of a message got to him, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// When it was handed over.
    pub handed_over: Option<Timestamp>,
    /// When it was delivered. Scanners look at it before that is told, some while it is being delivered.
    pub delivered: Option<Timestamp>,
}

impl Delivery {
    /// What follows from his state and what was told of him.
    #[must_use]
    pub fn of(state: Option<&RecipientState>, outcomes: &[Outcome]) -> Self {
        let handed_over = state.filter(|state| state.status == RecipientStatus::OutForDelivery);
        let mut outcomes = outcomes.iter();
        let delivered = outcomes.find(|outcome| outcome.kind == EventKind::Delivered);
        Self {
            handed_over: handed_over.map(|state| state.at),
            delivered: delivered.map(|outcome| outcome.at),
        }
    }

    /// Milliseconds at `at` since the delivery; before that, or if nobody told of one, since the hand-over.
    fn since(self, at: Timestamp) -> Option<i64> {
        let starts = [self.delivered, self.handed_over];
        let start = starts.into_iter().flatten().find(|start| *start <= at)?;
        i64::try_from(at.since(start).as_millis()).ok()
    }
}

/// The verdict on each of `facts`, in their order: all of one recipient, of a message with so many links; 0 if that is not known.
#[must_use]
pub fn judge_all(delivery: Delivery, links: u16, facts: &[Fact]) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = facts.iter().map(|fact| first(&fact.visitor)).collect();
    let mut order: Vec<usize> = (0..facts.len()).collect();
    order.sort_by_key(|&index| facts.get(index).map(|fact| fact.at));
    let mut past = Past::new(links);
    for index in order {
        let (Some(fact), Some(verdict)) = (facts.get(index), verdicts.get_mut(index)) else {
            continue;
        };
        let (found, changed) = past.take(index, fact, delivery, *verdict);
        *verdict = found;
        for click in changed {
            if let Some(verdict) = verdicts.get_mut(click) {
                verdict.audience = Audience::Scanner;
                verdict.reason = Reason::BURST;
            }
        }
    }
    verdicts
}

/// What was said of a request when it came. Words of another version are those of a person with an unknown program.
fn first(visitor: &Visitor) -> Verdict {
    Verdict {
        audience: visitor.audience.parse().unwrap_or(Audience::Human),
        reason: visitor.reason.parse().unwrap_or(Reason::NOTHING),
        client: Client {
            family: visitor.family.parse().unwrap_or(Family::UNKNOWN),
            class: visitor.class.parse().unwrap_or(Class::Unknown),
        },
    }
}

/// What came before, and which facts the clicks in it are.
struct Past {
    history: History,
    clicks: Vec<usize>,
}

impl Past {
    fn new(links: u16) -> Self {
        let history = History {
            links,
            ..History::default()
        };
        Self {
            history,
            clicks: Vec::new(),
        }
    }

    /// The verdict on a fact, and the facts whose verdicts it changes.
    fn take(
        &mut self,
        index: usize,
        fact: &Fact,
        delivery: Delivery,
        first: Verdict,
    ) -> (Verdict, Vec<usize>) {
        let rules = Rules::default();
        let headers = Headers::default();
        let visit = audience::Visit {
            action: action(&fact.action),
            method: method(fact),
            headers: &headers,
            at: fact.at.as_millis(),
            since_delivery: delivery.since(fact.at),
            history: &self.history,
        };
        let verdict = judge_later(&rules, &visit, first);
        let burst = match verdict.reason {
            Reason::BURST => rejudge(&rules, &visit),
            _ => Vec::new(),
        };
        let mut next = self.history.clone();
        next.record(&visit, &verdict);
        let mut changed = Vec::with_capacity(burst.len());
        let offset = (self.history.clicks.len() + 1).saturating_sub(next.clicks.len());
        for click in burst {
            changed.extend(self.clicks.get(click));
            let kept = click.checked_sub(offset);
            if let Some(click) = kept.and_then(|kept| next.clicks.get_mut(kept)) {
                click.audience = Audience::Scanner;
            }
        }
        if visit.action != Action::Open && visit.method != Method::Head {
            self.clicks.push(index);
            let surplus = self.clicks.len().saturating_sub(MAX_CLICKS);
            self.clicks.drain(..surplus);
        }
        self.history = next;
        (verdict, changed)
    }
}

const fn action(action: &VisitAction) -> Action {
    match action {
        VisitAction::Open => Action::Open,
        VisitAction::Click { link, .. } => Action::Click(*link),
        VisitAction::Unsubscribe { .. } | VisitAction::Resubscribe => Action::Unsubscribe,
    }
}

const fn method(fact: &Fact) -> Method {
    match (fact.is_head, &fact.action) {
        (true, _) => Method::Head,
        (false, VisitAction::Open | VisitAction::Click { .. }) => Method::Get,
        (false, VisitAction::Unsubscribe { .. } | VisitAction::Resubscribe) => Method::Post,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);
    const DELIVERED: Delivery = Delivery {
        handed_over: None,
        delivered: Some(AT),
    };

    /// A visit so many milliseconds after delivery, by a browser or by somebody who names himself.
    fn fact(after: u64, action: VisitAction, said: (&str, &str)) -> Fact {
        let (audience, reason) = said;
        Fact {
            place: 0,
            at: Timestamp::from_millis(AT.as_millis() + after),
            action,
            is_head: audience == "scanner" && reason == "method:head",
            visitor: Visitor {
                audience: audience.to_owned(),
                reason: reason.to_owned(),
                family: "Chrome".to_owned(),
                class: "desktop".to_owned(),
                user_agent: None,
            },
        }
    }

    const BROWSER: (&str, &str) = ("human", "ua:known-client");
    const HEAD: (&str, &str) = ("scanner", "method:head");

    fn click(link: u16) -> VisitAction {
        VisitAction::Click {
            link,
            target: format!("https://shop.example/{link}"),
        }
    }

    #[track_caller]
    fn check(links: u16, facts: &[Fact], expected: &[&str]) {
        let words = |verdict: &Verdict| format!("{} {}", verdict.audience, verdict.reason);
        let found: Vec<String> = judge_all(DELIVERED, links, facts)
            .iter()
            .map(words)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_the_request_itself_says_stands() {
        let facts = [
            fact(
                60_000,
                VisitAction::Open,
                ("image-proxy", "ua:googleimageproxy"),
            ),
            fact(60_000, click(0), ("scanner", "ua:missing")),
            fact(60_000, click(0), BROWSER),
            fact(60_000, click(0), ("martian", "no such word")),
        ];
        let found = judge_all(DELIVERED, 0, &facts);
        let audiences: Vec<&str> = found.iter().map(|v| v.audience.as_str()).collect();
        assert_eq!(audiences, ["image-proxy", "scanner", "human", "human"]);
        assert_eq!(found[3].reason, Reason::NOTHING);
    }

    #[test]
    fn what_comes_right_after_delivery_is_a_machine_s() {
        let early = [
            fact(500, VisitAction::Open, BROWSER),
            fact(1_500, click(0), BROWSER),
        ];
        let expected = [
            "prefetch timing:open-after-delivery",
            "scanner timing:click-after-delivery",
        ];
        check(0, &early, &expected);
        let late = [
            fact(5_000, VisitAction::Open, BROWSER),
            fact(9_000, click(0), BROWSER),
        ];
        check(0, &late, &["human ua:known-client"; 2]);
        let unknown = judge_all(Delivery::default(), 0, &early);
        assert!(unknown.iter().all(|v| v.audience == Audience::Human));
    }

    /// Breaks if a scanner's click turned into a person's when the relay tells of the delivery.
    #[test]
    fn what_comes_between_hand_over_and_delivery_is_measured_from_the_hand_over() {
        let handed_over = Some(AT);
        let after = |millis| Some(Timestamp::from_millis(AT.as_millis() + millis));
        let audience = |delivered, at| {
            let delivery = Delivery {
                handed_over,
                delivered,
            };
            judge_all(delivery, 0, &[fact(at, click(0), BROWSER)])[0].audience
        };
        for (delivered, at, expected) in [
            (None, 1_500, Audience::Scanner),
            (after(4_000), 1_500, Audience::Scanner),
            (after(4_000), 3_000, Audience::Human),
            (after(4_000), 5_500, Audience::Scanner),
            (after(4_000), 6_001, Audience::Human),
        ] {
            assert_eq!(audience(delivered, at), expected, "{delivered:?} {at}");
        }
        let early = Delivery {
            handed_over: after(9_000),
            delivered: None,
        };
        assert_eq!(early.since(AT), None);
    }

    #[test]
    fn who_asks_with_head_first_is_a_scanner() {
        let facts = [
            fact(60_000, click(1), HEAD),
            fact(61_000, click(1), BROWSER),
            fact(62_000, click(2), BROWSER),
        ];
        let expected = [
            "scanner method:head",
            "scanner head-before-get",
            "human ua:known-client",
        ];
        check(0, &facts, &expected);
    }

    #[test]
    fn all_links_within_seconds_are_a_scanner_s_those_before_the_last_too() {
        let three: Vec<Fact> = (0..3)
            .map(|n| fact(60_000 + u64::from(n) * 1_000, click(n), BROWSER))
            .collect();
        check(3, &three, &["scanner burst:all-links"; 3]);
        check(4, &three, &["human ua:known-client"; 3]);
        check(0, &three, &["human ua:known-client"; 3]);
        let mut reversed = three.clone();
        reversed.reverse();
        check(3, &reversed, &["scanner burst:all-links"; 3]);
        let slow: Vec<Fact> = (0..3)
            .map(|n| fact(60_000 + u64::from(n) * 20_000, click(n), BROWSER))
            .collect();
        check(3, &slow, &["human ua:known-client"; 3]);
    }

    #[test]
    fn clicks_long_before_a_burst_are_left_alone_however_many_there_were() {
        let mut facts: Vec<Fact> = (0..20)
            .map(|n| fact(60_000 + n * 20_000, click(0), BROWSER))
            .collect();
        facts.extend((0..3).map(|n| fact(9_000_000 + u64::from(n), click(n), BROWSER)));
        let found = judge_all(DELIVERED, 3, &facts);
        let (before, burst) = found.split_at(20);
        assert!(before.iter().all(|v| v.audience == Audience::Human));
        assert!(burst.iter().all(|v| v.reason == Reason::BURST));
    }
}
