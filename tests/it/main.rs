//! The black-box tests: what an application, an operator and a relay see of the real components.

#![expect(
    clippy::unwrap_used,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod send;
