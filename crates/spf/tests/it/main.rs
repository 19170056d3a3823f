//! RFC 7208, a module for each part of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod appendix_a;
mod limits;
mod mechanisms;
mod properties;
mod records;
mod results;
mod setup;
mod walk;
