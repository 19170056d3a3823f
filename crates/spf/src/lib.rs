//! Sender Policy Framework: [RFC 7208].
//!
//! [`Record`] is what a domain publishes, [`check_host`] says whether a host may send for it, and [`count_lookups`]
//! whether its record stays within the limits before any mail depends on it. The DNS is asked through
//! [`dns::Resolver`]; nothing here reads a clock, so time limits (section 4.6.4) are up to the caller.
//!
//! **Not supported**: explanations (section 6.2). `exp=` is read and checked, but its text is not fetched, so the
//! macro letters `c`, `r` and `t` are errors outside unknown modifiers.
//!
//! [RFC 7208]: https://www.rfc-editor.org/rfc/rfc7208
#![no_std]

extern crate alloc;

mod check;
mod count;
mod domain_spec;
mod expansion;
mod lookup;
mod mechanism;
mod pointers;
mod record;
mod select;
mod session;

pub use check::{CheckHost, Evaluation, EvaluationError, SpfResult, check_host};
pub use count::{CountError, Lookups, count_lookups};
pub use domain_spec::DomainSpec;
pub use lookup::LookupError;
pub use mechanism::{Mechanism, Prefixes};
pub use record::{Directive, Qualifier, Record, RecordError};
pub use select::select;

/// The most that is read of everything that comes from outside, and the most that is asked because of it.
pub mod limits {
    pub use crate::count::MAX_WALKED_RECORDS;
    pub use crate::pointers::MAX_POINTERS;
    pub use crate::record::MAX_RECORD;
    pub use crate::session::{MAX_EXCHANGES, MAX_LOOKUPS, MAX_VOID_LOOKUPS};
}
