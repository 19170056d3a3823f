//! One key for each way to sign.

use dkim::SigningKey;
use dkim::keygen::RsaKeySearch;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rsa::pkcs8::DecodePrivateKey;
use rsa_0_9::pkcs8::DecodePrivateKey as _;
use rsa_0_9::rand_core;

use crate::Failure;

/// The same key three times.
pub(crate) struct Key {
    pub(crate) ours: SigningKey,
    new: rsa::PrivateKey,
    old: rsa_0_9::RsaPrivateKey,
}

impl Key {
    /// The first key that a fixed generator leads to.
    pub(crate) fn fixed(bits: u32) -> Result<Self, Failure> {
        let mut rng = rng();
        let mut search = RsaKeySearch::new(bits)?;
        let ours = loop {
            if let Some(key) = search.step(&mut rng) {
                break key;
            }
        };
        let der = ours.to_pkcs8_der()?;
        Ok(Self {
            new: rsa::PrivateKey::from_pkcs8_der(&der)?,
            old: rsa_0_9::RsaPrivateKey::from_pkcs8_der(&der).map_err(|error| error.to_string())?,
            ours,
        })
    }

    pub(crate) fn with_rsa_0_10(&self, digest: &[u8; 32]) -> Result<Vec<u8>, Failure> {
        let signature = self
            .new
            .pkcs1v15_sign_prehash_with_rng::<sha2::Sha256, _>(&mut rng(), digest);
        Ok(signature?)
    }

    pub(crate) fn with_rsa_0_9(&self, digest: &[u8; 32]) -> Result<Vec<u8>, Failure> {
        let scheme = rsa_0_9::Pkcs1v15Sign::new::<rsa_0_9::sha2::Sha256>();
        // Without its standard library the older crate has no `Error`.
        let signature = self.old.sign_with_rng(&mut Older(rng()), scheme, digest);
        Ok(signature.map_err(|error| error.to_string())?)
    }
}

/// The same numbers each time: what is measured is not how they are made.
pub(crate) fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

/// A generator as the older crate wants it.
struct Older(ChaCha8Rng);

impl rand_core::CryptoRng for Older {}

impl rand_core::RngCore for Older {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        self.0.fill_bytes(octets);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill_bytes(octets);
        Ok(())
    }
}
