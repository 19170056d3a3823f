//! What holds for every visit.

use audience::{
    Action, Audience, Class, Click, Client, Family, Head, Headers, History, Link, Method, Rules,
    Visit, judge, judge_later, rejudge,
};
use proptest::prelude::*;

const RULES: &str = include_str!("../../rules.tsv");
const VECTORS: &str = include_str!("../vectors/user_agents.tsv");
const REASONS: [&str; 10] = [
    "ua:known-client",
    "none",
    "method:one-click",
    "method:head",
    "header:data-centre",
    "ua:missing",
    "timing:click-after-delivery",
    "timing:open-after-delivery",
    "head-before-get",
    "burst:all-links",
];

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Open),
        (0..5_u16).prop_map(Action::Click),
        Just(Action::Unsubscribe)
    ]
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![Method::Get, Method::Head, Method::Post])
}

/// One of the vectors, pieces of several, or anything.
fn user_agent() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&str> = VECTORS
        .lines()
        .filter_map(|line| line.split('\t').nth(5))
        .collect();
    let piece = prop::sample::select(known.clone()).prop_flat_map(|text| {
        (0..text.len(), 0..60_usize).prop_map(move |(start, length)| {
            text.as_bytes()[start..(start + length).min(text.len())].to_vec()
        })
    });
    prop_oneof![
        prop::sample::select(known).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat()),
        prop::collection::vec(any::<u8>(), 0..1500),
    ]
}

fn link() -> impl Strategy<Value = Link> {
    prop_oneof![(0..5_u16).prop_map(Link::Numbered), Just(Link::Unsubscribe)]
}

fn history() -> impl Strategy<Value = History> {
    let client =
        prop::sample::select(vec!["Chrome", "Safari", "unknown"]).prop_map(|name| Client {
            family: name.parse().unwrap(),
            class: Class::Desktop,
        });
    let head =
        (0..30_000_u64, link(), client).prop_map(|(at, link, client)| Head { at, link, client });
    let click = (
        0..30_000_u64,
        link(),
        prop::sample::select(Audience::ALL.to_vec()),
    )
        .prop_map(|(at, link, audience)| Click { at, link, audience });
    (
        0..7_u16,
        prop::collection::vec(head, 0..20),
        prop::collection::vec(click, 0..20),
    )
        .prop_map(|(links, heads, clicks)| History {
            links,
            heads,
            clicks,
        })
}

proptest! {
    #[test]
    fn every_visit_gets_a_verdict_of_known_words(
        action in action(), method in method(), fields in prop::array::uniform9(prop::option::of(user_agent())), in_data_centre in any::<bool>(),
        at in 0..30_000_u64, since in any::<Option<i64>>(), history in history(),
    ) {
        let [user_agent, from, purpose, sec_purpose, x_purpose, x_moz, sec_fetch_mode, cf_bot_score, cf_verified_bot] =
            fields.each_ref().map(Option::as_deref);
        let headers = Headers {
            user_agent, from, purpose, sec_purpose, x_purpose, x_moz, sec_fetch_mode, cf_bot_score, cf_verified_bot, in_data_centre,
        };
        let visit = Visit { action, method, headers: &headers, at, since_delivery: since, history: &history };
        let rules = Rules::default();
        let found = judge(&rules, &visit);
        prop_assert_eq!(judge(&rules, &visit), found);
        prop_assert!(method != Method::Head || found.audience != Audience::Human);
        prop_assert_eq!(found.client.family.as_str().parse::<Family>(), Ok(found.client.family));
        let reason = found.reason.as_str();
        let in_rules = RULES.lines().any(|line| line.split('\t').nth(5) == Some(reason));
        prop_assert!(in_rules || REASONS.contains(&reason), "{}", reason);
    }

    #[test]
    fn what_is_judged_in_two_steps_is_judged_the_same(
        action in action(), method in method(), user_agent in prop::option::of(user_agent()), in_data_centre in any::<bool>(),
        at in 0..30_000_u64, since in prop::option::of(-10..5_000_i64), history in history(),
    ) {
        let headers = Headers { user_agent: user_agent.as_deref(), in_data_centre, ..Headers::default() };
        let rules = Rules::default();
        let nothing = History::default();
        let seen = Visit { action, method, headers: &headers, at, since_delivery: None, history: &nothing };
        let first = judge(&rules, &seen);
        let whole = Visit { since_delivery: since, history: &history, ..seen };
        let no_headers = Headers::default();
        let later = judge_later(&rules, &Visit { headers: &no_headers, ..whole }, first);
        prop_assert_eq!(later, judge(&rules, &whole));
    }

    #[test]
    fn only_people_s_clicks_change_and_only_with_a_scanner_s(action in action(), at in 0..30_000_u64, history in history()) {
        let headers = Headers { user_agent: Some(b"Firefox/1"), ..Headers::default() };
        let visit = Visit { action, method: Method::Get, headers: &headers, at, since_delivery: None, history: &history };
        let rules = Rules::default();
        let changed = rejudge(&rules, &visit);
        for index in &changed {
            prop_assert_eq!(history.clicks[*index].audience, Audience::Human);
            prop_assert!(history.clicks[*index].at.abs_diff(at) <= 10_000);
        }
        if !changed.is_empty() {
            prop_assert_eq!(judge(&rules, &visit).audience, Audience::Scanner);
        }
    }

    #[test]
    fn case_makes_no_difference(action in action(), user_agent in user_agent()) {
        let verdict = |text: &[u8]| {
            let headers = Headers { user_agent: Some(text), ..Headers::default() };
            let history = History::default();
            judge(&Rules::default(), &Visit { action, method: Method::Get, headers: &headers, at: 0, since_delivery: None, history: &history })
        };
        prop_assert_eq!(verdict(&user_agent), verdict(&user_agent.to_ascii_uppercase()));
        prop_assert_eq!(verdict(&user_agent), verdict(&user_agent[..user_agent.len().min(1024)]));
    }
}
