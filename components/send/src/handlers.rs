//! Decode, one use case, encode.

use std::time::Duration;

use guest::{
    MAX_BODY_OCTETS, Problem, PublicUrl, Request, Response, SendMail, SpinPorts, authorize, denial,
    first, forwarded_host, header, host, json, read_body, stated_length, with_header,
};
use mailer::access::BodyHash;
use mailer::operation::{self, OperationId};
use mailer::ports::Clock;
use mailer::submit::{self, Accepted};

use crate::config::Config;
use crate::{nudge, version, wire};

/// Seconds after which a caller may ask again: what takes longer than that is waiting for a retry anyway.
const POLL_AFTER_SECS: &str = "1";
/// How long a request waits for room in memory.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bodies of GET requests are ignored, so only their absence is hashed.
const NO_BODY: &[u8] = b"";

/// `POST /emails:send`
pub(crate) async fn submit(request: Request) -> Result<Response, Problem> {
    let api_version = version::requested(request.uri().query())?;
    let config = Config::load().await?;
    let ports = SpinPorts::open().await?;
    let unread = authorize(&request, &config.applications, ports.now())?;
    let _announced = config.acceptor.outbox.announce();
    let operation_id = operation_id(&request)?;
    let origin = origin(&request, &config.applications.public_urls);
    let octets =
        stated_length(&request).map_or(MAX_BODY_OCTETS, |length| length.min(MAX_BODY_OCTETS));
    let share = config.budget.take(&*ports, octets, PATIENCE).await;
    let _share = share.ok_or_else(|| Problem::unavailable("no memory for another body"))?;
    let body = read_body(request, MAX_BODY_OCTETS).await?;
    let body_hash = BodyHash::of(&body);
    let principal = unread
        .check_body(&body_hash)
        .map_err(|denied| denial(&denied))?;
    let submission = wire::submission(&body, config.policy)?;
    drop(body);
    let mail = SendMail::of(&submission);
    let request = submit::Request {
        operation_id,
        body_hash,
        submission,
    };
    let accepted = submit::submit(&*ports, &config.acceptor, &principal, request)
        .await
        .map_err(wire::refusal)?;
    if !accepted.is_repeat {
        config.log.accepted(ports.now(), accepted.id, &mail);
        nudge::dispatch(&config, &ports, accepted.id);
    }
    accepted_response(accepted, &origin, api_version)
}

fn accepted_response(
    accepted: Accepted,
    origin: &str,
    api_version: &str,
) -> Result<Response, Problem> {
    let id = accepted.id;
    let response = json(202, &wire::Operation::running(id))?;
    let location = format!("{origin}/emails/operations/{id}?api-version={api_version}");
    let response = with_header(response, "operation-location", &location);
    Ok(with_header(response, "retry-after", POLL_AFTER_SECS))
}

/// `GET /emails/operations/{id}`
pub(crate) async fn operation(request: Request, id: &str) -> Result<Response, Problem> {
    version::requested(request.uri().query())?;
    let config = Config::load().await?;
    let ports = SpinPorts::open().await?;
    let unread = authorize(&request, &config.applications, ports.now())?;
    unread
        .check_body(&BodyHash::of(NO_BODY))
        .map_err(|denied| denial(&denied))?;
    let id: OperationId = id.parse().map_err(|_| wire::unknown_operation(id))?;
    let outcome = operation::outcome(&*ports, id)
        .await?
        .ok_or_else(|| wire::unknown_operation(&id.to_string()))?;
    let operation = wire::Operation::new(id, &outcome);
    let response = json(200, &operation)?;
    Ok(if operation.is_terminal() {
        response
    } else {
        with_header(response, "retry-after", POLL_AFTER_SECS)
    })
}

fn operation_id(request: &Request) -> Result<Option<OperationId>, Problem> {
    let Some(text) = request.headers().get("operation-id") else {
        return Ok(None);
    };
    let id = text.to_str().ok().and_then(|text| text.parse().ok());
    let refused = || {
        Problem::new(
            400,
            "BadRequest",
            "Expected the header Operation-Id to be a UUID.",
        )
        .with_target("Operation-Id")
    };
    id.map(Some).ok_or_else(refused)
}

/// Scheme and host as the caller sees them: SDKs poll, and sign, what this says. What a proxy says of them goes first, then what the
/// operator says of this host, then what arrived.
fn origin(request: &Request, public_urls: &[PublicUrl]) -> String {
    let host = forwarded_host(request).unwrap_or_else(|| host(request));
    let public = public_urls
        .iter()
        .find(|url| url.host.eq_ignore_ascii_case(&host));
    let forwarded = header(request, "x-forwarded-proto").map(first);
    let scheme = forwarded.filter(|proto| matches!(*proto, "http" | "https"));
    let scheme = scheme
        .or(public.map(|url| url.scheme.as_str()))
        .or_else(|| request.uri().scheme_str())
        .unwrap_or("http");
    let host = public.map_or(host.as_str(), |url| url.host.as_str());
    format!("{scheme}://{host}")
}

/// The id the caller wants to see again, if it asked for that.
pub(crate) fn client_request_id(request: &Request) -> Option<String> {
    const LONGEST: usize = 128;
    let is_asked = header(request, "x-ms-return-client-request-id")
        .is_some_and(|asked| asked.eq_ignore_ascii_case("true"));
    let id = header(request, "x-ms-client-request-id").filter(|id| is_asked && id.len() <= LONGEST);
    id.map(str::to_owned)
}

/// `response` with what every answer of this API carries.
pub(crate) fn with_client_request_id(response: Response, id: Option<&str>) -> Response {
    let response = with_header(
        response,
        "api-supported-versions",
        &version::SUPPORTED.join(", "),
    );
    match id {
        Some(id) => with_header(response, "x-ms-client-request-id", id),
        None => response,
    }
}
