//! How instances come, are reused, and go.

use std::{
    pin::Pin,
    sync::{Arc, Weak, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::Sleep};
use wasmtime::{Store, StoreContextMut, component::GuestTaskId};
use wasmtime_wasi_http::{
    WasiHttpView as _,
    handler::{
        HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
    },
    p3::bindings::ServicePre,
};

use super::{
    application::Application,
    guest::{ComponentContext, Guest},
    life::{Life, Ticket},
    requests::OutboundRequests,
};
use crate::{limits::Limits, log::LogEvent, outbound::Client};

/// How the host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Instances come and go as there is work.
    Serving,
    /// Instances without work go at once.
    Draining,
    /// Every instance goes at once.
    Ending,
}

/// Makes the instances of one component.
pub(super) struct Instances {
    pub(super) component: Arc<ComponentContext>,
    pub(super) service: ServicePre<Guest>,
    pub(super) client: Client,
    pub(super) application: Weak<Application>,
    pub(super) limits: Limits,
    pub(super) phase: watch::Receiver<Phase>,
    /// The number of instances of the whole host.
    pub(super) running: Arc<watch::Sender<usize>>,
}

impl HandlerState for Instances {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let requests = OutboundRequests::new(
            &self.component,
            self.client.clone(),
            self.application.clone(),
        );
        let guest = Guest::new(&self.component, requests, self.limits.memory_bytes);
        let mut store = Store::new(self.service.engine(), guest);
        store.limiter(|guest| &mut guest.memory);
        // Each epoch the guest hands its thread back, so that one that computes for long does not hold up the others.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let service = self.service.instantiate_async(&mut store).await?;
        self.component
            .figures
            .instances
            .fetch_add(1, Ordering::Relaxed);
        let life = Arc::new(Life::default());
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: Guest::http,
            expiration: Expiration::new(&self.limits, &self.phase, &life),
            state: Worker::new(self, life),
        })
    }
}

/// Decides how much work an instance takes.
pub(super) struct Worker {
    component: Arc<ComponentContext>,
    limits: Limits,
    running: Arc<watch::Sender<usize>>,
    life: Arc<Life>,
}

impl Worker {
    fn new(instances: &Instances, life: Arc<Life>) -> Self {
        instances.running.send_modify(|running| *running += 1);
        Self {
            component: Arc::clone(&instances.component),
            limits: instances.limits.clone(),
            running: Arc::clone(&instances.running),
            life,
        }
    }
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Ticket;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.limits.requests_per_instance {
            ShouldAccept::Never
        } else if concurrent >= self.limits.concurrent_requests_per_instance {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        ticket: Ticket,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        ticket.stamp(&self.life);
        Box::pin(tokio::time::sleep(self.limits.request))
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            // Before the store goes: that is what ends the bodies.
            self.life.cut_off();
            self.component
                .figures
                .failures
                .fetch_add(1, Ordering::Relaxed);
            let text = format!("{error:?}");
            (self.component.log)(&LogEvent::Failure {
                component: Some(&self.component.id),
                error: &text,
            });
        }
        drop(store);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.running
            .send_modify(|running| *running = running.saturating_sub(1));
    }
}

type Waiting = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Decides when an instance goes.
pub(super) struct Expiration {
    idle: Duration,
    request: Duration,
    life: Arc<Life>,
    sleep: Pin<Box<Sleep>>,
    draining: Option<Waiting>,
    ending: Option<Waiting>,
}

impl Expiration {
    fn new(limits: &Limits, phase: &watch::Receiver<Phase>, life: &Arc<Life>) -> Self {
        Self {
            idle: limits.idle_instance,
            request: limits.request,
            life: Arc::clone(life),
            sleep: Box::pin(tokio::time::sleep(limits.idle_instance)),
            draining: Some(reached(phase, Phase::Draining)),
            ending: Some(reached(phase, Phase::Ending)),
        }
    }
}

/// Returns what waits until the host has come to this phase, or is gone.
fn reached(phase: &watch::Receiver<Phase>, wanted: Phase) -> Waiting {
    let mut phase = phase.clone();
    Box::pin(async move {
        // The sender goes only with the host, and then the instance must go too.
        let _ = phase.wait_for(|phase| *phase >= wanted).await;
    })
}

/// Polls what waits, and forgets it once it is over, since a future must not be polled again then.
fn is_over(waiting: &mut Option<Waiting>, context: &mut Context<'_>) -> bool {
    if waiting
        .as_mut()
        .is_some_and(|waiting| waiting.as_mut().poll(context).is_ready())
    {
        *waiting = None;
    }
    waiting.is_none()
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        if is_over(&mut self.ending, context) {
            return Poll::Ready(());
        }
        let draining = is_over(&mut self.draining, context);
        let (since, limit) = match status {
            WorkerStatus::Idle if draining => return Poll::Ready(()),
            WorkerStatus::Idle => (start, self.idle),
            // A long body that a client takes slowly is no work without an end.
            WorkerStatus::Requests | WorkerStatus::PostReturn => (
                self.life.last_taken().max(Some(start)).unwrap_or(start),
                self.request,
            ),
        };
        let Some(deadline) = since.checked_add(limit) else {
            return Poll::Pending;
        };
        if self.sleep.deadline() != deadline.into() {
            self.sleep.as_mut().reset(deadline.into());
        }
        self.sleep.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_instance_whose_response_is_taken_has_its_time_anew() {
        let (limits, life) = (Limits::default(), Arc::new(Life::default()));
        let phase = watch::Sender::new(Phase::Serving);
        let mut expiration = pin!(Expiration::new(&limits, &phase.subscribe(), &life));
        let start = tokio::time::Instant::now().into_std();
        let mut is_over = async || {
            let status = WorkerStatus::PostReturn;
            poll_fn(|context| {
                let polled = expiration.as_mut().poll(context, status, start);
                Poll::Ready(polled.is_ready())
            })
            .await
        };
        let nearly = limits.request - Duration::from_secs(1);
        for _ in 0..3 {
            advance(nearly).await;
            assert!(!is_over().await);
            life.take();
        }
        advance(limits.request).await;
        assert!(is_over().await);
    }
}
