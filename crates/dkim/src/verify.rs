//! Judging the signatures of a message: RFC 6376 section 6.1.
//!
//! Only the first [`MAX_SIGNATURES`] of a message are looked at, so that nobody makes a receiver
//! work without end.

use alloc::{string::String, vec::Vec};

use crate::{
    AgentOrUserIdentifier, BodyHash, HeaderSection, MessageError, NameError, PublicKeyRecord,
    RecordError, Selector, SignatureError, SigningDomain,
    body::BodyHashes,
    header_hash::{HeaderHasher, without_signature},
    message::HeaderField,
    name::key_name,
    signature::SignatureTags,
};

/// Most signatures of one message that are considered, counted from the top.
pub const MAX_SIGNATURES: usize = 16;
/// How far in the future `t=` may be, in seconds: clocks differ.
pub const MAX_CLOCK_SKEW: u64 = 300;

/// Where key records come from.
pub trait KeyLookup {
    /// The text record under a name, its strings joined without anything between; `None` where the
    /// name or the record does not exist.
    ///
    /// # Errors
    /// [`KeyLookupError`] when it is not known whether there is a record.
    fn txt(&self, name: &str) -> Result<Option<Vec<u8>>, KeyLookupError>;
}

/// The key could not be looked up for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key record could not be looked up")]
pub struct KeyLookupError;

/// A signature of a message, hashed and ready to be compared with a key.
///
/// Borrows nothing, so it can wait for a DNS answer while the message is elsewhere.
#[derive(Clone, Debug)]
pub struct ReceivedSignature {
    candidate: Result<Candidate, SignatureError>,
}

/// A signature field that could be read, and what this message hashes to.
#[derive(Clone, Debug)]
struct Candidate {
    tags: SignatureTags,
    key_name: Result<String, NameError>,
    header_digest: [u8; 32],
    body: BodyHash,
    /// Whether the signature covers every From field of the message.
    covers_from: bool,
}

/// What became of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// `d=`, where the field could be read.
    pub domain: Option<SigningDomain>,
    /// `s=`, where the field could be read.
    pub selector: Option<Selector>,
    /// `i=`, or what stands for it, where the field could be read.
    pub auid: Option<AgentOrUserIdentifier>,
    /// `t=`: when it was signed, in seconds since 1970 UTC.
    pub signed_at: Option<u64>,
    /// `h=`: the names of the signed fields in lower case.
    pub signed_fields: Vec<String>,
    /// The domain says that it is only testing (`t=y` in its record): RFC 6376 section 3.6.1 asks
    /// to treat its mail as unsigned when the signature fails.
    pub testing: bool,
    /// `Ok` when the signature is valid.
    pub outcome: Result<(), VerifyError>,
}

