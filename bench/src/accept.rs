//! What accepting a message costs.
//!
//! Requests a second of `POST /emails:send` with 4 KB of HTML, as a share of a component that writes the same body with one bare
//! `set-many` a request, on the same host and store, in turn. In the place of dispatch a component answers that does nothing, so
//! accepting and naming the message are measured, and its way on is not. Then the memory an instance needs for the largest request,
//! and the sizes of the components.

use std::time::Duration;

use crate::Failure;
use crate::arguments::Scale;
use crate::bare::{AgainstBare, CONNECTIONS, ROUNDS, share};
use crate::load::Load;
use crate::statistics::mebibytes;
use crate::systems::System;
use crate::workspace;

const ROUND: Duration = Duration::from_secs(4);
const HTML_OCTETS: usize = 4 * 1024;
/// Base64 of this and the JSON around it stay just under 10 MB.
const LARGE_ATTACHMENT_OCTETS: usize = 7_700_000;

/// Prints all of it.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    let sendlet = System::accepting_only().await?;
    let bare = System::bare().await?;
    let in_turn = AgainstBare {
        system: &sendlet,
        bare: &bare,
        round: scale.duration(ROUND),
    };
    rates(&in_turn).await?;
    memory(&sendlet).await?;
    sizes()?;
    sendlet.stop().await;
    bare.stop().await;
    Ok(())
}

async fn rates(in_turn: &AgainstBare<'_, System>) -> Result<(), Failure> {
    println!(
        "\nAccepting 4 KB of HTML, medians of {ROUNDS} rounds of {:.1} s each, in turn\n",
        in_turn.round.as_secs_f64()
    );
    println!(
        "{:>11} {:>14} {:>9} {:>14} {:>9} {:>7}",
        "connections", "send, req/s", "p99, ms", "bare, req/s", "p99, ms", "share"
    );
    for connections in CONNECTIONS {
        let (send, limit) = in_turn
            .measure(connections, |system| system.request(HTML_OCTETS))
            .await?;
        println!(
            "{connections:>11} {:>14.0} {:>9.1} {:>14.0} {:>9.1} {:>7}",
            send.per_second,
            send.p99_ms,
            limit.per_second,
            limit.p99_ms,
            share(&send, &limit)
        );
    }
    Ok(())
}

async fn memory(sendlet: &System) -> Result<(), Failure> {
    let load = Load {
        address: sendlet.address(),
        connections: 1,
        duration: Duration::ZERO,
    };
    load.run(|| sendlet.large_request(LARGE_ATTACHMENT_OCTETS))
        .await?;
    let peak = sendlet.stats("send").peak_memory_bytes;
    println!(
        "\nPeak memory of a send instance, a request of 10 MB included: {:.1} MiB",
        mebibytes(peak)
    );
    Ok(())
}

fn sizes() -> Result<(), Failure> {
    println!("\nComponent sizes");
    for name in [
        "send", "dispatch", "manage", "notify", "query", "track", "webhook",
    ] {
        let octets = workspace::component(name).metadata()?.len();
        println!(
            "{name:>11} {:>9.0} KiB",
            mebibytes(usize::try_from(octets)?) * 1024.0
        );
    }
    Ok(())
}
