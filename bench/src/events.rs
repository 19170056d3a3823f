//! What events that come back of messages cost, and how soon subscribers are told of them.
//!
//! First requests a second of `POST /webhooks/relay` with the most events that one may have, as a share of a component that writes the
//! same body with one bare `set-many` a request, on the same host and store, in turn. In the place of notify a component answers that
//! does nothing, so storing events and naming them are measured, and taking them in is not. Then the same with everything behind it:
//! the events are about messages in the store, and notify takes them in meanwhile, on the same processors and the same file. Then the
//! time from one event to the request that tells a subscriber of it, on a system that does nothing else. Last, what looking recipients
//! up in suppression lists takes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::Failure;
use crate::arguments::Scale;
use crate::bare::{AgainstBare, CONNECTIONS, ROUNDS, share};
use crate::connection::Connection;
use crate::load::{self, Load, Rate, now};
use crate::look_ups;
use crate::message::Message;
use crate::operator::Operator;
use crate::progress;
use crate::relay_events::{self, BATCH, Batches, RECIPIENTS};
use crate::sink::Sink;
use crate::statistics::{number, percentile_ms};
use crate::stock;
use crate::subscriber::Subscriber;
use crate::systems::System;
use crate::table::{Table, cell};

const ROUND: Duration = Duration::from_secs(4);
/// With everything behind it a request is about a message of its own, so a round has to end before there are no more.
const WHOLE_ROUND: Duration = Duration::from_secs(2);
const STOCK: usize = 20_000;
const HTML_OCTETS: usize = 1024;
/// Events whose way is measured.
const SINGLE_EVENTS: usize = 200;
/// What goes on behind the last one, such as noting that it was told, is not to slow down the next.
const SETTLE: Duration = Duration::from_millis(50);
/// Until all that the messages themselves caused is done.
const QUIET: Duration = Duration::from_secs(3);

const HEADS: [&str; 5] = [
    "connections",
    "req/s   ",
    "events/s",
    "p99, ms",
    "CPU, ms/req",
];

/// Prints a table for each.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    ingestion(scale).await?;
    whole_ingestion(scale).await?;
    way(scale).await?;
    look_ups::run(scale).await
}

async fn ingestion(scale: Scale) -> Result<(), Failure> {
    let (system, bare) = (System::without("notify").await?, System::bare().await?);
    let in_turn = AgainstBare {
        system: &system,
        bare: &bare,
        round: scale.duration(ROUND),
    };
    let (batches, table) = (Batches::new(), shares(in_turn.round));
    for connections in CONNECTIONS {
        let request = |system: &System| batches.requests(system.address());
        let (rate, limit) = in_turn.measure(connections, request).await?;
        let mut row = cells(connections, &rate);
        row.extend(limit.cells());
        row.push(share(&rate, &limit));
        table.row(&row);
    }
    system.stop().await;
    bare.stop().await;
    Ok(())
}

fn shares(round: Duration) -> Table {
    let title = format!(
        "Events: {BATCH} a request, stored and named to a component that does nothing; medians of {ROUNDS} rounds of {:.1} s each,\n\
         in turn with bare writes of the same octets",
        round.as_secs_f64()
    );
    let bare = ["bare, req/s", "p99, ms", "CPU, ms/req", "share"];
    Table::begin(&title, &[&HEADS[..], &bare].concat())
}

fn cells(connections: usize, rate: &Rate) -> Vec<String> {
    vec![
        connections.to_string(),
        cell(rate.per_second, 0),
        cell(rate.per_second * number(BATCH), 0),
        cell(rate.p99_ms, 1),
        cell(rate.processor_ms, 2),
    ]
}

async fn whole_ingestion(scale: Scale) -> Result<(), Failure> {
    let (sink, copies) = (Sink::start().await?, scale.count(STOCK));
    let message = Message {
        html_octets: HTML_OCTETS,
        recipients: RECIPIENTS,
    };
    let system = stock::stocked(&sink, message, copies).await?;
    let round = scale.duration(WHOLE_ROUND);
    let title = format!(
        "The same with notify behind it, which takes the events in meanwhile; medians of {ROUNDS} rounds of {:.1} s each",
        round.as_secs_f64()
    );
    let (batches, table) = (Batches::new(), Table::begin(&title, &HEADS));
    for connections in CONNECTIONS {
        let load = Load {
            address: system.address(),
            connections,
            duration: round,
        };
        table.row(&cells(connections, &rounds(&load, &batches).await?));
    }
    let unknown = batches.made().saturating_sub(copies);
    if unknown > 0 {
        println!("\nThe last {unknown} requests were about messages that are not there.");
    }
    system.stop().await;
    Ok(())
}

async fn rounds(load: &Load, batches: &Arc<Batches>) -> Result<Rate, Failure> {
    let mut rates = Vec::new();
    for round in 1..=ROUNDS {
        let connections = load.connections;
        progress::show(format_args!(
            "{connections} connections, round {round} of {ROUNDS}"
        ));
        rates.push(load.run(|| batches.requests(load.address)).await?);
    }
    Ok(load::median(rates))
}

async fn way(scale: Scale) -> Result<(), Failure> {
    let (sink, subscriber) = (Sink::start().await?, Subscriber::start().await?);
    let system = System::whole(sink.address()).await?;
    let operator = Operator::of(system.address());
    operator.subscribe(&subscriber.url()).await?;
    let messages = accepted(&sink, &system, scale.count(SINGLE_EVENTS)).await?;
    let mut latencies = told(&system, &subscriber, &messages).await?;
    latencies.sort_unstable();
    let count = messages.len();
    let table = Table::begin(
        &format!("From an event to the subscriber's endpoint: {count} events, one at a time"),
        &["p50, ms", "p99, ms"],
    );
    table.row(&[50, 99].map(|percent| cell(percentile_ms(&latencies, percent), 1)));
    subscriber.arrivals().tell_unexpected("notifications");
    system.stop().await;
    Ok(())
}

/// Posts an event about each of `messages`, and gives the time until the subscriber was told of it.
async fn told(
    system: &System,
    subscriber: &Subscriber,
    messages: &[String],
) -> Result<Vec<Duration>, Failure> {
    let mut connection = Connection::open(system.address()).await?;
    let mut latencies = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        progress::show(format_args!("event {} of {}", place + 1, messages.len()));
        let expected = subscriber.arrivals().expect();
        let request = relay_events::delivered(system.address(), message, expected.number);
        let sent = now();
        connection.send(request).await?;
        latencies.push(expected.arrives().await?.duration_since(sent));
        sleep(SETTLE).await;
    }
    Ok(latencies)
}

/// Has so many messages to one recipient handed to the relay, and returns their ids.
async fn accepted(sink: &Sink, system: &System, count: usize) -> Result<Vec<String>, Failure> {
    let template = system.endpoint().template(&Message::of(HTML_OCTETS));
    let mut connection = Connection::open(system.address()).await?;
    let mut ids = Vec::new();
    for place in 1..=count {
        progress::show(format_args!("message {place} of {count}"));
        let expected = sink.arrivals().expect();
        let answer = connection.send(template.request(expected.number)).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let id = answer.get("id").and_then(Value::as_str);
        ids.push(id.ok_or("expected the id of an operation")?.to_owned());
        expected.arrives().await?;
    }
    sleep(QUIET).await;
    Ok(ids)
}
