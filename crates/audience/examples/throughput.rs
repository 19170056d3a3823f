//! `cargo run --release -p audience --example throughput [ROUNDS]`: what one verdict costs, for the user agents of
//! `tests/vectors`, the longest that is read, and a click that completes a burst. The median of the rounds counts.
#![expect(clippy::print_stdout, reason = "a program says what it found")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use audience::{
    Action, Audience, Click, Headers, History, Link, MAX_HEADER_OCTETS, Method, Rules, Visit,
    judge, rejudge,
};

const ROUNDS: usize = 15;
/// How many verdicts each round makes, about.
const VERDICTS: usize = 100_000;
const VECTORS: &str = include_str!("../tests/vectors/user_agents.tsv");

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => ROUNDS,
    };
    let known: Vec<&str> = VECTORS
        .lines()
        .filter_map(|line| line.split('\t').nth(5))
        .collect();
    let long = "Mozilla/5.0 Chrome/1 ".repeat(MAX_HEADER_OCTETS / 21);
    let nothing = History::default();
    report("the vectors", rounds, &known, &nothing);
    report("the longest", rounds, &[&long], &nothing);
    report("a burst of 16", rounds, &["Firefox/129.0"], &burst());
    Ok(())
}

/// Fifteen links of sixteen, all followed at once.
fn burst() -> History {
    let click = |number| Click {
        at: 0,
        link: Link::Numbered(number),
        audience: Audience::Human,
    };
    History {
        links: 16,
        heads: Vec::new(),
        clicks: (0..15).map(click).collect(),
    }
}

fn report(name: &str, rounds: usize, user_agents: &[&str], history: &History) {
    let repeats = VERDICTS / user_agents.len();
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| time(user_agents, repeats, history))
        .collect();
    times.sort_unstable();
    let median = times.get(rounds / 2).copied().unwrap_or_default();
    let verdicts = u32::try_from(repeats * user_agents.len()).unwrap_or(u32::MAX);
    println!("{name}: {:?} a verdict", median / verdicts);
}

fn time(user_agents: &[&str], repeats: usize, history: &History) -> Duration {
    let rules = Rules::default();
    let start = Instant::now();
    for _ in 0..repeats {
        for user_agent in user_agents {
            let headers = Headers {
                user_agent: Some(black_box(user_agent.as_bytes())),
                ..Headers::default()
            };
            let visit = Visit {
                action: Action::Click(15),
                method: Method::Get,
                headers: &headers,
                at: 0,
                since_delivery: None,
                history,
            };
            black_box(judge(&rules, &visit));
            black_box(rejudge(&rules, &visit));
        }
    }
    start.elapsed()
}