/// Why a signature is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The field is not a signature to consider.
    #[error("unusable signature field")]
    Signature(#[source] SignatureError),
    /// Selector and domain make a name that the DNS cannot hold.
    #[error("no DNS name for the key")]
    KeyName(#[source] NameError),
    /// The message has a From field that the signature does not cover.
    #[error("expected every From field to be signed, found one that is not")]
    FromNotCovered,
    /// `l=` leaves part of the body unsigned, or counts octets that are not there.
    #[error("expected the whole body of {found} octets to be signed, found {signed}")]
    BodyLength {
        /// What `l=` says.
        signed: u64,
        /// Octets of the canonical body.
        found: u64,
    },
    /// The body is not what was signed.
    #[error("the body differs from the one that was signed")]
    BodyHash,
    /// The key could not be looked up for now.
    #[error("the key record could not be looked up")]
    KeyUnavailable,
    /// There is no key record.
    #[error("expected a key record, found none")]
    NoKey,
    /// The key record is not usable.
    #[error("unusable key record")]
    Record(#[source] RecordError),
    /// The key in the record is of another type than the algorithm in `a=` works with.
    #[error("expected a key of the type that a= names, found another")]
    KeyType,
    /// The record demands (`t=s`) that `i=` and `d=` name the same domain.
    #[error("expected an identifier of the signing domain itself, found one below it")]
    AuidBelowDomain,
    /// The signed header fields, or the signature, are not what was signed.
    #[error("the signed header fields differ from those that were signed, or the key does")]
    SignatureMismatch,
    /// `x=` is over.
    #[error("the signature has expired")]
    Expired,
    /// `t=` is still to come.
    #[error("the signature is from the future")]
    FromTheFuture,
}

/// Reads and hashes every signature of a message.
///
/// # Errors
/// [`MessageError`], when the octets are not a message.
pub fn signatures(message: &[u8]) -> Result<Vec<ReceivedSignature>, MessageError> {
    let (headers, body) = HeaderSection::split(message)?;
    let mut bodies = BodyHashes::new(body);
    let read = |(at, field)| ReceivedSignature {
        candidate: Candidate::read(&headers, at, field, &mut bodies),
    };
    Ok(headers
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name.eq_ignore_ascii_case("DKIM-Signature"))
        .take(MAX_SIGNATURES)
        .map(read)
        .collect())
}

/// Judges every signature of a message, from the top. `now` is in seconds since 1970 UTC.
///
/// # Errors
/// [`MessageError`], when the octets are not a message.
pub fn verify(
    message: &[u8],
    keys: &impl KeyLookup,
    now: u64,
) -> Result<Vec<VerifiedSignature>, MessageError> {
    let judge = |signature: ReceivedSignature| {
        let record = match signature.key_name() {
            Some(name) => keys.txt(name),
            None => Ok(None),
        };
        let record = record.as_ref().map(Option::as_deref).map_err(|e| *e);
        signature.verify_with(record, now)
    };
    Ok(signatures(message)?.into_iter().map(judge).collect())
}

impl ReceivedSignature {
    /// `d=`, where the field could be read.
    pub fn domain(&self) -> Option<&SigningDomain> {
        Some(&self.candidate.as_ref().ok()?.tags.domain)
    }

    /// `s=`, where the field could be read.
    pub fn selector(&self) -> Option<&Selector> {
        Some(&self.candidate.as_ref().ok()?.tags.selector)
    }

    /// The name to look the key up under; `None` when no key would help any more.
    pub fn key_name(&self) -> Option<&str> {
        let candidate = self.candidate.as_ref().ok()?;
        candidate.key_name.as_deref().ok()
    }

    /// Judges the signature with what was found under its key name: the text record, its strings
    /// joined, or `None` where there is none. `now` is in seconds since 1970 UTC.
    pub fn verify_with(
        self,
        record: Result<Option<&[u8]>, KeyLookupError>,
        now: u64,
    ) -> VerifiedSignature {
        match self.candidate {
            Ok(candidate) => candidate.judge(record, now),
            Err(error) => VerifiedSignature {
                domain: None,
                selector: None,
                auid: None,
                signed_at: None,
                signed_fields: Vec::new(),
                testing: false,
                outcome: Err(VerifyError::Signature(error)),
            },
        }
    }
}

impl Candidate {
    fn read(
        headers: &HeaderSection<'_>,
        at: usize,
        field: &HeaderField<'_>,
        bodies: &mut BodyHashes<'_>,
    ) -> Result<Self, SignatureError> {
        let tags = SignatureTags::parse(field.body)?;
        let mut hasher = HeaderHasher::new(headers, tags.canonicalization.header);
        hasher.leave_out(at);
        hasher.signed_fields(tags.signed_fields.iter().map(String::as_str));
        let header_digest = hasher.finish(&without_signature(field, &tags.signature_place));
        let named = tags.signed_fields.iter().filter(|name| *name == "from");
        Ok(Self {
            key_name: key_name(&tags.selector, &tags.domain),
            header_digest,
            body: bodies.get(tags.canonicalization.body),
            covers_from: headers.count("From") <= named.count(),
            tags,
        })
    }

    fn judge(self, record: Result<Option<&[u8]>, KeyLookupError>, now: u64) -> VerifiedSignature {
        let record = self.record(record);
        VerifiedSignature {
            testing: record.as_ref().is_ok_and(PublicKeyRecord::testing),
            outcome: self.outcome(record, now),
            domain: Some(self.tags.domain),
            selector: Some(self.tags.selector),
            auid: Some(self.tags.auid),
            signed_at: self.tags.signed_at,
            signed_fields: self.tags.signed_fields,
        }
    }

    fn record(
        &self,
        found: Result<Option<&[u8]>, KeyLookupError>,
    ) -> Result<PublicKeyRecord, VerifyError> {
        if let Err(error) = self.key_name {
            return Err(VerifyError::KeyName(error));
        }
        let text = found.map_err(|KeyLookupError| VerifyError::KeyUnavailable)?;
        let text = text.ok_or(VerifyError::NoKey)?;
        PublicKeyRecord::parse(text).map_err(VerifyError::Record)
    }

    /// In the order of sections 6.1.1 (the field), 6.1.2 (the key) and 6.1.3 (the hashes).
    fn outcome(
        &self,
        record: Result<PublicKeyRecord, VerifyError>,
        now: u64,
    ) -> Result<(), VerifyError> {
        self.check_times(now)?;
        if !self.covers_from {
            return Err(VerifyError::FromNotCovered);
        }
        let record = record?;
        if record.algorithm() != self.tags.algorithm {
            return Err(VerifyError::KeyType);
        }
        if record.exact_domain() && *self.tags.auid.domain() != self.tags.domain {
            return Err(VerifyError::AuidBelowDomain);
        }
        self.check_body()?;
        let key = record.key();
        match key.verifies(&self.header_digest, &self.tags.signature) {
            true => Ok(()),
            false => Err(VerifyError::SignatureMismatch),
        }
    }

    fn check_times(&self, now: u64) -> Result<(), VerifyError> {
        if self.tags.expires_at.is_some_and(|x| now > x) {
            return Err(VerifyError::Expired);
        }
        let latest = now.saturating_add(MAX_CLOCK_SKEW);
        match self.tags.signed_at {
            Some(t) if t > latest => Err(VerifyError::FromTheFuture),
            _ => Ok(()),
        }
    }

    fn check_body(&self) -> Result<(), VerifyError> {
        let found = self.body.canonical_length();
        if let Some(signed) = self.tags.body_length.filter(|signed| *signed != found) {
            return Err(VerifyError::BodyLength { signed, found });
        }
        match self.tags.body_hash == self.body.digest() {
            true => Ok(()),
            false => Err(VerifyError::BodyHash),
        }
    }
}

impl VerifyError {
    /// Whether a later attempt may end otherwise without the message having changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::KeyUnavailable | Self::FromTheFuture => true,
            Self::Signature(_)
            | Self::KeyName(_)
            | Self::FromNotCovered
            | Self::BodyLength { .. }
            | Self::BodyHash
            | Self::NoKey
            | Self::Record(_)
            | Self::KeyType
            | Self::AuidBelowDomain
            | Self::SignatureMismatch
            | Self::Expired => false,
        }
    }
}
