//! Private keys that sign, and the record that publishes their public half.

mod ed25519;
mod rsa_key;

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use rand_core::CryptoRng;
use rsa::{PrivateKey, pkcs1::ALGORITHM_OID as RSA_OID, pkcs8::PrivateKeyInfoRef};
use zeroize::Zeroizing;

use self::rsa_key::RsaKey;
use crate::{PemError, pem};

/// Fewest bits of a key that signs: RFC 8301 section 3.2 asks for 2048 of signers.
pub const MIN_RSA_BITS: u32 = 2048;
/// Most bits of a key that signs: the most that verifiers must accept.
pub const MAX_RSA_BITS: u32 = 4096;
/// Most octets of a private key in PKCS#8. One of 4096 bits needs 2,400.
pub const MAX_PKCS8: usize = 4096;

/// How a signature is computed: tag `a=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: RFC 6376 section 3.3.2.
    RsaSha256,
    /// Ed25519 of a digest of SHA-256: RFC 8463 section 3.
    Ed25519Sha256,
}

/// A private key. Its memory is zeroized when it is dropped.
#[derive(Clone)]
pub struct SigningKey {
    kind: Kind,
    record: String,
}

#[derive(Clone)]
enum Kind {
    Rsa(Box<RsaKey>),
    // Zeroizes itself.
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not one PEM block with an unencrypted private key.
    #[error("malformed PEM")]
    Pem(#[source] PemError),
    /// The octets are not an unencrypted PKCS#8 private key.
    #[error("expected a private key as unencrypted PKCS#8 DER, found something else")]
    NotPkcs8,
    /// The octets are more than any key accepted here needs.
    #[error("expected a private key of at most 4096 octets, found {found}")]
    TooLong {
        /// Octets given.
        found: usize,
    },
    /// A key of another kind than RSA and Ed25519.
    #[error("expected an RSA or Ed25519 key, found another kind")]
    UnsupportedAlgorithm,
    /// The modulus has too few or too many bits.
    #[error("expected an RSA key of 2048 to 4096 bits, found {found}")]
    Size {
        /// Bits of the modulus.
        found: u32,
    },
    /// The parts of the key do not belong together.
    #[error("expected a key whose parts fit together, found one whose parts do not")]
    Inconsistent,
    /// The key could not be written as DER.
    #[error("the key could not be encoded")]
    Encoding,
    /// The private operation failed, or its result did not stand the check with the public key.
    #[error("the signature could not be computed")]
    Signing,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads the only PEM block of a text, which has to be an unencrypted PKCS#8 private key (RFC 7468
    /// section 10): RSA of 2048 to 4096 bits, or Ed25519.
    ///
    /// # Errors
    /// [`KeyError`], saying what is wrong with it.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&pem::private_key(text).map_err(KeyError::Pem)?)
    }

    /// Reads an unencrypted PKCS#8 private key: RSA of 2048 to 4096 bits, or Ed25519 (RFC 8410).
    ///
    /// # Errors
    /// [`KeyError`], saying what is wrong with it.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > MAX_PKCS8 {
            return Err(KeyError::TooLong { found: der.len() });
        }
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::NotPkcs8)?;
        match info.algorithm.oid {
            RSA_OID => Self::with_rsa(RsaKey::read(&info)?),
            ed25519::ALGORITHM_OID => Ok(Self::from_ed25519(ed25519::read(&info)?)),
            _ => Err(KeyError::UnsupportedAlgorithm),
        }
    }

    /// Takes a key whose parts were checked to belong together.
    pub(crate) fn from_rsa(key: PrivateKey) -> Result<Self, KeyError> {
        Self::with_rsa(RsaKey::new(key)?)
    }

    fn with_rsa(key: RsaKey) -> Result<Self, KeyError> {
        let public = STANDARD.encode(key.public_key_der()?);
        Ok(Self {
            record: format!("v=DKIM1; k=rsa; p={public}"),
            kind: Kind::Rsa(Box::new(key)),
        })
    }

    pub(crate) fn from_ed25519(key: ed25519_dalek::SigningKey) -> Self {
        let public = STANDARD.encode(key.verifying_key().as_bytes());
        Self {
            // RFC 8463 section 4: the key itself, with nothing around it.
            record: format!("v=DKIM1; k=ed25519; p={public}"),
            kind: Kind::Ed25519(Box::new(key)),
        }
    }

    /// Writes the key as unencrypted PKCS#8, to be sealed at once.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], when the key cannot be written.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match &self.kind {
            Kind::Rsa(key) => key.write(),
            Kind::Ed25519(key) => Ok(ed25519::write(key)),
        }
    }

    /// The algorithm this key signs with.
    pub fn algorithm(&self) -> SigningAlgorithm {
        match self.kind {
            Kind::Rsa(_) => SigningAlgorithm::RsaSha256,
            Kind::Ed25519(_) => SigningAlgorithm::Ed25519Sha256,
        }
    }

    /// The text record to publish, in one piece: RFC 6376 section 3.6.1, RFC 8463
    /// section 4.
    pub fn public_key_record(&self) -> &str {
        &self.record
    }

    /// Signs a digest of SHA-256, as [`sign`](crate::sign) does with that of a header section. What RSA
    /// does with the private key is blinded with `rng`; Ed25519 is deterministic.
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the public key does not confirm the result: a faulty one could reveal
    /// the key, so it does not leave.
    pub fn sign_digest<R: CryptoRng + ?Sized>(
        &self,
        digest: &[u8; 32],
        rng: &mut R,
    ) -> Result<Vec<u8>, KeyError> {
        let signature = match &self.kind {
            Kind::Rsa(key) => key.sign(digest, rng),
            Kind::Ed25519(key) => ed25519::sign(key, digest),
        };
        signature.ok_or(KeyError::Signing)
    }
}

impl SigningAlgorithm {
    /// The name of the algorithm in `a=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    /// The algorithm of a name as it stands in `a=`. `rsa-sha1` is none: RFC 8301 section 3.1.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::RsaSha256, Self::Ed25519Sha256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}
