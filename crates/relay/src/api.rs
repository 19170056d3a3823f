//! The HTTP routes of the contract, `/v1/`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::{Bytes, BytesMut};
use futures::future::Either;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout},
};

use crate::{
    MAX_MESSAGE_OCTETS, MAX_RECIPIENTS,
    handover::{self, Handover},
    inbox,
    problem::{Cause, Problem},
    service::{Carrier, Service},
};

/// How long a body may take in all.
const BODY_LIMIT: Duration = Duration::from_secs(120);
/// How long a body may pause.
const BODY_PAUSE: Duration = Duration::from_secs(15);

/// Every route of the relay.
pub(crate) fn routes(service: Arc<Service>) -> Router {
    let contract = Router::new()
        .route("/v1/messages", post(messages))
        .route("/v1/capabilities", get(capabilities))
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .with_state(Arc::clone(&service));
    let all = match &service.carrier {
        Carrier::Capture(inbox) => contract.merge(inbox::routes(Arc::clone(inbox))),
        Carrier::Smtp(_) => contract,
    };
    all.fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the allow field lists what this place takes",
            )
        })
        .layer(middleware::from_fn_with_state(service, log_failures))
}

/// Logs what failed on our side, and every hand-over, with neither addresses nor keys.
async fn log_failures(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let is_handover = request.uri().path() == "/v1/messages";
    let response = next.run(request).await;
    let status = response.status();
    if is_handover || status.is_server_error() {
        let what = if is_handover { "hand-over" } else { "request" };
        let cause = response
            .extensions()
            .get()
            .map(|Cause(cause)| format!(": {cause}"))
            .unwrap_or_default();
        let elapsed = started.elapsed().as_millis();
        service.log.line(&format!(
            "{what} answered {} in {elapsed} ms{cause}",
            status.as_u16()
        ));
    }
    response
}

async fn messages(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    authorize(&service, &parts.headers)?;
    if !handover::is_message_type(&parts.headers) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "expected content-type message/rfc822",
        ));
    }
    refuse_large(&parts.headers)?;
    let handover = Handover::from_fields(&parts.headers)?;
    let (message, memory) = read_body(&service, body).await?;
    let answer = service.take(handover, message, memory).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
}

fn authorize(service: &Service, fields: &HeaderMap) -> Result<(), Problem> {
    let token = fields
        .get(header::AUTHORIZATION)
        .and_then(|value| bearer_token(value.as_bytes()));
    if token.is_some_and(|token| service.token.matches(token)) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "expected the relay's bearer token",
    ))
}

fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Refuses a body by its declared size, before any of it is read.
fn refuse_large(fields: &HeaderMap) -> Result<(), Problem> {
    let declared = fields
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|octets| octets > MAX_MESSAGE_OCTETS) {
        Err(too_large())
    } else {
        Ok(())
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "message_too_large",
        format!("expected a message of at most {MAX_MESSAGE_OCTETS} octets"),
    )
}

/// Reads the body, at most the largest message, with memory set aside for each part before it is kept.
async fn read_body(
    service: &Service,
    body: Body,
) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
    timeout(BODY_LIMIT, collect_body(service, body))
        .await
        .unwrap_or_else(|_| Err(too_slow()))
}

async fn collect_body(
    service: &Service,
    mut body: Body,
) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
    let mut message = BytesMut::new();
    let mut memory = service.set_aside(0)?;
    loop {
        let frame = match timeout(BODY_PAUSE, body.frame()).await {
            Err(_) => return Err(too_slow()),
            Ok(None) => return Ok((message.freeze(), memory)),
            Ok(Some(frame)) => frame.map_err(|_| {
                Problem::malformed_request("expected the whole body, found its end early")
            })?,
        };
        let Ok(part) = frame.into_data() else {
            continue;
        };
        let octets = u64::try_from(message.len() + part.len()).unwrap_or(u64::MAX);
        if octets > MAX_MESSAGE_OCTETS {
            return Err(too_large());
        }
        memory.merge(service.set_aside(part.len())?);
        message.extend_from_slice(&part);
    }
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_timeout",
        "expected the body to come faster",
    )
}

async fn capabilities(
    State(service): State<Arc<Service>>,
    fields: HeaderMap,
) -> Result<Json<Value>, Problem> {
    authorize(&service, &fields)?;
    let offered = match &service.carrier {
        Carrier::Capture(_) => Either::Left(()),
        Carrier::Smtp(mta) => Either::Right(
            mta.extensions()
                .await
                .map_err(crate::smtp::HandOverError::Unavailable)?,
        ),
    };
    let (mode, smtputf8, eight_bit_mime, limit) = match offered {
        Either::Left(()) => ("capture", true, true, MAX_MESSAGE_OCTETS),
        Either::Right(offered) => {
            let limit = offered.max_message_octets.unwrap_or(MAX_MESSAGE_OCTETS);
            (
                "smtp",
                offered.smtputf8,
                offered.eight_bit_mime,
                limit.min(MAX_MESSAGE_OCTETS),
            )
        }
    };
    Ok(Json(json!({
        "mode": mode,
        "smtputf8": smtputf8,
        "eight_bit_mime": eight_bit_mime,
        "max_message_octets": limit,
        "max_recipients": MAX_RECIPIENTS,
    })))
}
