//! The port `Webhook` over HTTP: deliveries and handshakes.

use std::time::Duration;

use bytes::Bytes;
use guest::{Answered, ExchangeError, SpinPorts, exchange};
use http::{HeaderMap, Method};
use http_body_util::Full;
use mailer::notification::Outcome;
use mailer::notification::attempt::Delivery;
use mailer::ports::{Clock, Webhook};
use mailer::subscription::secret::{Signed, signatures};
use mailer::subscription::validation::{Handshake, ValidationCode};
use mailer::subscription::{Schema, Subscription};

use crate::wire::{self, Source, Told};

/// Of the answer to a handshake at most this is read.
const MAX_ANSWER_OCTETS: usize = 64 * 1024;
const USER_AGENT: &str = concat!("Sendlet/", env!("CARGO_PKG_VERSION"));

/// Endpoints, over HTTP.
pub(crate) struct Endpoints<'a> {
    pub(crate) ports: &'a SpinPorts,
    pub(crate) source: &'a Source,
    pub(crate) timeout: Duration,
    /// Where the link of a handshake leads: without one there is none.
    pub(crate) public_url: Option<&'a str>,
}

impl Webhook for Endpoints<'_> {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Outcome {
        let told = wire::notification(delivery, self.source);
        let Some(request) = request(delivery, told) else {
            return Outcome::NotAllowed;
        };
        match exchange(request, self.timeout, 0).await {
            Ok(answered) => self.answered(&answered),
            Err(error) => failed(error),
        }
    }

    async fn ask(&self, subscription: &Subscription, code: ValidationCode) -> Handshake {
        let link = self.public_url.map(|origin| {
            let id = subscription.id;
            format!("{origin}/subscriptions/validate?id={id}&code={code}")
        });
        let request = match subscription.schema {
            Schema::EventGrid => self.event_grid_question(subscription, code, link),
            Schema::CloudEvents => self.cloud_events_question(subscription, link),
        };
        let Some(request) = request else {
            return Handshake::Unconfirmed(Outcome::NotAllowed);
        };
        let answered = match exchange(request, self.timeout, MAX_ANSWER_OCTETS).await {
            Ok(answered) => answered,
            Err(error) => return Handshake::Unconfirmed(failed(error)),
        };
        let is_confirmed = answered.status == 200
            && match subscription.schema {
                Schema::EventGrid => wire::validation_response(&answered.body) == Some(code),
                Schema::CloudEvents => self.is_allowed(&answered.headers),
            };
        match is_confirmed {
            true => Handshake::Confirmed,
            false => Handshake::Unconfirmed(self.answered(&answered)),
        }
    }
}

impl Endpoints<'_> {
    fn answered(&self, answered: &Answered) -> Outcome {
        Outcome::Answered {
            status: answered.status,
            retry_after: retry_after(&answered.headers, self.ports.now().as_secs()),
        }
    }

    fn event_grid_question(
        &self,
        subscription: &Subscription,
        code: ValidationCode,
        link: Option<String>,
    ) -> Option<http::Request<Full<Bytes>>> {
        let now = self.ports.now();
        let body = wire::validation(code, link, self.source, now)?;
        base(subscription, Method::POST)
            .header("content-type", wire::JSON)
            .header("content-length", body.len())
            .header("aeg-event-type", "SubscriptionValidation")
            .header("aeg-subscription-name", subscription.label().to_uppercase())
            .header("aeg-delivery-count", "0")
            .header("aeg-data-version", "2")
            .header("aeg-metadata-version", "1")
            .body(Full::new(Bytes::from(body)))
            .ok()
    }

    fn cloud_events_question(
        &self,
        subscription: &Subscription,
        link: Option<String>,
    ) -> Option<http::Request<Full<Bytes>>> {
        let mut request = base(subscription, Method::OPTIONS)
            .header("webhook-request-origin", self.source.host())
            .header("content-length", 0);
        if let Some(link) = link {
            request = request.header("webhook-request-callback", link);
        }
        request.body(Full::default()).ok()
    }

    /// The field `WebHook-Allowed-Origin`: us, or anybody.
    fn is_allowed(&self, headers: &HeaderMap) -> bool {
        let allowed = headers
            .get("webhook-allowed-origin")
            .and_then(|value| value.to_str().ok());
        allowed.is_some_and(|allowed| {
            let allowed = allowed.trim();
            allowed == "*" || allowed.eq_ignore_ascii_case(self.source.host())
        })
    }
}

fn base(subscription: &Subscription, method: Method) -> http::request::Builder {
    http::Request::builder()
        .method(method)
        .uri(subscription.endpoint.as_str())
        .header("user-agent", USER_AGENT)
}

/// The signed request, or `None` if one could not be written.
fn request(delivery: &Delivery<'_>, told: Option<Told>) -> Option<http::Request<Full<Bytes>>> {
    let told = told?;
    let (notification, subscription) = (delivery.notification, delivery.subscription);
    let signed = Signed {
        id: notification.id,
        at: delivery.at,
        body: &told.body,
    };
    let mut request = base(subscription, Method::POST)
        .header("content-type", told.content_type)
        .header("content-length", told.body.len())
        .header("webhook-id", notification.id.to_string())
        .header("webhook-timestamp", delivery.at.as_secs())
        .header("webhook-signature", signatures(delivery.secrets, &signed));
    if subscription.schema == Schema::EventGrid {
        request = request
            .header("aeg-event-type", "Notification")
            .header("aeg-subscription-name", subscription.label().to_uppercase())
            .header("aeg-delivery-count", notification.tries)
            .header("aeg-data-version", wire::DATA_VERSION)
            .header("aeg-metadata-version", wire::METADATA_VERSION);
    }
    request.body(Full::new(Bytes::from(told.body))).ok()
}

const fn failed(error: ExchangeError) -> Outcome {
    match error {
        ExchangeError::TimedOut => Outcome::TimedOut,
        ExchangeError::Unresolvable => Outcome::Unresolvable,
        ExchangeError::Disconnected => Outcome::Disconnected,
    }
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn retry_after(headers: &HeaderMap, now_secs: u64) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since_epoch.saturating_sub(Duration::from_secs(now_secs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<u64>) {
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, value.parse().unwrap())]);
        let found = retry_after(&headers, 1_649_877_132);
        assert_eq!(found, expected.map(Duration::from_secs), "{value}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Wed, 13 Apr 2022 19:13:12 GMT", Some(60));
        check("Wed, 13 Apr 2022 18:09:12 GMT", Some(0));
        check("-1", None);
        check("1.5", None);
        check("soon", None);
        check("99999999999999999999", None);
    }
}
