//! A closed loop through the whole path: a client sends its next message when its last one has arrived at the sink.
//!
//! An answer of 202 says only that a message is accepted; going by that, a fast front could build a backlog that nobody measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Failure;
use crate::arrivals::Arrivals;
use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::load::now;
use crate::message::{Message, Template};
use crate::process;
use crate::sink::Sink;
use crate::statistics::{median, number, percentile_ms};

/// What goes on behind the last arrival, such as noting it, is not to slow down whoever comes next.
const SETTLE: Duration = Duration::from_millis(300);

/// Messages on their way through one endpoint.
pub(crate) struct Drive<'a> {
    pub(crate) sink: &'a Sink,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) message: Message,
    /// How many are on their way at once.
    pub(crate) outstanding: usize,
}

/// How much is sent.
pub(crate) enum Amount {
    For(Duration),
    Messages(usize),
}

/// What came of it.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Processor time a message: of the endpoint, and of the benchmark's own clients and sink.
    pub(crate) processor_ms: f64,
}

impl Drive<'_> {
    pub(crate) async fn run(&self, amount: Amount) -> Result<Round, Failure> {
        let template = Arc::new(self.endpoint.template(&self.message));
        let processor = process::processor_seconds(&self.endpoint.processes);
        let begun = now();
        let left = Arc::new(Left::new(&amount, begun));
        let mut clients = JoinSet::new();
        for _ in 0..self.outstanding {
            let client = Client {
                connection: Connection::open(self.endpoint.address).await?,
                arrivals: Arc::clone(self.sink.arrivals()),
                template: Arc::clone(&template),
            };
            clients.spawn(client.run(Arc::clone(&left)));
        }
        let mut latencies = Vec::new();
        while let Some(ended) = clients.join_next().await {
            latencies.extend(ended??);
        }
        let seconds = begun.elapsed().as_secs_f64();
        sleep(SETTLE).await;
        let processor = process::processor_seconds(&self.endpoint.processes) - processor;
        Ok(Round::new(latencies, seconds, processor))
    }
}

/// Says whether there is more to send.
enum Left {
    Until(Instant),
    Messages(AtomicUsize),
}

impl Left {
    fn new(amount: &Amount, begun: Instant) -> Self {
        match *amount {
            Amount::For(duration) => Self::Until(begun + duration),
            Amount::Messages(count) => Self::Messages(AtomicUsize::new(count)),
        }
    }

    fn take(&self) -> bool {
        match self {
            Self::Until(end) => now() < *end,
            Self::Messages(left) => left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_ok(),
        }
    }
}

struct Client {
    connection: Connection,
    arrivals: Arc<Arrivals>,
    template: Arc<Template>,
}

impl Client {
    async fn run(mut self, left: Arc<Left>) -> Result<Vec<Duration>, Failure> {
        let mut latencies = Vec::new();
        while left.take() {
            latencies.push(self.send().await?);
        }
        Ok(latencies)
    }

    /// Sends one message and waits for it at the other end.
    async fn send(&mut self) -> Result<Duration, Failure> {
        let expected = self.arrivals.expect();
        let request = self.template.request(expected.number);
        let sent = now();
        self.connection.send(request).await?;
        Ok(expected.arrives().await?.duration_since(sent))
    }
}

impl Round {
    fn new(mut latencies: Vec<Duration>, seconds: f64, processor_seconds: f64) -> Self {
        latencies.sort_unstable();
        let messages = number(latencies.len());
        Self {
            per_second: messages / seconds,
            p50_ms: percentile_ms(&latencies, 50),
            p99_ms: percentile_ms(&latencies, 99),
            processor_ms: processor_seconds * 1e3 / messages,
        }
    }

    /// The median of each figure.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            per_second: of(|round| round.per_second),
            p50_ms: of(|round| round.p50_ms),
            p99_ms: of(|round| round.p99_ms),
            processor_ms: of(|round| round.processor_ms),
        }
    }

    /// Time a message, with this many on their way at once.
    pub(crate) fn ms(&self) -> f64 {
        1e3 / self.per_second
    }
}
