//! The verdict on one visit.

use crate::audience::Audience;
use crate::burst;
use crate::client::{Class, Client, Family};
use crate::matching::{self, Findings};
use crate::rules::{HeadBy, Kind, Rule, Rules};
use crate::verdict::{Reason, Verdict};
use crate::visit::{Action, Method, Visit};

/// Says who made a request. Pure: the same visit and rules give the same verdict.
#[must_use]
pub fn judge(rules: &Rules, visit: &Visit<'_>) -> Verdict {
    let found = matching::find(visit.headers, visit.action);
    let person = client(&found);
    if visit.action == Action::Unsubscribe && visit.method == Method::Post {
        return verdict(Audience::Human, Reason::ONE_CLICK, person);
    }
    if let Some(named) = found.audience.and_then(by_name) {
        return named;
    }
    let (audience, reason) = by_behaviour(rules, visit, person)
        .unwrap_or_else(|| (Audience::Human, nothing_against(person)));
    verdict(audience, reason, person)
}

/// Says who made a request of which `first` was said from its header fields alone: by [`judge`], with no history and no time
/// since delivery. Pure, and the same as [`judge`] would say with all of it. The headers of `visit` are not looked at.
///
/// So who answers a request judges what only he sees of it, and need not keep it; what is to be known of the time, and of
/// the requests before, may come later.
#[must_use]
pub fn judge_later(rules: &Rules, visit: &Visit<'_>, first: Verdict) -> Verdict {
    if first.audience != Audience::Human || first.reason == Reason::ONE_CLICK {
        return first;
    }
    if visit.action == Action::Unsubscribe && visit.method == Method::Post {
        return first;
    }
    let known = by_times(rules, visit, first.client);
    known.map_or(first, |(audience, reason)| {
        verdict(audience, reason, first.client)
    })
}

const fn verdict(audience: Audience, reason: Reason, client: Client) -> Verdict {
    Verdict {
        audience,
        reason,
        client,
    }
}

/// The verdict that a rule makes.
fn by_name(rule: &Rule) -> Option<Verdict> {
    let Kind::Audience(audience) = rule.kind else {
        return None;
    };
    let class = match audience {
        Audience::ImageProxy => Class::Webmail,
        // It runs for a telephone, a tablet or a computer, and does not say which.
        Audience::AppleMpp | Audience::Human => Class::Unknown,
        Audience::Prefetch | Audience::Scanner | Audience::Bot => Class::Server,
    };
    let client = Client {
        family: rule.family.unwrap_or(Family::UNKNOWN),
        class,
    };
    Some(verdict(audience, Reason::named(rule.word), client))
}

/// What speaks against a person, if no program named itself.
fn by_behaviour(rules: &Rules, visit: &Visit<'_>, person: Client) -> Option<(Audience, Reason)> {
    let scanner = |reason| Some((Audience::Scanner, reason));
    if visit.method == Method::Head {
        return scanner(Reason::HEAD);
    }
    if visit.headers.in_data_centre {
        return scanner(Reason::DATA_CENTRE);
    }
    if visit.action != Action::Open && !visit.headers.have_user_agent() {
        return scanner(Reason::NO_USER_AGENT);
    }
    by_times(rules, visit, person)
}

/// What speaks against a person in when requests came.
fn by_times(rules: &Rules, visit: &Visit<'_>, person: Client) -> Option<(Audience, Reason)> {
    let scanner = |reason| Some((Audience::Scanner, reason));
    let within = |most: u32| is_within(visit.since_delivery, most);
    if visit.action == Action::Open {
        return within(rules.timing.open_after_delivery)
            .then_some((Audience::Prefetch, Reason::OPEN_AFTER_DELIVERY));
    }
    if within(rules.timing.click_after_delivery) {
        return scanner(Reason::CLICK_AFTER_DELIVERY);
    }
    if follows_head(rules, visit, person) {
        return scanner(Reason::HEAD_BEFORE_GET);
    }
    burst::is_burst(rules, visit).then_some((Audience::Scanner, Reason::BURST))
}

/// Whether a time is known and no more than the most, in milliseconds.
fn is_within(since: Option<i64>, most: u32) -> bool {
    since.is_some_and(|since| (0..=i64::from(most)).contains(&since))
}

/// Whether somebody looked with HEAD whether the link is there, shortly before.
fn follows_head(rules: &Rules, visit: &Visit<'_>, person: Client) -> bool {
    let most = u64::from(rules.timing.get_after_head);
    visit.history.last_heads().iter().any(|head| {
        let since = visit.at.checked_sub(head.at);
        Some(head.link) == visit.action.link()
            && since.is_some_and(|since| since <= most)
            && match rules.timing.head_by {
                HeadBy::SameClient => head.client == person && person.family != Family::UNKNOWN,
                HeadBy::AnyClient => true,
            }
    })
}

fn nothing_against(person: Client) -> Reason {
    if person.family == Family::UNKNOWN {
        Reason::NOTHING
    } else {
        Reason::KNOWN_CLIENT
    }
}

/// What a person uses, from the rules for that.
fn client(found: &Findings) -> Client {
    let class = found
        .client
        .and_then(|rule| rule.class)
        .or(found.device.and_then(|rule| rule.class))
        .unwrap_or(Class::Unknown);
    let family = found
        .client
        .and_then(|rule| rule.family)
        .unwrap_or(Family::UNKNOWN);
    Client { family, class }
}
