//! Rules that hold for every input, tried with many.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod properties;
#[cfg(feature = "serde")]
mod serialized;
