//! The HTTP client behind `wasi:http/client`: pooled connections without TLS, and one connection a request with TLS.
//!
//! # Not supported
//! HTTP/2, and pooled TLS connections: the components talk to a relay on the same machine or network.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri, uri::Scheme};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{net::TcpStream, time::Sleep};
use tower_service::Service;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// What Spin waits when a component asks for no other time-outs.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// The connections kept to one host without being used.
const IDLE_CONNECTIONS: usize = 32;

tokio::task_local! {
    /// The client has no way to pass a time-out for one request to its connector.
    static CONNECT_TIMEOUT: Duration;
}

/// A client shared by all components of a host.
#[derive(Clone)]
pub(crate) struct Client(legacy::Client<Connector, WasiBody>);

/// How long each part of an exchange may take.
#[derive(Clone, Copy)]
struct Timeouts {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl Client {
    pub(crate) fn new() -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS);
        Self(builder.build(Connector::new()))
    }

    /// Sends a request that the component's grants allow.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Response<WasiBody>, Error> {
        let timeouts = Timeouts::new(options);
        if request.uri().scheme() == Some(&Scheme::HTTPS) {
            return send_with_tls(request, options).await;
        }
        let exchange = CONNECT_TIMEOUT.scope(timeouts.connect, self.0.request(request));
        let response = tokio::time::timeout(timeouts.first_byte, exchange)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| explain(&error))?;
        Ok(response.map(|body| TimedBody::new(body, timeouts.between_bytes).boxed_unsync()))
    }
}

async fn send_with_tls(
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Response<WasiBody>, Error> {
    let (response, connection) = wasmtime_wasi_http::default_send_request(request, options).await?;
    // The body ends when the connection does, and reports what went wrong with it.
    tokio::spawn(connection);
    Ok(response.map(http_body_util::BodyExt::boxed_unsync))
}

impl Timeouts {
    fn new(options: Option<RequestOptions>) -> Self {
        let options = options.unwrap_or_default();
        Self {
            connect: options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT),
            first_byte: options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT),
            between_bytes: options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT),
        }
    }
}

/// Finds the reason among the sources of the client's error, as the component should see it.
fn explain(error: &legacy::Error) -> Error {
    if error.is_connect() {
        return connect_error(error);
    }
    let mut source = error.source();
    while let Some(cause) = source {
        // The component's own body failed: it already knows, and a relay must not be blamed for it.
        if cause.is::<Error>() {
            return Error::HttpRequestBodySize(None);
        }
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
            return if hyper.is_incomplete_message() || hyper.is_closed() || hyper.is_canceled() {
                Error::ConnectionTerminated
            } else {
                Error::HttpProtocolError
            };
        }
        source = cause.source();
    }
    Error::HttpProtocolError
}

fn connect_error(error: &legacy::Error) -> Error {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<ConnectTimedOut>() {
            return Error::ConnectionTimeout;
        }
        if cause.to_string().starts_with("dns error") {
            return Error::DnsError {
                rcode: Some("address not available".to_owned()),
                info_code: Some(0),
            };
        }
        source = cause.source();
    }
    Error::ConnectionRefused
}

#[derive(Debug, thiserror::Error)]
#[error("the connection was not made in time")]
struct ConnectTimedOut;

/// Connects with `TCP_NODELAY`, within the time the request allows.
#[derive(Clone)]
struct Connector(HttpConnector);

impl Connector {
    fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(connector)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // The pool may go on connecting after the request got another connection; then the request's time no longer counts.
        let limit = CONNECT_TIMEOUT
            .try_with(|limit| *limit)
            .unwrap_or(DEFAULT_TIMEOUT);
        let connecting = self.0.call(uri);
        Box::pin(async move {
            Ok(tokio::time::timeout(limit, connecting)
                .await
                .map_err(|_| ConnectTimedOut)??)
        })
    }
}

/// A body that fails when the next part takes too long.
struct TimedBody {
    body: hyper::body::Incoming,
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    fn new(body: hyper::body::Incoming, limit: Duration) -> Self {
        Self {
            body,
            limit,
            sleep: None,
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let limit = self.limit;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
