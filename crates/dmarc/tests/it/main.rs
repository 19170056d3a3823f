//! RFC 7489, a module for each part of it.
#![cfg(feature = "public-suffixes")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alignment;
mod discovery;
mod evaluation;
mod properties;
mod records;

use envelope::Domain;

pub(crate) fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}
