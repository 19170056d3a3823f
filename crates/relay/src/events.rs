//! Tells whoever handed messages over what became of them: signed batches over HTTP ([Standard Webhooks]), until they are taken.
//!
//! `POST {url}` with `{"events":[…]}`, at most [`BATCH`] of them, in order:
//!
//! ```json
//! {"type":"delivered","idempotencyKey":"…","recipient":"c@d","at":1790000000000,"reply":"250 2.1.5 Ok"}
//! ```
//!
//! `type` is `delivered` (kept in the sandbox, or taken by an MTA that is known to be the last), `accepted` (taken by an MTA that sends
//! it on) or `failed` (refused for good). An answer of 2xx means taken; after any other the same batch is sent again, with the same
//! `webhook-id`, later and later up to [`LONGEST_PAUSE`]. Events are written with the answer they follow from, so none is lost.
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com/

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::{sync::Notify, time::timeout};

use crate::{
    Log, Secret, StartError,
    answer::{Answer, Status},
    clock,
    store::{Store, WaitingEvent},
};

/// The most events of one request.
const BATCH: u32 = 100;
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The pauses after failures double from this.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// What the secret begins with.
const PREFIX: &str = "whsec_";

/// Who is told of events.
#[derive(Clone, Debug)]
pub struct EventOptions {
    /// Where events are posted: an `http` or `https` URL.
    pub url: String,
    /// What they are signed with: `whsec_` and base64.
    pub secret: Secret,
}

/// What events are made of, and who waits for them.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Woken when there are new ones. Absent while nobody is told.
    fresh: OnceLock<Arc<Notify>>,
}

impl Events {
    /// The events that follow from `answer` to the hand-over `key`, if anybody is told of them.
    pub(crate) fn of(&self, key: &str, answer: &Answer, is_final: bool) -> Vec<String> {
        if self.fresh.get().is_none() {
            return Vec::new();
        }
        let at = clock::now_ms();
        let event = |result: &crate::answer::RecipientResult| {
            let kind = match result.status {
                Status::Accepted if is_final => "delivered",
                Status::Accepted => "accepted",
                Status::Rejected => "failed",
                // Whoever handed it over tries again, and knows.
                Status::Deferred => return None,
            };
            let event = json!({
                "type": kind,
                "idempotencyKey": key,
                "recipient": result.recipient,
                "at": at,
                "reply": result.reply.to_string(),
            });
            Some(event.to_string())
        };
        answer.results.iter().filter_map(event).collect()
    }

    /// Says that events were stored.
    pub(crate) fn came(&self) {
        if let Some(fresh) = self.fresh.get() {
            fresh.notify_one();
        }
    }

    /// Has events recorded and posted from now on, until `self` is gone.
    pub(crate) fn post(
        self: &Arc<Self>,
        options: &EventOptions,
        store: Store,
        log: Log,
    ) -> Result<(), StartError> {
        let poster = Poster::new(options, store, log)?;
        let fresh = Arc::new(Notify::new());
        if self.fresh.set(Arc::clone(&fresh)).is_ok() {
            tokio::spawn(poster.run(Arc::downgrade(self), fresh));
        }
        Ok(())
    }
}

struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: http::Uri,
    secret: Vec<u8>,
    store: Store,
    log: Log,
}

impl Poster {
    fn new(options: &EventOptions, store: Store, log: Log) -> Result<Self, StartError> {
        let option = |option, expected| StartError::Option { option, expected };
        let url: http::Uri = options
            .url
            .parse()
            .map_err(|_| option("the URL of events", "an http or https URL"))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return Err(option("the URL of events", "an http or https URL"));
        }
        let secret = options.secret.expose().strip_prefix(PREFIX);
        let secret = secret.and_then(|secret| BASE64_STANDARD.decode(secret).ok());
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(tokio_rustls::rustls::crypto::ring::default_provider())
            .map_err(|_| option("the URL of events", "one that TLS can reach"))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url,
            secret: secret.ok_or_else(|| option("the secret of events", "whsec_ and base64"))?,
            store,
            log,
        })
    }

    async fn run(self, events: Weak<Events>, fresh: Arc<Notify>) {
        let mut pause = FIRST_PAUSE;
        while events.strong_count() > 0 {
            match self.step().await {
                Ok(true) => pause = FIRST_PAUSE,
                Ok(false) => {
                    // Wakes up now and then to see whether the relay is gone.
                    drop(timeout(LONGEST_PAUSE, fresh.notified()).await);
                }
                Err(cause) => {
                    self.log
                        .line(&format!("events could not be posted: {cause}"));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Posts one batch; false when there is none.
    async fn step(&self) -> Result<bool, String> {
        let waiting = self.store.waiting_events(BATCH).await;
        let waiting = waiting.map_err(|error| error.to_string())?;
        let (Some(first), Some(last)) = (waiting.first(), waiting.last()) else {
            return Ok(false);
        };
        let request = self.request(first.id, &waiting);
        let request = request.map_err(|error| error.to_string())?;
        let answer = timeout(TIMEOUT, self.client.request(request)).await;
        let answer = answer.map_err(|_| "no answer in time".to_owned())?;
        let status = answer.map_err(|error| error.to_string())?.status();
        match status.as_u16() {
            200..=299 => {}
            // It will never be taken, and would hold up all behind it.
            400 | 413 | 422 => self.log.line(&format!(
                "events were refused with {status} and are dropped"
            )),
            _ => return Err(format!("answered {status}")),
        }
        let forgotten = self.store.forget_events(last.id).await;
        forgotten.map_err(|error| error.to_string())?;
        Ok(true)
    }

    fn request(
        &self,
        first: i64,
        waiting: &[WaitingEvent],
    ) -> Result<http::Request<Full<Bytes>>, http::Error> {
        let bodies: Vec<&str> = waiting.iter().map(|event| event.body.as_str()).collect();
        let body = format!("{{\"events\":[{}]}}", bodies.join(","));
        // Of the content too: numbers begin anew in a new database.
        let id = format!(
            "relay-{first}-{}",
            BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&body))
        );
        let timestamp = clock::now_ms() / 1_000;
        let signature = self.signature(&format!("{id}.{timestamp}.{body}"));
        http::Request::post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(Full::new(Bytes::from(body)))
    }

    fn signature(&self, signed: &str) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return String::new();
        };
        mac.update(signed.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }
}
