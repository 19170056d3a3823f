//! RSAVP1, the public operation (RFC 8017 section 5.2.2), which confirms every signature.
//!
//! On the same arithmetic as the private one, both lanes doing the same. Nothing here is secret.

use alloc::boxed::Box;

use ::rsa::{PublicKey, traits::PublicKeyParts};
use crypto_bigint::{BoxedUint, Odd};
use zeroize::Zeroizing;

use super::{
    digits::Number,
    montgomery::{Montgomery, most_bits},
};

/// Blocks for moduli of 2048, 3072 and 4096 bits.
const SIZES: [u32; 3] = [22, 33, 43];

/// The public half of a key.
#[derive(Clone)]
pub(super) struct PublicOperation {
    modulus: Odd<BoxedUint>,
    exponent: u64,
    size: Size,
}

#[derive(Clone)]
enum Size {
    Bits2048(Box<Number<22>>),
    Bits3072(Box<Number<33>>),
    Bits4096(Box<Number<43>>),
}

impl PublicOperation {
    /// Prepares a key of at most 4096 bits with an exponent of at most 64 bits; there is nothing for others.
    pub(super) fn new(key: &PublicKey) -> Option<Self> {
        let modulus = Odd::new(key.n().as_ref().clone()).into_option()?;
        let [bits2048, bits3072, bits4096] = SIZES.map(|blocks| most_bits(blocks, false));
        let bits = modulus.bit_width_vartime();
        let size = if bits <= bits2048 {
            Size::Bits2048(entry(&modulus))
        } else if bits <= bits3072 {
            Size::Bits3072(entry(&modulus))
        } else if bits <= bits4096 {
            Size::Bits4096(entry(&modulus))
        } else {
            return None;
        };
        let exponent = small(key.e())?;
        Some(Self {
            modulus,
            exponent,
            size,
        })
    }

    /// A number of at most the modulus to the public exponent.
    pub(super) fn apply(&self, number: &BoxedUint) -> BoxedUint {
        let power = match &self.size {
            Size::Bits2048(entry) => self.power(entry, number),
            Size::Bits3072(entry) => self.power(entry, number),
            Size::Bits4096(entry) => self.power(entry, number),
        };
        power.rem_vartime(self.modulus.as_nz_ref())
    }

    fn power<const K: usize>(&self, entry: &Number<K>, number: &BoxedUint) -> Zeroizing<BoxedUint> {
        let mut ring = Montgomery::new([&self.modulus; 2], [0; 2]);
        let mut base = Number::from_uints([number; 2]);
        ring.multiply(&mut base, entry);
        let mut power = base.clone();
        // The highest bit stands for the base itself.
        let bits = u64::BITS - self.exponent.leading_zeros();
        for bit in (0..bits.saturating_sub(1)).rev() {
            ring.square(&mut power);
            if (self.exponent >> bit) & 1 == 1 {
                ring.multiply(&mut power, &base);
            }
        }
        let [power, _] = ring.leave(power);
        power
    }
}

fn entry<const K: usize>(modulus: &Odd<BoxedUint>) -> Box<Number<K>> {
    let squared_radix = Montgomery::<K>::squared_radix(modulus);
    Box::new(Number::from_uints([&squared_radix, &squared_radix]))
}

fn small(exponent: &BoxedUint) -> Option<u64> {
    let octets = exponent.to_be_bytes();
    let (high, low) = octets.split_at(octets.len().saturating_sub(8));
    let fits = high.iter().all(|&octet| octet == 0);
    fits.then(|| {
        low.iter()
            .fold(0, |sum, &octet| (sum << 8) | u64::from(octet))
    })
}
