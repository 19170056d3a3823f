//! What is remembered.

use audience::{Action, Audience, Click, History, Link, Method};

use crate::{CHROME, Request};

/// Judges and records.
fn record(history: &mut History, request: &Request<'_>) {
    let before = history.clone();
    let verdict = request.judged_after(&before);
    history.record(&request.visit(&before), &verdict);
}

#[test]
fn clicks_and_heads_are_remembered_with_what_they_were_taken_for() {
    let mut history = History::default();
    record(&mut history, &Request::new(Action::Click(7), CHROME));
    record(&mut history, &Request::new(Action::Unsubscribe, "curl/8.0"));
    let mut head = Request::new(Action::Click(3), CHROME);
    head.method = Method::Head;
    record(&mut history, &head);
    let click = |link, audience| Click {
        at: 1_000_000,
        link,
        audience,
    };
    assert_eq!(
        history.clicks,
        [
            click(Link::Numbered(7), Audience::Human),
            click(Link::Unsubscribe, Audience::Bot),
        ]
    );
    assert_eq!(history.heads.len(), 1);
    assert_eq!(history.heads[0].link, Link::Numbered(3));
    assert_eq!(history.heads[0].client.family.as_str(), "Chrome");
}

#[test]
fn opens_leave_nothing() {
    let mut history = History::default();
    record(&mut history, &Request::new(Action::Open, CHROME));
    let mut head = Request::new(Action::Open, CHROME);
    head.method = Method::Head;
    record(&mut history, &head);
    assert_eq!(history, History::default());
}

#[test]
fn the_oldest_goes_when_there_are_too_many() {
    let mut history = History::default();
    for number in 0..40 {
        record(&mut history, &Request::new(Action::Click(number), CHROME));
        let mut head = Request::new(Action::Click(number), CHROME);
        head.method = Method::Head;
        record(&mut history, &head);
    }
    assert_eq!((history.clicks.len(), history.heads.len()), (16, 16));
    assert_eq!(history.clicks[0].link, Link::Numbered(24));
    assert_eq!(history.heads[15].link, Link::Numbered(39));
}
