//! Public keys: what a record publishes, and what a signature is judged with.

use ed25519_dalek::{PUBLIC_KEY_LENGTH, Signature, VerifyingKey};
use rsa::traits::PublicKeyParts;
use sha2::Sha256;

use crate::SigningAlgorithm;

/// A public key of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa(rsa::PublicKey),
    Ed25519(VerifyingKey),
}

impl PublicKey {
    /// The only algorithm this key is used with.
    pub(crate) fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Rsa(_) => SigningAlgorithm::RsaSha256,
            Self::Ed25519(_) => SigningAlgorithm::Ed25519Sha256,
        }
    }

    /// Bits of the modulus, or of an encoded point.
    pub(crate) fn bits(&self) -> u32 {
        match self {
            Self::Rsa(key) => key.n().bit_width_vartime(),
            Self::Ed25519(_) => u32::try_from(PUBLIC_KEY_LENGTH * 8).unwrap_or(u32::MAX),
        }
    }

    /// Whether `signature` is one of `digest`, a digest of SHA-256. For Ed25519 that digest is the
    /// message (RFC 8463 section 3), and keys or signatures of small order, with which anything
    /// would verify, are refused.
    pub(crate) fn verifies(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => key
                .pkcs1v15_verify_prehash::<Sha256>(digest, signature)
                .is_ok(),
            Self::Ed25519(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(digest, &signature).is_ok()),
        }
    }
}
