//! The timer that Spin does not have.

use std::time::Duration;

use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    client::{Client, Request},
    secrets::ADMIN_TOKEN,
};

/// More often than `sendlet serve` ticks, so that tests wait less.
const PAUSE: Duration = Duration::from_millis(400);

/// Calls `POST /tick` until it is dropped.
#[derive(Debug)]
pub struct Ticker(JoinHandle<()>);

impl Ticker {
    /// Starts ticking.
    #[must_use]
    pub fn start(client: Client) -> Self {
        Self(tokio::spawn(async move {
            let mut ticks = interval(PAUSE);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // A tick that fails is made up for by the next one; that is part of what is tested.
                let _ = client.send(tick()).await;
            }
        }))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The request of a tick.
pub(crate) fn tick() -> Request {
    Request::new("POST", "/tick").field("authorization", &format!("Bearer {ADMIN_TOKEN}"))
}
