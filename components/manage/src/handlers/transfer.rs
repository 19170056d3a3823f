//! Imports and exports of suppression lists, as streams: of a file of any length no more is in memory than some hundred rows.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use guest::{
    Level, Next, Pieces, Problem, Request, Response, SpinPorts, header, log, stream as answer,
};
use mailer::ports::{Clock, StoreError};
use mailer::suppression::Shelf;
use mailer::suppression::import::Import;
use mailer::suppression::rows::{Format, RawRow, RowReader, heading};
use mailer::suppression::shelf::{MAX_PAGE, page};
use mailer::time::Timestamp;

use super::{query_text, skip_lines};
use crate::config::Config;
use crate::wire::Progress;

/// Rows between two lines about the progress.
const ROWS_A_LINE: u64 = 10_000;
/// How long an import goes on: hosts end the work of a request after two minutes.
const LONGEST: Duration = Duration::from_secs(100);
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv; charset=utf-8";

/// `POST /suppressions:import` and `POST …/suppressionLists/{list}:import`
pub(crate) async fn import(
    request: Request,
    config: Rc<Config>,
    shelf: Shelf,
) -> Result<Response, Problem> {
    let format = format(&request, "content-type")?;
    let skip = skip_lines(&request)?;
    let ports = SpinPorts::open().await?;
    config.suppressor.admit(&*ports).await?;
    let job = Job {
        pieces: Pieces::of(request),
        reader: RowReader::new(format),
        import: Import::new(shelf),
        ends_at: ports.now().plus(LONGEST),
        told: 0,
        skip,
        config,
        ports,
    };
    Ok(answer(200, NDJSON, job.lines()))
}

/// An import under way.
struct Job {
    config: Rc<Config>,
    ports: Rc<SpinPorts>,
    pieces: Pieces,
    reader: RowReader,
    import: Import,
    ends_at: Timestamp,
    // Rows that were told of.
    told: u64,
    skip: u64,
}

