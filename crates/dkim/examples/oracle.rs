//! `cargo run --release -p dkim --example oracle [PAIRS]`: compares random signatures under random keys of many
//! shapes with those of the crate `rsa`, 10,000 unless told otherwise.
#![expect(clippy::print_stdout, reason = "a program says what it found")]
#![expect(
    clippy::unwrap_used,
    reason = "a program that cannot make its keys ends"
)]

use std::error::Error;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

#[path = "../tests/rsa/oracle.rs"]
mod oracle;

use oracle::{SHAPES, TwoKeys};

const PAIRS: usize = 10_000;
/// Signatures under one key before another is made.
const PAIRS_OF_A_KEY: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let pairs = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => PAIRS,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    let keys = pairs.div_ceil(PAIRS_OF_A_KEY);
    for (number, shape) in SHAPES.into_iter().cycle().take(keys).enumerate() {
        let keys = TwoKeys::random(shape, &mut rng);
        for _ in 0..PAIRS_OF_A_KEY {
            if !keys.agree(&mut rng) {
                return Err(format!(
                    "expected the same signature twice under a key of {shape:?}, found two"
                )
                .into());
            }
        }
        println!("{} of {pairs} pairs agree", (number + 1) * PAIRS_OF_A_KEY);
    }
    Ok(())
}
