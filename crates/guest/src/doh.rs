//! DNS over HTTPS: RFC 8484, by POST.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use dns::limits::MAX_ANSWER;
use dns::{Answer, Question, ResolveError, Resolver};
use futures::future::{Either, select};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use spin_sdk::http::send;

/// The path that RFC 8484 uses in its examples and every public resolver serves.
const PATH: &str = "/dns-query";
/// RFC 8484 section 6.
const MEDIA_TYPE: &str = "application/dns-message";
/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A resolver that is asked over HTTPS.
#[derive(Debug, Clone)]
pub struct DohClient {
    /// Where it is, without a path.
    pub origin: String,
}

impl Resolver for DohClient {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        let exchange = pin!(self.exchange(question));
        let timeout = pin!(spin_sdk::time::sleep(TIMEOUT));
        match select(exchange, timeout).await {
            Either::Left((answered, _)) => answered,
            Either::Right(((), _)) => Err(ResolveError::Timeout),
        }
    }
}

impl DohClient {
    async fn exchange(&self, question: &Question) -> Result<Answer, ResolveError> {
        let query = dns::encode_query(question);
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}{PATH}", self.origin.trim_end_matches('/')))
            .header("content-type", MEDIA_TYPE)
            .header("accept", MEDIA_TYPE)
            .header("content-length", query.len())
            .body(Full::new(Bytes::from(query)))
            .map_err(|_| ResolveError::Transport)?;
        let response = send(request).await.map_err(|_| ResolveError::Transport)?;
        let (parts, body) = response.into_parts();
        if parts.status != StatusCode::OK {
            return Err(ResolveError::Status(parts.status.as_u16()));
        }
        if !is_dns_message(&parts.headers) {
            return Err(ResolveError::ContentType);
        }
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                ResolveError::TooLong
            } else {
                ResolveError::Transport
            }
        })?;
        let answer = dns::decode_answer(question, &body.to_bytes())?;
        Ok(Answer {
            ttl: answer.ttl.saturating_sub(age_secs(&parts.headers)),
            ..answer
        })
    }
}

fn is_dns_message(headers: &HeaderMap) -> bool {
    let value = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next());
    media_type.is_some_and(|found| found.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

/// How long the answer lay in a cache of HTTP: RFC 8484 section 5.1.
fn age_secs(headers: &HeaderMap) -> u32 {
    headers
        .get("age")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0)
}
