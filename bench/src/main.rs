//! `cargo run --release -p bench [PART] [--quick]`: what a message costs. Without a part, all of them:
//!
//! - `accept`: what accepting costs, as a share of a bare write on the same host.
//! - `sign`: signatures and hashes in `WebAssembly`, against native code and OpenSSL.
//! - `path`: the whole way from `POST /emails:send` to a relay, against Node.js with nodemailer.
//! - `events`: what events that come back cost, as a share of a bare write, and how soon subscribers are told.
//! - `track`: what opens and clicks cost, as a share of doing nothing, and with a full store.
//! - `growth`: how the cost of a message grows with recipients, size and what is stored.
//! - `memory`: what memory a long run needs.
//! - `import`: what it takes to import and export a long suppression list.
//!
//! Everything runs on the loopback address, on ports that the system chooses, with its files below `target/`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

mod accept;
mod acs;
mod arguments;
mod arrivals;
mod bare;
mod complaints;
mod connection;
mod drive;
mod endpoint;
mod events;
mod growth;
mod import;
mod load;
mod look_ups;
mod memory;
mod message;
mod openssl;
mod operator;
mod path;
mod peer;
mod process;
mod progress;
mod relay_events;
mod server;
mod sign;
mod sink;
mod spin;
mod statistics;
mod stock;
mod subscriber;
mod systems;
mod table;
mod track;
mod visits;
mod wasm;
mod workspace;

use std::error::Error;

use clap::Parser as _;

use arguments::{Arguments, Part, Scale};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    println!("Building the components…");
    workspace::build()?;
    for part in arguments.parts() {
        run(part, arguments.scale()).await?;
    }
    Ok(())
}

async fn run(part: Part, scale: Scale) -> Result<(), Failure> {
    match part {
        Part::Accept => accept::run(scale).await,
        Part::Sign => sign::run(scale).await,
        Part::Path => path::run(scale).await,
        Part::Events => events::run(scale).await,
        Part::Track => track::run(scale).await,
        Part::Growth => growth::run(scale).await,
        Part::Memory => memory::run(scale).await,
        Part::Import => import::run(scale).await,
    }
}
