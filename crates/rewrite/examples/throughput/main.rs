//! `cargo run --release -p rewrite --example throughput [ROUNDS]`: how fast bodies are parsed and copies rendered, in
//! megabytes of HTML a second, for the mails of `tests/mails` and for one of two megabytes.
//!
//! In `WebAssembly`: `cargo build --profile component -p rewrite --example throughput --target wasm32-wasip2`, then give
//! the component to any host of commands, such as `bench`'s `wasm::Program`. It reads no files.
//! `crates/rewrite/yardstick` compares it with `lol_html`, and runs there likewise.
#![expect(clippy::print_stdout, reason = "a program says what it found")]

mod figures;

use std::error::Error;

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => ROUNDS,
    };
    for (name, mails) in figures::corpora() {
        for (way, speed) in figures::compare(rounds, &mails, &[]) {
            println!("{name}: {way} {speed:.0} MB/s");
        }
    }
    Ok(())
}
