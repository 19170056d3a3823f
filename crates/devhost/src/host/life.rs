//! Whether an instance ended in order, for those who still take what it sends.
//!
//! To wasmtime a body whose instance is gone has come to its end. To its client it must not look so: half a list would be
//! taken for the list.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, WasiBody};

/// What is known of an instance outside of it.
#[derive(Default)]
pub(super) struct Life {
    cut_off: AtomicBool,
    taken: Mutex<Option<Instant>>,
}

impl Life {
    /// Says that the instance is ended in the middle of its work.
    pub(super) fn cut_off(&self) {
        self.cut_off.store(true, Ordering::Release);
    }

    /// When a client last took something of what the instance sends.
    pub(super) fn last_taken(&self) -> Option<Instant> {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Acquire)
    }

    /// Notes that a client takes something now.
    pub(super) fn take(&self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = Some(tokio::time::Instant::now().into_std());
    }
}

/// Goes with a request to whichever instance takes it, and brings back that one's life.
#[derive(Clone, Default)]
pub(super) struct Ticket(Arc<OnceLock<Arc<Life>>>);

impl Ticket {
    /// Tells which instance took the request. Only the first one counts, and there is no second.
    pub(super) fn stamp(&self, life: &Arc<Life>) {
        self.0.get_or_init(|| Arc::clone(life));
    }

    /// Ties the response to the life of the instance that gives it.
    pub(super) fn tie(&self, response: Response<WasiBody>) -> Response<WasiBody> {
        match self.0.get() {
            Some(life) => {
                let life = Arc::clone(life);
                response.map(|body| Tied { body, life }.boxed_unsync())
            }
            // No instance took the request, so none can leave the response unfinished.
            None => response,
        }
    }
}

/// A body that ends with an error when its instance was cut off.
struct Tied<B> {
    body: B,
    life: Arc<Life>,
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for Tied<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() && self.life.is_cut_off() {
            return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
        }
        self.life.take();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.life.is_cut_off()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use http_body_util::Full;

    use super::*;

    /// Reads the response of an instance to its end, and tells whether it has one.
    #[track_caller]
    fn check(before: impl FnOnce(&Life), ends: bool) {
        let (life, ticket) = (Arc::new(Life::default()), Ticket::default());
        ticket.stamp(&life);
        let body = Full::new(Bytes::from_static(b"half")).map_err(Error::from);
        let body = ticket.tie(Response::new(body.boxed_unsync())).into_body();
        before(&life);
        let collected = body
            .collect()
            .now_or_never()
            .expect("a body that never waits");
        assert_eq!(collected.is_ok(), ends);
        assert!(life.last_taken().is_some());
    }

    #[test]
    fn a_body_has_an_end_unless_its_instance_was_cut_off() {
        check(|_| {}, true);
        check(Life::cut_off, false);
    }
}
