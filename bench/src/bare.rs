//! The same load on Sendlet and on a component that only writes, in turn.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Failure;
use crate::connection::Exchange;
use crate::load::{self, Load, Rate};
use crate::progress;
use crate::table::cell;

/// The medians are of so many.
pub(crate) const ROUNDS: usize = 5;
/// How many clients there are at once.
pub(crate) const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// An application that is running.
pub(crate) trait Serves {
    /// Where it listens.
    fn address(&self) -> SocketAddr;
}

/// What is compared, and for how long.
pub(crate) struct AgainstBare<'a, S> {
    pub(crate) system: &'a S,
    pub(crate) bare: &'a S,
    pub(crate) round: Duration,
}

impl<S: Serves> AgainstBare<'_, S> {
    /// The medians of both, with so many connections that send what `request` makes for each.
    pub(crate) async fn measure<F, E>(
        &self,
        connections: usize,
        request: impl Fn(&S) -> F,
    ) -> Result<(Rate, Rate), Failure>
    where
        F: Fn() -> E + Send + 'static,
        E: Into<Exchange> + Send + 'static,
    {
        let load = |system: &S| Load {
            address: system.address(),
            connections,
            duration: self.round,
        };
        let (mut rates, mut limits) = (Vec::new(), Vec::new());
        for round in 1..=ROUNDS {
            progress::show(format_args!(
                "{connections} connections, round {round} of {ROUNDS}"
            ));
            rates.push(load(self.system).run(|| request(self.system)).await?);
            limits.push(load(self.bare).run(|| request(self.bare)).await?);
        }
        progress::clear();
        Ok((load::median(rates), load::median(limits)))
    }
}

/// What part of the limit the rate is.
pub(crate) fn share(rate: &Rate, limit: &Rate) -> String {
    format!("{}%", cell(100.0 * rate.per_second / limit.per_second, 0))
}
