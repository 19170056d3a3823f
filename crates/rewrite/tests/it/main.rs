//! What is found in HTML bodies, and what a recipient's copy is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod foreign;
mod limits;
mod links;
mod mails;
mod oracle;
mod pixel;
mod placeholders;
mod properties;
mod rendering;
mod soup;
