//! RSA keys: read, written and used.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use rsa::{
    BoxedUint, PrivateKey, PublicKey,
    pkcs1::{RsaPrivateKeyRef, UintRef},
    pkcs8::{EncodePrivateKey, EncodePublicKey, PrivateKeyInfoRef},
    traits::PublicKeyParts,
};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeyError, MAX_RSA_BITS, MIN_RSA_BITS};
use crate::rsa::PrivateOperation;

/// A private key of RSA whose parts belong together.
#[derive(Clone)]
pub(super) struct RsaKey {
    key: PrivateKey,
    /// There is none for keys of more than two primes, or with one of over 2118 bits. Those are signed
    /// with by the crate `rsa`, ten times as slowly.
    operation: Option<PrivateOperation>,
}

impl RsaKey {
    /// Takes the key out of its envelope (RFC 8017 appendix A.1.2).
    pub(super) fn read(info: &PrivateKeyInfoRef<'_>) -> Result<Self, KeyError> {
        let parts = RsaPrivateKeyRef::try_from(info.private_key.as_bytes());
        let parts = parts.map_err(|_| KeyError::NotPkcs8)?;
        // Before anything is computed with it: the cost grows with the cube of the size.
        let bits = bits_of(parts.modulus.as_bytes());
        check_size(bits)?;
        let wide = [&parts.prime1, &parts.prime2].map(|prime| bits_of(prime.as_bytes()));
        let key = match wide.iter().any(|prime| *prime > bits.div_ceil(2)) {
            true => unbalanced(&parts).ok_or(KeyError::Inconsistent)?,
            false => PrivateKey::try_from(parts).map_err(|_| KeyError::Inconsistent)?,
        };
        Self::new(key)
    }

    /// Takes a key whose parts were checked to belong together.
    pub(super) fn new(key: PrivateKey) -> Result<Self, KeyError> {
        check_size(key.n().bit_width_vartime())?;
        let operation = PrivateOperation::new(&key);
        Ok(Self { key, operation })
    }

    /// The key in PKCS#8.
    pub(super) fn write(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = self.key.to_pkcs8_der().map_err(|_| KeyError::Encoding)?;
        Ok(document.to_bytes())
    }

    /// The public half as a `SubjectPublicKeyInfo`.
    pub(super) fn public_key_der(&self) -> Result<Vec<u8>, KeyError> {
        let public = self.public_key().to_public_key_der();
        Ok(public.map_err(|_| KeyError::Encoding)?.into_vec())
    }

    /// Signs a digest of SHA-256.
    pub(super) fn sign<R: CryptoRng + ?Sized>(
        &self,
        digest: &[u8; 32],
        rng: &mut R,
    ) -> Option<Vec<u8>> {
        if let Some(operation) = &self.operation {
            return operation.sign(digest, rng);
        }
        let signature = self
            .key
            .pkcs1v15_sign_prehash_with_rng::<Sha256, _>(rng, digest);
        let public = self.public_key();
        signature.ok().filter(|signature| {
            public
                .pkcs1v15_verify_prehash::<Sha256>(digest, signature)
                .is_ok()
        })
    }

    fn public_key(&self) -> &PublicKey {
        self.key.as_public_key()
    }
}

/// A key with one prime of over half the bits. Which keys are such is not taken for a secret.
fn unbalanced(parts: &RsaPrivateKeyRef<'_>) -> Option<PrivateKey> {
    let [n, d] = [&parts.modulus, &parts.private_exponent].map(uint);
    let [p, q] = [&parts.prime1, &parts.prime2].map(uint);
    let e = uint(&parts.public_exponent);
    PrivateKey::from_components_with_wide_primes(n, e, d, [p, q].into()).ok()
}

fn uint(number: &UintRef<'_>) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(number.as_bytes())
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
