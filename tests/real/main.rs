//! The tests against real parts: Microsoft's SDKs and readers of events, Postfix, Exim, a DNS, other people's verifiers of DKIM, SPF, DMARC and
//! webhooks, and a browser.
//!
//! `scripts/install-test-tools.sh` installs the parts; a test that misses one fails and says so. Everything runs on the
//! loopback address, on ports the system chose, and ends with its test.
//!
//! # Not supported
//! Running them without root: Postfix's master refuses to start for anybody else.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod asking;
mod authentication_results;
mod bounces;
mod browser;
mod daemons;
mod delivery;
mod dns;
mod domains;
mod engagement;
mod judges;
mod judging;
mod postfix;
mod proxy;
mod relays;
mod sdks;
mod smtp;
mod subscribers;
mod tools;
mod unsubscribing;
mod verifiers;
mod way_in;
