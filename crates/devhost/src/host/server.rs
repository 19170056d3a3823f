//! The listening side: HTTP/1.1 connections, and one line in the log for each request.

use std::{convert::Infallible, sync::Arc, time::Instant};

use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, Response, Uri,
    header::HOST,
    uri::{Authority, Scheme},
};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use wasmtime_wasi_http::{Error, WasiBody};

use super::{application::Application, instances::Phase, pace::Pace, refusal::Refusal};
use crate::{limits::Limits, log::LogEvent, outbound::sibling};

/// The longest head of a request, which is also what a connection buffers at most.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The path Spin itself answers, for those who watch over it.
const HEALTH: &str = "/.well-known/spin/health";

/// Serves an application on one port.
pub(super) struct Server {
    application: Arc<Application>,
    limits: Limits,
    places: Semaphore,
}

impl Server {
    pub(super) fn new(application: Arc<Application>, limits: Limits) -> Self {
        let places = Semaphore::new(limits.concurrent_requests);
        Self {
            application,
            limits,
            places,
        }
    }

    /// Accepts connections until the host drains, then waits for the requests on them.
    pub(super) async fn run(
        self: Arc<Self>,
        listener: TcpListener,
        mut phase: watch::Receiver<Phase>,
    ) {
        let connections = GracefulShutdown::new();
        let mut draining = std::pin::pin!(async move {
            // The sender goes only with the host, and then there is nothing to serve either.
            let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
        });
        loop {
            tokio::select! {
                biased;
                () = &mut draining => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => Arc::clone(&self).connect(stream, connections.watcher()),
                    Err(error) => self.pause(&error).await,
                },
            }
        }
        drop(listener);
        connections.shutdown().await;
    }

    /// Waits after a failed accept: when file descriptors have run out, trying again at once would only burn time.
    async fn pause(&self, error: &std::io::Error) {
        let text = format!("cannot accept a connection: {error}");
        (self.application.log)(&LogEvent::Failure {
            component: None,
            error: &text,
        });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    fn connect(self: Arc<Self>, stream: TcpStream, watcher: Watcher) {
        // Without this a response in two writes waits for the client's delayed acknowledgement, up to 40 ms.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            // A client may say that it has sent all it has, and wait for the answer.
            .half_close(true)
            .header_read_timeout(self.limits.request_head)
            .max_buf_size(MAX_HEAD_BYTES);
        let service = service_fn(move |request| Arc::clone(&self).respond(request));
        let connection = watcher.watch(builder.serve_connection(TokioIo::new(stream), service));
        // A connection that breaks is the client's affair; the requests on it have their own line in the log.
        tokio::spawn(async move { connection.await.ok() });
    }

    #[expect(clippy::disallowed_methods, reason = "the host reads the clock")]
    async fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<WasiBody>, Infallible> {
        let start = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let component = self.application.route(&path).cloned();
        let response = self.dispatch(component.as_deref(), request).await;
        (self.application.log)(&LogEvent::Request {
            method: &method,
            path: &path,
            status: response.status(),
            elapsed: start.elapsed(),
            component: component.as_deref(),
        });
        Ok(if method == Method::HEAD {
            response.map(|_| empty())
        } else {
            response
        })
    }

    async fn dispatch(
        &self,
        component: Option<&str>,
        request: Request<Incoming>,
    ) -> Response<WasiBody> {
        if request.uri().path() == HEALTH {
            return Response::new(
                Full::new(Bytes::from_static(b"OK"))
                    .map_err(Error::from)
                    .boxed_unsync(),
            );
        }
        let Some(component) = component else {
            return Refusal::Route.response();
        };
        let Some(request) = absolute(request) else {
            return Refusal::Host.response();
        };
        let place = tokio::time::timeout(self.limits.place, self.places.acquire());
        let Ok(_place) = place.await else {
            return Refusal::Places.response();
        };
        self.handle(component, request).await
    }

    /// Lets the component answer, as long as the client keeps up.
    async fn handle(&self, component: &str, request: Request<Incoming>) -> Response<WasiBody> {
        let pace = Pace::default();
        let pause = self.limits.body_pause;
        let request = request.map(|body| pace.hold(body, pause).boxed_unsync());
        let handled = tokio::select! {
            biased;
            () = pace.late() => return Refusal::Body.response(),
            handled = self.application.handle(component, request) => handled,
        };
        pace.release();
        match handled {
            Ok(response) => response,
            // The client kept up, but is not done yet.
            Err(Error::HttpResponseTimeout) if pace.is_awaited() => Refusal::Body.response(),
            Err(_) => Refusal::Component.response(),
        }
    }
}

/// Makes the URI absolute, with the authority the client named, or returns nothing when it named none or two, or has two
/// Host fields (RFC 9112 section 3.2).
fn absolute(mut request: Request<Incoming>) -> Option<Request<Incoming>> {
    if request.headers().get_all(HOST).iter().count() > 1 {
        return None;
    }
    strip_sibling(request.headers_mut());
    let host = request
        .headers()
        .get(HOST)
        .map(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.authority = match (host, parts.authority) {
        (Some(None), _) | (None, None) => return None,
        (Some(Some(host)), Some(authority)) if host != authority => return None,
        (Some(Some(authority)), _) | (None, Some(authority)) => Some(authority),
    };
    parts.scheme = Some(Scheme::HTTP);
    // `OPTIONS *` and `CONNECT` have no path.
    parts
        .path_and_query
        .get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(request)
}

/// Removes a Host that would make a client look like a sibling component.
fn strip_sibling(headers: &mut HeaderMap) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    if name.is_some_and(|name| sibling(name).is_some()) {
        headers.remove(HOST);
    }
}

fn empty() -> WasiBody {
    Empty::new().map_err(Error::from).boxed_unsync()
}
