//! A subscriber's endpoint that does what the test says.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::misbehaving::{CutOff, lock, serve};

/// What the endpoint does with notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Answers with this status.
    Answer(u16),
    /// Answers with this status and one header field.
    AnswerWith(u16, &'static str, String),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Cut,
    /// Takes whatever is sent again. The first time it answers some with 500 and closes the connection of others; which ones follows
    /// from this seed and the notification's id.
    Moody(u64),
}

/// Of so many notifications a moody endpoint fails one in each way.
const MOODS: u8 = 16;

impl Manner {
    /// What it is at first towards the notification `id`.
    fn toward(&self, id: &str) -> Self {
        let Self::Moody(seed) = self else {
            return self.clone();
        };
        let digest = Sha256::digest(format!("{seed}/{id}"));
        match digest.first().map(|octet| octet % MOODS) {
            Some(0) => Self::Answer(500),
            Some(1) => Self::Cut,
            _ => Self::Answer(200),
        }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(status) | Self::AnswerWith(status, ..) => Some(*status),
            Self::Hang | Self::Cut | Self::Moody(_) => None,
        }
    }
}

/// What the endpoint does when it is asked whether it wants to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Says yes.
    Given,
    /// Answers 200 and does not say so.
    Silent,
    /// Says yes to another question.
    Wrong,
    /// Answers 404.
    Refused,
}

/// A request that reached the endpoint in whole.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The header fields.
    pub fields: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The status it was answered with; none without an answer.
    pub answered: Option<u16>,
}

impl Received {
    /// Returns the first header field of this name; empty if there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        let value = self.fields.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// Whether one of its signatures is made with `secret`: Standard Webhooks, read from its specification and not from our code.
    ///
    /// # Panics
    /// When `secret` is not one.
    #[must_use]
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = secret.strip_prefix("whsec_").expect("a secret");
        let key = STANDARD.decode(key).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        for part in ["webhook-id", "webhook-timestamp"] {
            mac.update(self.field(part).as_bytes());
            mac.update(b".");
        }
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.field("webhook-signature")
            .split(' ')
            .any(|signature| signature == expected)
    }

    fn is_question(&self) -> bool {
        self.method == Method::OPTIONS || self.field("aeg-event-type") == "SubscriptionValidation"
    }
}

#[derive(Debug)]
struct Shared {
    manner: Manner,
    consent: Consent,
    received: Vec<Received>,
    /// The ids of notifications that it knows.
    known: BTreeSet<String>,
}

impl Shared {
    /// How it takes the notification `id`.
    fn take(&mut self, id: &str) -> Manner {
        let is_new = self.known.insert(id.to_owned());
        match &self.manner {
            Manner::Moody(_) if !is_new => Manner::Answer(200),
            manner => manner.toward(id),
        }
    }
}

/// A subscriber's endpoint.
#[derive(Debug)]
pub struct Subscriber {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

impl Subscriber {
    /// Starts an endpoint that wants to be one and behaves so.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(manner: Manner) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any).await.expect("a free port");
        let shared = Arc::new(Mutex::new(Shared {
            manner,
            consent: Consent::Given,
            received: Vec::new(),
            known: BTreeSet::new(),
        }));
        Self {
            address: listener.local_addr().expect("a bound socket"),
            server: {
                let shared = Arc::clone(&shared);
                tokio::spawn(serve(listener, move |request| {
                    respond(request, Arc::clone(&shared))
                }))
            },
            shared,
        }
    }

    /// Behaves so from now on.
    pub fn behave(&self, manner: Manner) {
        lock(&self.shared).manner = manner;
    }

    /// Answers so when it is asked from now on.
    pub fn consent(&self, consent: Consent) {
        lock(&self.shared).consent = consent;
    }

    /// The URL to subscribe with.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook?code=of%20its%20own", self.address)
    }

    /// The notifications that reached it so far, whether it took them or not.
    #[must_use]
    pub fn told(&self) -> Vec<Received> {
        let all = lock(&self.shared).received.clone();
        all.into_iter().filter(|one| !one.is_question()).collect()
    }

    /// The questions that reached it so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Received> {
        let all = lock(&self.shared).received.clone();
        all.into_iter().filter(Received::is_question).collect()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Mutex<Shared>>,
) -> Result<Response<Full<Bytes>>, CutOff> {
    let (head, body) = request.into_parts();
    let mut received = Received {
        method: head.method,
        target: head.uri.to_string(),
        fields: head.headers,
        body: body.collect().await.map_err(|_| CutOff)?.to_bytes(),
        answered: None,
    };
    if received.is_question() {
        let mut shared = lock(&shared);
        let answer = consented(&received, shared.consent);
        received.answered = Some(answer.status().as_u16());
        shared.received.push(received);
        return Ok(answer);
    }
    let manner = {
        let mut shared = lock(&shared);
        let manner = shared.take(received.field("webhook-id"));
        received.answered = manner.status();
        shared.received.push(received);
        manner
    };
    match manner {
        Manner::AnswerWith(status, name, value) => {
            let mut response = answer(status, "");
            let value = value.parse().expect("a field value");
            response.headers_mut().insert(name, value);
            Ok(response)
        }
        Manner::Hang => std::future::pending().await,
        Manner::Cut => Err(CutOff),
        manner => Ok(answer(manner.status().unwrap_or(200), "")),
    }
}

fn consented(question: &Received, consent: Consent) -> Response<Full<Bytes>> {
    if consent == Consent::Refused {
        return answer(404, "");
    }
    if question.method == Method::OPTIONS {
        let mut response = answer(200, "");
        let origin = match consent {
            Consent::Given => question.field("webhook-request-origin"),
            _ => "someone.example",
        };
        if consent != Consent::Silent {
            let origin = origin.parse().expect("a field value");
            response
                .headers_mut()
                .insert("webhook-allowed-origin", origin);
        }
        return response;
    }
    let code = match consent {
        Consent::Given => {
            let question = question.json();
            question.pointer("/0/data/validationCode").cloned()
        }
        _ => Some(json!("9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34")),
    };
    match consent {
        Consent::Silent => answer(200, ""),
        _ => answer(200, &json!({"validationResponse": code}).to_string()),
    }
}

fn answer(status: u16, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_owned())));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}
