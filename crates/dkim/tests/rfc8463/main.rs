//! RFC 8463, a module for each section, and the key formats it needs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod appendix_a;
mod private_keys;
mod section_3;
mod section_4;
#[path = "../rfc6376/setup.rs"]
#[expect(
    dead_code,
    reason = "made for the tests of RFC 6376, which use all of it"
)]
mod setup;
