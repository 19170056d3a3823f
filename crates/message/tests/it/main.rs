//! Whole messages: exact bytes as snapshots, and properties with an independent parser as the judge.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod fixture;
mod messages;
mod properties;
mod round_trip;
#[cfg(feature = "serde")]
mod serialized;
