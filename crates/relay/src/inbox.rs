//! The sandbox inbox: keeps every message and shows it on a page.
//!
//! Mail is hostile, and so is any web site open in the same browser. So the page takes nothing from outside and puts
//! text in as text only; HTML bodies are shown in a frame without scripts, origin or network; requests under foreign
//! host names are refused, and so are changes asked for by another origin.
//!
//! # Not supported
//! Accounts: whoever can connect can read. Listen on a loopback address, or put a proxy with accounts in front.

mod events;
mod fields;
mod guard;
mod handlers;
mod html;
mod mime;
mod page;
mod signatures;

use std::sync::Arc;

use axum::{Router, middleware, routing::get};
use bytes::Bytes;
use envelope::{EnhancedStatusCode, Envelope, Reply, ReplyCode, StatusClass};
use tokio::sync::{Notify, watch};

use self::events::Events;
use crate::{
    CaptureOptions, Log,
    answer::Answer,
    clock,
    problem::Problem,
    service::to_json,
    store::{Arrival, Retention, Store, StoredAnswer},
};

/// The inbox's state.
#[derive(Debug)]
pub(crate) struct Inbox {
    options: CaptureOptions,
    store: Store,
    events: Events,
    /// Woken for each message whose signatures wait to be checked.
    unchecked: Arc<Notify>,
    log: Log,
}

impl Inbox {
    /// Opens the inbox, and starts checking signatures in the background until `stopping` turns true.
    pub(crate) fn open(
        options: CaptureOptions,
        store: Store,
        log: Log,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let inbox = Arc::new(Self {
            options,
            store,
            events: Events::new(stopping.clone()),
            unchecked: Arc::default(),
            log,
        });
        tokio::spawn(signatures::check_all(
            Arc::downgrade(&inbox),
            Arc::clone(&inbox.unchecked),
            stopping,
        ));
        inbox
    }

    /// Keeps a message together with the answer to its key, and returns the answer.
    pub(crate) async fn capture(
        &self,
        envelope: &Envelope,
        message: Bytes,
        keep: impl FnOnce(String) -> StoredAnswer,
    ) -> Result<String, Problem> {
        let code = ReplyCode::new(250).map_err(|error| Problem::internal(error.to_string()))?;
        let reply = Reply::new(
            code,
            EnhancedStatusCode::new(StatusClass::Success, 0, 0),
            "kept in the sandbox inbox",
        );
        let answer = to_json(&Answer::to_all(envelope.forward_paths(), &reply))?;
        let arrival = arrival(envelope, message).await?;
        let retention = Retention {
            messages: self.options.keep,
            octets: self.options.keep_octets,
        };
        let id = self
            .store
            .keep_message(arrival, keep(answer.clone()), retention, clock::now_ms())
            .await?;
        self.events.message(id);
        self.unchecked.notify_one();
        Ok(answer)
    }
}

async fn arrival(envelope: &Envelope, source: Bytes) -> Result<Arrival, Problem> {
    let forward_paths: Vec<String> = envelope
        .forward_paths()
        .iter()
        .map(ToString::to_string)
        .collect();
    let parsed = source.clone();
    // Off the async threads: a large message takes a while. A parser that panics costs the summary, not the message.
    let summary = tokio::task::spawn_blocking(move || mime::Summary::of(&parsed))
        .await
        .unwrap_or_default();
    Ok(Arrival {
        reverse_path: envelope.reverse_path.to_string(),
        search: format!("{}\n{}", summary.search_text(), forward_paths.join("\n")).to_lowercase(),
        forward_paths: json(&forward_paths)?,
        summary: json(&summary)?,
        source,
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::internal(error.to_string()))
}

/// The page and its API.
pub(crate) fn routes(inbox: Arc<Inbox>) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/assets/inbox.css", get(page::style))
        .route("/assets/inbox.js", get(page::script))
        .route("/api/events", get(events::stream))
        .route(
            "/api/messages",
            get(handlers::list).delete(handlers::delete_all),
        )
        .route(
            "/api/messages/{id}",
            get(handlers::show).delete(handlers::delete),
        )
        .route("/api/messages/{id}/source", get(handlers::source))
        .route("/api/messages/{id}/html", get(handlers::html))
        .route("/api/messages/{id}/parts/{part}", get(handlers::part))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&inbox),
            guard::check,
        ))
        .layer(middleware::map_response(page::harden))
        .with_state(inbox)
}
