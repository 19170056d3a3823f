//! Sendlet's relay: takes a finished message over HTTP and either keeps it in a sandbox inbox or hands it to an MTA.
//!
//! # The contract
//! `POST {relay}/v1/messages`, where `{relay}` is an origin without a path.
//!
//! | request field | meaning |
//! |---|---|
//! | `Authorization: Bearer <token>` | the token both sides were given |
//! | `Content-Type: message/rfc822` | the body is a message (RFC 5322), lines ended by CRLF, at most [`MAX_MESSAGE_OCTETS`] |
//! | `Idempotency-Key` | 1 to 128 visible ASCII characters, the same for every attempt to hand over this envelope |
//! | `Envelope-From: <a@b>` | the reverse-path (RFC 5321, section 4.1.1.2), `<>` when null; UTF-8 local parts as raw bytes. One for all, or one for each `Envelope-To` in their order |
//! | `Envelope-To: <c@d>` | one field for each forward-path, at most [`MAX_RECIPIENTS`] |
//!
//! The answer is 200 with one result for each recipient, in the order of the `Envelope-To` fields:
//!
//! ```json
//! {"results":[{"recipient":"c@d","status":"accepted","reply":{"code":250,"enhanced":"2.1.5","text":"Ok"}}]}
//! ```
//!
//! `status` is `accepted`, `deferred` (the reply was transient: try again later) or `rejected` (permanent). Every other
//! answer is `{"error":{"code":"…","message":"…"}}`:
//!
//! | status | code | meaning |
//! |---|---|---|
//! | 400 | `malformed_envelope`, `malformed_message`, `malformed_request` | this request can never succeed as it is |
//! | 401 | `unauthorized` | no bearer token, or not ours |
//! | 408 | `request_timeout` | the body came too slowly |
//! | 404, 405 | `not_found`, `method_not_allowed` | as HTTP says |
//! | 413, 415 | `message_too_large`, `unsupported_media_type` | as HTTP says |
//! | 422 | `idempotency_key_reused` | the key was used within 24 hours for another reverse-path, or without one of these recipients |
//! | 500 | `internal` | the log says why |
//! | 503 | `busy`, `mta_unavailable`, `outcome_unknown`, `storage_unavailable` | try again after `Retry-After` seconds, with the same key |
//!
//! The key of an answered request is kept for 24 hours, across restarts: the same key with the same envelope gets the
//! stored answer and nothing is sent again, even if the message's octets differ (a retry may have been signed anew). With
//! fewer of the recipients it gets the results of those. The same key while the first request is still worked on waits for its answer. An answer is stored if it accepted a
//! recipient. One that accepted nobody sent nothing, so asking again with its key asks the MTA again; and to try those
//! who were deferred while others were accepted, the caller sends a smaller envelope under a new key.
//!
//! Capture mode stores message and answer in one transaction, so a message is kept exactly once. SMTP mode has one
//! window that no client of SMTP can close: if the MTA takes the message, and its reply or this relay dies before the
//! answer is stored, the retry sends it a second time. Noting the attempt beforehand would not help, since after a crash
//! nobody could tell the message that was taken from the one that was not; losing mail is worse than sending it twice.
//!
//! `GET {relay}/v1/capabilities` (with the token) answers `{"smtputf8":bool,"eight_bit_mime":bool,"max_message_octets":n,"max_recipients":n,"mode":"capture"|"smtp"}`,
//! and `GET {relay}/healthz` answers `{"status":"ok"}` without one.
//!
//! # Not supported
//! - A queue: the MTA has one, and the caller has its journal.
//! - Delivery status notifications asked for by `NOTIFY` and `RET` (RFC 3461); LMTP; CHUNKING (RFC 3030); PIPELINING (RFC 2920).
//! - TLS on the relay's own port, and accounts for the inbox page: both are a reverse proxy's business.

