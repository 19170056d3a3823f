//! The whole path, against a peer, in turn.

use std::time::Duration;

use crate::Failure;
use crate::arguments::Scale;
use crate::drive::{Amount, Drive, Round};
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::peer::Peer;
use crate::progress;
use crate::sink::Sink;
use crate::spin::Spin;
use crate::systems::System;
use crate::table::{Table, cell};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
const OUTSTANDING: [usize; 3] = [1, 16, 64];
const MESSAGE: Message = Message::of(4 * 1024);

/// Prints messages a second and latencies of each, and how often the peer's.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    let sink = Sink::start().await?;
    let peer = Peer::start(sink.address()).await?;
    let sendlet = System::whole(sink.address()).await?;
    let spin = Spin::start(sink.address()).await?;
    let mut endpoints = vec![sendlet.endpoint()];
    match &spin {
        Some(spin) => endpoints.push(spin.endpoint().clone()),
        None => println!("There is no spin in the PATH, so devhost alone is measured."),
    }
    endpoints.push(peer.endpoint().clone());
    measure(&sink, &endpoints, scale.duration(ROUND)).await?;
    sink.tell_unexpected();
    if let Some(spin) = spin {
        spin.stop().await?;
    }
    sendlet.stop().await;
    peer.stop().await
}

/// The last of the endpoints is the peer.
async fn measure(sink: &Sink, endpoints: &[Endpoint], round: Duration) -> Result<(), Failure> {
    let table = Table::begin(
        &format!(
            "The whole path: 4 KB of HTML posted, written to disk, rendered, signed, handed to an HTTP sink; until it is there.\n\
             Medians of {ROUNDS} rounds of {:.1} s, in turn. nodemailer writes nothing to disk.",
            round.as_secs_f64()
        ),
        &[
            "under way at once",
            "system          ",
            "messages/s",
            "of the peer",
            "p50, ms",
            "p99, ms",
            "CPU, ms/message",
        ],
    );
    for outstanding in OUTSTANDING {
        let medians = in_turn(sink, endpoints, outstanding, round).await?;
        let peer = medians.last().map_or(f64::NAN, |peer| peer.per_second);
        for (endpoint, median) in endpoints.iter().zip(&medians) {
            table.row(&[
                outstanding.to_string(),
                endpoint.name.to_owned(),
                cell(median.per_second, 0),
                format!("{}x", cell(median.per_second / peer, 2)),
                cell(median.p50_ms, 1),
                cell(median.p99_ms, 1),
                cell(median.processor_ms, 2),
            ]);
        }
    }
    Ok(())
}

async fn in_turn(
    sink: &Sink,
    endpoints: &[Endpoint],
    outstanding: usize,
    duration: Duration,
) -> Result<Vec<Round>, Failure> {
    let mut rounds = vec![Vec::new(); endpoints.len()];
    for number in 1..=ROUNDS {
        for (endpoint, rounds) in endpoints.iter().zip(&mut rounds) {
            progress::show(format_args!(
                "{outstanding} under way at once, round {number} of {ROUNDS}, {}",
                endpoint.name
            ));
            let drive = Drive {
                sink,
                endpoint,
                message: MESSAGE,
                outstanding,
            };
            rounds.push(drive.run(Amount::For(duration)).await?);
        }
    }
    Ok(rounds.iter().map(|rounds| Round::median(rounds)).collect())
}
