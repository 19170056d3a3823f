//! Scanners that follow all links.

use audience::{Action, Audience, Click, History, Link, Method, Verdict, rejudge};

use crate::{CHROME, Request, check};

const BURST: &str = "scanner burst:all-links";
const PERSON: &str = "human ua:known-client";
const UNSUBSCRIBE: u16 = u16::MAX;

fn click(at: u64, number: u16) -> Click {
    let link = match number {
        UNSUBSCRIBE => Link::Unsubscribe,
        number => Link::Numbered(number),
    };
    Click {
        at,
        link,
        audience: Audience::Human,
    }
}

fn history(links: u16, clicks: &[(u64, u16)]) -> History {
    let clicks = clicks.iter().map(|&(at, number)| click(at, number));
    History {
        links,
        clicks: clicks.collect(),
        ..History::default()
    }
}

fn request(at: u64, number: u16) -> Request<'static> {
    let action = match number {
        UNSUBSCRIBE => Action::Unsubscribe,
        number => Action::Click(number),
    };
    let mut request = Request::new(action, CHROME);
    request.at = at;
    request
}

/// What a click is, and which ones before it change.
fn outcome(history: &History, at: u64, number: u16) -> (Verdict, Vec<usize>) {
    let request = request(at, number);
    let changed = rejudge(&request.rules, &request.visit(history));
    (request.judged_after(history), changed)
}

#[track_caller]
fn check_burst(history: &History, at: u64, number: u16, changed: &[usize]) {
    let (verdict, found) = outcome(history, at, number);
    check(verdict, BURST);
    assert_eq!(found, changed);
}

#[track_caller]
fn check_person(history: &History, at: u64, number: u16) {
    let (verdict, found) = outcome(history, at, number);
    check(verdict, PERSON);
    assert_eq!(found, [0_usize; 0]);
}

#[test]
fn who_follows_all_links_within_ten_seconds_is_a_scanner_from_the_first_on() {
    let seen = history(3, &[(100_000, 0), (101_000, 1)]);
    check_burst(&seen, 110_000, 2, &[0, 1]);
    check_person(&seen, 110_001, 2);
}

#[test]
fn links_that_are_left_out_are_a_choice() {
    check_person(&history(4, &[(100_000, 0), (101_000, 1)]), 101_500, 2);
}

#[test]
fn two_links_may_both_be_followed() {
    check_person(&history(2, &[(100_000, 0)]), 100_001, 1);
}

#[test]
fn a_link_followed_twice_is_one() {
    let seen = history(3, &[(100_000, 0), (100_001, 0), (100_002, 1)]);
    check_person(&seen, 100_003, 1);
}

#[test]
fn without_the_number_of_links_nothing_is_known() {
    check_person(&history(0, &[(100_000, 0), (100_001, 1)]), 100_002, 2);
}

#[test]
fn clicks_from_before_the_burst_stay() {
    let seen = history(3, &[(50_000, 2), (100_000, 0), (101_000, 1)]);
    check_burst(&seen, 102_000, 2, &[1, 2]);
}

#[test]
fn the_unsubscribe_page_is_no_link_that_is_needed_but_goes_along() {
    let seen = history(3, &[(100_000, UNSUBSCRIBE), (100_001, 0), (100_002, 1)]);
    check_person(&seen, 100_003, UNSUBSCRIBE);
    check_burst(&seen, 100_003, 2, &[0, 1, 2]);
    let all = history(3, &[(100_000, 0), (100_001, 1), (100_002, 2)]);
    check_burst(&all, 100_003, UNSUBSCRIBE, &[0, 1, 2]);
}

#[test]
fn requests_may_come_out_of_order() {
    let seen = history(3, &[(105_000, 0), (101_000, 1)]);
    check_burst(&seen, 100_000, 2, &[0, 1]);
    check_person(&seen, 94_999, 2);
}

#[test]
fn what_was_a_scanner_before_counts_and_does_not_change() {
    let mut seen = history(3, &[(100_000, 0), (101_000, 1)]);
    seen.clicks[0].audience = Audience::Scanner;
    check_burst(&seen, 102_000, 2, &[1]);
}

#[test]
fn a_robot_that_named_itself_takes_nothing_from_a_person_s_click() {
    let mut seen = history(3, &[(100_000, 0), (101_000, 1)]);
    seen.clicks[0].audience = Audience::Prefetch;
    check_person(&seen, 102_000, 2);
}

#[test]
fn neither_heads_nor_opens_make_a_burst() {
    let seen = history(3, &[(100_000, 0), (100_001, 1), (100_002, 2)]);
    let mut head = request(100_003, 2);
    head.method = Method::Head;
    assert_eq!(rejudge(&head.rules, &head.visit(&seen)), [0_usize; 0]);
    let mut open = Request::new(Action::Open, CHROME);
    open.at = 100_003;
    check(open.judged_after(&seen), PERSON);
}

#[test]
fn of_many_links_as_many_as_are_remembered_are_needed() {
    let clicks: Vec<(u64, u16)> = (0..15).map(|number| (100_000, number)).collect();
    let changed: Vec<usize> = (0..15).collect();
    check_burst(&history(300, &clicks), 100_001, 15, &changed);
    check_person(&history(300, &clicks[1..]), 100_001, 15);
}

#[test]
fn clicks_beyond_the_limit_are_passed_over() {
    let mut clicks = vec![(100_000, 0)];
    clicks.extend([(100_000, 1); 16]);
    check_person(&history(3, &clicks), 100_001, 2);
    clicks.pop();
    let changed: Vec<usize> = (0..16).collect();
    check_burst(&history(3, &clicks), 100_001, 2, &changed);
    clicks.insert(0, (100_000, 1));
    let changed: Vec<usize> = (1..17).collect();
    check_burst(&history(3, &clicks), 100_001, 2, &changed);
}

#[test]
fn the_end_of_time_is_no_trouble() {
    let seen = history(3, &[(u64::MAX, 0), (u64::MAX, 1)]);
    check_burst(&seen, u64::MAX, 2, &[0, 1]);
    check_person(&seen, 0, 2);
}
