//! A small HTTP client, and one that sends exactly the octets it is told to.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client as Connections, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A request, not yet sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Header fields, in order.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// Returns a request without fields and body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Returns the request with one more header field.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the request without the fields of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self
    }

    /// Returns the request with this body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    /// Returns the request with `value` as its body.
    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        self.field("content-type", "application/json")
            .body(value.to_string())
    }

    /// Returns the head as it goes over the wire, for [`Client::raw`]: up to the empty line, and without a length.
    #[must_use]
    pub fn head(&self) -> String {
        let fields = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        format!(
            "{} {} HTTP/1.1\r\n{}",
            self.method,
            self.target,
            fields.collect::<String>()
        )
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub fields: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Returns the body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("expected JSON, found {} {:?}", self.status, self.body))
    }

    /// Returns the first header field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.to_str().ok()
    }

    /// Returns a text of the JSON by its path, such as `/error/code`.
    #[must_use]
    #[track_caller]
    pub fn text(&self, pointer: &str) -> Option<String> {
        self.json().pointer(pointer)?.as_str().map(str::to_owned)
    }

    /// Returns the answer if its status is `status`.
    ///
    /// # Panics
    /// When it is another, with what the answer says.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }

    /// Returns status, code and target, for comparing all at once, after checking the shape that every error has.
    ///
    /// # Panics
    /// When it is not an error of that shape.
    #[must_use]
    #[track_caller]
    pub fn problem(&self) -> (u16, String, Option<String>) {
        let code = self.text("/error/code");
        let message = self.text("/error/message").unwrap_or_default();
        assert!(!message.is_empty(), "no message: {:?}", self.body);
        assert_eq!(
            self.field("x-ms-error-code"),
            code.as_deref(),
            "the code stands in a field too"
        );
        let code = code.unwrap_or_else(|| panic!("no code: {:?}", self.body));
        (self.status, code, self.text("/error/target"))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// The connection could not be made or broke before the answer was whole.
    Broken(String),
    /// The answer did not come in time.
    Timeout,
}

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    connections: Connections<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

impl Client {
    /// Returns a client of the server at `address`.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            connections: Connections::builder(TokioExecutor::new()).build(connector),
            address,
        }
    }

    /// The server's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is no whole answer.
    ///
    /// # Panics
    /// When the request is none that this client could write; [`Self::raw`] writes anything.
    pub async fn send(&self, request: Request) -> Result<Answer, ClientError> {
        let mut outgoing = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("http://{}{}", self.address, request.target));
        for (name, value) in &request.fields {
            outgoing = outgoing.header(name, value);
        }
        let outgoing = outgoing
            .body(Full::new(request.body))
            .expect("the test's request is well-formed");
        tokio::time::timeout(TIMEOUT, self.exchange(outgoing))
            .await
            .unwrap_or(Err(ClientError::Timeout))
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        let response = self.connections.request(request).await;
        let (head, body) = response
            .map_err(|error| ClientError::Broken(format!("{error:?}")))?
            .into_parts();
        let body = body.collect().await;
        Ok(Answer {
            status: head.status.as_u16(),
            fields: head.headers,
            body: body
                .map_err(|error| ClientError::Broken(error.to_string()))?
                .to_bytes(),
        })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// When there is no whole answer.
    pub async fn call(&self, request: Request) -> Answer {
        let what = format!("{} {}", request.method, request.target);
        self.send(request)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Sends `octets` on a connection of their own, closes the sending side, and reads what comes until the server closes
    /// its side: nothing, if the server hung up without an answer.
    ///
    /// # Panics
    /// When the server cannot be reached, or what it answers is not HTTP.
    pub async fn raw(&self, octets: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("the server listens");
        // The server may answer, and close, before it has read everything.
        let _ = stream.write_all(octets).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        // A reset after the answer is the server's way to say that it wants no more.
        let _ = tokio::time::timeout(TIMEOUT, reading)
            .await
            .expect("the server ends the connection in time");
        (!answer.is_empty()).then(|| parse(&answer))
    }

    /// Sends `head`, then octets for ever as the body, until the server answers. Returns the answer, and how many octets
    /// of body were sent until then.
    ///
    /// # Panics
    /// When the server cannot be reached or does not answer.
    pub async fn flood(&self, head: &str, piece: &[u8], most: usize) -> (Answer, usize) {
        let stream = TcpStream::connect(self.address)
            .await
            .expect("the server listens");
        let (mut reader, mut writer) = stream.into_split();
        let head = head.to_owned();
        let piece = piece.to_vec();
        let writing = tokio::spawn(async move {
            let mut sent = 0;
            if writer.write_all(head.as_bytes()).await.is_err() {
                return sent;
            }
            while sent < most && writer.write_all(&piece).await.is_ok() {
                sent += piece.len();
            }
            // Kept open: an end of the body would be an answer to the question.
            let _ = writer.writable().await;
            sent
        });
        let mut answer = Vec::new();
        let reading = reader.read_to_end(&mut answer);
        let _ = tokio::time::timeout(TIMEOUT, reading)
            .await
            .expect("the server ends the connection in time");
        let sent = writing.await.expect("the writer ends");
        (parse(&answer), sent)
    }
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer
        .windows(4)
        .position(|octets| octets == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("expected HTTP, found {:?}", String::from_utf8_lossy(answer)));
    let (head, body) = answer.split_at(end);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    };
    Answer {
        status: status.expect("a status line"),
        fields: lines.filter_map(field).collect(),
        body: Bytes::copy_from_slice(body.get(4..).unwrap_or_default()),
    }
}
