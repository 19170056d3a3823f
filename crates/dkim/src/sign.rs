//! Making a `DKIM-Signature` header field: RFC 6376 section 5.

use alloc::string::String;

use rand_core::CryptoRng;

use crate::{
    AgentOrUserIdentifier, BodyHash, Canonicalization, HeaderSection, KeyError, MessageError,
    NameError, Selector, SignedFields, SigningDomain, SigningKey,
};

/// What to say in a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningOptions {
    /// `d=`: who takes responsibility.
    pub domain: SigningDomain,
    /// `s=`: under which selector the key is published.
    pub selector: Selector,
    /// `i=`: on whose behalf. Must be within `domain`.
    pub auid: Option<AgentOrUserIdentifier>,
    /// `c=`: how header and body are normalised.
    pub canonicalization: Canonicalization,
    /// `t=`: when, in seconds since 1970 UTC.
    pub signed_at: u64,
    /// `x=`: until when the signature is worth something, in seconds since 1970 UTC.
    pub expires_at: Option<u64>,
    /// `h=`: what it covers.
    pub signed_fields: SignedFields,
}

/// Why a message was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DkimError {
    /// The octets are not a message.
    #[error("not a message")]
    Message(#[source] MessageError),
    /// The body has a line end that transports change.
    #[error("expected CRLF line ends, found a bare CR or LF in the body at offset {at}")]
    BareLineBreak {
        /// Offset within the body.
        at: u64,
    },
    /// The message has no From field, or the fields to sign do not name it.
    #[error("expected From among the signed fields, found none")]
    MissingFrom,
    /// A field that RFC 5322 section 3.6 allows once is there more often.
    #[error("expected at most one {name} field, found more")]
    RepeatedField {
        /// The field's name.
        name: &'static str,
    },
    /// `i=` names a domain outside of `d=`.
    #[error("expected an identifier within the signing domain, found one outside of it")]
    AuidOutsideDomain,
    /// `x=` is not after `t=`.
    #[error("expected an expiry after the time of signing, found an earlier one")]
    ExpiresBeforeSigning,
    /// Selector and domain make a name that the DNS cannot hold.
    #[error("no DNS name for the key")]
    KeyName(#[source] NameError),
    /// The body was hashed with another algorithm than the options say.
    #[error("expected a body hash made with the canonicalization of the options, found another")]
    BodyCanonicalization,
    /// The key failed.
    #[error("signing failed")]
    Key(#[source] KeyError),
}

/// Signs a whole message and returns the `DKIM-Signature` field, with its final CRLF, to put in front of it.
///
/// # Errors
/// [`DkimError`], when the message must not be signed as it is or the key fails.
pub fn sign<R: CryptoRng + ?Sized>(
    message: &[u8],
    options: &SigningOptions,
    key: &SigningKey,
    rng: &mut R,
) -> Result<String, DkimError> {
    let _ = (message, options, key, rng.next_u32());
    todo!()
}

/// As [`sign`], for a body that was hashed before: several signatures share one pass over it.
///
/// # Errors
/// [`DkimError`], when the message must not be signed as it is or the key fails.
pub fn sign_hashed<R: CryptoRng + ?Sized>(
    headers: &HeaderSection<'_>,
    body: &BodyHash,
    options: &SigningOptions,
    key: &SigningKey,
    rng: &mut R,
) -> Result<String, DkimError> {
    let _ = (headers, body, options, key, rng.next_u32());
    todo!()
}
