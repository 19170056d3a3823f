//! How long an address is not written to after a bounce or a complaint. All pure.

use std::time::Duration;

use super::record::{Kind, Suppression};
use crate::time::Timestamp;

/// How long an address is not written to after a bounce; the next one each time it is tried inside the lease.
pub const LEASES: [Duration; 5] = [
    Duration::from_hours(24),
    Duration::from_hours(48),
    Duration::from_hours(96),
    Duration::from_hours(24 * 7),
    Duration::from_hours(24 * 14),
];

/// What was heard of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Mail to it came back for good.
    Bounce,
    /// Its owner complained.
    Complaint,
    /// A message to it was suppressed.
    Tried,
}

/// How long the address is not written to from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// What put it on the list.
    pub kind: Kind,
    /// Since when.
    pub since: Timestamp,
    /// Until when; for good if there is none.
    pub until: Option<Timestamp>,
    /// Which of the [`LEASES`].
    pub step: u64,
}

/// What `news` of the time `at` makes of what was found on the managed list; `None` if it changes nothing.
///
/// What is on the list for good stays so. A bounce inside a lease is of mail sent before it began, and says nothing new; so does one that
/// is heard again. After the lease a bounce starts afresh.
#[must_use]
pub fn after(found: Option<&Suppression>, news: News, at: Timestamp) -> Option<Lease> {
    match news {
        News::Complaint => complaint(found, at),
        News::Bounce => bounce(found, at),
        News::Tried => tried(found?, at),
    }
}

fn complaint(found: Option<&Suppression>, at: Timestamp) -> Option<Lease> {
    let for_good = found.filter(|found| found.until.is_none());
    if for_good.is_some_and(|found| found.kind == Kind::Complaint) {
        return None;
    }
    Some(Lease {
        kind: Kind::Complaint,
        since: for_good.map_or(at, |found| found.since),
        until: None,
        step: 0,
    })
}

fn bounce(found: Option<&Suppression>, at: Timestamp) -> Option<Lease> {
    if found.is_some_and(|found| found.applies(at)) {
        return None;
    }
    Some(Lease {
        kind: Kind::Bounce,
        since: at,
        until: Some(at.plus(length(0))),
        step: 0,
    })
}

fn tried(found: &Suppression, at: Timestamp) -> Option<Lease> {
    let until = found.until?;
    let is_news = at > found.heard_at.unwrap_or(found.since);
    if !is_news || !found.applies(at) {
        return None;
    }
    let step = found.step.saturating_add(1);
    Some(Lease {
        kind: found.kind,
        since: found.since,
        until: Some(until.max(at.plus(length(step)))),
        step,
    })
}

/// The length of the lease after so many tries inside it.
fn length(step: u64) -> Duration {
    let last = LEASES.len() - 1;
    let step = usize::try_from(step).map_or(last, |step| step.min(last));
    LEASES.get(step).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn hour(hours: u64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    fn leased(since: u64, until: u64, step: u64) -> Suppression {
        Suppression {
            kind: Kind::Bounce,
            until: Some(hour(until)),
            step,
            heard_at: Some(hour(since)),
            ..Suppression::added(hour(since))
        }
    }

    fn complained(since: u64) -> Suppression {
        Suppression {
            kind: Kind::Complaint,
            ..Suppression::added(hour(since))
        }
    }

    /// `expected`: since, until and step, in hours.
    #[track_caller]
    fn check(
        found: Option<&Suppression>,
        (news, at): (News, u64),
        expected: Option<(Kind, u64, Option<u64>, u64)>,
    ) {
        let expected = expected.map(|(kind, since, until, step)| Lease {
            kind,
            since: hour(since),
            until: until.map(hour),
            step,
        });
        assert_eq!(after(found, news, hour(at)), expected);
    }

    #[test]
    fn a_bounce_begins_a_lease_of_a_day_unless_one_runs() {
        let afresh = Some((Kind::Bounce, 100, Some(124), 0));
        check(None, (News::Bounce, 100), afresh);
        check(Some(&leased(10, 34, 0)), (News::Bounce, 100), afresh);
        check(Some(&leased(10, 100, 3)), (News::Bounce, 100), afresh);
        check(Some(&leased(90, 114, 0)), (News::Bounce, 100), None);
        check(Some(&leased(90, 114, 0)), (News::Bounce, 90), None);
        check(Some(&leased(90, 114, 0)), (News::Bounce, 50), None);
        check(
            Some(&Suppression::added(hour(1))),
            (News::Bounce, 100),
            None,
        );
        check(Some(&complained(1)), (News::Bounce, 100), None);
    }

    #[test]
    fn a_try_inside_the_lease_lengthens_it_up_to_two_weeks() {
        let grown = |until, step| Some((Kind::Bounce, 10, Some(until), step));
        let tried = (News::Tried, 20);
        check(Some(&leased(10, 34, 0)), tried, grown(20 + 48, 1));
        check(Some(&leased(10, 34, 1)), tried, grown(20 + 96, 2));
        check(Some(&leased(10, 34, 2)), tried, grown(20 + 168, 3));
        check(Some(&leased(10, 34, 3)), tried, grown(20 + 336, 4));
        check(Some(&leased(10, 34, 4)), tried, grown(20 + 336, 5));
        check(Some(&leased(10, 900, 4)), tried, grown(900, 5));
    }

    #[test]
    fn other_tries_change_nothing() {
        check(None, (News::Tried, 20), None);
        check(Some(&leased(10, 34, 0)), (News::Tried, 34), None);
        check(Some(&leased(10, 34, 0)), (News::Tried, 10), None);
        check(Some(&leased(10, 34, 0)), (News::Tried, 5), None);
        check(Some(&Suppression::added(hour(1))), (News::Tried, 20), None);
        check(Some(&complained(1)), (News::Tried, 20), None);
    }

    #[test]
    fn a_complaint_is_for_good() {
        let for_good = |since| Some((Kind::Complaint, since, None, 0));
        let complaint = (News::Complaint, 20);
        check(None, complaint, for_good(20));
        check(Some(&leased(10, 34, 3)), complaint, for_good(20));
        check(Some(&Suppression::added(hour(1))), complaint, for_good(1));
        check(Some(&complained(1)), complaint, None);
    }
}
