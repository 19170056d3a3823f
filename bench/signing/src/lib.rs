//! What one DKIM signature costs, and how fast bodies are canonicalized and hashed: measured where this is compiled for.

mod bodies;
mod figure;
mod keys;
mod signatures;
mod stopwatch;

pub use figure::{Figure, MalformedFigure};

use std::error::Error;

type Failure = Box<dyn Error + Send + Sync>;

/// Measures everything, each thing in so many rounds.
///
/// # Errors
/// When a key cannot be made or a signature fails.
pub fn figures(rounds: usize) -> Result<Vec<Figure>, Failure> {
    let mut figures = signatures::figures(rounds)?;
    figures.extend(bodies::figures(rounds)?);
    Ok(figures)
}

/// Signs so many times with a key of 2048 bits, and measures nothing.
///
/// # Errors
/// When the key cannot be made or a signature fails.
pub fn sign_2048(times: u32) -> Result<(), Failure> {
    let key = keys::Key::fixed(2048)?;
    let mut rng = keys::rng();
    for _ in 0..times {
        std::hint::black_box(key.ours.sign_digest(&[7; 32], &mut rng)?);
    }
    Ok(())
}
