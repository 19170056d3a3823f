//! A resolver over HTTPS (RFC 8484), without the S, that answers out of zone files and misbehaves on demand.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use dns::{Answer, AnswerKind, Name, RecordData, Resolver as _, zone::Zone};
use http::{Method, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::misbehaving::{CutOff, lock, serve};

const PATH: &str = "/dns-query";
const MEDIA_TYPE: &str = "application/dns-message";
/// The most octets of one character-string: RFC 1035 section 3.3.
const CHARACTER_STRING_OCTETS: usize = 255;
/// How long every answer may be kept, in seconds.
const TTL: u32 = 300;

/// What goes wrong with questions about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// SERVFAIL.
    ServerFailure,
    /// REFUSED.
    Refused,
    /// NXDOMAIN, whatever the zone says.
    NoSuchName,
    /// The right answer, with TC set.
    Truncated,
    /// The right answer to a question about another name.
    OtherQuestion,
    /// The right answer, and a record of a name that nobody asked for.
    OtherOwner,
    /// Octets that are no DNS message.
    Garbage,
    /// The right answer in a message longer than DNS allows.
    TooLong,
    /// The right answer under another content type.
    ContentType,
    /// This HTTP status.
    Status(u16),
    /// The connection is closed without an answer.
    Cut,
    /// No answer, ever.
    Silent,
}

#[derive(Debug, Default)]
struct Shared {
    zones: BTreeMap<String, String>,
    troubles: BTreeMap<Name, Trouble>,
}

impl Shared {
    /// All zones as one, so that a name that one of them has exists.
    fn zone(&self) -> Zone {
        let lines = self.zones.values().flat_map(|text| text.lines());
        let text: Vec<String> = lines.map(without_ttl_and_class).collect();
        Zone::parse(&text.join("\n")).expect("a zone file of simple lines")
    }
}

/// A line of a zone file as [`Zone`] reads it.
fn without_ttl_and_class(line: &str) -> String {
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    match words.as_slice() {
        [owner, ttl, "IN", rest] if ttl.parse::<u32>().is_ok() => format!("{owner} {rest}"),
        _ => line.to_owned(),
    }
}

/// Fails where a name server would not load the file.
fn check_strings(text: &str) {
    for string in text.split('"').skip(1).step_by(2) {
        let octets = string.len();
        assert!(
            octets <= CHARACTER_STRING_OCTETS,
            "a character-string of {octets} octets: {string}"
        );
    }
}

/// A resolver that knows what the test publishes.
#[derive(Debug)]
pub struct DohServer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

impl DohServer {
    /// Starts a resolver that knows nothing.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any).await.expect("a free port");
        let shared = Arc::<Mutex<Shared>>::default();
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

    /// The resolver's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Publishes a zone file from now on, in place of what was published under this name before. Lines are those of
    /// `GET /domains/{name}/zone`, or of [`Zone`].
    ///
    /// # Panics
    /// When a name server would not load it.
    pub fn publish(&self, name: &str, text: &str) {
        check_strings(text);
        let mut shared = lock(&self.shared);
        shared.zones.insert(name.to_owned(), text.to_owned());
        // Here rather than at the first question, so that it is the test that fails.
        shared.zone();
    }

    /// Misbehaves in this way about `name`, which the names below it are not.
    ///
    /// # Panics
    /// When `name` is none.
    pub fn trouble(&self, name: &str, trouble: Trouble) {
        let name = Name::parse(name).expect("a name of DNS");
        lock(&self.shared).troubles.insert(name, trouble);
    }

    /// Behaves again.
    pub fn recover(&self) {
        lock(&self.shared).troubles.clear();
    }

    /// The text records of `name` as they are published, each with its strings joined.
    ///
    /// # Panics
    /// When `name` is none.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<Vec<u8>> {
        let question = dns::Question::txt(Name::parse(name).expect("a name of DNS"));
        let answer = look_up(&lock(&self.shared).zone(), &question);
        answer.texts().map(<[u8]>::to_vec).collect()
    }
}

