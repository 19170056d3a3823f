//! `cargo run --release -p dkim --example timing [MEASUREMENTS]`: whether the time of an RSA signature tells anything
//! of what is signed.
//!
//! After "Dude, is my code constant time?" (Reparaz, Balasch, Verbauwhede, 2017): signs a fixed digest or a random
//! one, as a coin falls, and compares the times of both kinds with Welch's t-test, whole and cropped at
//! percentiles. An absolute t above 4.5 is suspicious, one above 10 means a leak. Needs a quiet machine.
#![expect(clippy::print_stdout, reason = "a program says what it found")]

mod moments;

use std::error::Error;
use std::time::Instant;

use dkim::{SigningKey, keygen::RsaKeySearch};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use self::moments::Moments;

const MEASUREMENTS: usize = 100_000;
/// Shares of the measurements that are kept, the fastest first.
const CROPS: [f64; 5] = [0.5, 0.8, 0.9, 0.99, 1.0];
/// The class of a measurement, and its nanoseconds.
type Measurement = (bool, f64);

fn main() -> Result<(), Box<dyn Error>> {
    let count = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => MEASUREMENTS,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    let key = key(&mut rng)?;
    let mut measurements = Vec::with_capacity(count);
    for _ in 0..count {
        measurements.push(measure(&key, &mut rng)?);
    }
    measurements.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    for share in CROPS {
        let kept = measurements
            .iter()
            .filter(|(_, time)| *time <= quantile(&measurements, share));
        println!("fastest {:>3.0} %: t = {:+.2}", share * 100.0, welch(kept));
    }
    Ok(())
}

fn key(rng: &mut ChaCha8Rng) -> Result<SigningKey, Box<dyn Error>> {
    let mut search = RsaKeySearch::new(2048)?;
    loop {
        if let Some(key) = search.step(rng) {
            return Ok(key);
        }
    }
}

/// Both classes draw the same from the generator.
fn measure(key: &SigningKey, rng: &mut ChaCha8Rng) -> Result<Measurement, Box<dyn Error>> {
    let mut digest = [0; 32];
    rng.fill_bytes(&mut digest);
    let fixed = rng.next_u32() & 1 == 0;
    let digest = if fixed { [0x5a; 32] } else { digest };
    let begun = now();
    key.sign_digest(&digest, rng)?;
    Ok((fixed, begun.elapsed().as_secs_f64() * 1e9))
}

fn quantile(sorted: &[Measurement], share: f64) -> f64 {
    let skipped = sorted.iter().zip(1_u32..).find(|(_, rank)| {
        let all = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
        f64::from(*rank) >= share * f64::from(all)
    });
    skipped.map_or(f64::INFINITY, |((_, time), _)| *time)
}

/// Welch's t of the two classes.
fn welch<'a>(measurements: impl Iterator<Item = &'a Measurement>) -> f64 {
    let mut classes = [Moments::default(); 2];
    for (fixed, time) in measurements {
        let [one, other] = &mut classes;
        if *fixed { one } else { other }.add(*time);
    }
    let [one, other] = classes;
    one.t(&other)
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn now() -> Instant {
    Instant::now()
}
