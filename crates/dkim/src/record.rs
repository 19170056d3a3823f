//! Key records: RFC 6376 section 3.6.1, and those for Ed25519 of RFC 8463 section 4.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::VerifyingKey;
use rsa::{
    BoxedUint,
    pkcs1::{ALGORITHM_OID, RsaPublicKeyRef},
    pkcs8::SubjectPublicKeyInfoRef,
};

use crate::{
    SigningAlgorithm, TagListError,
    public_key::PublicKey,
    tags::{TagList, colon_separated, without_space},
};

/// Most octets of a key record. One for a key of 4096 bits needs 800.
pub const MAX_RECORD: usize = 4096;
/// Fewest bits of a key that verifies: RFC 8301 section 3.2.
pub const MIN_VERIFYING_BITS: u32 = 1024;
/// Most bits of a key that verifies: more only cost time.
pub const MAX_VERIFYING_BITS: u32 = 4096;

/// What a domain publishes for one selector.
#[derive(Clone, Debug)]
pub struct PublicKeyRecord {
    key: PublicKey,
    testing: bool,
    exact_domain: bool,
}

/// Why a text record is not a usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not a tag list.
    #[error("malformed tag list")]
    TagList(#[source] TagListError),
    /// `v=` is not DKIM1, or not the first tag.
    #[error("expected v=DKIM1 as first tag, found something else")]
    Version,
    /// `h=` does not allow SHA-256.
    #[error("expected sha256 among the allowed hashes, found none of it")]
    Hash,
    /// `k=` names another kind of key.
    #[error("expected a key of type rsa or ed25519, found another")]
    KeyType,
    /// `s=` does not allow electronic mail.
    #[error("expected a key for email, found one for another service")]
    Service,
    /// There is no `p=`.
    #[error("expected the tag p=, found none")]
    MissingKey,
    /// `p=` is empty: the key is no longer valid.
    #[error("expected a key in the tag p=, found none: the key is revoked")]
    Revoked,
    /// `p=` is not a public key of the type that `k=` names, in base64.
    #[error("expected a public key of the record's type in the tag p=, found something else")]
    Key,
    /// The modulus has too few or too many bits.
    #[error("expected an RSA key of 1024 to 4096 bits, found {found}")]
    Size {
        /// Bits of the modulus.
        found: u32,
    },
}

impl PublicKeyRecord {
    /// Reads a text record whose strings were joined.
    ///
    /// # Errors
    /// [`RecordError`], saying why the key must not be used.
    pub fn parse(record: &[u8]) -> Result<Self, RecordError> {
        let tags = TagList::parse(record, MAX_RECORD).map_err(RecordError::TagList)?;
        check_use(&tags)?;
        let flag = |name| listed(&tags, "t", name);
        Ok(Self {
            key: parse_key(&tags)?,
            testing: flag("y"),
            exact_domain: flag("s"),
        })
    }

    /// Whether the domain says that it is only testing: `t=y`.
    pub fn testing(&self) -> bool {
        self.testing
    }

    /// Whether `i=` and `d=` must name the same domain: `t=s`.
    pub fn exact_domain(&self) -> bool {
        self.exact_domain
    }

    /// The algorithm of the signatures that this key verifies.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.key.algorithm()
    }

    /// Bits of the key: of the modulus for RSA, 256 for Ed25519.
    pub fn bits(&self) -> u32 {
        self.key.bits()
    }

    /// Whether both records publish the same key, however each of them writes it down.
    pub fn same_key(&self, other: &Self) -> bool {
        self.key == other.key
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// Whether a list of the record names something.
fn listed(tags: &TagList<'_>, tag: &str, name: &str) -> bool {
    tags.value(tag)
        .is_some_and(|list| colon_separated(list).any(|item| item == name))
}

/// The tags that say what a key is for. Each allows everything where it is left out.
fn check_use(tags: &TagList<'_>) -> Result<(), RecordError> {
    let version = tags.value("v");
    let is_first = tags.first().is_some_and(|tag| tag.name == "v");
    if version.is_some_and(|version| version != "DKIM1" || !is_first) {
        return Err(RecordError::Version);
    }
    if tags.value("h").is_some() && !listed(tags, "h", "sha256") {
        return Err(RecordError::Hash);
    }
    let any_service = listed(tags, "s", "*") || listed(tags, "s", "email");
    match tags.value("s") {
        Some(_) if !any_service => Err(RecordError::Service),
        _ => Ok(()),
    }
}

/// Reads `p=` as the type of key that `k=` names; without it the type is RSA.
fn parse_key(tags: &TagList<'_>) -> Result<PublicKey, RecordError> {
    let parse = match tags.value("k") {
        None | Some("rsa") => parse_rsa,
        Some("ed25519") => parse_ed25519,
        Some(_) => return Err(RecordError::KeyType),
    };
    let encoded = without_space(tags.value("p").ok_or(RecordError::MissingKey)?);
    if encoded.is_empty() {
        return Err(RecordError::Revoked);
    }
    parse(&STANDARD.decode(encoded).map_err(|_| RecordError::Key)?)
}

fn parse_rsa(der: &[u8]) -> Result<PublicKey, RecordError> {
    let key = RsaPublicKeyRef::try_from(rsa_public_key(der)).map_err(|_| RecordError::Key)?;
    let modulus = uint(key.modulus.as_bytes())?;
    let exponent = uint(key.public_exponent.as_bytes())?;
    let found = modulus.bit_width_vartime();
    if !(MIN_VERIFYING_BITS..=MAX_VERIFYING_BITS).contains(&found) {
        return Err(RecordError::Size { found });
    }
    let key = rsa::PublicKey::new(modulus, exponent).map_err(|_| RecordError::Key)?;
    Ok(PublicKey::Rsa(key))
}

/// A point of small order is no key: signatures under it can be made by anybody.
fn parse_ed25519(octets: &[u8]) -> Result<PublicKey, RecordError> {
    let octets = octets.try_into().map_err(|_| RecordError::Key)?;
    let key = VerifyingKey::from_bytes(octets).map_err(|_| RecordError::Key)?;
    match key.is_weak() {
        true => Err(RecordError::Key),
        false => Ok(PublicKey::Ed25519(key)),
    }
}

/// The text of section 3.6.1 asks for an `RSAPublicKey`, its example (and everybody) publishes a
/// `SubjectPublicKeyInfo` around one. Both are understood.
fn rsa_public_key(der: &[u8]) -> &[u8] {
    SubjectPublicKeyInfoRef::try_from(der)
        .ok()
        .filter(|info| info.algorithm.oid == ALGORITHM_OID)
        .and_then(|info| info.subject_public_key.as_bytes())
        .unwrap_or(der)
}

fn uint(octets: &[u8]) -> Result<BoxedUint, RecordError> {
    let bits = u32::try_from(octets.len() * 8).map_err(|_| RecordError::Key)?;
    BoxedUint::from_be_slice(octets, bits).map_err(|_| RecordError::Key)
}