impl Drop for DohServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn look_up(zone: &Zone, question: &dns::Question) -> Answer {
    let answer = dns::zone::ready(zone.resolve(question)).expect("a zone never waits");
    answer.expect("troubles are told to the server, not to the zone")
}

async fn respond(
    request: http::Request<Incoming>,
    shared: Arc<Mutex<Shared>>,
) -> Result<Response<Full<Bytes>>, CutOff> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| CutOff)?.to_bytes();
    if let Some(refusal) = refuse(&head) {
        return Ok(refusal);
    }
    let Some(query) = Query::read(&body) else {
        return Ok(answer(400, MEDIA_TYPE, Vec::new()));
    };
    let (found, trouble) = {
        let shared = lock(&shared);
        let trouble = shared.troubles.get(&query.name).copied();
        (query.look_up(&shared.zone()), trouble)
    };
    match trouble {
        Some(Trouble::Cut) => Err(CutOff),
        Some(Trouble::Silent) => Ok(std::future::pending::<Result<_, Infallible>>()
            .await
            .unwrap_or_else(|never| match never {})),
        trouble => Ok(respond_in(trouble, &query, &found)),
    }
}

/// What a resolver tells those who do not ask as RFC 8484 section 4.1 says.
fn refuse(head: &http::request::Parts) -> Option<Response<Full<Bytes>>> {
    let field = |name: &str| head.headers.get(name).map(http::HeaderValue::as_bytes);
    let is_media_type = |value: Option<&[u8]>| value == Some(MEDIA_TYPE.as_bytes());
    let status = if head.uri.path() != PATH {
        404
    } else if head.method != Method::POST {
        405
    } else if !is_media_type(field("content-type")) {
        415
    } else if !is_media_type(field("accept")) {
        406
    } else {
        return None;
    };
    Some(answer(status, MEDIA_TYPE, Vec::new()))
}

fn respond_in(trouble: Option<Trouble>, query: &Query, found: &Answer) -> Response<Full<Bytes>> {
    let code = match (trouble, found.kind) {
        (Some(Trouble::ServerFailure), _) => 2,
        (Some(Trouble::Refused), _) => 5,
        (Some(Trouble::NoSuchName), _) | (_, AnswerKind::NxDomain) => 3,
        _ => 0,
    };
    let mut message = match trouble {
        Some(Trouble::OtherQuestion) => {
            Query::about("lie.example", query.code).message(code, false, found)
        }
        _ => query.message(code, trouble == Some(Trouble::Truncated), found),
    };
    match trouble {
        Some(Trouble::Garbage) => message = b"<html>no resolver here</html>".to_vec(),
        // Octets after the message mean nothing, so this is about its length alone.
        Some(Trouble::TooLong) => message.resize(dns::limits::MAX_ANSWER + 1, 0),
        Some(Trouble::OtherOwner) => push_forged_record(&mut message),
        _ => {}
    }
    match trouble {
        Some(Trouble::Status(status)) => answer(status, MEDIA_TYPE, message),
        Some(Trouble::ContentType) => answer(200, "text/html", message),
        _ => answer(200, MEDIA_TYPE, message),
    }
}

