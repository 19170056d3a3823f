//! The inbox's JSON API.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Inbox, fields, mime, page};
use crate::{
    problem::Problem,
    store::{Kept, Listed, Page},
};

/// The most messages in one answer.
const MAX_PAGE: u32 = 200;
/// The longest search, in octets.
const MAX_QUERY_OCTETS: usize = 500;

/// What `GET /api/messages` may be asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<u32>,
    before: Option<i64>,
    query: Option<String>,
}

/// `GET /api/messages?limit&before&query`: newest first.
pub(super) async fn list(
    State(inbox): State<Arc<Inbox>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|error| Problem::malformed_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(50);
    let search = query
        .query
        .filter(|search| !search.is_empty())
        .map(|search| search.to_lowercase());
    if !(1..=MAX_PAGE).contains(&limit)
        || search
            .as_ref()
            .is_some_and(|search| search.len() > MAX_QUERY_OCTETS)
    {
        return Err(Problem::malformed_request(
            "expected a limit of 1 to 200 and a query of at most 500 octets",
        ));
    }
    // One more than asked for, to know whether there is more.
    let page = Page {
        limit: limit + 1,
        before: query.before,
        search,
    };
    let mut messages = inbox.store.list(page).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = messages.len() > wanted;
    messages.truncate(wanted);
    let next = messages.last().filter(|_| more).map(|listed| listed.id);
    let messages: Vec<Value> = messages
        .iter()
        .map(|listed| listed_json(listed, false))
        .collect();
    Ok(Json(
        json!({ "messages": messages, "next_before": next, "total": inbox.store.count().await? }),
    ))
}

fn listed_json(listed: &Listed, with_signatures: bool) -> Value {
    let summary: mime::Summary = serde_json::from_str(&listed.summary).unwrap_or_default();
    let dkim: Value = listed
        .dkim
        .as_ref()
        .and_then(|dkim| serde_json::from_str(dkim).ok())
        .unwrap_or(Value::Null);
    let dkim = if with_signatures {
        dkim
    } else {
        dkim.get("status").cloned().unwrap_or(Value::Null)
    };
    json!({
        "id": listed.id,
        "received_at": listed.received_at,
        "octets": listed.octets,
        "from": if summary.from.is_empty() { &listed.reverse_path } else { &summary.from },
        "to": if summary.to.is_empty() { recipients(listed).join(", ") } else { summary.to },
        "subject": summary.subject,
        "attachments": summary.attachments,
        "dkim": dkim,
    })
}

fn recipients(listed: &Listed) -> Vec<String> {
    serde_json::from_str(&listed.forward_paths).unwrap_or_default()
}

/// `GET /api/messages/{id}`
pub(super) async fn show(
    State(inbox): State<Arc<Inbox>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let kept = find(&inbox, &id).await?;
    let (kept, contents, fields) = decode(kept, |source| {
        (mime::Contents::of(source), fields::read(source))
    })
    .await?;
    let addressed = |address: &String| contents.destinations.contains(&address.to_lowercase());
    let recipients: Vec<Value> = recipients(&kept.listed)
        .iter()
        .take(1_000)
        .map(|address| json!({ "address": address, "envelope_only": !addressed(address) }))
        .collect();
    let mut shown = listed_json(&kept.listed, true);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert(
            "envelope".into(),
            json!({ "from": kept.listed.reverse_path, "to": recipients }),
        );
        shown.insert("idempotency_key".into(), json!(kept.listed.idempotency_key));
        shown.insert("headers".into(), json!(fields));
        shown.insert("contents".into(), json!(contents));
    }
    Ok(Json(shown))
}

/// `GET /api/messages/{id}/source`: the octets as they came.
pub(super) async fn source(
    State(inbox): State<Arc<Inbox>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let kept = find(&inbox, &id).await?;
    let name = format!("message-{}.eml", kept.listed.id);
    Ok(page::download(&name, "message/rfc822", kept.source))
}

/// `GET /api/messages/{id}/html`: the HTML body, for the page's frame.
pub(super) async fn html(
    State(inbox): State<Arc<Inbox>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let kept = find(&inbox, &id).await?;
    let html = blocking(move || mime::framed_html(&kept.source))
        .await?
        .ok_or_else(Problem::not_found)?;
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(page::FRAME_POLICY),
    );
    Ok(response)
}

/// `GET /api/messages/{id}/parts/{part}`: an attachment, always to be saved and never to be shown.
pub(super) async fn part(
    State(inbox): State<Arc<Inbox>>,
    Path((id, part)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let part = part.parse().map_err(|_| Problem::not_found())?;
    let kept = find(&inbox, &id).await?;
    let part = blocking(move || mime::saved_part(&kept.source, part))
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(page::download(&part.name, &part.media_type, part.content))
}

/// `DELETE /api/messages/{id}`
pub(super) async fn delete(
    State(inbox): State<Arc<Inbox>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    if !inbox.store.delete(id).await? {
        return Err(Problem::not_found());
    }
    inbox.events.everything();
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/messages`
pub(super) async fn delete_all(State(inbox): State<Arc<Inbox>>) -> Result<StatusCode, Problem> {
    inbox.store.delete_all().await?;
    inbox.events.everything();
    Ok(StatusCode::NO_CONTENT)
}

async fn find(inbox: &Inbox, id: &str) -> Result<Kept, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    inbox
        .store
        .message(id)
        .await?
        .ok_or_else(Problem::not_found)
}

async fn decode<A: Send + 'static, B: Send + 'static>(
    kept: Kept,
    read: impl FnOnce(&[u8]) -> (A, B) + Send + 'static,
) -> Result<(Kept, A, B), Problem> {
    blocking(move || {
        let (first, second) = read(&kept.source);
        (kept, first, second)
    })
    .await
}

/// Runs work that takes a while off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::internal(error.to_string()))
}
