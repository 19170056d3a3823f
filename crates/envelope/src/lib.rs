//! The SMTP envelope as values: addresses and paths of [RFC 5321], replies and [RFC 3463] status codes.
//!
//! Every type here is checked when it is made and cannot be changed into something wrong afterwards, so whoever
//! holds an [`AddrSpec`] may write it into an SMTP command, a header field or a storage key without looking again.
//! Nothing here performs I/O, reads a clock or knows a host.
//!
//! **Not supported**: address literals (`a@[192.0.2.1]`), domains of a single label, source routes
//! (`<@relay.example:a@b.example>`), comments and white space around addresses, the empty quoted local part (`""`),
//! the `<Postmaster>` path without a domain, and Unicode normalization of local parts.
//!
//! [RFC 5321]: https://www.rfc-editor.org/rfc/rfc5321
//! [RFC 3463]: https://www.rfc-editor.org/rfc/rfc3463
#![no_std]

extern crate alloc;

#[macro_use]
mod text_form;

mod addr_spec;
mod domain;
mod local_part;
mod path;
mod recipients;
mod reply;
mod status;

pub use addr_spec::{AddrSpec, AddrSpecError, MAX_ADDR_SPEC_OCTETS};
pub use domain::{Domain, DomainError, MAX_DOMAIN_OCTETS, MAX_LABEL_OCTETS};
pub use local_part::{LocalPart, LocalPartError, MAX_LOCAL_PART_OCTETS};
pub use path::{ReversePath, ReversePathError};
pub use recipients::{Envelope, EnvelopeError, MAX_FORWARD_PATHS};
pub use reply::{MAX_REPLY_TEXT_CHARS, Reply, ReplyCode, ReplyCodeError, ReplyError};
pub use status::{EnhancedStatusCode, EnhancedStatusCodeError, StatusClass};
