//! RSASP1, the private operation, by the Chinese remainder theorem: RFC 8017 section 5.2.1, step 2.b.

use alloc::{boxed::Box, vec::Vec};

use ::rsa::{
    PrivateKey,
    traits::{PrivateKeyParts, PublicKeyParts},
};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Odd};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    digits::Number,
    lanes::Pair,
    montgomery::{Montgomery, most_bits},
    padding,
    power::Exponents,
    public::PublicOperation,
};

/// Blocks for primes of 1024, 1536 and 2048 bits.
const SIZES: [u32; 3] = [12, 17, 23];

/// What a modular number is until its other half is known.
type Halves = Pair<Zeroizing<BoxedUint>>;

/// A private key, prepared for signing.
#[derive(Clone)]
pub(crate) struct PrivateOperation {
    primes: Pair<Zeroizing<Odd<BoxedUint>>>,
    /// The inverse of q modulo p.
    coefficient: Zeroizing<BoxedUint>,
    size: Size,
    public: PublicOperation,
    /// Octets of a signature.
    octets: usize,
}

#[derive(Clone)]
enum Size {
    Bits1024(Box<Exponentiation<12>>),
    Bits1536(Box<Exponentiation<17>>),
    Bits2048(Box<Exponentiation<23>>),
}

/// What does not change from one signature to the next.
#[derive(Clone)]
struct Exponentiation<const K: usize> {
    /// The squares of R modulo the primes.
    entry: Zeroizing<Number<K>>,
    exponents: Exponents,
}

/// Random numbers, fresh for each signature.
struct Blinding {
    /// Which multiples of the primes to work with.
    moduli: Pair<u64>,
    /// Which representatives of the message to take.
    bases: Pair<u64>,
    /// And which of 1.
    ones: Pair<u64>,
}

impl PrivateOperation {
    /// Prepares a key. There is nothing for keys that are not of two primes of at most 2048 bits (and some).
    pub(crate) fn new(key: &PrivateKey) -> Option<Self> {
        let [p, q] = key.primes() else {
            return None;
        };
        let exponents = [key.dp()?, key.dq()?];
        let bits = p.bit_width().max(q.bit_width());
        let [bits1024, bits1536, bits2048] = SIZES.map(|blocks| most_bits(blocks, true));
        let size = if bits <= bits1024 {
            Size::Bits1024(Exponentiation::new([p, q], exponents, bits))
        } else if bits <= bits1536 {
            Size::Bits1536(Exponentiation::new([p, q], exponents, bits))
        } else if bits <= bits2048 {
            Size::Bits2048(Exponentiation::new([p, q], exponents, bits))
        } else {
            return None;
        };
        Some(Self {
            primes: [p, q].map(|prime| Zeroizing::new(prime.clone())),
            coefficient: Zeroizing::new(key.qinv()?.retrieve()),
            size,
            public: PublicOperation::new(key.as_public_key())?,
            octets: key.size(),
        })
    }

    /// Signs a digest of SHA-256 with RSASSA-PKCS1-v1_5. There is no signature if something went wrong on the way.
    pub(crate) fn sign<R: CryptoRng + ?Sized>(
        &self,
        digest: &[u8; 32],
        rng: &mut R,
    ) -> Option<Vec<u8>> {
        let encoded = padding::encode(digest, self.octets);
        let message = BoxedUint::from_be_slice_vartime(&encoded);
        let halves = self.halves(&message, &Blinding::new(rng));
        self.confirmed(&message, &halves)
    }

    /// The signature modulo p and modulo q, or more by multiples of them.
    fn halves(&self, message: &BoxedUint, blinding: &Blinding) -> Halves {
        let primes = self.primes.each_ref().map(|prime| &**prime);
        match &self.size {
            Size::Bits1024(size) => size.power(primes, message, blinding),
            Size::Bits1536(size) => size.power(primes, message, blinding),
            Size::Bits2048(size) => size.power(primes, message, blinding),
        }
    }

    /// Puts the halves together, and lets the signature out only if the public key makes the message of it again.
    fn confirmed(&self, message: &BoxedUint, halves: &Halves) -> Option<Vec<u8>> {
        let signature = self.joined(halves);
        if self.public.apply(&signature) != *message {
            return None;
        }
        let octets = signature.to_be_bytes();
        let (_, octets) = octets.split_at_checked(octets.len().checked_sub(self.octets)?)?;
        Some(octets.to_vec())
    }

    /// Garner's formula: m2 + q * ((m1 - m2) * qInv mod p).
    fn joined(&self, [m1, m2]: &Halves) -> Zeroizing<BoxedUint> {
        let [p, q] = self.primes.each_ref().map(|prime| prime.as_nz_ref());
        let m2 = Zeroizing::new(m2.rem(q));
        let [first, second] = [m1, &m2].map(|half| Zeroizing::new(half.rem(p)));
        let difference = Zeroizing::new(first.sub_mod(&second, p));
        let product = Zeroizing::new(difference.concatenating_mul(&*self.coefficient));
        let factor = Zeroizing::new(product.rem(p));
        let multiple = Zeroizing::new(factor.concatenating_mul(q.as_ref()));
        Zeroizing::new(multiple.wrapping_add(&*m2))
    }
}

