//! RSA key generation in slices, for hosts with one thread.
//!
//! A 2048-bit key takes about ninety primality tests. [`RsaKeySearch::step`] does at most one of them,
//! so the caller can let other work run between two steps.
//!
//! # Not supported
//!
//! Public exponents other than 65537 and keys of more than two primes.

use rand_core::CryptoRng;

use crate::{KeyError, SigningKey};

/// A search for the two primes of an RSA key.
pub struct RsaKeySearch {
    bits: u32,
    steps: u32,
}

impl RsaKeySearch {
    /// Begins the search for a key of `bits` bits. 2048 is what DNS records and verifiers take best.
    ///
    /// # Errors
    /// [`KeyError::Size`] unless `bits` is even and between 2048 and 4096.
    pub fn new(bits: u32) -> Result<Self, KeyError> {
        Ok(Self { bits, steps: 0 })
    }

    /// Does one slice of work, at most one primality test of one candidate. Returns the key once it
    /// is found; a further step then begins the search for another.
    pub fn step<R: CryptoRng + ?Sized>(&mut self, rng: &mut R) -> Option<SigningKey> {
        todo!("{} {} {}", self.bits, self.steps, rng.next_u32())
    }

    /// How many steps were done.
    pub fn steps(&self) -> u32 {
        self.steps
    }
}
