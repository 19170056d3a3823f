//! RFC 6376, a module for each section.

#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    reason = "a test fails by panicking, and lengths fit"
)]

mod appendix_a;
mod section_3_4;
mod section_3_6;
mod section_5;
mod section_6_1;
mod setup;
