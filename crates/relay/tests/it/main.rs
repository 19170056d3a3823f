//! The relay over HTTP, as its callers and the inbox page see it.

mod contract;
mod harness;
mod idempotency;
mod inbox;
mod signatures;
mod smtp;
