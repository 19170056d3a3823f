//! The relay over HTTP, as its callers and the inbox page see it.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that finds something else than expected must fail"
)]

mod contract;
mod events;
mod harness;
mod idempotency;
mod inbox;
mod signatures;
mod smtp;
