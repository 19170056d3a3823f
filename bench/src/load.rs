//! A closed loop of connections that each send one request after the other.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Failure;
use crate::connection::{Connection, Exchange};
use crate::process;
use crate::statistics::{number, percentile_ms};
use crate::table::cell;

/// How hard to press, and for how long.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
}

/// What came of it.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
    /// Processor time a request, of whoever answers and of the clients.
    pub(crate) processor_ms: f64,
}

impl Rate {
    /// Requests a second, p99 in milliseconds, and processor time in milliseconds a request.
    pub(crate) fn cells(&self) -> [String; 3] {
        [
            cell(self.per_second, 0),
            cell(self.p99_ms, 1),
            cell(self.processor_ms, 2),
        ]
    }
}

impl Load {
    /// Sends what `request` makes until the time is up, at least once on each connection. Any answer but
    /// the expected one ends it: 202, unless an [`Exchange`] says otherwise.
    pub(crate) async fn run<F, E>(&self, request: impl Fn() -> F) -> Result<Rate, Failure>
    where
        F: Fn() -> E + Send + 'static,
        E: Into<Exchange> + Send + 'static,
    {
        let processor = process::processor_seconds(&[]);
        let begun = now();
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            connections.spawn(connection(self.address, begun + self.duration, request()));
        }
        let mut latencies = Vec::new();
        while let Some(ended) = connections.join_next().await {
            latencies.extend(ended??);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let processor = process::processor_seconds(&[]) - processor;
        latencies.sort_unstable();
        Ok(Rate {
            per_second: number(latencies.len()) / seconds,
            processor_ms: processor * 1e3 / number(latencies.len()),
            p99_ms: percentile_ms(&latencies, 99),
        })
    }
}

async fn connection<E: Into<Exchange>>(
    address: SocketAddr,
    end: Instant,
    request: impl Fn() -> E,
) -> Result<Vec<Duration>, Failure> {
    let mut connection = Connection::open(address).await?;
    let mut latencies = Vec::new();
    loop {
        let sent = now();
        connection.send(request()).await?;
        latencies.push(sent.elapsed());
        if now() >= end {
            return Ok(latencies);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The round in the middle, by requests a second.
pub(crate) fn median(mut rates: Vec<Rate>) -> Rate {
    rates.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rates.get(rates.len() / 2).copied().unwrap_or(Rate {
        per_second: 0.0,
        p99_ms: 0.0,
        processor_ms: 0.0,
    })
}
