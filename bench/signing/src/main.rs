//! `cargo run --release -p bench-signing`: what one signature costs, and how fast bodies are hashed.
//!
//! The same program tells it of `WebAssembly`:
//! `cargo build --profile component -p bench-signing --target wasm32-wasip2`, then
//! `wasmtime run target/wasm32-wasip2/component/bench-signing.wasm`.
//!
//! `sign-2048 TIMES` signs so many times and no more, for tools that count instructions: the key costs the same each time,
//! so two counts tell what a signature costs.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod bodies;
mod keys;
mod stopwatch;

use std::error::Error;

use dkim::SigningKey;
use keys::Key;

const BITS: [u32; 3] = [2048, 3072, 4096];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("sign-2048"), Some(times)) => sign(times.parse()?),
        (None, None) => table(),
        _ => Err("expected sign-2048 and how many times, or nothing".into()),
    }
}

fn sign(times: u32) -> Result<(), Box<dyn Error>> {
    let key = Key::fixed(2048)?;
    let mut rng = keys::rng();
    for _ in 0..times {
        std::hint::black_box(key.ours.sign_digest(&[7; 32], &mut rng)?);
    }
    Ok(())
}

fn table() -> Result<(), Box<dyn Error>> {
    println!(
        "{:<12} {:>10} {:>10} {:>10}",
        "ms", "dkim", "rsa 0.10", "rsa 0.9"
    );
    for bits in BITS {
        let key = Key::fixed(bits)?;
        let mut rng = keys::rng();
        let times = stopwatch::interleaved([
            &mut || {
                key.ours
                    .sign_digest(&[7; 32], &mut rng)
                    .map(drop)
                    .map_err(Into::into)
            },
            &mut || key.with_rsa_0_10(&[7; 32]).map(drop),
            &mut || key.with_rsa_0_9(&[7; 32]).map(drop),
        ])?;
        let [ours, new, old] = times.map(|time| time * 1e3);
        println!(
            "{:<12} {ours:>10.3} {new:>10.3} {old:>10.3}",
            format!("RSA-{bits}")
        );
    }
    let ed25519: SigningKey = dkim::keygen::ed25519(&mut keys::rng());
    let mut rng = keys::rng();
    let [time] = stopwatch::interleaved([&mut || {
        ed25519
            .sign_digest(&[7; 32], &mut rng)
            .map(drop)
            .map_err(Into::into)
    }])?;
    println!("{:<12} {:>10.3}", "Ed25519", time * 1e3);
    bodies::table()
}
