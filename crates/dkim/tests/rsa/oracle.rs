//! The crate `rsa` as an oracle: keys of many shapes, each known to it and to us.

use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Resize};
use crypto_primes::{Flavor, random_prime};
use dkim::SigningKey;
use rand_chacha::{ChaCha8Rng, rand_core::Rng};
use rsa::{PrivateKey, pkcs8::EncodePrivateKey};
use sha2::Sha256;

/// Bits of both primes, and the public exponent.
pub(crate) type Shape = (u32, u32, u64);

/// Every size of the arithmetic, and what lies between and beyond: balanced or not, first or second prime larger, small and
/// large exponents, and a prime too large for anybody but the oracle itself.
pub(crate) const SHAPES: [Shape; 14] = [
    (1024, 1024, 65_537),
    (1024, 1024, 3),
    (1024, 1024, 17),
    (1024, 1024, 0x1_0000_0001),
    (1000, 1100, 65_537),
    (1062, 1000, 65_537),
    (1063, 1000, 5),
    (600, 1500, 65_537),
    (1536, 1536, 65_537),
    (1542, 520, 257),
    (1543, 1500, 65_537),
    (2048, 2048, 65_537),
    (2048, 200, 65_537),
    (2200, 600, 65_537),
];

/// One key in two hands.
pub(crate) struct TwoKeys {
    ours: SigningKey,
    oracle: PrivateKey,
}

impl TwoKeys {
    /// A random key of a shape.
    pub(crate) fn random((p, q, e): Shape, rng: &mut ChaCha8Rng) -> Self {
        let oracle = loop {
            let primes = [p, q].map(|bits| random_prime::<BoxedUint, _>(rng, Flavor::Any, bits));
            if let Some(key) = key(primes, e) {
                break key;
            }
        };
        let der = oracle.to_pkcs8_der().unwrap();
        let ours = SigningKey::from_pkcs8_der(der.as_bytes()).unwrap();
        Self { ours, oracle }
    }

    /// Signs a random digest with both, and says whether the signatures are the same.
    pub(crate) fn agree(&self, rng: &mut ChaCha8Rng) -> bool {
        let mut digest = [0; 32];
        rng.fill_bytes(&mut digest);
        let expected = self.oracle.pkcs1v15_sign_prehash::<Sha256>(&digest);
        self.ours.sign_digest(&digest, rng).ok() == expected.ok()
    }
}

/// The key of two primes, if the exponent has an inverse and the modulus is of a size that signs.
fn key([p, q]: [BoxedUint; 2], e: u64) -> Option<PrivateKey> {
    let n = p.concatenating_mul(&q);
    if n.bit_width_vartime() < 2048 {
        return None;
    }
    let less = [&p, &q].map(|prime| prime.wrapping_sub(BoxedUint::one()));
    let order = NonZero::new(less[0].concatenating_mul(&less[1])).into_option()?;
    let e = BoxedUint::from(e);
    let wide = e.clone().resize_unchecked(order.bits_precision());
    let d = wide.invert_mod(&order).into_option()?;
    PrivateKey::from_components_with_wide_primes(n, e, d, vec![p, q]).ok()
}
