//! What it takes to import a suppression list of a million addresses, and to export it again.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf as _, Bytes};
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body, Frame};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::Failure;
use crate::arguments::Scale;
use crate::load::now;
use crate::operator::ADMIN_TOKEN;
use crate::process;
use crate::progress;
use crate::statistics::{mebibytes, number};
use crate::systems::System;
use crate::table::{Table, cell};

const LINES: usize = 1_000_000;
/// Lines of one piece of the body.
const PIECE: usize = 1_000;

/// Imports a file as CSV and one as NDJSON into fresh stores, exports each, and prints what time and memory that took.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    let lines = scale.count(LINES);
    let table = Table::begin(
        &format!("Suppression lists of {lines} addresses, imported and exported"),
        &[
            "          ",
            "requests",
            "seconds",
            "lines/s",
            "manage instance at most, MiB",
            "process before, MiB",
            "after",
            "at most",
        ],
    );
    for format in [Format::Csv, Format::Ndjson] {
        let system = System::accepting_only().await?;
        measure(&system, format, lines, &table).await?;
        system.stop().await;
    }
    Ok(())
}

async fn measure(
    system: &System,
    format: Format,
    lines: usize,
    table: &Table,
) -> Result<(), Failure> {
    let began = Began::now(format!("{} in", format.name()), lines);
    let requests = import(system, format, lines).await?;
    table.row(&began.row(system, requests));
    let began = Began::now(format!("{} out", format.name()), lines);
    let exported = export(system).await?;
    table.row(&began.row(system, 1));
    if exported == lines {
        Ok(())
    } else {
        Err(format!("expected {lines} addresses on the list, found {exported}").into())
    }
}

/// What a row is counted from.
struct Began {
    what: String,
    lines: usize,
    at: Instant,
    resident: f64,
}

impl Began {
    fn now(what: String, lines: usize) -> Self {
        Self {
            what,
            lines,
            at: now(),
            resident: process::resident_mebibytes(),
        }
    }

    fn row(self, system: &System, requests: usize) -> Vec<String> {
        let seconds = self.at.elapsed().as_secs_f64();
        vec![
            self.what,
            requests.to_string(),
            cell(seconds, 1),
            cell(number(self.lines) / seconds, 0),
            cell(mebibytes(system.stats("manage").peak_memory_bytes), 1),
            cell(self.resident, 1),
            cell(process::resident_mebibytes(), 1),
            cell(process::most_resident_mebibytes(), 1),
        ]
    }
}

/// Sends the file until all of it is taken in, and returns how often that was.
async fn import(system: &System, format: Format, lines: usize) -> Result<usize, Failure> {
    let mut skip = 0;
    for requests in 1.. {
        let target = format!("import?format={}&skipLines={skip}", format.name());
        let rows = Rows::new(format, lines);
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client
            .request(request(system, "POST", &target, rows)?)
            .await?;
        let last = last_line(answer.into_body()).await?;
        match last.pointer("/error/code").and_then(Value::as_str) {
            None => return Ok(requests),
            Some("ImportTooLong") => skip = last.get("line").and_then(Value::as_u64).unwrap_or(0),
            Some(code) => return Err(format!("the import ended with {code}: {last}").into()),
        }
    }
    Err("the import never ended".into())
}

/// The end of an import's report; what comes before it tells how far it is.
async fn last_line(mut body: hyper::body::Incoming) -> Result<Value, Failure> {
    let mut text = Vec::new();
    // An import that took too long ends while there is more to send, and the connection with it: what was said before counts.
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            progress::show(String::from_utf8_lossy(&data).trim_end());
            text.extend_from_slice(&data);
        }
    }
    let last = text.trim_ascii_end().rsplit(|&octet| octet == b'\n').next();
    Ok(serde_json::from_slice(last.unwrap_or_default())?)
}

/// Reads the whole list, and returns how many addresses are on it.
async fn export(system: &System) -> Result<usize, Failure> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let target = "export?format=ndjson";
    let answer = client
        .request(request(system, "GET", target, Empty::<Bytes>::new())?)
        .await?;
    let (mut body, mut lines) = (answer.into_body(), 0);
    while let Some(frame) = body.frame().await {
        if let Ok(mut data) = frame?.into_data() {
            lines += data.iter().filter(|&&octet| octet == b'\n').count();
            data.advance(data.len());
        }
    }
    Ok(lines)
}

fn request<B>(
    system: &System,
    method: &str,
    target: &str,
    body: B,
) -> Result<Request<B>, http::Error> {
    let address = system.address();
    Request::builder()
        .method(method)
        .uri(format!("http://{address}/suppressions:{target}"))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .body(body)
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Ndjson,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    fn line(self, number: usize) -> String {
        let address = format!("person-{number}@customer-{}.example", number % 1_000);
        match self {
            Self::Csv => format!("{address},Ann,Nemo,asked us\n"),
            Self::Ndjson => format!(
                "{{\"email\":\"{address}\",\"firstName\":\"Ann\",\"lastName\":\"Nemo\",\"notes\":\"asked us\"}}\n"
            ),
        }
    }
}

/// A file that is made while it is read.
struct Rows {
    format: Format,
    next: usize,
    lines: usize,
}

impl Rows {
    const fn new(format: Format, lines: usize) -> Self {
        Self {
            format,
            next: 0,
            lines,
        }
    }

    fn piece(&mut self) -> String {
        let mut text = match (self.format, self.next) {
            (Format::Csv, 0) => "email,firstName,lastName,notes\n".to_owned(),
            (Format::Csv | Format::Ndjson, _) => String::new(),
        };
        let end = self.lines.min(self.next + PIECE);
        for number in self.next..end {
            text.push_str(&self.format.line(number));
        }
        self.next = end;
        text
    }
}

impl Body for Rows {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next >= self.lines {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(self.piece())))))
    }
}
