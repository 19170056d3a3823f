//! Programs known by their names.

use audience::{Action, Audience, Class};

use crate::{Request, check};

const VECTORS: &str = include_str!("../vectors/user_agents.tsv");

#[test]
fn programs_are_known_by_their_names() {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in lines {
        let [action, audience, family, class, _source, user_agent] =
            line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("expected six columns, found {line}");
        };
        let found = Request::new(action_of(action), user_agent).judged();
        let expected = (
            audience.parse::<Audience>().unwrap(),
            family,
            class.parse::<Class>().unwrap(),
        );
        let client = found.client;
        if (found.audience, client.family.as_str(), client.class) != expected {
            wrong.push(format!("{line}\n  is {found:?}"));
        }
        count += 1;
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
    assert!(count >= 165, "{count}");
}

fn action_of(word: &str) -> Action {
    match word {
        "open" => Action::Open,
        "click" => Action::Click(0),
        _ => panic!("expected open or click, found {word}"),
    }
}

#[test]
fn the_unsubscribe_page_is_visited_as_links_are() {
    let office = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)";
    check(
        Request::new(Action::Unsubscribe, office).judged(),
        "prefetch ua:office-link",
    );
    check(
        Request::new(Action::Open, office).judged(),
        "human ua:known-client",
    );
}

#[test]
fn case_and_space_around_make_no_difference() {
    let padded = " \tMOZILLA/5.0 ";
    check(
        Request::new(Action::Open, padded).judged(),
        "apple-mpp ua:apple-mpp",
    );
    check(
        Request::new(Action::Click(0), "SLACKBOT 1.0").judged(),
        "prefetch ua:slackbot",
    );
}

#[test]
fn apple_says_nothing_but_one_word() {
    check(
        Request::new(Action::Open, "Mozilla/5.0 (X11)").judged(),
        "human none",
    );
}

#[test]
fn a_word_begins_where_no_letter_or_digit_is_before_it() {
    let within = "Mozilla/5.0 (X11; Linux) NotCurl/1.0";
    check(
        Request::new(Action::Click(0), within).judged(),
        "human none",
    );
    let alone = "Mozilla/5.0 (X11; Linux) curl/1.0";
    check(
        Request::new(Action::Click(0), alone).judged(),
        "bot ua:curl",
    );
}

#[test]
fn a_beginning_is_none_further_on() {
    let further = "Mozilla/5.0 (X11; Linux) WhatsApp/2.0";
    check(
        Request::new(Action::Click(0), further).judged(),
        "human none",
    );
}

#[test]
fn programs_that_are_not_known_are_people_s() {
    check(
        Request::new(Action::Click(0), "Lynx/2.8.9rel.1 libwww-FM/2.14").judged(),
        "human none",
    );
}

#[test]
fn what_is_beyond_the_limit_is_passed_over() {
    let space = " ".repeat(1024 - 9);
    let within = format!("Chrome/1{space}b");
    assert_eq!(within.len(), 1024);
    let beyond = format!("{within} Googlebot/2.1");
    check(
        Request::new(Action::Click(0), &beyond).judged(),
        "human ua:known-client",
    );
    let before = format!("Googlebot/2.1 {within}");
    check(
        Request::new(Action::Click(0), &before).judged(),
        "bot ua:bot",
    );
}
