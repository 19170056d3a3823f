//! Making a `DKIM-Signature` header field: RFC 6376 section 5.

use alloc::string::{String, ToString};

use base64::{Engine, engine::general_purpose::STANDARD};
use rand_core::CryptoRng;

use crate::{
    AgentOrUserIdentifier, BodyHash, Canonicalization, HeaderSection, KeyError, MessageError,
    NameError, Selector, SignedFields, SigningAlgorithm, SigningDomain, SigningKey,
    folded_field::FoldedField, header_hash::HeaderHasher, name::key_name,
    signature::encode_quoted_printable,
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

/// Signs a whole message and returns the `DKIM-Signature` field, with its final CRLF, to put in
/// front of it.
///
/// # Errors
/// [`DkimError`], when the message must not be signed as it is or the key fails.
pub fn sign<R: CryptoRng + ?Sized>(
    message: &[u8],
    options: &SigningOptions,
    key: &SigningKey,
    rng: &mut R,
) -> Result<String, DkimError> {
    let (headers, body) = HeaderSection::split(message).map_err(DkimError::Message)?;
    let body = BodyHash::of(options.canonicalization.body, body);
    sign_hashed(&headers, &body, options, key, rng)
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
    check_options(options)?;
    check_body(body, options.canonicalization)?;
    let names = options.signed_fields.select(headers)?;
    let mut field = write_field(options, key.algorithm(), &names, body);
    let mut hasher = HeaderHasher::new(headers, options.canonicalization.header);
    hasher.signed_fields(names.iter().copied());
    let digest = hasher.finish(field.as_str().as_bytes());
    let signature = key.sign_digest(&digest, rng).map_err(DkimError::Key)?;
    field.base64(&STANDARD.encode(signature));
    Ok(field.end())
}

fn check_options(options: &SigningOptions) -> Result<(), DkimError> {
    key_name(&options.selector, &options.domain).map_err(DkimError::KeyName)?;
    let auid = options.auid.as_ref();
    if auid.is_some_and(|auid| !auid.domain().is_within(&options.domain)) {
        return Err(DkimError::AuidOutsideDomain);
    }
    match options.expires_at {
        Some(expires_at) if expires_at <= options.signed_at => Err(DkimError::ExpiresBeforeSigning),
        _ => Ok(()),
    }
}

fn check_body(body: &BodyHash, canonicalization: Canonicalization) -> Result<(), DkimError> {
    if body.algo() != canonicalization.body {
        return Err(DkimError::BodyCanonicalization);
    }
    match body.bare_line_break() {
        Some(at) => Err(DkimError::BareLineBreak { at }),
        None => Ok(()),
    }
}

/// Writes the field up to `b=`. That tag comes last, so what is hashed is what stands so far.
fn write_field(
    options: &SigningOptions,
    algorithm: SigningAlgorithm,
    names: &[&str],
    body: &BodyHash,
) -> FoldedField {
    let mut field = FoldedField::new("DKIM-Signature:");
    field.tag("v", "1");
    field.tag("a", algorithm.as_str());
    field.tag("c", &options.canonicalization.to_string());
    field.tag("d", options.domain.as_str());
    field.tag("s", options.selector.as_str());
    field.tag("t", &options.signed_at.to_string());
    if let Some(expires_at) = options.expires_at {
        field.tag("x", &expires_at.to_string());
    }
    if let Some(auid) = &options.auid {
        field.tag("i", &encode_quoted_printable(&auid.to_string()));
    }
    field.colon_separated("h", names);
    field.tag("bh", &STANDARD.encode(body.digest()));
    field.word("b=");
    field
}
