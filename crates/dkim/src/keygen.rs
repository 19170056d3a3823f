//! Key generation: RSA in slices, for hosts with one thread, and Ed25519 at once.
//!
//! A key of 2048 bits takes about eighty primality tests. [`RsaKeySearch::step`] does at most one of
//! them, so the caller can let other work run between two steps.
//!
//! A candidate is prime when it has no small factor, passes Miller-Rabin to base 2 and a strong Lucas
//! test (Baillie-PSW, for which no composite is known). The primes follow FIPS 186-5 section A.1.3:
//! both have their two highest bits set, and they differ in one of their first hundred bits.
//!
//! # Not supported
//!
//! - Public exponents other than 65537 and keys of more than two primes.
//! - Hiding how long a search took: it says nothing about the primes that were found.
//! - Zeroizing the sieve's copy of a starting point; the primes themselves are zeroized.

use alloc::boxed::Box;
use core::{fmt, num::NonZeroU32};

use crypto_bigint::{BoxedUint, Limb, NonZero, Odd};
use crypto_primes::hazmat::{
    AStarBase, LucasCheck, MillerRabin, SetBits, SmallFactorsSieve, lucas_test, random_odd_integer,
};
use rand_core::CryptoRng;
use rsa::PrivateKey;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    KeyError, SigningKey,
    key::{MAX_RSA_BITS, MIN_RSA_BITS},
};

const PUBLIC_EXPONENT: u32 = 65_537;
/// The primes must differ by more than 2 to the power of (bits of a prime - 100).
const CLOSE_BITS: u32 = 100;

/// Makes an Ed25519 key of 32 octets of `rng`: RFC 8032 section 5.1.5.
pub fn ed25519<R: CryptoRng + ?Sized>(rng: &mut R) -> SigningKey {
    let mut secret = Zeroizing::new(ed25519_dalek::SecretKey::default());
    rng.fill_bytes(&mut *secret);
    SigningKey::from_ed25519(ed25519_dalek::SigningKey::from_bytes(&secret))
}

/// A search for the two primes of an RSA key.
pub struct RsaKeySearch {
    /// Half the bits of the modulus.
    prime_bits: NonZeroU32,
    steps: u32,
    first: Option<Secret>,
    stage: Stage,
}

enum Stage {
    /// A new starting point is needed.
    Start,
    /// Candidates without small factors, from a starting point upwards.
    Sieve(Box<SmallFactorsSieve<BoxedUint>>),
    /// Passed Miller-Rabin, not yet Lucas.
    Confirm(Secret),
    /// Both primes are there.
    Assemble(Secret, Secret),
}

/// A number that is zeroized when it is dropped.
struct Secret(BoxedUint);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for RsaKeySearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaKeySearch")
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

impl RsaKeySearch {
    /// Begins the search for a key of `bits` bits. 2048 is what DNS records and verifiers take best.
    ///
    /// # Errors
    /// [`KeyError::Size`] unless `bits` is even and between 2048 and 4096.
    pub fn new(bits: u32) -> Result<Self, KeyError> {
        let allowed = (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) && bits.is_multiple_of(2);
        let prime_bits = NonZeroU32::new(bits / 2).filter(|_| allowed);
        Ok(Self {
            prime_bits: prime_bits.ok_or(KeyError::Size { found: bits })?,
            steps: 0,
            first: None,
            stage: Stage::Start,
        })
    }

    /// Does one slice of work, at most one primality test of one candidate. Returns the key once it
    /// is found; a further step then begins the search for another.
    pub fn step<R: CryptoRng + ?Sized>(&mut self, rng: &mut R) -> Option<SigningKey> {
        self.steps = self.steps.saturating_add(1);
        match core::mem::replace(&mut self.stage, Stage::Start) {
            Stage::Start => self.start(rng),
            Stage::Sieve(sieve) => self.next_candidate(sieve),
            Stage::Confirm(candidate) => self.confirm(candidate),
            Stage::Assemble(p, q) => return assemble(&p, &q),
        }
        None
    }

    /// How many steps were done.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// How many of the two primes are found.
    pub fn primes_found(&self) -> u32 {
        match (&self.stage, &self.first) {
            (Stage::Assemble(..), _) => 2,
            (_, first) => u32::from(first.is_some()),
        }
    }

    fn start<R: CryptoRng + ?Sized>(&mut self, rng: &mut R) {
        let start = random_odd_integer::<BoxedUint, R>(rng, self.prime_bits, SetBits::TwoMsb);
        let sieve =
            start.and_then(|start| SmallFactorsSieve::new(start.get(), self.prime_bits, false));
        // A start of as many bits as the sieve is for is always taken; were it not, the next step
        // would draw another.
        if let Ok(sieve) = sieve {
            self.stage = Stage::Sieve(Box::new(sieve));
        }
    }

