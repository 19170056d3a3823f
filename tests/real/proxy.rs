//! An HTTP proxy in front of one server: it writes down what passes, and loses an answer when told to.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Header fields of one request: a hand-over has two for each recipient.
const MAX_FIELDS: usize = 256;

/// What the proxy does besides passing on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Answers the first POST with 503, without Retry-After, after the server did its work.
    LosesFirstAnswer,
}

/// A request that reached the server, and the server's own answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) status: StatusCode,
    pub(crate) answer: Bytes,
}

/// A running proxy. It passes the Host field on as it came, as the caller signed it.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    way: Arc<Way>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Way {
    server: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    fault: Fault,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Proxy {
    /// Starts a proxy in front of `server`.
    pub(crate) async fn start(server: SocketAddr, fault: Fault) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let way = Arc::new(Way {
            server,
            client: Client::builder(TokioExecutor::new()).build_http(),
            fault,
            exchanges: Mutex::default(),
        });
        Self {
            address: listener.local_addr().unwrap(),
            server: tokio::spawn(serve(listener, Arc::clone(&way))),
            way,
        }
    }

    /// The proxy's origin.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What passed so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.way.exchanges().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, way: Arc<Way>) {
    while let Ok((stream, _)) = listener.accept().await {
        let way = Arc::clone(&way);
        tokio::spawn(async move {
            let service = service_fn(|request| way.pass(request));
            // A caller who hangs up is no concern of the proxy's.
            let _ = http1::Builder::new()
                .max_headers(MAX_FIELDS)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Way {
    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Failure> {
        let (mut head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let (method, fields) = (head.method.clone(), head.headers.clone());
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        head.uri = format!("http://{}{target}", self.server).parse()?;
        forget_connection(&mut head.headers);
        let passed_on = Request::from_parts(head, Full::new(body.clone()));
        let (mut head, answer) = self.client.request(passed_on).await?.into_parts();
        let answer = answer.collect().await?.to_bytes();
        forget_connection(&mut head.headers);
        let exchange = Exchange {
            method,
            fields,
            body,
            status: head.status,
            answer: answer.clone(),
        };
        if self.note(exchange) {
            let mut lost = Response::new(Full::default());
            *lost.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(lost);
        }
        Ok(Response::from_parts(head, Full::new(answer)))
    }

    /// Writes an exchange down, and says whether its answer gets lost.
    fn note(&self, exchange: Exchange) -> bool {
        let mut exchanges = self.exchanges();
        let is_post = exchange.method == Method::POST;
        let is_first = !exchanges.iter().any(|before| before.method == Method::POST);
        exchanges.push(exchange);
        self.fault == Fault::LosesFirstAnswer && is_post && is_first
    }
}

/// Takes away what is about one connection only.
fn forget_connection(fields: &mut HeaderMap) {
    fields.remove(header::CONNECTION);
    fields.remove(header::TRANSFER_ENCODING);
}
