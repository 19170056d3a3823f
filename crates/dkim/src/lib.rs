//! `DomainKeys` Identified Mail: signs and verifies messages.
//!
//! Implements [RFC 6376] with `rsa-sha256`, the only algorithm of it that [RFC 8301] still allows, and
//! with `ed25519-sha256` of [RFC 8463].
//! The crate is pure: no I/O, no clock, no source of randomness. What it needs of those
//! (`signed_at`, `now`, key records, a random generator) are arguments.
//!
//! - [`sign`] returns the `DKIM-Signature` header field to put in front of a message,
//!   [`sign_with_each`] one for each of several keys.
//! - [`verify`] judges every signature of a message with a synchronous [`KeyLookup`];
//!   [`signatures`] does the same in two steps, for callers whose DNS is asynchronous.
//! - [`keygen`] makes keys, those of RSA in slices short enough for a single-threaded host.
//!
//! # Not supported
//!
//! - `rsa-sha1`, which RFC 8301 section 3.1 forbids.
//! - Signing only the first octets of a body (`l=`). A received signature with `l=` passes only when
//!   it covers the whole body: RFC 6376 section 8.2 describes what an attacker does with the rest.
//! - Copied header fields (`z=`): ignored when received, never written.
//! - Internationalised names as U-labels (RFC 8616): names are A-labels.
//! - Key query methods other than `dns/txt`, of which no other was ever defined.
//!
//! [RFC 6376]: https://www.rfc-editor.org/rfc/rfc6376
//! [RFC 8301]: https://www.rfc-editor.org/rfc/rfc8301
//! [RFC 8463]: https://www.rfc-editor.org/rfc/rfc8463

#![no_std]

extern crate alloc;

mod body;
mod canonicalization;
mod fields;
mod folded_field;
mod header_hash;
mod key;
pub mod keygen;
mod message;
mod name;
mod pem;
mod public_key;
mod record;
mod rsa;
mod sign;
mod signature;
mod tags;
mod verify;

pub use body::{BodyHash, BodyHasher};
pub use canonicalization::{Algo, Canonicalization};
pub use fields::{FieldName, FieldNameError, SignedFields};
pub use key::{KeyError, SigningAlgorithm, SigningKey};
pub use message::{HeaderSection, MessageError};
pub use name::{AgentOrUserIdentifier, AuidError, NameError, Selector, SigningDomain};
pub use pem::PemError;
pub use record::{PublicKeyRecord, RecordError};
pub use sign::{DkimError, Signer, SigningOptions, sign, sign_hashed, sign_with_each};
pub use signature::SignatureError;
pub use tags::TagListError;
pub use verify::{
    KeyLookup, KeyLookupError, ReceivedSignature, VerifiedSignature, VerifyError, signatures,
    verify,
};

/// The most (and least) that is read of everything that comes from outside.
pub mod limits {
    pub use crate::key::{MAX_PKCS8, MAX_RSA_BITS, MIN_RSA_BITS};
    pub use crate::message::{MAX_HEADER_FIELDS, MAX_HEADER_SECTION};
    pub use crate::pem::MAX_PEM;
    pub use crate::record::{MAX_RECORD, MAX_VERIFYING_BITS, MIN_VERIFYING_BITS};
    pub use crate::signature::{MAX_SIGNATURE_FIELD, MAX_SIGNED_FIELDS};
    pub use crate::verify::{MAX_CLOCK_SKEW, MAX_SIGNATURES};
}