fn answer(status: u16, content_type: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let value = http::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

/// One question.
struct Query {
    name: Name,
    code: u16,
}

impl Query {
    fn about(name: &str, code: u16) -> Self {
        let name = Name::parse(name).expect("a name of DNS");
        Self { name, code }
    }

    /// Reads a message with one question: RFC 1035 section 4.1.
    fn read(octets: &[u8]) -> Option<Self> {
        let (header, mut rest) = octets.split_at_checked(12)?;
        // The id is 0, so that caches see equal questions as equal (RFC 8484 section 4.1).
        if !header.starts_with(&[0, 0, 1, 0, 0, 1]) {
            return None;
        }
        let mut labels = Vec::new();
        loop {
            let (&length, more) = rest.split_first()?;
            let (label, more) = more.split_at_checked(length.into())?;
            rest = more;
            if label.is_empty() {
                break;
            }
            labels.push(std::str::from_utf8(label).ok()?);
        }
        let [high, low, 0, 1, ..] = rest else {
            return None;
        };
        Some(Self {
            name: Name::parse_printable(&labels.join(".")).ok()?,
            code: u16::from_be_bytes([*high, *low]),
        })
    }

    fn look_up(&self, zone: &Zone) -> Answer {
        use dns::RecordType::{A, Aaaa, Cname, Mx, Ptr, Txt};
        let types = [A, Aaaa, Cname, Mx, Ptr, Txt];
        let record_type = types.into_iter().find(|known| known.code() == self.code);
        let question = dns::Question {
            name: self.name.clone(),
            record_type: record_type.expect("a type that Sendlet asks for"),
        };
        look_up(zone, &question)
    }

    /// The message that answers with what was found. Records behind aliases are told of the name asked for.
    fn message(&self, code: u16, is_truncated: bool, found: &Answer) -> Vec<u8> {
        let records = if code == 0 { &found.records[..] } else { &[] };
        // QR, RD and RA.
        let flags = 0x8180 | if is_truncated { 0x0200 } else { 0 } | code;
        let count = u16::try_from(records.len()).expect("a few records");
        let mut message = Vec::new();
        for field in [0, flags, 1, count, 0, 0] {
            push_u16(&mut message, field);
        }
        push_name(&mut message, Some(&self.name));
        push_u16(&mut message, self.code);
        push_u16(&mut message, 1);
        for record in records {
            push_record(&mut message, Some(&self.name), self.code, &data(record));
        }
        message
    }
}

/// Adds a record of another name to the answers.
fn push_forged_record(message: &mut Vec<u8>) {
    let owner = Name::parse("lie.example").expect("a name of DNS");
    push_record(message, Some(&owner), 16, b"\x03lie");
    // ANCOUNT's low octet.
    if let Some(count) = message.get_mut(7) {
        *count += 1;
    }
}

fn push_record(message: &mut Vec<u8>, owner: Option<&Name>, code: u16, data: &[u8]) {
    push_name(message, owner);
    push_u16(message, code);
    push_u16(message, 1);
    message.extend_from_slice(&TTL.to_be_bytes());
    push_u16(message, u16::try_from(data.len()).expect("a record of DNS"));
    message.extend_from_slice(data);
}

/// A record's data: RFC 1035 section 3.3.
fn data(record: &RecordData) -> Vec<u8> {
    let mut data = Vec::new();
    match record {
        RecordData::A(address) => data.extend(address.octets()),
        RecordData::Aaaa(address) => data.extend(address.octets()),
        RecordData::Cname(name) | RecordData::Ptr(name) => push_name(&mut data, Some(name)),
        RecordData::Mx {
            preference,
            exchange,
        } => {
            push_u16(&mut data, *preference);
            push_name(&mut data, exchange.as_ref());
        }
        RecordData::Txt(text) => {
            for string in text.chunks(CHARACTER_STRING_OCTETS) {
                push_string(&mut data, string);
            }
        }
    }
    data
}

/// A name, or the root.
fn push_name(message: &mut Vec<u8>, name: Option<&Name>) {
    for label in name.into_iter().flat_map(Name::labels) {
        push_string(message, label.as_bytes());
    }
    message.push(0);
}

fn push_string(message: &mut Vec<u8>, string: &[u8]) {
    message.push(u8::try_from(string.len()).expect("at most 255 octets"));
    message.extend_from_slice(string);
}

fn push_u16(message: &mut Vec<u8>, value: u16) {
    message.extend_from_slice(&value.to_be_bytes());
}
