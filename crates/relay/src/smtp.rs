//! Hands a message to an MTA and reports its own reply for each recipient ([RFC 5321]).
//!
//! A small client of our own, because those we know stop at the first refused recipient, join or drop reply lines, and
//! keep octets read before `STARTTLS`, which lets a man in the middle put words into the encrypted session.
//!
//! A message whose final dot was not sent has certainly not been taken; one whose final dot was sent and whose reply
//! never came may have been. The two are kept apart in [`HandOverError`].
//!
//! # Not supported
//! - Finding MX hosts: there is one MTA, named by the operator.
//! - Changing a message's encoding for a server without 8BITMIME or SMTPUTF8: its recipients are rejected instead.
//! - Authentication other than PLAIN and LOGIN; client certificates; DANE; private certificate authorities.
//!
//! [RFC 5321]: https://www.rfc-editor.org/rfc/rfc5321

mod dot_stuffing;
mod extensions;
mod notifications;
mod pool;
mod session;
#[cfg(test)]
mod tests;
mod tls;
mod transaction;
mod wire;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use envelope::{Reply, ReplyError};
use tokio::time::{Instant, timeout};

use self::{
    extensions::Extensions,
    notifications::Request,
    pool::Pool,
    transaction::{Begun, Outgoing},
};
use crate::{
    Notify, SmtpOptions, StartError, TimeLimits, answer::Answer, handover::MailTransaction,
};

/// How long an answer to `EHLO` counts.
const EXTENSIONS_FRESH: Duration = Duration::from_secs(60);

/// The MTA, with connections to it.
#[derive(Debug)]
pub(crate) struct Mta {
    pool: Arc<Pool>,
    limits: TimeLimits,
    is_last: bool,
    notify: Notify,
    extensions: Mutex<Option<(Instant, Extensions)>>,
}

/// Why there is no result for the recipients.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandOverError {
    /// The MTA does not have the message.
    #[error("the MTA did not take the message: {0}")]
    Unavailable(#[source] SmtpError),
    /// The MTA may have the message.
    #[error("the MTA's answer to the message is unknown: {0}")]
    OutcomeUnknown(#[source] SmtpError),
}

/// What went wrong on the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SmtpError {
    #[error("cannot connect: {0}")]
    Connect(#[source] std::io::Error),
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("the MTA closed the connection")]
    Closed,
    #[error("expected {step} in time")]
    TimedOut { step: &'static str },
    #[error(
        "expected a reply of at most {} lines of {} octets",
        wire::MAX_REPLY_LINES,
        wire::MAX_LINE_OCTETS
    )]
    ReplyTooLong,
    #[error("malformed reply: {0}")]
    BadReply(#[from] ReplyError),
    #[error("expected a positive reply to {step}, found {}", reply.code)]
    Refused { step: &'static str, reply: Reply },
    #[error("expected STARTTLS to be offered")]
    TlsNotOffered,
    #[error("expected nothing after the reply to STARTTLS, found more octets")]
    TlsInjection,
    #[error("the TLS handshake failed: {0}")]
    Tls(#[source] std::io::Error),
    #[error("expected an encrypted connection for the account's password")]
    PasswordInClear,
    #[error("expected AUTH with PLAIN or LOGIN to be offered")]
    NoMechanism,
}

impl Mta {
    /// Checks the options; connects only when there is something to send.
    pub(crate) fn new(options: SmtpOptions) -> Result<Self, StartError> {
        check(&options)?;
        let limits = options.time_limits;
        let is_last = options.is_last;
        // What the last one takes is told of as delivered already.
        let notify = if is_last {
            Notify::FailureDelay
        } else {
            options.notify
        };
        let pool = Arc::new(Pool::new(options)?);
        tokio::spawn(pool::close_idle(Arc::downgrade(&pool)));
        Ok(Self {
            pool,
            limits,
            is_last,
            notify,
            extensions: Mutex::new(None),
        })
    }

    /// Whether what the MTA takes has arrived.
    pub(crate) fn is_last(&self) -> bool {
        self.is_last
    }

    /// Hands `message` over and returns the MTA's reply for each recipient.
    pub(crate) async fn hand_over(
        &self,
        transaction: &MailTransaction,
        message: &[u8],
    ) -> Result<Answer, HandOverError> {
        let begun = timeout(self.limits.overall, self.begin(transaction, message))
            .await
            .unwrap_or(Err(SmtpError::TimedOut {
                step: "everything before the final dot",
            }))
            .map_err(HandOverError::Unavailable)?;
        match begun {
            Begun::Refused(lease, answer) => {
                lease.give_back();
                Ok(answer)
            }
            Begun::Sent(mut lease, recipients) => {
                let reply = lease
                    .session
                    .final_dot()
                    .await
                    .map_err(HandOverError::OutcomeUnknown)?;
                let reply = transaction::definite(reply, "the final dot")
                    .map_err(HandOverError::OutcomeUnknown)?;
                lease.give_back();
                Ok(recipients.finish(&transaction.envelope, &reply))
            }
        }
    }

    async fn begin(
        &self,
        transaction: &MailTransaction,
        message: &[u8],
    ) -> Result<Begun, SmtpError> {
        let lease = self.pool.lease().await?;
        let extensions = lease.session.extensions();
        self.remember(extensions);
        let envelope_id = transaction.envelope_id.as_deref();
        let request = envelope_id
            .filter(|_| extensions.dsn)
            .map(|envelope_id| Request {
                notify: self.notify,
                envelope_id,
            });
        let outgoing = Outgoing {
            envelope: &transaction.envelope,
            message,
            request,
        };
        transaction::begin(lease, outgoing).await
    }

    /// What the MTA offers, as of at most a minute ago.
    pub(crate) async fn extensions(&self) -> Result<Extensions, SmtpError> {
        if let Some((since, extensions)) = self.remembered()
            && since.elapsed() < EXTENSIONS_FRESH
        {
            return Ok(extensions);
        }
        let lease = timeout(self.limits.overall, self.pool.lease())
            .await
            .unwrap_or(Err(SmtpError::TimedOut {
                step: "a connection",
            }))?;
        let extensions = lease.session.extensions().clone();
        self.remember(&extensions);
        lease.give_back();
        Ok(extensions)
    }

    /// Says goodbye on the idle connections.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    fn remember(&self, extensions: &Extensions) {
        let entry = (Instant::now(), extensions.clone());
        *self
            .extensions
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(entry);
    }

    fn remembered(&self) -> Option<(Instant, Extensions)> {
        self.extensions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn check(options: &SmtpOptions) -> Result<(), StartError> {
    let word = |text: &str| {
        !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let ensure = |holds: bool, option, expected| {
        if holds {
            Ok(())
        } else {
            Err(StartError::Option { option, expected })
        }
    };
    ensure(
        word(&options.host),
        "the MTA's host",
        "a name or an address",
    )?;
    ensure(
        word(&options.hello),
        "the hello name",
        "a name or an address literal in visible ASCII",
    )?;
    ensure(
        options.max_connections > 0,
        "the number of connections",
        "at least 1",
    )?;
    let user = options
        .credentials
        .as_ref()
        .map_or("user", |credentials| &credentials.user);
    ensure(
        !user.is_empty() && user.len() <= 255 && !user.contains('\0'),
        "the account's name",
        "1 to 255 octets without NUL",
    )
}
