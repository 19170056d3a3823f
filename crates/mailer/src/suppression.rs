//! Addresses that are not written to: on which list, why, and until when.
//!
//! An address is compared in its [canonical](envelope::AddrSpec::canonical) form, here and everywhere: the local part with ASCII letters
//! in lower case, the domain in A-labels; dots and tags keep their meaning.
//!
//! - [`record`] is what is stored of one address; [`identity`] decides whether under the address or under its HMAC.
//! - [`lease`] decides what a bounce, a complaint and a try inside a lease do to the managed list; [`news`] writes that. [`wish`] writes
//!   who unsubscribed.
//! - `hold` has those who change an entry do so one after another; [`edit`] decides what is heard of many addresses at once.
//! - [`list`] has the lists of a domain: one for all its senders, one for each sender username and one for each topic. [`shelf`] adds to a list, removes from it
//!   and pages through it; [`address`] does so for operators.
//! - [`check`] is asked at every attempt, in one round of concurrent reads; [`explain`] says why.
//! - [`rows`] reads and writes CSV (RFC 4180) and NDJSON; [`import`](mod@import) takes a million of such rows, some hundreds at a time.
//!
//! **Not supported:** patterns and whole domains; changing the hash key, or going back to clear addresses.

pub mod address;
pub mod edit;
pub mod identity;
pub mod import;
pub mod lease;
pub mod list;
pub mod lookup;
pub mod news;
pub mod record;
pub mod rows;
pub mod shelf;
pub mod wish;

mod error;
mod hold;

pub use error::{FieldError, SuppressionError};
pub use identity::{Name, Suppressor};
pub use lookup::{Hit, Mail, Ruling, check, explain};
pub use news::{Heard, heard};
pub use record::{Kind, Suppression};
pub use shelf::{Scope, Shelf};
