//! Reading a request's body, never more of it than stated.

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::future::{Either, select};
use http_body::Body;
use http_body_util::BodyExt;
use spin_sdk::http::Request;
use spin_sdk::wasip3::http::types as wasi;
use spin_sdk::wasip3::http_compat::IncomingBody;

use crate::problem::Problem;

/// The largest body any route takes: 10 MB, base64 of attachments included.
pub const MAX_BODY_OCTETS: usize = 10 * 1024 * 1024;

/// The body of `request`.
///
/// A body that says it is longer than `limit` is not read at all; one that does not say so is read up to `limit` and no further.
///
/// # Errors
/// 413 when it is longer, 400 when the caller cut it off.
pub async fn read_body(request: Request, limit: usize) -> Result<Vec<u8>, Problem> {
    let stated = stated_length(&request);
    if stated.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let octets = collect(request.into_body(), stated.unwrap_or(0), limit).await?;
    if stated.is_some_and(|length| length != octets.len()) {
        return Err(cut_off());
    }
    Ok(octets)
}

/// The first `limit` octets of the body of `request`. What stands behind them is taken and dropped, so that who sends it is answered.
///
/// # Errors
/// 400 when the caller cut it off.
pub async fn read_start(request: Request, limit: usize) -> Result<Vec<u8>, Problem> {
    let stated = stated_length(&request);
    let mut pieces = Pieces::of(request);
    let mut octets = Vec::with_capacity(stated.unwrap_or(0).min(limit));
    let mut length = 0;
    while let Some(piece) = pieces.wait().await? {
        length += piece.len();
        let room = limit - octets.len();
        octets.extend_from_slice(piece.get(..room).unwrap_or(&piece));
    }
    if stated.is_some_and(|stated| stated != length) {
        return Err(cut_off());
    }
    Ok(octets)
}

/// The body of a request, piece by piece.
pub struct Pieces(Pin<Box<IncomingBody<wasi::Request>>>);

/// What came of a body.
#[derive(Debug)]
pub enum Next {
    /// A piece of it.
    Piece(Bytes),
    /// Its end.
    End,
    /// Nothing in time.
    Late,
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces(..)")
    }
}

impl Pieces {
    /// The body of `request`.
    #[must_use]
    pub fn of(request: Request) -> Self {
        Self(Box::pin(request.into_body()))
    }

    /// What comes within `patience`. With none left nothing is looked for, so that a body which keeps coming has an end too.
    ///
    /// # Errors
    /// When the caller cut it off.
    pub async fn next(&mut self, patience: Duration) -> Result<Next, Problem> {
        if patience.is_zero() {
            return Ok(Next::Late);
        }
        let (next, timer) = (pin!(self.wait()), pin!(spin_sdk::time::sleep(patience)));
        match select(next, timer).await {
            Either::Left((next, _)) => Ok(next?.map_or(Next::End, Next::Piece)),
            Either::Right(((), _)) => Ok(Next::Late),
        }
    }

    async fn wait(&mut self) -> Result<Option<Bytes>, Problem> {
        while let Some(frame) = self.0.frame().await {
            if let Ok(mut data) = frame.map_err(|_| cut_off())?.into_data() {
                return Ok(Some(data.copy_to_bytes(data.remaining())));
            }
        }
        Ok(None)
    }
}

/// How long the body of `request` says it is.
#[must_use]
pub fn stated_length(request: &Request) -> Option<usize> {
    request
        .headers()
        .get(http::header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

async fn collect<B: Body>(body: B, capacity: usize, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut body = pin!(body);
    let mut octets = Vec::with_capacity(capacity.min(limit));
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| cut_off())?.into_data() else {
            continue;
        };
        if octets.len() + data.remaining() > limit {
            return Err(too_large(limit));
        }
        while data.has_remaining() {
            octets.extend_from_slice(data.chunk());
            data.advance(data.chunk().len());
        }
    }
    Ok(octets)
}

fn too_large(limit: usize) -> Problem {
    let message = format!("The request body is larger than {limit} octets.");
    // No `Connection: close`: WASI forbids it to components, and the host closes by itself what it has not read.
    Problem::new(413, "RequestEntityTooLarge", message)
}

fn cut_off() -> Problem {
    Problem::new(
        400,
        "BadRequest",
        "The request body ended before its stated length.",
    )
}
