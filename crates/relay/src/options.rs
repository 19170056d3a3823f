//! What a relay is started with.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use crate::{DkimKeys, Log, NoKeys, Secret};

/// Everything [`crate::Relay::start`] needs.
#[derive(Debug)]
pub struct RelayOptions {
    /// The address to serve on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The bearer token of `/v1/`.
    pub token: Secret,
    /// The folder of the relay's database, made if missing. One relay at a time may use it.
    pub state: PathBuf,
    /// What happens to a message.
    pub mode: Mode,
    /// Where log lines go.
    pub log: Log,
}

/// What happens to a message that was handed over.
#[derive(Debug)]
pub enum Mode {
    /// It is kept and shown on the inbox page.
    Capture(CaptureOptions),
    /// It is handed to an MTA before the caller is answered.
    Smtp(SmtpOptions),
}

/// The sandbox inbox.
#[derive(Clone)]
pub struct CaptureOptions {
    /// How many messages are kept; older ones make room.
    pub keep: usize,
    /// How many octets of messages are kept; older ones make room.
    pub keep_octets: u64,
    /// Where keys of DKIM signatures are found.
    pub keys: Arc<dyn DkimKeys>,
    /// Names, apart from loopback names and literal addresses, under which browsers may open the page. Without such a
    /// list any web site could point a name of its own at this port and read the mail (DNS rebinding).
    pub host_names: Vec<String>,
}

impl Default for CaptureOptions {
    /// Keeps 1,000 messages and 1 GiB, and checks no signatures.
    fn default() -> Self {
        Self {
            keep: 1_000,
            keep_octets: 1 << 30,
            keys: Arc::new(NoKeys),
            host_names: Vec::new(),
        }
    }
}

impl fmt::Debug for CaptureOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureOptions")
            .field("keep", &self.keep)
            .field("keep_octets", &self.keep_octets)
            .field("host_names", &self.host_names)
            .finish_non_exhaustive()
    }
}

/// The MTA that messages are handed to.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// The MTA's name or address.
    pub host: String,
    /// The MTA's port.
    pub port: u16,
    /// When the connection is encrypted.
    pub tls: TlsPolicy,
    /// The name said in `EHLO`: this machine's own, fully qualified, or an address literal such as `[127.0.0.1]`.
    pub hello: String,
    /// The account at the MTA, when it wants one. Said only on an encrypted connection or to a loopback address.
    pub credentials: Option<Credentials>,
    /// What the MTA is asked to report, where it can.
    pub notify: Notify,
    /// How long to wait for the MTA.
    pub time_limits: TimeLimits,
    /// Whether the MTA is the last one: what it takes has arrived, and is told of as delivered. Otherwise it has yet to send it on.
    pub is_last: bool,
    /// How many connections are open at once; further messages wait their turn within the overall limit.
    pub max_connections: usize,
}

impl SmtpOptions {
    /// Hands over to `host:port` with opportunistic TLS, no account, all reports, usual time limits and eight connections.
    #[must_use]
    pub fn to(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            tls: TlsPolicy::Opportunistic,
            hello: "[127.0.0.1]".to_owned(),
            credentials: None,
            notify: Notify::SuccessFailureDelay,
            time_limits: TimeLimits::default(),
            is_last: false,
            max_connections: 8,
        }
    }
}

/// When the connection to the MTA is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPolicy {
    /// `STARTTLS` is used when offered, whatever certificate comes (RFC 7435): it keeps out those who only listen. With
    /// an account configured the certificate must be valid, since a password is at stake.
    Opportunistic,
    /// Without `STARTTLS` and a valid certificate for the MTA's name nothing is sent.
    Required,
    /// Never encrypted: for an MTA on the same machine.
    None,
}

/// Which delivery status notifications the MTA is asked for (RFC 3461, section 4.1), if it offers DSN.
///
/// It is asked about recipients with a return path of their own, since otherwise a report does not say whom it is about; and never for
/// success if it is the last one ([`SmtpOptions::is_last`]), since what it takes has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Of everything, so that each recipient's state becomes final. The price is a report for each one: the MTA handles twice the
    /// mail.
    SuccessFailureDelay,
    /// Of failures and delays, as MTAs do unasked. Of what arrived nobody hears.
    FailureDelay,
}

impl Notify {
    /// The value of `NOTIFY`.
    pub(crate) fn keywords(self) -> &'static str {
        match self {
            Self::SuccessFailureDelay => "SUCCESS,FAILURE,DELAY",
            Self::FailureDelay => "FAILURE,DELAY",
        }
    }
}

/// An account at the MTA.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account's name.
    pub user: String,
    /// The account's password.
    pub password: Secret,
}

/// How long each step with the MTA may take.
///
/// RFC 5321, section 4.5.3.2, asks for minutes, because its client has a queue and nobody waiting. Here an HTTP caller
/// waits, and retries with the same key, so the sum is bounded too.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For the TCP connection.
    pub connect: Duration,
    /// For the greeting and for the reply to each command.
    pub reply: Duration,
    /// For the reply to the final dot: giving up here is the only case that can send a message twice, so it is long.
    pub final_reply: Duration,
    /// For everything before the final dot, with the wait for a free connection.
    pub overall: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            reply: Duration::from_secs(30),
            final_reply: Duration::from_secs(300),
            overall: Duration::from_secs(120),
        }
    }
}
