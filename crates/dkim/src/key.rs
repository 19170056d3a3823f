//! Private keys that sign, and the record that publishes their public half.

use alloc::{string::String, vec::Vec};
use core::fmt;

use rand_core::CryptoRng;
use rsa::PrivateKey;
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
        let _ = der;
        todo!()
    }

    /// Writes the key as unencrypted PKCS#8, to be sealed at once.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], when the key cannot be written.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        todo!()
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

    pub(crate) fn sign_digest<R: CryptoRng + ?Sized>(
        &self,
        digest: &[u8; 32],
        rng: &mut R,
    ) -> Result<Vec<u8>, KeyError> {
        let _ = (digest, rng.next_u32());
        todo!()
    }
}
