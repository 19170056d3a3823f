//! Visits one after the other, each recorded: no words but known ones, HEAD is no person's, case makes no difference, and
//! the history keeps to its limits.
#![no_main]

use arbitrary::Arbitrary;
use audience::{
    Action, Audience, Family, Headers, History, MAX_CLICKS, MAX_HEADS, Method, Rules, Visit, judge,
    rejudge,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Step<'a> {
    action: u8,
    method: u8,
    user_agent: Option<&'a [u8]>,
    purpose: Option<&'a [u8]>,
    from: Option<&'a [u8]>,
    in_data_centre: bool,
    at: u64,
    since_delivery: Option<i64>,
}

fuzz_target!(|input: (u16, Vec<Step<'_>>)| {
    let (links, steps) = input;
    let mut history = History {
        links: links % 20,
        ..History::default()
    };
    for step in steps {
        take(&step, &mut history);
    }
});

fn take(step: &Step<'_>, history: &mut History) {
    let rules = Rules::default();
    let upper = step.user_agent.map(<[u8]>::to_ascii_uppercase);
    let headers = headers(step, step.user_agent);
    let shouted = self::headers(step, upper.as_deref());
    let before = history.clone();
    let visit = Visit {
        action: match step.action % 20 {
            18 => Action::Open,
            19 => Action::Unsubscribe,
            number => Action::Click(u16::from(number)),
        },
        method: match step.method % 4 {
            0 => Method::Head,
            1 => Method::Post,
            _ => Method::Get,
        },
        headers: &headers,
        at: step.at,
        since_delivery: step.since_delivery,
        history: &before,
    };
    let verdict = judge(&rules, &visit);
    let loud = Visit {
        headers: &shouted,
        ..visit
    };
    assert_eq!(judge(&rules, &loud), verdict);
    assert!(visit.method != Method::Head || verdict.audience != Audience::Human);
    assert!(verdict.client.family.as_str().parse::<Family>().is_ok());
    for index in rejudge(&rules, &visit) {
        assert_eq!(history.clicks[index].audience, Audience::Human);
        history.clicks[index].audience = Audience::Scanner;
    }
    history.record(&visit, &verdict);
    assert!(history.clicks.len() <= MAX_CLICKS && history.heads.len() <= MAX_HEADS);
}

fn headers<'a>(step: &Step<'a>, user_agent: Option<&'a [u8]>) -> Headers<'a> {
    Headers {
        user_agent,
        from: step.from,
        purpose: step.purpose,
        sec_purpose: step.purpose,
        x_purpose: step.purpose,
        x_moz: step.from,
        sec_fetch_mode: step.purpose,
        cf_bot_score: step.from,
        cf_verified_bot: step.purpose,
        in_data_centre: step.in_data_centre,
    }
}