mod answer;
mod api;
mod clock;
mod events;
mod handover;
mod inbox;
mod key_locks;
mod keys;
mod log;
mod options;
mod problem;
mod secret;
mod server;
mod service;
mod smtp;
mod store;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use self::{
    events::EventOptions,
    keys::{DkimKeys, KeyLookup, NoKeys},
    log::Log,
    options::{
        CaptureOptions, Credentials, Mode, Notify, RelayOptions, SmtpOptions, TimeLimits, TlsPolicy,
    },
    secret::{InvalidSecret, Secret},
};
use self::{
    inbox::Inbox,
    service::{Carrier, Service},
    smtp::Mta,
    store::Store,
};

/// The largest message taken, in octets (25 MiB).
pub const MAX_MESSAGE_OCTETS: u64 = 25 * 1024 * 1024;
/// The most recipients one envelope may have.
pub const MAX_RECIPIENTS: usize = 1_000;

/// A running relay. Dropping it ends it at once; [`Relay::stop`] lets the work in hand finish.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    service: Arc<Service>,
    stopping: watch::Sender<bool>,
    // None only after `stop` has taken it.
    server: Option<JoinHandle<()>>,
}

impl Relay {
    /// Opens the state, binds the address and serves in background tasks of the current Tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound, the state folder or its database cannot be used, or an option is out of range.
    pub async fn start(options: RelayOptions) -> Result<Self, StartError> {
        let (stopping, stop_seen) = watch::channel(false);
        let store = open_store(options.state).await?;
        let listen = |source| StartError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let carrier = match options.mode {
            Mode::Capture(capture) => {
                check_capture(&capture)?;
                Carrier::Capture(Inbox::open(
                    capture,
                    store.clone(),
                    options.log.clone(),
                    stop_seen.clone(),
                ))
            }
            Mode::Smtp(smtp) => Carrier::Smtp(Arc::new(Mta::new(smtp)?)),
        };
        let service = Arc::new(Service::new(options.token, carrier, store, options.log));
        let server = tokio::spawn(server::serve(
            listener,
            api::routes(Arc::clone(&service)),
            stop_seen,
        ));
        Ok(Self {
            address,
            service,
            stopping,
            server: Some(server),
        })
    }

    /// Returns the bound address, with the port the system chose if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells of what becomes of messages from now on. Those that were taken before are not told of.
    ///
    /// # Errors
    /// When the URL or the secret cannot be used.
    pub fn post_events(&self, options: &EventOptions) -> Result<(), StartError> {
        let service = &self.service;
        let (store, log) = (service.store.clone(), service.log.clone());
        service.events.post(options, store, log)
    }

    /// Takes no new connection, waits (at most 30 seconds) for the messages in hand, and closes every connection.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if let Some(server) = self.server.take() {
            // The task has no result; if it panicked there is nothing left to end.
            drop(server.await);
        }
        self.service.finish().await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn open_store(folder: PathBuf) -> Result<Store, StartError> {
    let path = folder.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder)).await;
    opened.unwrap_or_else(|error| {
        Err(StartError::State {
            path,
            source: std::io::Error::other(error),
        })
    })
}

fn check_capture(options: &CaptureOptions) -> Result<(), StartError> {
    if options.keep == 0 {
        return Err(StartError::Option {
            option: "the number of messages kept",
            expected: "at least 1",
        });
    }
    Ok(())
}

/// Why a relay could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listening address cannot be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state folder cannot be made or read.
    #[error("cannot use the state folder {}", path.display())]
    State {
        /// The folder asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database in the state folder cannot be opened.
    #[error("cannot open the relay's database")]
    Database(#[source] rusqlite::Error),
    /// The database was written by a newer version.
    #[error("expected a database of version {expected} or older, found {found}")]
    NewerDatabase {
        /// The newest version this build reads.
        expected: u32,
        /// The version found.
        found: u32,
    },
    /// An option has a value that cannot work.
    #[error("expected {expected} as {option}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}
