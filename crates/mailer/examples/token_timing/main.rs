//! `cargo run --release -p mailer --example token_timing [MEASUREMENTS]`: whether the time in which a token is refused says where it is
//! wrong. It must not: who learned how many octets of a MAC are right would find it octet by octet.
//!
//! As dudect does it (Reparaz, Balasch, Verbauwhede: Dude, is my code constant time? 2017): tokens of one length that are wrong in
//! different places come in random order, each is timed alone, and Welch's t-test compares each kind with tokens of a random MAC, with
//! all times, and with those below each of several percentiles. A |t| below 4.5 is no difference found, one above 10 is certain to be
//! one, and the program fails. MEASUREMENTS is how many of each kind are timed, a million unless told.
//!
//! A text that is always the same, or one that names another key, may take some tenths of a nanosecond more or less, seldom two, others
//! in each run, as memory happens to lie. Since that is known to who wrote the text, the program fails for such only if means differ by
//! more than 5 %; a MAC more or less is 40 %. What is ours may take any time: the answer shows that it is.
//!
//! To show that a leak would be seen, the same is done with a check that compares MACs octet by octet and stops at the first that
//! differs. The program fails if it sees nothing there.
#![expect(clippy::print_stdout, reason = "a program says what it found")]
#![expect(clippy::print_stderr, reason = "standard output is for the tables")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use self::statistics::{Times, max_t};
use self::tokens::{KINDS, Kind, Maker, Use, stops_early};

// The same that signatures are timed with.
#[path = "../../../dkim/examples/timing/moments.rs"]
mod moments;
mod statistics;
mod tokens;

const MEASUREMENTS: usize = 1_000_000;
/// Tokens that are made before any of them is timed.
const ROUND: usize = 2_000;
/// Rounds that say where the percentiles are, and are not counted.
const CALIBRATION: usize = 20;
/// Above this, a difference is likely.
const LIKELY: f64 = 4.5;
/// Above this, there is one.
const CERTAIN: f64 = 10.0;
/// By how much of their time tokens may differ in what is known anyway.
const MAX_PUBLIC_SHARE: f64 = 0.05;

type Check<'a> = &'a dyn Fn(&str) -> bool;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let measurements = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => MEASUREMENTS,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    let maker = Maker::new(&mut rng)?;
    let click: Check<'_> = &|token| maker.keys.verify_click(token).is_some();
    let open: Check<'_> = &|token| maker.keys.verify_open(token).is_some();
    let early: Check<'_> = &|token| stops_early(&maker.mac, token);
    let mut leaks = Vec::new();
    for (name, purpose, check) in [
        ("verify_click", Use::Click, click),
        ("verify_open", Use::Open, open),
        ("a comparison that stops early", Use::Click, early),
    ] {
        let times = measured(&maker, purpose, check, measurements, &mut rng)?;
        leaks.push(table(name, &times));
    }
    let is_well = leaks == [false, false, true];
    println!("\nours do not leak, and a leak is seen: {is_well}");
    Ok(ExitCode::from(u8::from(!is_well)))
}

/// Times of `check` for each of [`KINDS`], in their order.
fn measured(
    maker: &Maker,
    purpose: Use,
    check: Check<'_>,
    measurements: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Times>, Box<dyn Error>> {
    let mut first = Vec::new();
    for _ in 0..CALIBRATION {
        first.extend(round(maker, purpose, check, rng)?);
    }
    let mut times = vec![Times::below(first.into_iter().map(|(_, nanos)| nanos)); KINDS.len()];
    let rounds = (measurements * KINDS.len()).div_ceil(ROUND);
    for n in 0..rounds {
        for (kind, nanos) in round(maker, purpose, check, rng)? {
            if let Some(times) = times.get_mut(kind) {
                times.add(nanos);
            }
        }
        eprint!("\r{} %  ", (n + 1) * 100 / rounds);
    }
    eprint!("\r");
    Ok(times)
}

/// Tokens of kinds in random order, each timed alone: place in [`KINDS`], nanoseconds.
fn round(
    maker: &Maker,
    purpose: Use,
    check: Check<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<(usize, u32)>, Box<dyn Error>> {
    let mut kinds = Vec::with_capacity(ROUND);
    // One behind the other, so that where a token lies says nothing of its kind.
    let mut tokens = String::new();
    for _ in 0..ROUND {
        let place = usize::try_from(rng.next_u32())? % KINDS.len();
        let (kind, _) = KINDS.get(place).ok_or("no kind")?;
        let token = maker.token(purpose, *kind, rng).ok_or("no token")?;
        tokens.push_str(&token);
        kinds.push((place, *kind, token.len()));
    }
    let mut times = Vec::with_capacity(ROUND);
    let mut rest = &*tokens;
    for (place, kind, length) in kinds {
        let (token, behind) = rest.split_at(length);
        rest = behind;
        let began = Instant::now();
        let is_ours = black_box(check(black_box(token)));
        times.push((place, u32::try_from(began.elapsed().as_nanos())?));
        if is_ours != (kind == Kind::Ours) {
            return Err("a token was misjudged".into());
        }
    }
    Ok(times)
}

/// Prints what was found, and returns whether the time in which tokens are refused tells where they are wrong.
fn table(name: &str, times: &[Times]) -> bool {
    println!(
        "\n{name}; wrong is:{:width$}    times     mean  difference  largest |t|",
        "",
        width = 30_usize.saturating_sub(name.len())
    );
    let mut leaks = false;
    let Some(reference) = times.first() else {
        return true;
    };
    for ((kind, name), times) in KINDS.iter().zip(times) {
        let (t, kept) = max_t(times, reference);
        let (mean, count) = (times.mean(), times.count());
        let more = mean - reference.mean();
        let note = note(*kind, t, more.abs() / mean);
        leaks |= note == LEAKS;
        println!(
            "  {name:39} {count:8} {mean:6.1}ns {more:+8.2}ns {t:8.1} (fastest {kept:3} %) {note}"
        );
    }
    leaks
}

const LEAKS: &str = "LEAKS";

/// What a `t` and a share of the time mean.
fn note(kind: Kind, t: f64, share: f64) -> &'static str {
    match kind {
        Kind::Ours => "accepted, as the answer shows",
        _ if !kind.is_secret() && share > MAX_PUBLIC_SHARE => LEAKS,
        _ if !kind.is_secret() => "",
        _ if t > CERTAIN => LEAKS,
        _ if t > LIKELY => "may leak",
        _ => "",
    }
}
