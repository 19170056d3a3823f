//! The `DKIM-Signature` header field as received: RFC 6376 sections 3.5 and 6.1.1.

use crate::{AuidError, NameError, TagListError};

/// Why a `DKIM-Signature` field is not a signature to consider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Its body is not a tag list.
    #[error("malformed tag list")]
    TagList(#[source] TagListError),
    /// A required tag is missing.
    #[error("expected the tag {tag}=, found none")]
    MissingTag {
        /// The tag's name.
        tag: &'static str,
    },
    /// A tag's value is not what its grammar says.
    #[error("expected {expected} in the tag {tag}=, found something else")]
    Value {
        /// The tag's name.
        tag: &'static str,
        /// What its grammar says.
        expected: &'static str,
    },
    /// `v=` is not 1.
    #[error("expected version 1, found another")]
    Version,
    /// `a=` names an algorithm that is unknown, or forbidden by RFC 8301.
    #[error("expected the algorithm rsa-sha256, found another")]
    Algorithm,
    /// `c=` names an unknown canonicalization.
    #[error("expected simple or relaxed canonicalization, found another")]
    Canonicalization,
    /// `d=` is not a domain.
    #[error("invalid domain in the tag d=")]
    Domain(#[source] NameError),
    /// `s=` is not a selector.
    #[error("invalid selector in the tag s=")]
    Selector(#[source] NameError),
    /// `i=` is not an identifier.
    #[error("invalid identifier in the tag i=")]
    Auid(#[source] AuidError),
    /// `i=` names a domain outside of `d=`.
    #[error("expected an identifier within the signing domain, found one outside of it")]
    AuidOutsideDomain,
    /// `h=` does not name From.
    #[error("expected From among the signed fields, found none")]
    FromNotSigned,
    /// `h=` names more fields than are read.
    #[error("expected at most 256 signed fields, found more")]
    TooManySignedFields,
    /// `q=` names no query method that is known.
    #[error("expected the query method dns/txt, found none of it")]
    QueryMethod,
    /// `x=` is not after `t=`.
    #[error("expected an expiry after the time of signing, found an earlier one")]
    ExpiresBeforeSigning,
}
