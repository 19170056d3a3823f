//! What the operator of a server does: ask for the managed domain, and tick.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::Failure;

pub(crate) const ADMIN_TOKEN: &str = "an admin token of the benchmark's";
/// As often as `cargo run` ticks.
const TICK: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) struct Operator {
    client: Client<HttpConnector, Full<Bytes>>,
    origin: String,
}

impl Operator {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            origin: format!("http://{address}"),
        }
    }

    /// Waits for the managed domain, and returns a sender in it.
    pub(crate) async fn provision(&self) -> Result<String, Failure> {
        println!("Making the sender domain…");
        loop {
            let (status, body) = self
                .call(Method::PUT, "/domains/ManagedDomain", None)
                .await?;
            match (status, body.get("name").and_then(Value::as_str)) {
                (StatusCode::OK, Some(name)) => return Ok(format!("DoNotReply@{name}")),
                (StatusCode::ACCEPTED, _) => sleep(PAUSE).await,
                _ => return Err(format!("expected a domain, found {status}: {body}").into()),
            }
        }
    }

    /// Waits until the server answers at all.
    pub(crate) async fn wait_for_server(&self, patience: Duration) -> Result<(), Failure> {
        let uri: Uri = self.origin.parse()?;
        let answers = async {
            // Any answer will do.
            while self.client.get(uri.clone()).await.is_err() {
                sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(patience, answers).await.map_err(|_| {
            format!(
                "no server after {} s; what it said is above",
                patience.as_secs()
            )
        })?;
        Ok(())
    }

    /// Has `url` told of every event, in the schema of Event Grid, one a request.
    pub(crate) async fn subscribe(&self, url: &str) -> Result<(), Failure> {
        let body = json!({ "endpointUrl": url });
        let answer = self.call(Method::POST, "/subscriptions", Some(&body));
        let (status, made) = answer.await?;
        if made.get("state").is_some_and(|state| state == "Active") {
            return Ok(());
        }
        Err(format!("expected an active subscription, found {status}: {made}").into())
    }

    /// One step. Says whether the next one is worth while now.
    async fn tick(&self) -> Result<bool, Failure> {
        let (_, report) = self.call(Method::POST, "/tick", None).await?;
        let more = report.get("more").and_then(Value::as_bool);
        let attempted = report.get("attempted").and_then(Value::as_u64);
        Ok(more == Some(true) && attempted.is_some_and(|attempted| attempted > 0))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json")
            .body(
                body.map(|body| Full::from(body.to_string()))
                    .unwrap_or_default(),
            )?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body)?))
    }
}

/// Ticks as `cargo run` does, until it is dropped.
pub(crate) struct Ticker(JoinHandle<()>);

impl Ticker {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let operator = Operator::of(address);
        Self(tokio::spawn(async move {
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // One that fails is made up for by the next.
                while operator.tick().await.unwrap_or(false) {}
            }
        }))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}
