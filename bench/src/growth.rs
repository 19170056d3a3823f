//! How the cost of a message grows: with its recipients, with its size, and with what is stored already.

use crate::Failure;
use crate::arguments::Scale;
use crate::drive::{Amount, Drive, Round};
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::progress;
use crate::sink::Sink;
use crate::statistics::number;
use crate::stock;
use crate::systems::System;
use crate::table::{Table, cell};

const ROUNDS: usize = 5;
/// Large messages wait for memory when there are more of them.
const OUTSTANDING: usize = 4;
const HTML_OCTETS: usize = 4 * 1024;
const RECIPIENTS: [usize; 3] = [1, 10, 50];
/// Recipients a round, however many a message has.
const RECIPIENTS_A_ROUND: usize = 500;
/// Octets of HTML, and messages a round.
const SIZES: [(&str, usize, usize); 5] = [
    ("1 KB", 1_000, 300),
    ("10 KB", 10_000, 300),
    ("100 KB", 100_000, 100),
    ("1 MB", 1_000_000, 20),
    ("5 MB", 5_000_000, 10),
];
const STORED: [usize; 3] = [1_000, 10_000, 100_000];
/// Few, since they stay in the store too.
const MESSAGES_A_STORE: usize = 100;
const ROUNDS_A_STORE: usize = 9;
const OUTSTANDING_A_STORE: usize = 16;

/// Prints a table for each.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    let sink = Sink::start().await?;
    let sendlet = System::whole(sink.address()).await?;
    let endpoint = sendlet.endpoint();
    recipients(&sink, &endpoint, scale).await?;
    sizes(&sink, &endpoint, scale).await?;
    sendlet.stop().await;
    stored(&sink, scale).await?;
    sink.tell_unexpected();
    Ok(())
}

async fn recipients(sink: &Sink, endpoint: &Endpoint, scale: Scale) -> Result<(), Failure> {
    let table = Table::begin(
        &format!(
            "Recipients: 4 KB of HTML, medians of {ROUNDS} rounds, {OUTSTANDING} at once. Shared: one message to all. Personal: today\n\
             the application posts one message with its own body for each, as it will have to until Sendlet tracks or personalizes itself."
        ),
        &[
            "recipients",
            "shared, ms/mailing",
            "ms/recipient",
            "personal, ms/mailing",
            "ms/recipient",
            "personal/shared",
        ],
    );
    for recipients in RECIPIENTS {
        let (shared, personal) = mailings(sink, endpoint, recipients, scale).await?;
        let count = number(recipients);
        table.row(&[
            recipients.to_string(),
            cell(shared.ms(), 2),
            cell(shared.ms() / count, 2),
            cell(personal.ms() * count, 2),
            cell(personal.ms(), 2),
            format!("{}x", cell(personal.ms() * count / shared.ms(), 1)),
        ]);
    }
    Ok(())
}

async fn mailings(
    sink: &Sink,
    endpoint: &Endpoint,
    recipients: usize,
    scale: Scale,
) -> Result<(Round, Round), Failure> {
    let drive = |recipients| Drive {
        sink,
        endpoint,
        message: Message {
            html_octets: HTML_OCTETS,
            recipients,
        },
        outstanding: OUTSTANDING,
    };
    let total = scale.count(RECIPIENTS_A_ROUND);
    let (mut shared, mut personal) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        progress::show(format_args!(
            "{recipients} recipients, round {round} of {ROUNDS}"
        ));
        let messages = Amount::Messages((total / recipients).max(1));
        shared.push(drive(recipients).run(messages).await?);
        personal.push(drive(1).run(Amount::Messages(total)).await?);
    }
    Ok((Round::median(&shared), Round::median(&personal)))
}

async fn sizes(sink: &Sink, endpoint: &Endpoint, scale: Scale) -> Result<(), Failure> {
    let table = Table::begin(
        &format!("Sizes: HTML to one recipient, medians of {ROUNDS} rounds, {OUTSTANDING} at once"),
        &[
            "HTML    ",
            "ms/message",
            "MB/s",
            "CPU, ms/message",
            "CPU, ms/MB",
            "p50, ms",
            "p99, ms",
        ],
    );
    for (name, octets, messages) in SIZES {
        let drive = Drive {
            sink,
            endpoint,
            message: Message::of(octets),
            outstanding: OUTSTANDING,
        };
        let mut rounds = Vec::new();
        for round in 1..=ROUNDS {
            progress::show(format_args!("{name}, round {round} of {ROUNDS}"));
            rounds.push(drive.run(Amount::Messages(scale.count(messages))).await?);
        }
        let median = Round::median(&rounds);
        let megabytes = number(octets) / 1e6;
        table.row(&[
            name.to_owned(),
            cell(median.ms(), 2),
            cell(megabytes * median.per_second, 1),
            cell(median.processor_ms, 2),
            cell(median.processor_ms / megabytes, 0),
            cell(median.p50_ms, 1),
            cell(median.p99_ms, 1),
        ]);
    }
    Ok(())
}

async fn stored(sink: &Sink, scale: Scale) -> Result<(), Failure> {
    let mut systems = Vec::new();
    for count in STORED {
        let copies = scale.count(count).saturating_sub(1);
        systems.push(stock::stocked(sink, Message::of(HTML_OCTETS), copies).await?);
    }
    let medians = stored_in_turn(sink, &systems, scale).await?;
    let table = Table::begin(
        &format!(
            "Messages stored: 4 KB of HTML, medians of {ROUNDS_A_STORE} rounds of {} messages in turn, {OUTSTANDING_A_STORE} at once.\n\
             What is stored are copies, under other ids, of the rows that a message leaves which was sent.",
            scale.count(MESSAGES_A_STORE)
        ),
        &[
            "stored  ",
            "ms/message",
            "of the first",
            "CPU, ms/message",
            "of the first",
            "p50, ms",
            "p99, ms",
        ],
    );
    for (count, median) in STORED.iter().zip(&medians) {
        let first = medians.first().unwrap_or(median);
        table.row(&[
            scale.count(*count).to_string(),
            cell(median.ms(), 2),
            format!("{}x", cell(median.ms() / first.ms(), 2)),
            cell(median.processor_ms, 2),
            format!("{}x", cell(median.processor_ms / first.processor_ms, 2)),
            cell(median.p50_ms, 1),
            cell(median.p99_ms, 1),
        ]);
    }
    for system in systems {
        system.stop().await;
    }
    Ok(())
}

async fn stored_in_turn(
    sink: &Sink,
    systems: &[System],
    scale: Scale,
) -> Result<Vec<Round>, Failure> {
    let mut rounds = vec![Vec::new(); systems.len()];
    for round in 1..=ROUNDS_A_STORE {
        progress::show(format_args!(
            "stores of all sizes, round {round} of {ROUNDS_A_STORE}"
        ));
        for (system, rounds) in systems.iter().zip(&mut rounds) {
            let drive = Drive {
                sink,
                endpoint: &system.endpoint(),
                message: Message::of(HTML_OCTETS),
                outstanding: OUTSTANDING_A_STORE,
            };
            let messages = Amount::Messages(scale.count(MESSAGES_A_STORE));
            rounds.push(drive.run(messages).await?);
        }
    }
    Ok(rounds.iter().map(|rounds| Round::median(rounds)).collect())
}
