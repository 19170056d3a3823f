//! Times of things that are done in turn, so that what else the machine does hits all of them.

use std::time::{Duration, Instant};

use crate::Failure;

const ROUND: Duration = Duration::from_millis(60);

/// The seconds that each thing takes in the median round.
pub(crate) fn interleaved<const N: usize>(
    rounds: usize,
    mut things: [&mut dyn FnMut() -> Result<(), Failure>; N],
) -> Result<[f64; N], Failure> {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (thing, times) in things.iter_mut().zip(&mut times) {
            times.push(round(thing)?);
        }
    }
    Ok(times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    }))
}

/// Does it until the round is over, at least once.
fn round(thing: &mut dyn FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let begun = now();
    let mut count = 0;
    loop {
        thing()?;
        count += 1;
        let elapsed = begun.elapsed();
        if elapsed >= ROUND {
            return Ok(elapsed.as_secs_f64() / f64::from(count));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}
