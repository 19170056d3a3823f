//! A small HTTP client for the server's own API.
//!
//! # Not supported
//! HTTPS: the program talks to a server on the same machine or behind a proxy on it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer read.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A client for one server.
#[derive(Clone)]
pub(super) struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    origin: String,
}

/// What the server answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The body as JSON, or null if it is not.
    pub(super) json: Value,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the request is malformed: {0}")]
    Request(#[from] http::Error),
    #[error("no server answers at {origin} ({reason})")]
    Unreachable { origin: String, reason: String },
    #[error("the server at {origin} did not answer within {} seconds", TIMEOUT.as_secs())]
    Timeout { origin: String },
}

impl Api {
    pub(super) fn new(origin: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            origin: origin.to_owned(),
        }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, String)],
        body: Bytes,
    ) -> Result<Answer, ApiError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin));
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body))?;
        let timeout = |_| ApiError::Timeout {
            origin: self.origin.clone(),
        };
        tokio::time::timeout(TIMEOUT, self.exchange(request))
            .await
            .map_err(timeout)?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, ApiError> {
        let unreachable = |reason: String| ApiError::Unreachable {
            origin: self.origin.clone(),
            reason,
        };
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body
            .map_err(|error| unreachable(error.to_string()))?
            .to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            json,
        })
    }
}

impl Answer {
    /// Returns a text of the JSON by its path, such as `["error", "message"]`.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        path.iter()
            .try_fold(&self.json, |value, key| value.get(key))
            .and_then(Value::as_str)
    }

    /// Returns one line about an answer that is not the one hoped for.
    pub(super) fn complaint(&self) -> String {
        let code = self.text(&["error", "code"]).unwrap_or("no code");
        let message = self.text(&["error", "message"]).unwrap_or("no message");
        format!("{}: {code}: {message}", self.status.as_u16())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Returns the field that shows the admin token.
pub(super) fn admin(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

/// Returns the path and query of a URL, or the text itself if it is a path already.
pub(super) fn path_of(url: &str) -> String {
    let Ok(parsed) = url::Url::parse(url) else {
        return url.to_owned();
    };
    match parsed.query() {
        Some(query) => format!("{}?{query}", parsed.path()),
        None => parsed.path().to_owned(),
    }
}