impl<const K: usize> Exponentiation<K> {
    fn new(primes: Pair<&Odd<BoxedUint>>, exponents: Pair<&BoxedUint>, bits: u32) -> Box<Self> {
        let [p, q] = primes.map(Montgomery::<K>::squared_radix);
        Box::new(Self {
            entry: Zeroizing::new(Number::from_uints([&p, &q])),
            exponents: Exponents::new(exponents, bits),
        })
    }

    fn power(
        &self,
        primes: Pair<&Odd<BoxedUint>>,
        message: &BoxedUint,
        blinding: &Blinding,
    ) -> Halves {
        let mut ring = Montgomery::new(primes, blinding.moduli);
        let mut enter = |number: &BoxedUint, [by_p, by_q]: Pair<u64>| {
            let [p, q] = primes;
            let [p, q] = [
                representative(number, p, by_p),
                representative(number, q, by_q),
            ];
            let mut entered = Zeroizing::new(Number::from_uints([&p, &q]));
            ring.multiply(&mut entered, &self.entry);
            entered
        };
        let base = enter(message, blinding.bases);
        let one = enter(&BoxedUint::one(), blinding.ones);
        let power = ring.power(&base, &one, &self.exponents);
        ring.leave(power)
    }
}

impl Blinding {
    fn new<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut pair = || [rng.next_u64(), rng.next_u64()];
        Self {
            moduli: pair(),
            bases: pair(),
            ones: pair(),
        }
    }
}

/// The number modulo a prime, plus a multiple of the prime.
fn representative(number: &BoxedUint, prime: &Odd<BoxedUint>, by: u64) -> Zeroizing<BoxedUint> {
    let least = Zeroizing::new(number.rem(prime.as_nz_ref()));
    let multiple = Zeroizing::new(prime.as_ref().concatenating_mul(&BoxedUint::from(by)));
    Zeroizing::new(multiple.wrapping_add(&*least))
}

#[cfg(test)]
mod tests {
    use ::rsa::{pkcs1::DecodeRsaPrivateKey, pkcs8::DecodePrivateKey};
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::{SigningKey, keygen::RsaKeySearch};

    fn key(bits: u32) -> PrivateKey {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut search = RsaKeySearch::new(bits).unwrap();
        let found: SigningKey = core::iter::repeat_with(|| search.step(&mut rng))
            .find_map(|found| found)
            .unwrap();
        PrivateKey::from_pkcs8_der(&found.to_pkcs8_der().unwrap()).unwrap()
    }

    fn blinding() -> Blinding {
        Blinding::new(&mut ChaCha8Rng::seed_from_u64(4))
    }

    #[test]
    fn a_flipped_bit_in_either_half_keeps_the_signature_in() {
        let operation = PrivateOperation::new(&key(2048)).unwrap();
        let encoded = padding::encode(&[7; 32], operation.octets);
        let message = BoxedUint::from_be_slice_vartime(&encoded);
        let good = operation.halves(&message, &blinding());
        assert!(operation.confirmed(&message, &good).is_some());
        for half in 0..2 {
            for bit in [0, 1, 500, 1023] {
                let mut halves = good.clone();
                let one = BoxedUint::one_with_precision(halves[half].bits_precision());
                *halves[half] = &*halves[half] ^ one.shl(bit);
                assert_eq!(operation.confirmed(&message, &halves), None, "{half} {bit}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_in_what_is_kept_of_the_key_keeps_the_signature_in() {
        let good = PrivateOperation::new(&key(2048)).unwrap();
        let sign = |operation: &PrivateOperation| {
            operation.sign(&[7; 32], &mut ChaCha8Rng::seed_from_u64(5))
        };
        assert!(sign(&good).is_some());
        for prime in 0..2 {
            let mut bad = good.clone();
            let flipped = bad.primes[prime].as_ref() ^ BoxedUint::one_with_precision(1024).shl(600);
            *bad.primes[prime] = Odd::new(flipped).unwrap();
            assert_eq!(sign(&bad), None);
        }
        let mut bad = good;
        *bad.coefficient = &*bad.coefficient ^ BoxedUint::one_with_precision(1024);
        assert_eq!(sign(&bad), None);
    }

    #[test]
    fn every_representative_gives_the_same_signature() {
        let operation = PrivateOperation::new(&key(2048)).unwrap();
        let message = BoxedUint::from(2026_u32);
        let with = |pair| {
            let blinding = Blinding {
                moduli: pair,
                bases: pair,
                ones: pair,
            };
            let halves = operation.halves(&message, &blinding);
            operation.confirmed(&message, &halves)
        };
        let expected = with([0, 0]);
        assert!(expected.is_some());
        for pair in [[1, 0], [0, 1], [u64::MAX; 2], [1 << 63, 12_345]] {
            assert_eq!(with(pair), expected);
        }
    }

    /// Its key is too small for [`SigningKey`], and not for the arithmetic.
    #[test]
    fn the_key_of_rfc_8463_is_not_too_small() {
        let pem = include_str!("../../tests/vectors/rfc8463-appendix-a-rsa.pem");
        let der = crate::pem::private_key(&pem.replace("RSA PRIVATE", "PRIVATE")).unwrap();
        let key = PrivateKey::from_pkcs1_der(&der).unwrap();
        let operation = PrivateOperation::new(&key).unwrap();
        let found = operation.sign(&[7; 32], &mut ChaCha8Rng::seed_from_u64(6));
        let expected = key.pkcs1v15_sign_prehash::<sha2::Sha256>(&[7; 32]);
        assert_eq!(found, expected.ok());
    }
}
