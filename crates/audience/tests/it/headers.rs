//! Requests that say that they are made ahead of time, or by a robot.

use audience::{Action, Headers, Method};

use crate::{CHROME, Request, check};

/// A click of a browser with one more field.
#[track_caller]
fn check_field(name: &str, value: &str, expected: &str) {
    let headers = Headers::look_up(|asked| match asked {
        "user-agent" => Some(CHROME.as_bytes()),
        _ if asked == name => Some(value.as_bytes()),
        _ => None,
    });
    let mut request = Request::new(Action::Click(0), CHROME);
    request.headers = headers;
    check(request.judged(), expected);
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
