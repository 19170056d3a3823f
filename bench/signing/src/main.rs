//! `cargo run --release -p bench-signing`: the figures of the library, one a line. `cargo run --release -p bench -- sign` makes a
//! table of them, from a native run and one in `WebAssembly`.
//!
//! `figures ROUNDS` measures each thing in so many rounds. `sign-2048 TIMES` signs so many times and no more, for tools that count
//! instructions: the key costs the same each time, so two counts tell what a signature costs.
#![expect(clippy::print_stdout, reason = "its output are the figures")]

use std::error::Error;

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("sign-2048"), Some(times)) => bench_signing::sign_2048(times.parse()?),
        (Some("figures"), Some(rounds)) => print(rounds.parse()?),
        (None, None) => print(ROUNDS),
        _ => Err("expected sign-2048 TIMES, figures ROUNDS or nothing".into()),
    }
}

fn print(rounds: usize) -> Result<(), Box<dyn Error + Send + Sync>> {
    for figure in bench_signing::figures(rounds)? {
        println!("{figure}");
    }
    Ok(())
}
