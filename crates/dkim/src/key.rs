//! Private keys that sign, and the record that publishes their public half.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use rand_core::CryptoRng;
use rsa::{
    PrivateKey, PublicKey,
    pkcs1::{ALGORITHM_OID, RsaPrivateKeyRef},
    pkcs8::{EncodePrivateKey, EncodePublicKey, PrivateKeyInfoRef},
    traits::PublicKeyParts,
};
use sha2::Sha256;
use zeroize::Zeroizing;

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
}

/// A private key. Its memory is zeroized when it is dropped.
#[derive(Clone)]
pub struct SigningKey {
    kind: Kind,
    record: String,
}

#[derive(Clone)]
enum Kind {
    Rsa(PrivateKey),
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The octets are not an unencrypted PKCS#8 private key.
    #[error("expected a private key as unencrypted PKCS#8 DER, found something else")]
    NotPkcs8,
    /// The octets are more than any key accepted here needs.
    #[error("expected a private key of at most 4096 octets, found {found}")]
    TooLong {
        /// Octets given.
        found: usize,
    },
    /// A key of another kind than RSA.
    #[error("expected an RSA key, found another kind")]
    UnsupportedAlgorithm,
    /// The modulus has too few or too many bits.
    #[error("expected an RSA key of 2048 to 4096 bits, found {found}")]
    Size {
        /// Bits of the modulus.
        found: u32,
    },
    /// The parts of the key do not belong together.
    #[error("expected an RSA key whose parts fit together, found one whose parts do not")]
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
    /// Reads an unencrypted PKCS#8 private key: RSA of 2048 to 4096 bits.
    ///
    /// # Errors
    /// [`KeyError`], saying what is wrong with it.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > MAX_PKCS8 {
            return Err(KeyError::TooLong { found: der.len() });
        }
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::NotPkcs8)?;
        if info.algorithm.oid != ALGORITHM_OID {
            return Err(KeyError::UnsupportedAlgorithm);
        }
        let parts = RsaPrivateKeyRef::try_from(info.private_key.as_bytes());
        let parts = parts.map_err(|_| KeyError::NotPkcs8)?;
        // Before anything is computed with it: the cost grows with the cube of the size.
        check_size(bits_of(parts.modulus.as_bytes()))?;
        Self::from_rsa(PrivateKey::try_from(parts).map_err(|_| KeyError::Inconsistent)?)
    }

    /// Takes a key whose parts were checked to belong together.
    pub(crate) fn from_rsa(key: PrivateKey) -> Result<Self, KeyError> {
        check_size(key.n().bit_width_vartime())?;
        let public = key.as_public_key().to_public_key_der();
        let public = public.map_err(|_| KeyError::Encoding)?;
        Ok(Self {
            record: format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(public)),
            kind: Kind::Rsa(key),
        })
    }

    /// Writes the key as unencrypted PKCS#8, to be sealed at once.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], when the key cannot be written.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match &self.kind {
            Kind::Rsa(key) => {
                let document = key.to_pkcs8_der().map_err(|_| KeyError::Encoding)?;
                Ok(document.to_bytes())
            }
        }
    }

    /// The algorithm this key signs with.
    pub fn algorithm(&self) -> SigningAlgorithm {
        match self.kind {
            Kind::Rsa(_) => SigningAlgorithm::RsaSha256,
        }
    }

    /// The text record to publish, in one piece: RFC 6376 section 3.6.1.
    pub fn public_key_record(&self) -> &str {
        &self.record
    }

    /// Signs a digest of SHA-256. The private operation is blinded with `rng`, and its result leaves
    /// only if the public key confirms it: a fault in one half of the CRT would reveal the key.
    pub(crate) fn sign_digest<R: CryptoRng + ?Sized>(
        &self,
        digest: &[u8; 32],
        rng: &mut R,
    ) -> Result<Vec<u8>, KeyError> {
        match &self.kind {
            Kind::Rsa(key) => {
                let signature = key.pkcs1v15_sign_prehash_with_rng::<Sha256, _>(rng, digest);
                signature
                    .ok()
                    .filter(|signature| verifies(key.as_public_key(), digest, signature))
                    .ok_or(KeyError::Signing)
            }
        }
    }
}

impl SigningAlgorithm {
    /// The name of the algorithm in `a=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
        }
    }
}

/// Whether `signature` is one of `digest`, a digest of SHA-256.
pub(crate) fn verifies(key: &PublicKey, digest: &[u8; 32], signature: &[u8]) -> bool {
    key.pkcs1v15_verify_prehash::<Sha256>(digest, signature)
        .is_ok()
}

fn check_size(found: u32) -> Result<(), KeyError> {
    match found {
        MIN_RSA_BITS..=MAX_RSA_BITS => Ok(()),
        _ => Err(KeyError::Size { found }),
    }
}

/// Bits of a big-endian integer.
fn bits_of(octets: &[u8]) -> u32 {
    let significant = octets.iter().skip_while(|octet| **octet == 0);
    let (bits, _) = significant.fold((0_u32, true), |(bits, first), octet| {
        let added = if first { 8 - octet.leading_zeros() } else { 8 };
        (bits.saturating_add(added), false)
    });
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_bits(octets: &[u8], expected: u32) {
        assert_eq!(bits_of(octets), expected);
    }

    #[test]
    fn leading_zeros_are_not_counted_as_bits() {
        check_bits(&[], 0);
        check_bits(&[0, 0], 0);
        check_bits(&[1], 1);
        check_bits(&[0, 0x80, 0], 16);
        check_bits(&[0x7f, 0, 0], 23);
    }
}
