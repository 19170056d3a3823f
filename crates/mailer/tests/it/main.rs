//! The use cases on a map, a clock that stands still and a relay that does as it is told.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is a failed test"
)]

mod accept;
mod access;
mod attempts;
mod budget;
mod custom_domains;
mod domains;
mod engagement;
mod erasure;
mod events;
mod fake;
mod listings;
mod notifications;
mod nudges;
mod outbox;
mod personal;
mod records;
mod reports;
mod sender_domains;
mod submission;
mod suppression;
mod ticks;
mod together;
mod tracking_hosts;
mod visits;
mod waiting;
