//! What one recipient wished for, read from all that is known of him.

use crate::engagement::VisitAction;
use crate::engagement::chunk::Fact;

/// Whether to get no more, if that is what a fact is about. HEAD requests wish for nothing.
pub(super) const fn wish_of(fact: &Fact) -> Option<bool> {
    match (fact.is_head, &fact.action) {
        (false, VisitAction::Unsubscribe { .. }) => Some(true),
        (false, VisitAction::Resubscribe) => Some(false),
        (true, _) | (false, VisitAction::Open | VisitAction::Click { .. }) => None,
    }
}

/// Where wishes are, and what for, in the order of time.
pub(super) fn wishes(facts: &[Fact]) -> Vec<(usize, &Fact, bool)> {
    let all = facts.iter().enumerate();
    let mut wishes: Vec<(usize, &Fact, bool)> = all
        .filter_map(|(index, fact)| Some((index, fact, wish_of(fact)?)))
        .collect();
    wishes.sort_by_key(|(_, fact, _)| fact.at);
    wishes
}

/// Where wishes are that change what was wished before, as far as that is known. If nothing went before `facts`, nobody has to come back.
pub(super) fn new_wishes(facts: &[Fact], is_all: bool) -> Vec<usize> {
    let mut wishes = wishes(facts);
    let mut standing = is_all.then_some(false);
    wishes.retain(|(_, _, wish)| standing.replace(*wish) != Some(*wish));
    wishes.into_iter().map(|(index, _, _)| index).collect()
}
