//! What it takes to look the recipients of an attempt up in suppression lists: the same request with more of them.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use crate::Failure;
use crate::arguments::Scale;
use crate::bare::ROUNDS;
use crate::load::{self, Load, Rate};
use crate::progress;
use crate::systems::System;
use crate::table::{Table, cell};

const ROUND: Duration = Duration::from_secs(1);
/// Nobody first: that is what the request takes itself, with the look at which lists there are.
const RECIPIENTS: [u32; 3] = [0, 1, 50];

/// Prints the time of a request for each number of recipients, one request at a time, none of them on a list.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    let system = System::bare().await?;
    let mut rates = RECIPIENTS.map(|_| Vec::new());
    for round in 1..=ROUNDS {
        progress::show(format_args!("looking up, round {round} of {ROUNDS}"));
        for (recipients, rates) in RECIPIENTS.iter().zip(&mut rates) {
            rates.push(round_of(&system, *recipients, scale.duration(ROUND)).await?);
        }
    }
    let medians = rates.map(|rates| 1e3 / load::median(rates).per_second);
    let table = Table::begin(
        &format!(
            "Looking recipients up in suppression lists, one request at a time; medians of {ROUNDS} rounds, in turn"
        ),
        &["recipients", "ms/request", "more than for none, ms"],
    );
    let none = medians.first().copied().unwrap_or(f64::NAN);
    for (recipients, ms) in RECIPIENTS.iter().zip(medians) {
        table.row(&[recipients.to_string(), cell(ms, 2), cell(ms - none, 2)]);
    }
    system.stop().await;
    Ok(())
}

async fn round_of(system: &System, recipients: u32, duration: Duration) -> Result<Rate, Failure> {
    let load = Load {
        address: system.address(),
        connections: 1,
        duration,
    };
    let host = system.address().to_string();
    let path = format!("/look-up/{recipients}");
    load.run(|| {
        let (host, path) = (host.clone(), path.clone());
        move || {
            let request = Request::post(path.as_str()).header("host", host.as_str());
            request.body(Full::<Bytes>::default()).unwrap_or_default()
        }
    })
    .await
}
