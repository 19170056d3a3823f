//! Relays of these tests' own: one that hands on to an MTA, and one whose inbox knows the domain's key.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use relay::{
    CaptureOptions, DkimKeys, KeyLookup, Log, Mode, Relay, RelayOptions, Secret, SmtpOptions,
    TlsPolicy,
};
use tempfile::TempDir;
use tests::RELAY_TOKEN;

/// A running relay with its state.
pub(crate) struct RunningRelay {
    pub(crate) relay: Relay,
    // Kept for as long as the relay is.
    _state: TempDir,
}

impl RunningRelay {
    async fn start(mode: Mode) -> Self {
        let state = tempfile::tempdir().unwrap();
        let options = RelayOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            token: Secret::parse(RELAY_TOKEN).unwrap(),
            state: state.path().to_owned(),
            mode,
            log: Log::silent(),
        };
        Self {
            relay: Relay::start(options).await.unwrap(),
            _state: state,
        }
    }

    /// Starts a relay that hands on to the MTA at this port.
    pub(crate) async fn to_mta(port: u16) -> Self {
        let mut options = SmtpOptions::to("127.0.0.1", port);
        options.tls = TlsPolicy::None;
        Self::start(Mode::Smtp(options)).await
    }

    /// Starts a sandbox that asks `keys` for public keys.
    pub(crate) async fn sandbox(keys: &Arc<Keys>) -> Self {
        let keys: Arc<dyn DkimKeys> = Arc::<Keys>::clone(keys);
        Self::start(Mode::Capture(CaptureOptions {
            keys,
            ..CaptureOptions::default()
        }))
        .await
    }
}

/// The key record of the one domain there is.
#[derive(Debug, Default)]
pub(crate) struct Keys(OnceLock<(String, String)>);

impl Keys {
    /// Says what the record's name and text are.
    pub(crate) fn learn(&self, (name, text): (&str, &str)) {
        self.0.get_or_init(|| (name.to_owned(), text.to_owned()));
    }
}

impl DkimKeys for Keys {
    fn record<'a>(&'a self, name: &'a str) -> Pin<Box<dyn Future<Output = KeyLookup> + Send + 'a>> {
        Box::pin(async move {
            match self.0.get() {
                Some((known, text)) if known == name => KeyLookup::Found(text.clone()),
                _ => KeyLookup::NotFound,
            }
        })
    }
}