/// What is next for an import.
enum Step {
    More(Job),
    Ended(Import, Option<(&'static str, String)>),
}

impl Job {
    fn lines(self) -> impl Stream<Item = Result<Bytes, StoreError>> {
        stream::unfold(Some(self), async |job| {
            let (line, rest) = match job?.step().await {
                Step::More(job) => (Progress::running(job.import.report()), Some(job)),
                Step::Ended(import, error) => (Progress::ended(import.report(), error), None),
            };
            let line = serde_json::to_string(&line).unwrap_or_default();
            Some((Ok(Bytes::from(format!("{line}\n"))), rest))
        })
    }

    /// Takes rows in until there is something to tell.
    async fn step(mut self) -> Step {
        loop {
            let mut rows = Vec::new();
            // Hosts end an import unasked soon after, and what waits to be written and the summary would be lost.
            let left = self.ends_at.since(self.ports.now());
            let piece = match self.pieces.next(left).await {
                Ok(Next::Piece(piece)) => Some(piece),
                Ok(Next::End) => None,
                Ok(Next::Late) => return self.end(Some(too_long())).await,
                Err(problem) => return self.end(Some((problem.code, problem.message))).await,
            };
            match &piece {
                Some(piece) => self.reader.push(piece, &mut rows),
                None => {
                    let reader = std::mem::replace(&mut self.reader, RowReader::new(Format::Csv));
                    reader.finish(&mut rows);
                }
            }
            for row in rows.into_iter().filter(|(line, _)| *line > self.skip) {
                let suppressor = &self.config.suppressor;
                if let Err(error) = self.import.take(&*self.ports, suppressor, row).await {
                    return Step::Ended(self.import, Some(broken(&error)));
                }
            }
            if piece.is_none() {
                return self.end(None).await;
            }
            let rows = self.import.report().rows;
            if rows >= self.told.saturating_add(ROWS_A_LINE) {
                self.told = rows;
                return Step::More(self);
            }
        }
    }

    /// Writes what waits, and ends.
    async fn end(mut self, error: Option<(&'static str, String)>) -> Step {
        let flushed = self
            .import
            .flush(&*self.ports, &self.config.suppressor)
            .await;
        let broken = flushed.err().map(|error| broken(&error));
        Step::Ended(self.import, broken.or(error))
    }
}

fn too_long() -> (&'static str, String) {
    let message = "The import takes too long for one request. \
                   Send the file again with skipLines set to line.";
    ("ImportTooLong", message.to_owned())
}

fn broken(error: &StoreError) -> (&'static str, String) {
    let cause = error.to_string();
    log(Level::Error, "an import was cut off", &[("cause", &cause)]);
    let message =
        "The service cannot go on now. Send the file again; what was written does no harm.";
    ("ServiceUnavailable", message.to_owned())
}

/// `GET /suppressions:export` and `GET …/suppressionLists/{list}:export`
pub(crate) async fn export(
    request: &Request,
    config: &Config,
    shelf: Shelf,
) -> Result<Response, Problem> {
    let format = format(request, "accept")?;
    let ports = SpinPorts::open().await?;
    config.suppressor.admit(&*ports).await?;
    let content_type = match format {
        Format::Csv => CSV,
        Format::Ndjson => NDJSON,
    };
    Ok(answer(200, content_type, pages(ports, shelf, format)))
}

fn pages(
    ports: Rc<SpinPorts>,
    shelf: Shelf,
    format: Format,
) -> impl Stream<Item = Result<Bytes, StoreError>> {
    let next = move |after: Option<u64>| {
        let (ports, shelf) = (Rc::clone(&ports), shelf.clone());
        async move {
            let after = after?;
            let found = match page(&*ports, &shelf, after, MAX_PAGE).await {
                Ok(found) => found,
                Err(error) => return Some((Err(error), None)),
            };
            let mut text = match after {
                0 => heading(format),
                _ => String::new(),
            };
            for (name, entry) in &found.entries {
                text.push_str(&RawRow::of(name, entry).write(format));
            }
            Some((Ok(Bytes::from(text)), found.next_after))
        }
    };
    stream::unfold(Some(0), next)
}

/// As the query says, or else a header field.
fn format(request: &Request, field: &str) -> Result<Format, Problem> {
    let named = query_text(request, "format");
    let media_type = header(request, field).unwrap_or_default();
    format_of(named.as_deref(), media_type).ok_or_else(|| {
        let message = "Expected format=csv or format=ndjson, or text/csv or application/x-ndjson as media type.";
        Problem::new(400, "UnsupportedFormat", message).with_target("format")
    })
}

/// The format that is `named`, or else that of a media type, whose letter case does not matter (RFC 9110 section 8.3.1).
fn format_of(named: Option<&str>, media_type: &str) -> Option<Format> {
    let essence = media_type.split([';', ',']).next().unwrap_or_default();
    match (named, &*essence.trim().to_ascii_lowercase()) {
        (Some("csv"), _) | (None, "text/csv") => Some(Format::Csv),
        (Some("ndjson"), _) | (None, NDJSON | "application/ndjson" | "application/jsonl") => {
            Some(Format::Ndjson)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_its_name_or_its_media_type() {
        for csv in ["text/csv", "TEXT/CSV", "Text/Csv ; Charset=UTF-8"] {
            assert_eq!(format_of(None, csv), Some(Format::Csv), "{csv}");
        }
        for ndjson in ["application/x-ndjson", "Application/NDJSON, */*"] {
            assert_eq!(format_of(None, ndjson), Some(Format::Ndjson), "{ndjson}");
        }
        assert_eq!(format_of(Some("ndjson"), "text/csv"), Some(Format::Ndjson));
        assert_eq!(format_of(Some("xml"), "text/csv"), None);
        assert_eq!(format_of(None, "text/plain"), None);
    }
}
