//! One signature with each kind of key, by each way to make it.

use dkim::{SigningKey, keygen};
use rand_chacha::ChaCha8Rng;

use crate::{
    Failure, Figure,
    keys::{self, Key},
    stopwatch,
};

const BITS: [u32; 3] = [2048, 3072, 4096];
const DIGEST: [u8; 32] = [7; 32];

/// Microseconds for each.
pub(crate) fn figures(rounds: usize) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for bits in BITS {
        figures.extend(rsa(bits, rounds)?);
    }
    figures.push(ed25519(rounds)?);
    Ok(figures)
}

fn rsa(bits: u32, rounds: usize) -> Result<[Figure; 3], Failure> {
    let key = Key::fixed(bits)?;
    let mut rng = keys::rng();
    let [ours, new, old] = stopwatch::interleaved(
        rounds,
        [
            &mut || sign(&key.ours, &mut rng),
            &mut || key.with_rsa_0_10(&DIGEST).map(drop),
            &mut || key.with_rsa_0_9(&DIGEST).map(drop),
        ],
    )?;
    let figure = |way, seconds: f64| Figure::new(&format!("RSA-{bits}"), way, seconds * 1e6);
    Ok([
        figure("dkim", ours),
        figure("rsa 0.10", new),
        figure("rsa 0.9", old),
    ])
}

fn ed25519(rounds: usize) -> Result<Figure, Failure> {
    let mut rng = keys::rng();
    let key = keygen::ed25519(&mut rng);
    let [seconds] = stopwatch::interleaved(rounds, [&mut || sign(&key, &mut rng)])?;
    Ok(Figure::new("Ed25519", "dkim", seconds * 1e6))
}

fn sign(key: &SigningKey, rng: &mut ChaCha8Rng) -> Result<(), Failure> {
    key.sign_digest(&DIGEST, rng)?;
    Ok(())
}
