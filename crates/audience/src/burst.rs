//! Scanners that follow every link of a message within seconds.
//!
//! A scanner that looks like a browser gives itself away by following all links. The first of its clicks look like a
//! person's, and are judged again when the last one comes. The price: a person's click in the very seconds in which a
//! scanner follows all links counts as the scanner's.

use alloc::vec::Vec;

use crate::audience::Audience;
use crate::history::{Click, MAX_CLICKS};
use crate::rules::Rules;
use crate::visit::{Link, Method, Visit};

/// Fewest links of a message that must all be followed. A person may follow two within seconds.
pub const MIN_BURST_LINKS: usize = 3;

/// Which clicks of `visit.history` change from human to scanner, as indices into its `clicks`, since with this visit all
/// links of the message were followed within [`Timing::burst`](crate::Timing::burst). Empty if it completes no burst.
///
/// In: the history as it was for [`judge`](crate::judge), without this visit.
#[must_use]
pub fn rejudge(rules: &Rules, visit: &Visit<'_>) -> Vec<usize> {
    let Some(run) = Run::of(rules, visit) else {
        return Vec::new();
    };
    let windows: Vec<Window> = run.complete_windows().collect();
    let all = &visit.history.clicks;
    all.iter()
        .enumerate()
        .skip(all.len().saturating_sub(MAX_CLICKS))
        .filter(|(_, click)| click.audience == Audience::Human)
        .filter(|(_, click)| windows.iter().any(|window| window.holds(click.at)))
        .map(|(index, _)| index)
        .collect()
}

/// Whether all links of the message were followed within the time of a burst, this visit among them.
pub(crate) fn is_burst(rules: &Rules, visit: &Visit<'_>) -> bool {
    Run::of(rules, visit).is_some_and(|run| run.complete_windows().next().is_some())
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
}

/// The clicks that may be of one run with a visit, itself at the end.
struct Run {
    clicks: Vec<Click>,
    /// How many links there are to follow.
    needed: usize,
    /// When the visit is.
    at: u64,
    length: u64,
}

impl Run {
    /// That of a visit, if it follows a link of a message with enough of them, and enough clicks are there.
    fn of(rules: &Rules, visit: &Visit<'_>) -> Option<Self> {
        let link = visit.action.link()?;
        let needed = needed(visit)?;
        // Programs that named themselves have nothing to do with it.
        let before = visit.history.last_clicks().iter().copied();
        let mut clicks: Vec<Click> = before
            .filter(|click| matches!(click.audience, Audience::Human | Audience::Scanner))
            .collect();
        clicks.push(Click {
            at: visit.at,
            link,
            audience: Audience::Human,
        });
        (clicks.len() >= needed).then_some(Self {
            clicks,
            needed,
            at: visit.at,
            length: u64::from(rules.timing.burst),
        })
    }

    /// The windows in which the visit is one of those that followed all links. Requests come out of order, so it need not
    /// be the last.
    fn complete_windows(&self) -> impl Iterator<Item = Window> {
        let windows = self.clicks.iter().map(|click| Window {
            start: click.at,
            length: self.length,
        });
        windows.filter(|window| window.holds(self.at) && self.is_complete(window))
    }

    /// Whether each of as many links as are needed was followed.
    fn is_complete(&self, window: &Window) -> bool {
        let within =
            |click: &&Click| matches!(click.link, Link::Numbered(_)) && window.holds(click.at);
        let is_first = |index: usize, click: &Click| {
            let mut before = self.clicks.iter().take(index).filter(within);
            !before.any(|earlier| earlier.link == click.link)
        };
        let clicks = self.clicks.iter().enumerate();
        let firsts = clicks.filter(|(index, click)| within(click) && is_first(*index, click));
        firsts.count() >= self.needed
    }
}

/// How many links a visit may complete. Of a message with more than are remembered, as many as are.
fn needed(visit: &Visit<'_>) -> Option<usize> {
    let links = usize::from(visit.history.links);
    let follows = visit.method != Method::Head;
    (follows && links >= MIN_BURST_LINKS).then(|| links.min(MAX_CLICKS))
}
