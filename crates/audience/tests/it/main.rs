//! Visits judged: by name, by header fields, by time, and what holds for all of them.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod burst;
mod headers;
mod history;
mod mark;
mod properties;
mod rules_file;
mod timing;
mod user_agents;

use audience::{Action, Headers, History, Method, Rules, Verdict, Visit, judge};

/// What a person's browser says.
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (Android 14; Mobile; rv:129.0) Gecko/129.0 Firefox/129.0";

/// A visit, with what most of them have.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) action: Action,
    pub(crate) method: Method,
    pub(crate) headers: Headers<'a>,
    pub(crate) at: u64,
    pub(crate) since_delivery: Option<i64>,
    pub(crate) rules: Rules,
}

impl<'a> Request<'a> {
    pub(crate) fn new(action: Action, user_agent: &'a str) -> Self {
        Self {
            action,
            method: Method::Get,
            headers: Headers {
                user_agent: Some(user_agent.as_bytes()),
                ..Headers::default()
            },
            at: 1_000_000,
            since_delivery: None,
            rules: Rules::default(),
        }
    }

    pub(crate) fn visit<'v>(&'v self, history: &'v History) -> Visit<'v> {
        Visit {
            action: self.action,
            method: self.method,
            headers: &self.headers,
            at: self.at,
            since_delivery: self.since_delivery,
            history,
        }
    }

    pub(crate) fn judged(&self) -> Verdict {
        self.judged_after(&History::default())
    }

    pub(crate) fn judged_after(&self, history: &History) -> Verdict {
        judge(&self.rules, &self.visit(history))
    }
}

/// Who, and why, as words.
#[track_caller]
pub(crate) fn check(verdict: Verdict, expected: &str) {
    assert_eq!(format!("{} {}", verdict.audience, verdict.reason), expected);
}
