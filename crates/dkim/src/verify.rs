//! Judging the signatures of a message: RFC 6376 section 6.1.

use alloc::{string::String, vec::Vec};

use crate::{
    AgentOrUserIdentifier, MessageError, NameError, RecordError, Selector, SignatureError,
    SigningDomain,
};

/// Most signatures of one message that are considered, counted from the top.
pub const MAX_SIGNATURES: usize = 16;

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
    domain: Option<SigningDomain>,
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
    /// The key could not be looked up: the only verdict that may change with time.
    #[error("the key record could not be looked up")]
    KeyUnavailable,
    /// There is no key record.
    #[error("expected a key record, found none")]
    NoKey,
    /// The key record is not usable.
    #[error("unusable key record")]
    Record(#[source] RecordError),
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
    let _ = message;
    todo!()
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
    let _ = (message, keys, now);
    todo!()
}

impl ReceivedSignature {
    /// `d=`, where the field could be read.
    pub fn domain(&self) -> Option<&SigningDomain> {
        self.domain.as_ref()
    }

    /// The name to look the key up under; `None` when no key would help any more.
    pub fn key_name(&self) -> Option<String> {
        todo!()
    }

    /// Judges the signature with what was found under its key name.
    pub fn verify_with(
        self,
        record: Result<Option<&[u8]>, KeyLookupError>,
        now: u64,
    ) -> VerifiedSignature {
        let _ = (record, now);
        todo!()
    }
}
