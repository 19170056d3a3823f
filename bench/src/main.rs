//! `cargo run --release -p bench`: what accepting a message costs.
//!
//! Requests a second of `POST /emails:send` with 4 KB of HTML, as a share of a component that writes the same body with one bare
//! `set-many` a request, on the same host and store, in turn. In the place of dispatch a component answers that does nothing, so
//! accepting and naming the message are measured, and its way on is not. Then the memory an instance needs for the largest request, and the sizes of the components.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod acs;
mod load;
mod systems;

use std::error::Error;
use std::time::Duration;

use load::{Load, Rate};
use systems::System;

const ROUNDS: usize = 5;
const CONNECTIONS: [usize; 3] = [1, 16, 64];
const ROUND: Duration = Duration::from_secs(4);
const HTML_OCTETS: usize = 4 * 1024;
/// Base64 of this and the JSON around it stay just under 10 MB.
const LARGE_ATTACHMENT_OCTETS: usize = 7_700_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    println!("Building the components…");
    systems::build()?;
    let sendlet = System::sendlet().await?;
    let bare = System::bare().await?;
    println!(
        "\nAccepting 4 KB of HTML, medians of {ROUNDS} rounds of {} s each, in turn\n",
        ROUND.as_secs()
    );
    println!(
        "{:>11} {:>14} {:>9} {:>14} {:>9} {:>7}",
        "connections", "send, req/s", "p99, ms", "bare, req/s", "p99, ms", "share"
    );
    for connections in CONNECTIONS {
        let (send, limit) = in_turn(&sendlet, &bare, connections).await?;
        println!(
            "{connections:>11} {:>14.0} {:>9.1} {:>14.0} {:>9.1} {:>6.0}%",
            send.per_second,
            send.p99_ms,
            limit.per_second,
            limit.p99_ms,
            100.0 * send.per_second / limit.per_second
        );
    }
    memory(&sendlet).await?;
    sizes()?;
    sendlet.stop().await;
    bare.stop().await;
    Ok(())
}

async fn in_turn(
    sendlet: &System,
    bare: &System,
    connections: usize,
) -> Result<(Rate, Rate), Box<dyn Error + Send + Sync>> {
    let load = |system: &System| Load {
        address: system.address(),
        connections,
        duration: ROUND,
    };
    let (mut send, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        send.push(load(sendlet).run(|| sendlet.request(HTML_OCTETS)).await?);
        limit.push(load(bare).run(|| bare.request(HTML_OCTETS)).await?);
    }
    Ok((load::median(send), load::median(limit)))
}

async fn memory(sendlet: &System) -> Result<(), Box<dyn Error + Send + Sync>> {
    let load = Load {
        address: sendlet.address(),
        connections: 1,
        duration: Duration::ZERO,
    };
    load.run(|| sendlet.large_request(LARGE_ATTACHMENT_OCTETS))
        .await?;
    let peak = sendlet.peak_memory("send");
    println!(
        "\nPeak memory of a send instance, a request of 10 MB included: {:.1} MiB",
        mebibytes(peak)
    );
    Ok(())
}

fn sizes() -> Result<(), Box<dyn Error + Send + Sync>> {
    println!("\nComponent sizes");
    for name in ["send", "dispatch", "manage"] {
        let octets = systems::component(name).metadata()?.len();
        println!(
            "{name:>11} {:>9.0} KiB",
            mebibytes(usize::try_from(octets)?) * 1024.0
        );
    }
    Ok(())
}

fn mebibytes(octets: usize) -> f64 {
    const MEBIBYTE: f64 = 1024.0 * 1024.0;
    u32::try_from(octets).map_or(f64::INFINITY, f64::from) / MEBIBYTE
}
