//! Scanners that follow every link of a message within seconds.
//!
//! A scanner that looks like a browser gives itself away by following all links. The first of its clicks look like a
//! person's, and are judged again when the last one comes. The price: a person's click in the very seconds in which a
//! scanner follows all links counts as the scanner's.

use alloc::vec::Vec;

use crate::audience::Audience;
use crate::history::{Click, MAX_CLICKS};
use crate::rules::Rules;
use crate::visit::{Action, Link, Method, Visit};

/// Fewest links of a message that must all be followed. A person may follow two within seconds.
pub const MIN_BURST_LINKS: usize = 3;

/// Which clicks of `visit.history` change from human to scanner, as indices into its `clicks`, since with this visit all
/// links of the message were followed within [`Timing::burst`](crate::Timing::burst). Empty if it completes no burst.
///
/// In: the history as it was for [`judge`](crate::judge), without this visit.
#[must_use]
pub fn rejudge(rules: &Rules, visit: &Visit<'_>) -> Vec<usize> {
    let all = &visit.history.clicks;
    let passed_over = all.len().saturating_sub(MAX_CLICKS);
    let windows = complete_windows(rules, visit);
    all.iter()
        .enumerate()
        .skip(passed_over)
        .filter(|(_, click)| click.audience == Audience::Human)
        .filter(|(_, click)| windows.iter().any(|window| window.holds(click.at)))
        .map(|(index, _)| index)
        .collect()
}

/// Whether all links of the message were followed within the time of a burst, this visit among them.
pub(crate) fn is_burst(rules: &Rules, visit: &Visit<'_>) -> bool {
    !complete_windows(rules, visit).is_empty()
}

/// A stretch of time as long as a burst may be.
struct Window {
    start: u64,
    length: u64,
}

impl Window {
    fn holds(&self, at: u64) -> bool {
        at.checked_sub(self.start)
            .is_some_and(|since| since <= self.length)
    }

    /// Whether each of as many links as are needed was followed in it.
    fn is_complete(&self, clicks: &[Click], needed: usize) -> bool {
        let mut seen: Vec<Link> = Vec::new();
        for click in clicks.iter().filter(|click| self.holds(click.at)) {
            if matches!(click.link, Link::Numbered(_)) && !seen.contains(&click.link) {
                seen.push(click.link);
            }
        }
        seen.len() >= needed
    }
}

/// The windows in which this visit is one of those that followed all links. Requests come out of order, so it need not be
/// the last.
fn complete_windows(rules: &Rules, visit: &Visit<'_>) -> Vec<Window> {
    let Some(needed) = needed(visit) else {
        return Vec::new();
    };
    let clicks = with_visit(visit);
    if clicks.len() < needed {
        return Vec::new();
    }
    let window = |start| Window {
        start,
        length: u64::from(rules.timing.burst),
    };
    clicks
        .iter()
        .map(|click| window(click.at))
        .filter(|window| window.holds(visit.at) && window.is_complete(&clicks, needed))
        .collect()
}

/// How many links there are to follow. Of a message with more than are remembered, as many as are.
fn needed(visit: &Visit<'_>) -> Option<usize> {
    let links = usize::from(visit.history.links);
    let follows = visit.method != Method::Head && visit.action != Action::Open;
    (follows && links >= MIN_BURST_LINKS).then(|| links.min(MAX_CLICKS))
}

/// The clicks from before that may be of one run with this visit, and itself. Programs that named themselves have nothing
/// to do with it.
fn with_visit(visit: &Visit<'_>) -> Vec<Click> {
    let before = visit.history.last_clicks().iter().copied();
    let mut clicks: Vec<Click> = before
        .filter(|click| matches!(click.audience, Audience::Human | Audience::Scanner))
        .collect();
    clicks.extend(visit.action.link().map(|link| Click {
        at: visit.at,
        link,
        audience: Audience::Human,
    }));
    clicks
}