    fn next_candidate(&mut self, mut sieve: Box<SmallFactorsSieve<BoxedUint>>) {
        // The sieve ends where the bits do: the search then starts elsewhere.
        let Some(candidate) = sieve.find(exponent_has_inverse) else {
            return;
        };
        let candidate = Secret(candidate);
        self.stage = match passes_miller_rabin(&candidate.0) {
            true => Stage::Confirm(candidate),
            false => Stage::Sieve(sieve),
        };
    }

    fn confirm(&mut self, candidate: Secret) {
        if !passes_lucas(&candidate.0) {
            return;
        }
        match self.first.take() {
            None => self.first = Some(candidate),
            Some(first) if far_apart(&first.0, &candidate.0, self.prime_bits) => {
                self.stage = Stage::Assemble(first, candidate);
            }
            Some(first) => self.first = Some(first),
        }
    }
}

/// Whether e has an inverse modulo p - 1. As e is prime, that is whether it does not divide p - 1.
fn exponent_has_inverse(candidate: &BoxedUint) -> bool {
    let exponent = NonZero::new(Limb::from_u32(PUBLIC_EXPONENT)).into_option();
    exponent.is_some_and(|exponent| candidate.rem_limb(exponent) != Limb::ONE)
}

fn passes_miller_rabin(candidate: &BoxedUint) -> bool {
    let odd = Odd::new(candidate.clone()).into_option();
    odd.is_some_and(|odd| MillerRabin::new(odd).test_base_two().is_probably_prime())
}

fn passes_lucas(candidate: &BoxedUint) -> bool {
    let odd = Odd::new(candidate.clone()).into_option();
    odd.is_some_and(|odd| lucas_test(odd, AStarBase, LucasCheck::Bpsw21).is_probably_prime())
}

fn far_apart(p: &BoxedUint, q: &BoxedUint, bits: NonZeroU32) -> bool {
    let difference = Secret(if p > q {
        p.wrapping_sub(q)
    } else {
        q.wrapping_sub(p)
    });
    difference.0.bit_width_vartime() > bits.get().saturating_sub(CLOSE_BITS)
}

/// `rsa` computes the private exponent and checks that the parts fit together.
fn assemble(p: &Secret, q: &Secret) -> Option<SigningKey> {
    let exponent = BoxedUint::from(PUBLIC_EXPONENT);
    let key = PrivateKey::from_p_q(p.0.clone(), q.0.clone(), exponent).ok()?;
    SigningKey::from_rsa(key).ok()
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn primes_that_are_close_are_refused() {
        let bits = NonZeroU32::new(1024).unwrap();
        let p = BoxedUint::one_with_precision(1024).shl(1023);
        let apart = |bit: u32| &p + BoxedUint::one_with_precision(1024).shl(bit);
        assert!(!far_apart(&p, &p, bits));
        assert!(!far_apart(&p, &apart(923), bits));
        assert!(far_apart(&p, &apart(924), bits));
        assert!(far_apart(&apart(924), &p, bits));
    }

    #[test]
    fn a_prime_one_above_a_multiple_of_the_exponent_is_refused() {
        let multiple = BoxedUint::from(2 * u64::from(PUBLIC_EXPONENT));
        assert!(!exponent_has_inverse(&(&multiple + BoxedUint::one())));
        assert!(exponent_has_inverse(&(&multiple + BoxedUint::from(3_u32))));
    }

    #[test]
    fn composites_fail_both_primality_tests() {
        // 2047 and 5459 are the first strong pseudoprimes of each test: only both together decide.
        let check = |n: u32| {
            let n = BoxedUint::from(n);
            (passes_miller_rabin(&n), passes_lucas(&n))
        };
        assert_eq!(check(7919), (true, true));
        assert_eq!(check(2047), (true, false));
        assert_eq!(check(7917), (false, false));
    }

    #[test]
    fn sizes_outside_of_the_range_are_refused() {
        let size = |bits| RsaKeySearch::new(bits).map(|_| ());
        assert_eq!(size(2048), Ok(()));
        assert_eq!(size(4096), Ok(()));
        for bits in [0, 1024, 2046, 2049, 4098, u32::MAX] {
            assert_eq!(size(bits), Err(KeyError::Size { found: bits }));
        }
    }

    #[test]
    fn the_search_ends_with_a_key_and_counts_its_steps() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut search = RsaKeySearch::new(2048).unwrap();
        let mut found = 0;
        let key = loop {
            if let Some(key) = search.step(&mut rng) {
                break key;
            }
            assert!(search.primes_found() >= found);
            found = search.primes_found();
            assert!(search.steps() < 2000);
        };
        assert_eq!(found, 2);
        let der = key.to_pkcs8_der().unwrap();
        let again = SigningKey::from_pkcs8_der(&der).unwrap();
        assert_eq!(again.public_key_record(), key.public_key_record());
        assert!(key.sign_digest(&[7; 32], &mut rng).is_ok());
    }
}
