//! Requests that say that they are made ahead of time, or by a robot.

use audience::{Action, Headers, Method};

use crate::{CHROME, Request, check};

/// A click of a browser with one more field.
#[track_caller]
fn check_field(name: &str, value: &str, expected: &str) {
    check_visit(Action::Click(0), (name, value), expected);
}

#[track_caller]
fn check_visit(action: Action, (name, value): (&str, &str), expected: &str) {
    let headers = Headers::look_up(|asked| match asked {
        "user-agent" => Some(CHROME.as_bytes()),
        _ if asked == name => Some(value.as_bytes()),
        _ => None,
    });
    let mut request = Request::new(action, CHROME);
    request.headers = headers;
    check(request.judged(), expected);
}

#[test]
fn who_follows_a_link_navigates_and_images_are_fetched() {
    let mode = "sec-fetch-mode";
    check_field(mode, "cors", "bot header:sec-fetch-cors");
    check_field(mode, "no-cors", "bot header:sec-fetch-no-cors");
    check_field(mode, "navigate", "human ua:known-client");
    check_visit(Action::Open, (mode, "no-cors"), "human ua:known-client");
}

#[test]
fn cloudflare_says_what_it_is_certain_of() {
    for action in [Action::Open, Action::Click(0)] {
        let known = "bot header:cf-verified-bot";
        check_visit(action, ("cf-verified-bot", "true"), known);
        check_visit(action, ("cf-bot-score", "1"), "bot header:cf-bot-score");
    }
}

#[test]
fn who_is_in_a_data_centre_is_a_scanner_unless_it_has_a_name() {
    let judged = |action, method, user_agent| {
        let mut request = Request::new(action, user_agent);
        request.method = method;
        request.headers.in_data_centre = true;
        request.judged()
    };
    let scanner = "scanner header:data-centre";
    check(judged(Action::Click(0), Method::Get, CHROME), scanner);
    check(judged(Action::Open, Method::Get, CHROME), scanner);
    check(
        judged(Action::Click(0), Method::Head, CHROME),
        "scanner method:head",
    );
    let proxy = judged(Action::Open, Method::Get, "YahooMailProxy");
    check(proxy, "image-proxy ua:yahoomailproxy");
    let asked = judged(Action::Unsubscribe, Method::Post, CHROME);
    check(asked, "human method:one-click");
}

#[test]
fn browsers_say_that_they_fetch_ahead_of_time() {
    let prefetch = "prefetch header:sec-purpose-prefetch";
    check_field("sec-purpose", "prefetch", prefetch);
    check_field("sec-purpose", "prefetch;prerender", prefetch);
    check_field("sec-purpose", "prefetch;anonymous-client-ip", prefetch);
    check_field("sec-purpose", " Prefetch", prefetch);
    check_field("purpose", "prefetch", "prefetch header:purpose-prefetch");
    check_field("purpose", "preview", "prefetch header:purpose-preview");
    check_field("x-purpose", "preview", "prefetch header:x-purpose-preview");
    check_field("x-moz", "prefetch", "prefetch header:x-moz-prefetch");
}

#[test]
fn robots_say_whose_they_are() {
    let robot = "bot header:from-robot";
    check_field("from", "googlebot(at)googlebot.com", robot);
    check_field("from", "bingbot(at)microsoft.com", robot);
}

#[test]
fn other_values_say_nothing() {
    for (name, value) in [
        ("sec-purpose", "dump"),
        ("purpose", ""),
        ("x-moz", "\0"),
        ("from", "somebody@example.com"),
        ("accept", "prefetch"),
        ("cf-verified-bot", "false"),
        ("cf-bot-score", "2"),
        ("cf-bot-score", "10"),
        ("cf-worker", "example.com"),
        ("via", "1.1 proxy.example"),
    ] {
        check_field(name, value, "human ua:known-client");
    }
}

#[test]
fn a_field_outweighs_the_user_agent() {
    let mut request = Request::new(Action::Click(0), "curl/8.0");
    request.headers.sec_purpose = Some(b"prefetch");
    check(request.judged(), "prefetch header:sec-purpose-prefetch");
}

#[test]
fn a_click_without_user_agent_is_a_scanner_s() {
    for user_agent in [None, Some(&b""[..]), Some(&b" \t"[..])] {
        let mut request = Request::new(Action::Click(0), "");
        request.headers.user_agent = user_agent;
        check(request.judged(), "scanner ua:missing");
        request.action = Action::Unsubscribe;
        check(request.judged(), "scanner ua:missing");
    }
}

#[test]
fn an_open_without_user_agent_may_be_a_person_s() {
    let mut request = Request::new(Action::Open, "");
    request.headers.user_agent = None;
    check(request.judged(), "human none");
}

#[test]
fn one_click_is_obeyed_whatever_sends_it() {
    let mut request = Request::new(Action::Unsubscribe, "Go-http-client/2.0");
    request.method = Method::Post;
    request.since_delivery = Some(0);
    check(request.judged(), "human method:one-click");
    request.headers.user_agent = None;
    check(request.judged(), "human method:one-click");
}

#[test]
fn other_posts_are_judged_as_gets_are() {
    let mut request = Request::new(Action::Click(0), "curl/8.0");
    request.method = Method::Post;
    check(request.judged(), "bot ua:curl");
}

#[test]
fn head_is_no_person_s() {
    for action in [Action::Open, Action::Click(0), Action::Unsubscribe] {
        let mut request = Request::new(action, CHROME);
        request.method = Method::Head;
        check(request.judged(), "scanner method:head");
    }
    let mut named = Request::new(Action::Click(0), "Slackbot 1.0");
    named.method = Method::Head;
    check(named.judged(), "prefetch ua:slackbot");
}
