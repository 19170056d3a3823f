//! Domain-based Message Authentication, Reporting, and Conformance: [RFC 7489].
//!
//! [`Record`] is what a domain publishes. With the feature `public-suffixes` a policy can be found in the DNS
//! (`discover`) and applied to what SPF and DKIM say of a message (`evaluate`).
//!
//! # RFC 9989
//!
//! It replaced RFC 7489 in May 2026. Records stay valid; three things differ from what is done here. A DNS tree walk
//! takes the place of the public suffix list. `pct`, `rf` and `ri` are gone, and `t=y` says what `pct=0` said. `np` (the
//! policy for subdomains that do not exist) and `psd` are new; here they are passed over like every unknown tag. That
//! tags may come in any order behind `v`, which it allows, is allowed here too.
//!
//! **Not supported**: reports (section 7; `rua` and `ruf` are read), the tags `fo`, `rf` and `ri`, and drawing the
//! messages that `pct` picks.
//!
//! [RFC 7489]: https://www.rfc-editor.org/rfc/rfc7489
#![no_std]

extern crate alloc;

#[cfg(feature = "public-suffixes")]
mod alignment;
#[cfg(feature = "public-suffixes")]
mod discovery;
#[cfg(feature = "public-suffixes")]
mod evaluation;
mod record;
mod tags;

#[cfg(feature = "public-suffixes")]
pub use alignment::{is_aligned, is_public_suffix, organizational_domain};
#[cfg(feature = "public-suffixes")]
pub use discovery::{DiscoverError, Discovered, discover};
#[cfg(feature = "public-suffixes")]
pub use evaluation::{Authenticated, DmarcResult, Verdict, evaluate};
pub use record::{Alignment, Policy, Record, RecordError, select};

/// The most that is read of everything that comes from outside.
pub mod limits {
    pub use crate::record::MAX_RECORD;
}
