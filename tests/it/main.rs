//! The black-box tests: what an application, an operator and a relay see of the real components.
//!
//! Every test fails if an instance trapped or ran out of time while its system ran: [`tests::System`] sees to that.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod auth;
mod bad_input;
mod custom_domains;
mod customer;
mod domain_faults;
mod domain_input;
mod domain_keys;
mod domain_lists;
mod domain_tracking;
mod domain_verification;
mod domains;
mod engagement;
mod erasure;
mod events;
mod http;
mod idempotency;
mod kill;
mod logs;
mod manifest;
mod personal;
mod relay_faults;
mod send;
mod signatures;
mod signing_cost;
mod store_faults;
mod subscription_input;
mod subscriptions;
mod suppression;
mod suppression_lists;
mod tick;
mod track;
