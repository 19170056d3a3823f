//! Asking the DNS over HTTPS ([RFC 8484]): a [`Question`] becomes a message ([RFC 1035]), the octets that come back an
//! [`Answer`] or the reason why they are none.
//!
//! Nothing here performs I/O: who can send a message implements [`Resolver`], and whoever needs the DNS asks through it.
//! An answer is believed only as far as it answers the question: every record has to belong to the name asked for or to
//! the names its aliases lead to.
//!
//! **Not supported**: classes other than IN, record types other than those of [`RecordType`], DNSSEC (a resolver that
//! validates answers [`AnswerError::ServerFailure`]), extended response codes (RFC 6891 section 6.1.3), names with
//! octets outside printable ASCII, and a second query for an alias whose end the answer does not hold.
//!
//! [RFC 1035]: https://www.rfc-editor.org/rfc/rfc1035
//! [RFC 8484]: https://www.rfc-editor.org/rfc/rfc8484
#![no_std]

extern crate alloc;

mod answer;
mod message;
mod name;
mod question;
mod record;
mod resolver;
#[cfg(feature = "zone")]
pub mod zone;

pub use answer::{Answer, AnswerError, AnswerKind, decode_answer};
pub use name::{Name, NameError};
pub use question::{Question, RecordType, encode_query};
pub use record::RecordData;
pub use resolver::{ResolveError, Resolver};

/// The most that is read of everything that comes from outside.
pub mod limits {
    pub use crate::answer::{MAX_ALIASES, MAX_ANSWER, MAX_RECORDS, MAX_TTL};
    pub use crate::name::{MAX_LABEL, MAX_NAME};
}
