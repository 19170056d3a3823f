//! Whole messages.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod answers;
mod message;
mod properties;
mod rfc8484;
