//! `cargo run --release -p report --example throughput [ROUNDS]`: how fast `report::read` is next to `mail-parser`
//! parsing the same messages, once as they are in `tests/vectors` and once with 100 KiB of text in the returned one.
//!
//! The two do not do the same. `mail-parser` reads all parts and fields of any message and decodes them; a report is
//! neither recognized nor understood by it. Rounds alternate, and the median of each counts.
#![expect(clippy::print_stdout, reason = "a program says what it found")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{error::Error, fs};

const ROUNDS: usize = 15;
/// The least that each round reads.
const ROUND_OCTETS: usize = 32 << 20;
const LINE: &str = "The quick brown fox jumps over the lazy dog, and nobody cares.\n";

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => ROUNDS,
    };
    let short = vectors()?;
    let long = short.iter().map(|message| lengthen(message)).collect();
    for (name, messages) in [("as they are", short), ("with 100 KiB returned", long)] {
        compare(name, &messages, rounds);
    }
    Ok(())
}

fn vectors() -> Result<Vec<String>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut messages = Vec::new();
    for kind in ["delivery", "feedback", "rfc3464", "rfc5965"] {
        for entry in fs::read_dir(folder.join(kind))? {
            messages.push(fs::read_to_string(entry?.path())?.replace('\n', "\r\n"));
        }
    }
    Ok(messages)
}

fn lengthen(message: &str) -> String {
    let text = LINE.repeat(100 * 1024 / LINE.len()).replace('\n', "\r\n");
    message.replace("Thank you for your order.\r\n", &text)
}

fn compare(name: &str, messages: &[String], rounds: usize) {
    let octets: usize = messages.iter().map(String::len).sum();
    let repeats = ROUND_OCTETS.div_ceil(octets);
    let parser = mail_parser::MessageParser::default();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(time(messages, repeats, |message| {
            let _: Result<_, _> = black_box(report::read(message));
        }));
        theirs.push(time(messages, repeats, |message| {
            black_box(parser.parse(message));
        }));
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let speed = |time: Duration| {
        let octets = u32::try_from(octets * repeats).map_or(f64::NAN, f64::from);
        octets / time.as_secs_f64() / 1e6
    };
    println!(
        "{} messages of {octets} octets {name}: report {:.0} MB/s, mail-parser {:.0} MB/s, ratio {:.2}",
        messages.len(),
        speed(ours),
        speed(theirs),
        speed(ours) / speed(theirs),
    );
}

fn time(messages: &[String], repeats: usize, mut read: impl FnMut(&[u8])) -> Duration {
    let start = Instant::now();
    for _ in 0..repeats {
        for message in messages {
            read(black_box(message.as_bytes()));
        }
    }
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
