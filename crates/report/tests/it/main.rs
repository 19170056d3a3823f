//! Messages read as reports, filed by RFC, and what holds for all of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auto_replies;
mod classification;
mod dialects;
mod limits;
mod malformed;
mod properties;
mod rfc3464;
mod rfc5965;
mod rfc6522;
mod summary;
mod vectors;

pub(crate) use summary::{check, check_text, delivery};
