//! Making `DKIM-Signature` header fields: RFC 6376 section 5.

use alloc::string::{String, ToString};

use base64::{Engine, engine::general_purpose::STANDARD};
use rand_core::CryptoRng;

use crate::{
    AgentOrUserIdentifier, BodyHash, Canonicalization, HeaderSection, KeyError, MessageError,
    NameError, Selector, SignedFields, SigningAlgorithm, SigningDomain, SigningKey,
    body::BodyHashes, folded_field::FoldedField, header_hash::HeaderHasher, name::key_name,
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

/// A key and what to say in the signatures made with it.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// What to say.
    pub options: &'a SigningOptions,
    /// The key that is published under the selector of the options.
    pub key: &'a SigningKey,
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
    sign_with_each(message, &[Signer { options, key }], rng)
}

/// Signs a whole message with several keys, for instance RSA and Ed25519 side by side: RFC 8463
/// section 3 asks for a signature of each. Returns the `DKIM-Signature` fields in the order of
/// `signers`, each with its final CRLF, to put in front of the message. They share one pass over the
/// body, and none covers another.
///
/// # Errors
/// [`DkimError`] of the first signature that cannot be made; then there is none.
pub fn sign_with_each<R: CryptoRng + ?Sized>(
    message: &[u8],
    signers: &[Signer<'_>],
    rng: &mut R,
) -> Result<String, DkimError> {
    let (headers, body) = HeaderSection::split(message).map_err(DkimError::Message)?;
    let mut bodies = BodyHashes::new(body);
    let mut fields = String::new();
    for Signer { options, key } in signers {
        let body = bodies.get(options.canonicalization.body);
        fields += &sign_hashed(&headers, &body, options, key, rng)?;
    }
    Ok(fields)
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::ops::Range;

    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    use rsa::{PrivateKey, pkcs1::RsaPrivateKeyRef};
    use sha2::Sha256;

    use super::*;
    use crate::{header_hash::without_signature, pem, signature::SignatureTags};

    const RFC_8463: &str = include_str!("../tests/vectors/rfc8463-appendix-a.eml");
    const ED25519_SECRET: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    const RSA_SECRET: &str = include_str!("../tests/vectors/rfc8463-appendix-a-rsa.pem");

    /// What is signed in the signature at a place, and the signature that is there. The RFC folds its
    /// fields otherwise than this crate does, so `sign` cannot make the same.
    fn digest_and_signature(at: usize) -> ([u8; 32], Vec<u8>) {
        let (headers, body) = HeaderSection::split(RFC_8463.as_bytes()).unwrap();
        let field = &headers.fields()[at];
        let tags = SignatureTags::parse(field.body).unwrap();
        assert_eq!(
            tags.body_hash,
            BodyHash::of(tags.canonicalization.body, body).digest()
        );
        let place: Range<usize> = tags.signature_place.clone();
        let mut hasher = HeaderHasher::new(&headers, tags.canonicalization.header);
        hasher.leave_out(at);
        hasher.signed_fields(tags.signed_fields.iter().map(String::as_str));
        (
            hasher.finish(&without_signature(field, &place)),
            tags.signature,
        )
    }

    #[test]
    fn the_ed25519_signature_of_rfc_8463_is_reproduced() {
        let secret = STANDARD.decode(ED25519_SECRET).unwrap();
        let secret: [u8; 32] = secret.try_into().unwrap();
        let key = SigningKey::from_ed25519(ed25519_dalek::SigningKey::from_bytes(&secret));
        let record = include_str!("../tests/vectors/rfc8463-appendix-a-ed25519.txt");
        assert_eq!(key.public_key_record(), record);
        let (digest, signature) = digest_and_signature(0);
        let found = key.sign_digest(&digest, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(found.unwrap(), signature);
    }

    /// Its key is too small for [`SigningKey`].
    #[test]
    fn the_rsa_signature_of_rfc_8463_is_reproduced() {
        let text = RSA_SECRET.replace("RSA PRIVATE", "PRIVATE");
        let der = pem::private_key(&text).unwrap();
        let key = PrivateKey::try_from(RsaPrivateKeyRef::try_from(der.as_slice()).unwrap());
        let (digest, signature) = digest_and_signature(1);
        let found = key.unwrap().pkcs1v15_sign_prehash::<Sha256>(&digest);
        assert_eq!(found.unwrap(), signature);
    }
}
