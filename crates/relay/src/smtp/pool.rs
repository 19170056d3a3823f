//! A few open sessions, used again.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use super::{SmtpError, session::Session, tls::Tls};
use crate::{SmtpOptions, StartError};

/// A session that was not used for so long is closed; servers in trouble close them themselves not much later.
const MAX_IDLE: Duration = Duration::from_secs(20);
/// A session is closed after so many messages, so that load spreads over an MTA's processes.
const MAX_MESSAGES: u32 = 100;

/// The sessions to one MTA.
#[derive(Debug)]
pub(super) struct Pool {
    options: SmtpOptions,
    tls: Option<Tls>,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    session: Session,
    since: Instant,
}

/// A session on loan. Dropping it closes the connection, which is right after any error.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) session: Session,
    pool: Arc<Pool>,
    _slot: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(options: SmtpOptions) -> Result<Self, StartError> {
        let tls = Tls::new(&options)?;
        let slots = Arc::new(Semaphore::new(options.max_connections));
        Ok(Self {
            options,
            tls,
            slots,
            idle: Mutex::default(),
        })
    }

    /// Waits for a free slot, and returns a session that answers.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, SmtpError> {
        // The semaphore is never closed.
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| SmtpError::Closed)?;
        while let Some(mut session) = self.pop() {
            if session.reset().await.is_ok() {
                return Ok(Lease {
                    session,
                    pool: Arc::clone(self),
                    _slot: slot,
                });
            }
        }
        let session = Session::open(&self.options, self.tls.as_ref()).await?;
        Ok(Lease {
            session,
            pool: Arc::clone(self),
            _slot: slot,
        })
    }

    fn pop(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|entry| entry.since.elapsed() < MAX_IDLE);
        idle.pop().map(|entry| entry.session)
    }

    fn take_idle_since(&self, before: Instant) -> Vec<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extract_if(.., |entry| entry.since <= before)
            .map(|entry| entry.session)
            .collect()
    }

    /// Says goodbye on every idle session.
    pub(super) async fn close(&self) {
        let sessions = self.take_idle_since(Instant::now());
        futures::future::join_all(sessions.into_iter().map(Session::quit)).await;
    }
}

impl Lease {
    /// Returns the session for the next message.
    pub(super) fn give_back(self) {
        if self.session.messages < MAX_MESSAGES {
            let entry = Idle {
                session: self.session,
                since: Instant::now(),
            };
            self.pool
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(entry);
        }
    }
}

/// Closes sessions that nobody needed for a while, as long as the pool lives.
pub(super) async fn close_idle(pool: Weak<Pool>) {
    loop {
        sleep(MAX_IDLE / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        let Some(before) = Instant::now().checked_sub(MAX_IDLE / 2) else {
            continue;
        };
        for session in pool.take_idle_since(before) {
            session.quit().await;
        }
    }
}
