//! Visits that are too soon, or follow a HEAD.

use audience::{Action, Click, Head, HeadBy, History, Link, Method};

use crate::{CHROME, FIREFOX, Request, check};

const PERSON: &str = "human ua:known-client";
const BEFORE_GET: &str = "scanner head-before-get";

#[track_caller]
fn check_since_delivery(action: Action, since: Option<i64>, expected: &str) {
    let mut request = Request::new(action, CHROME);
    request.since_delivery = since;
    check(request.judged(), expected);
}

#[test]
fn nobody_clicks_within_two_seconds_of_delivery() {
    let soon = "scanner timing:click-after-delivery";
    for action in [Action::Click(0), Action::Unsubscribe] {
        check_since_delivery(action, Some(0), soon);
        check_since_delivery(action, Some(2_000), soon);
        check_since_delivery(action, Some(2_001), PERSON);
        check_since_delivery(action, Some(i64::MAX), PERSON);
    }
}

#[test]
fn nobody_opens_within_a_second_of_delivery() {
    let soon = "prefetch timing:open-after-delivery";
    check_since_delivery(Action::Open, Some(0), soon);
    check_since_delivery(Action::Open, Some(1_000), soon);
    check_since_delivery(Action::Open, Some(1_001), PERSON);
}

#[test]
fn a_time_before_delivery_says_nothing() {
    for action in [Action::Open, Action::Click(0)] {
        check_since_delivery(action, None, PERSON);
        check_since_delivery(action, Some(-1), PERSON);
        check_since_delivery(action, Some(i64::MIN), PERSON);
    }
}

#[test]
fn a_name_outweighs_the_time() {
    let mut request = Request::new(Action::Open, "YahooMailProxy");
    request.since_delivery = Some(0);
    check(request.judged(), "image-proxy ua:yahoomailproxy");
}

#[test]
fn times_can_be_set() {
    let mut request = Request::new(Action::Click(0), CHROME);
    request.since_delivery = Some(5_000);
    request.rules.timing.click_after_delivery = 5_000;
    check(request.judged(), "scanner timing:click-after-delivery");
}

/// The history after a HEAD for link 0 at `at` with this program.
fn after_head(at: u64, user_agent: &str) -> History {
    let mut request = Request::new(Action::Click(0), user_agent);
    request.method = Method::Head;
    request.at = at;
    let mut history = History::default();
    let verdict = request.judged();
    let visit = request.visit(&history);
    let mut after = visit.history.clone();
    after.record(&visit, &verdict);
    history = after;
    history
}

#[track_caller]
fn check_after_head(history: &History, at: u64, user_agent: &str, expected: &str) {
    let mut request = Request::new(Action::Click(0), user_agent);
    request.at = at;
    check(request.judged_after(history), expected);
}

#[test]
fn who_looks_before_it_follows_is_no_person() {
    let history = after_head(100_000, CHROME);
    check_after_head(&history, 100_000, CHROME, BEFORE_GET);
    check_after_head(&history, 160_000, CHROME, BEFORE_GET);
    check_after_head(&history, 160_001, CHROME, PERSON);
    check_after_head(&history, 99_999, CHROME, PERSON);
}

#[test]
fn another_link_was_not_looked_at() {
    let history = after_head(100_000, CHROME);
    for action in [Action::Click(1), Action::Unsubscribe] {
        let mut request = Request::new(action, CHROME);
        request.at = 100_001;
        check(request.judged_after(&history), PERSON);
    }
}

#[test]
fn a_filter_that_looks_while_a_person_clicks_takes_nothing_from_the_click() {
    for filter in ["", "Lynx/2.8", FIREFOX] {
        let history = after_head(100_000, filter);
        check_after_head(&history, 101_000, CHROME, PERSON);
    }
    let unknown = after_head(100_000, "Lynx/2.8");
    check_after_head(&unknown, 101_000, "Links (2.29)", "human none");
}

#[test]
fn whose_head_counts_can_be_set() {
    let history = after_head(100_000, "");
    let mut request = Request::new(Action::Click(0), CHROME);
    request.at = 101_000;
    request.rules.timing.head_by = HeadBy::AnyClient;
    check(request.judged_after(&history), BEFORE_GET);
}

#[test]
fn who_named_itself_with_head_says_nothing_of_who_comes_next() {
    let office = after_head(100_000, "Microsoft Office Existence Discovery");
    assert_eq!(office, History::default());
    let history = History {
        clicks: vec![Click {
            at: 100_000,
            link: Link::Numbered(0),
            audience: audience::Audience::Human,
        }],
        ..History::default()
    };
    check_after_head(&history, 100_001, CHROME, PERSON);
}

#[test]
fn heads_beyond_the_limit_are_passed_over() {
    let head = after_head(100_000, CHROME).heads[0];
    let other = Head {
        link: Link::Numbered(9),
        ..head
    };
    let mut heads = vec![head];
    heads.extend([other; 16]);
    let mut history = History {
        heads,
        ..History::default()
    };
    check_after_head(&history, 100_001, CHROME, PERSON);
    history.heads.pop();
    check_after_head(&history, 100_001, CHROME, BEFORE_GET);
}
