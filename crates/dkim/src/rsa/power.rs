//! Powers with secret exponents.
//!
//! The exponents are read in windows of five bits from the top, as many as the size of the primes asks for: five squarings
//! and one multiplication each, with a power that is read from a table by looking at all of it.

use alloc::{vec, vec::Vec};

use crypto_bigint::BoxedUint;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    digits::{BLOCK, Block, Number},
    lanes::{Lanes, Pair},
    montgomery::Montgomery,
};

const WINDOW: u32 = 5;
/// Powers in the table.
const POWERS: usize = 32;

/// Two exponents, cut into windows, the highest first.
#[derive(Clone)]
pub(super) struct Exponents(Zeroizing<Vec<Pair<u8>>>);

impl Exponents {
    /// Cuts exponents of at most `bits` bits.
    pub(super) fn new([p, q]: Pair<&BoxedUint>, bits: u32) -> Self {
        let [p, q] = [p, q].map(|exponent| Zeroizing::new(exponent.to_le_bytes()));
        let windows = (0..bits.div_ceil(WINDOW)).rev();
        let pairs = windows.map(|at| [window(&p, at * WINDOW), window(&q, at * WINDOW)]);
        Self(Zeroizing::new(pairs.collect()))
    }
}

/// The five bits from bit `at` on.
fn window(octets: &[u8], at: u32) -> u8 {
    let place = usize::try_from(at / 8).unwrap_or(usize::MAX);
    let mut both = octets.iter().skip(place).copied().chain([0, 0]);
    let both = [both.next(), both.next()].map(Option::unwrap_or_default);
    let [low, _] = (u16::from_le_bytes(both) >> (at % 8)).to_le_bytes();
    low & 0x1f
}

impl<const K: usize> Montgomery<K> {
    /// Raises two numbers to two powers. `one` is what stands for 1.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
    pub(super) fn power(
        &mut self,
        base: &Number<K>,
        one: &Number<K>,
        exponents: &Exponents,
    ) -> Number<K> {
        let table = self.powers(base, one);
        let mut power = one.clone();
        for (at, window) in exponents.0.iter().enumerate() {
            for _ in 0..if at == 0 { 0 } else { WINDOW } {
                self.square(&mut power);
            }
            self.multiply(&mut power, &chosen(&table, *window));
        }
        power
    }

    /// The powers 0 to 31.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
    fn powers(&mut self, base: &Number<K>, one: &Number<K>) -> Zeroizing<Vec<Number<K>>> {
        let mut table = Zeroizing::new(vec![Number::ZERO; POWERS]);
        let mut power = Zeroizing::new(one.clone());
        for place in table.iter_mut() {
            place.clone_from(&power);
            self.multiply(&mut power, base);
        }
        table
    }
}

/// The number at a place of the table for the first lane, and at another for the second. All of the table is read and multiplied
/// with ones and zeros.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn chosen<const K: usize>(table: &[Number<K>], places: Pair<u8>) -> Zeroizing<Number<K>> {
    let mut factors = Zeroizing::new([Lanes::ZERO; POWERS]);
    for (place, factor) in (0..).zip(factors.iter_mut()) {
        *factor = Lanes::new(places.map(|wanted| f64::from(wanted.ct_eq(&place).unwrap_u8())));
    }
    let mut chosen = Zeroizing::new(Number::ZERO);
    let (pairs, last) = chosen.0.as_chunks_mut::<2>();
    for (number, pair) in pairs.iter_mut().enumerate() {
        *pair = sum(table, &factors, 2 * number);
    }
    for block in last {
        [*block] = sum(table, &factors, K - 1);
    }
    chosen
}

/// The sum of all blocks of the table at a place, each times its factor.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn sum<const K: usize, const BLOCKS: usize>(
    table: &[Number<K>],
    factors: &[Lanes; POWERS],
    at: usize,
) -> [Block; BLOCKS] {
    let mut sums = [[Lanes::ZERO; BLOCK]; BLOCKS];
    for (number, factor) in table.iter().zip(factors) {
        let blocks = number
            .0
            .get(at..)
            .and_then(<[Block]>::first_chunk::<BLOCKS>);
        for (sums, block) in sums.iter_mut().zip(blocks.into_iter().flatten()) {
            for (sum, digit) in sums.iter_mut().zip(block) {
                *sum = sum.plus_product(*digit, *factor);
            }
        }
    }
    sums
}
