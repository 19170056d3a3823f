//! Server-sent events, so that the page updates by itself.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{StreamExt as _, stream};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

use super::Inbox;
use crate::problem::Problem;

/// How many pages may listen at once.
const MAX_LISTENERS: usize = 64;
/// How many events a slow page may fall behind before it is told to look at everything again.
const MAX_BEHIND: usize = 64;

/// Tells pages what changed.
#[derive(Debug)]
pub(super) struct Events {
    sender: broadcast::Sender<i64>,
    listeners: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

/// Stands for "look at everything again"; no message has this id.
const EVERYTHING: i64 = 0;

impl Events {
    pub(super) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self {
            sender: broadcast::Sender::new(MAX_BEHIND),
            listeners: Arc::new(Semaphore::new(MAX_LISTENERS)),
            stopping,
        }
    }

    /// A message came, or its signatures were checked.
    pub(super) fn message(&self, id: i64) {
        // It is no error that nobody listens.
        drop(self.sender.send(id));
    }

    /// Messages were deleted.
    pub(super) fn everything(&self) {
        self.message(EVERYTHING);
    }
}

struct Listener {
    receiver: broadcast::Receiver<i64>,
    stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// Waits for the next event; none when the relay ends.
    async fn next(&mut self) -> Option<i64> {
        let received = tokio::select! {
            _ = self.stopping.wait_for(|stop| *stop) => return None,
            received = self.receiver.recv() => received,
        };
        match received {
            Ok(id) => Some(id),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(EVERYTHING),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// `GET /api/events`
pub(super) async fn stream(State(inbox): State<Arc<Inbox>>) -> Result<Response, Problem> {
    let events = &inbox.events;
    let place = Arc::clone(&events.listeners)
        .try_acquire_owned()
        .map_err(|_| Problem::busy())?;
    let listener = Listener {
        receiver: events.sender.subscribe(),
        stopping: events.stopping.clone(),
        _place: place,
    };
    let changes = stream::unfold(listener, async |mut listener| {
        let id = listener.next().await?;
        Some((Ok::<_, Infallible>(event(id)), listener))
    });
    // The first event tells the page that it listens, and lets it catch up after a break.
    let all = stream::once(async { Ok(event(EVERYTHING)) }).chain(changes);
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(all).keep_alive(keep_alive).into_response())
}

fn event(id: i64) -> Event {
    let changed = if id == EVERYTHING {
        json!({ "message": null })
    } else {
        json!({ "message": id })
    };
    Event::default().event("change").data(changed.to_string())
}
