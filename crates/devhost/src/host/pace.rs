//! Bodies of requests, whose clients have to keep up: one that sends a head and no more would hold a place otherwise.
//!
//! Only until the response begins. After that a request has no place to hold, and the component decides how long it reads.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{sync::Notify, time::Sleep};
use wasmtime_wasi_http::Error;

/// What has to come of a body within one pause, if that much is left: a client that sends an octet now and then is late too.
const STRIDE_OCTETS: usize = 16 * 1024;

/// How the client of one request keeps up.
#[derive(Clone, Default)]
pub(super) struct Pace(Arc<Progress>);

#[derive(Default)]
struct Progress {
    /// Whether the response has begun.
    answered: AtomicBool,
    /// Whether the component waits for more of the body.
    awaited: AtomicBool,
    late: Notify,
}

impl Pace {
    /// Holds the client of `body` to it: of each 16 KiB none may be awaited for longer than `pause`.
    pub(super) fn hold<B>(&self, body: B, pause: Duration) -> Paced<B> {
        Paced {
            body: Some(body),
            pause,
            patience: None,
            missing: STRIDE_OCTETS,
            progress: Arc::clone(&self.0),
        }
    }

    /// Waits until the client is late.
    pub(super) async fn late(&self) {
        self.0.late.notified().await;
    }

    /// Whether the component waits for more of the body.
    pub(super) fn is_awaited(&self) -> bool {
        self.0.awaited.load(Ordering::Relaxed)
    }

    /// Lets the client take its time from now on.
    pub(super) fn release(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }
}

/// A body that ends with an error when its client is late.
pub(super) struct Paced<B> {
    /// Nothing once the client was late: hyper closes a connection only when nobody reads from it.
    body: Option<B>,
    pause: Duration,
    /// Runs since the component first had to wait for what is missing.
    patience: Option<Pin<Box<Sleep>>>,
    missing: usize,
    progress: Arc<Progress>,
}

impl<B> Paced<B> {
    fn note(&mut self, octets: usize) {
        self.missing = self.missing.saturating_sub(octets);
        if self.missing == 0 {
            self.missing = STRIDE_OCTETS;
            self.patience = None;
        }
    }

    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if self.progress.answered.load(Ordering::Relaxed) {
            return false;
        }
        let pause = self.pause;
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        patience.as_mut().poll(context).is_ready()
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes> + Unpin,
    Error: From<B::Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        let awaited = polled.is_pending();
        self.progress.awaited.store(awaited, Ordering::Relaxed);
        if let Poll::Ready(frame) = polled {
            let octets = frame
                .as_ref()
                .and_then(|frame| frame.as_ref().ok()?.data_ref());
            self.note(octets.map_or(0, Bytes::len));
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        if !self.is_late(context) {
            return Poll::Pending;
        }
        self.body = None;
        self.progress.late.notify_one();
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};
    use tokio::time::sleep;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(15);

    /// Sends so many octets after so many seconds each, then the end at once.
    fn client(
        sends: &'static [(u64, usize)],
    ) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames = stream::iter(sends).then(|&(seconds, octets)| async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok(Frame::data(Bytes::from(vec![b'x'; octets])))
        });
        StreamBody::new(frames.boxed())
    }

    /// Whether the whole body comes, and whether it is told when it does not.
    #[track_caller]
    fn check(pace: &Pace, sends: &'static [(u64, usize)], comes: bool) -> impl Future<Output = ()> {
        let (body, pace) = (pace.hold(client(sends), PAUSE), pace.clone());
        async move {
            let collected = body.collect().await;
            assert_eq!(collected.is_ok(), comes, "{sends:?}");
            assert_eq!(pace.late().now_or_never().is_none(), comes, "{sends:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_pause_and_go_on() {
        check(&Pace::default(), &[], true).await;
        check(&Pace::default(), &[(14, 1)], true).await;
        check(&Pace::default(), &[(14, STRIDE_OCTETS), (14, 1)], true).await;
        check(&Pace::default(), &[(14, 3 * STRIDE_OCTETS), (14, 1)], true).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_or_comes_by_octets_is_late() {
        check(&Pace::default(), &[(16, 1)], false).await;
        check(&Pace::default(), &[(0, 1), (16, 1)], false).await;
        check(&Pace::default(), &[(0, 1), (8, 1), (8, 1)], false).await;
        check(&Pace::default(), &[(14, STRIDE_OCTETS), (16, 1)], false).await;
    }

    #[tokio::test(start_paused = true)]
    async fn once_the_response_has_begun_the_client_may_take_its_time() {
        let pace = Pace::default();
        pace.release();
        check(&pace, &[(0, 1), (600, 1)], true).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_awaited_is_known() {
        let pace = Pace::default();
        let mut body = pace.hold(client(&[(1, 1)]), PAUSE);
        assert!(!pace.is_awaited());
        assert!(body.frame().now_or_never().is_none());
        assert!(pace.is_awaited());
        assert!(body.frame().await.is_some());
        assert!(!pace.is_awaited());
    }
}
