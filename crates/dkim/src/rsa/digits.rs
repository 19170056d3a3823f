//! Numbers as digits of 24 bits, in pairs, and the way from and to other forms.
//!
//! A digit is a whole number in an `f64`, which is exact up to 2^53. Digits are signed: of at most 2^23 when they
//! are tight, and of at most 2^23 + 2^6 (loose) as [`settle`] leaves them. The topmost digit takes what is left,
//! which is less, as every modulus is kept below a quarter of what the digits can hold.

use crypto_bigint::BoxedUint;
use zeroize::{Zeroize, Zeroizing};

use super::lanes::{Lanes, Pair};

/// Bits of a digit.
pub(super) const DIGIT_BITS: u32 = 24;
/// Digits that are worked on together.
pub(super) const BLOCK: usize = 4;
/// Bits of a block.
pub(super) const BLOCK_BITS: usize = 96;
/// 2^-24.
pub(super) const SHIFT: f64 = 1.0 / 16_777_216.0;

/// 1.5 * 2^52: a number of at most 2^51 added to it leaves a whole number in the low bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;
/// 1.5 * 2^76: the same for multiples of 2^24.
const MULTIPLE: f64 = WHOLE * 16_777_216.0;

/// Four digits, the lowest first.
pub(super) type Block = [Lanes; BLOCK];

/// Two numbers of `4 * K` digits, the lowest first.
#[derive(Clone, Debug)]
pub(super) struct Number<const K: usize>(pub(super) [Block; K]);

/// The two halves of a product, the lower first.
#[derive(Clone, Debug)]
pub(super) struct Wide<const K: usize>(pub(super) [[Block; K]; 2]);

impl<const K: usize> Zeroize for Number<K> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<const K: usize> Zeroize for Wide<K> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<const K: usize> Wide<K> {
    pub(super) const ZERO: Self = Self([Number::<K>::ZERO.0; 2]);
}

impl<const K: usize> Number<K> {
    pub(super) const ZERO: Self = Self([[Lanes::ZERO; BLOCK]; K]);

    /// The tight digits of two numbers that fit.
    pub(super) fn from_uints([p, q]: Pair<&BoxedUint>) -> Self {
        let [p, q] = [p, q].map(|number| Zeroizing::new(number.to_le_bytes()));
        let (mut p, mut q) = (Digits::new(&p), Digits::new(&q));
        let mut number = Self::ZERO;
        for lanes in number.0.as_flattened_mut() {
            *lanes = Lanes::new([p.next_digit(), q.next_digit()]);
        }
        number
    }

    /// Writes digits of at most 2^53 as loose ones: what two passes of [`settle`] leave, in one.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
    pub(super) fn settle_into(columns: &[Block; K], number: &mut Self) {
        let mut carries = [Lanes::ZERO; 2];
        for (digits, columns) in number.0.iter_mut().zip(columns) {
            for (digit, column) in digits.iter_mut().zip(columns) {
                *digit = *column;
                for carry in &mut carries {
                    let rounded = round(*digit);
                    *digit = digit.minus(rounded).plus(*carry);
                    *carry = rounded.times(Lanes::splat(SHIFT));
                }
            }
        }
        let [first, second] = carries;
        if let Some([.., top]) = number.0.last_mut() {
            // The topmost keeps all of its own.
            let own = first.plus(second).times(Lanes::splat(1.0 / SHIFT));
            *top = top.plus(own);
        }
    }

    /// The numbers, which are not negative.
    pub(super) fn to_uints(&self) -> Pair<Zeroizing<BoxedUint>> {
        [self.lane(|[p, _]| p), self.lane(|[_, q]| q)]
    }

    fn lane(&self, choose: impl Fn(Pair<f64>) -> f64) -> Zeroizing<BoxedUint> {
        let mut octets = Zeroizing::new([[[0; 3]; BLOCK]; K]);
        let mut carry = 0;
        let digits = self.0.as_flattened();
        for (place, lanes) in octets.as_flattened_mut().iter_mut().zip(digits) {
            carry += whole(choose(lanes.get()));
            let [low, middle, high, ..] = carry.to_le_bytes();
            *place = [low, middle, high];
            carry >>= DIGIT_BITS;
        }
        let bits = u32::try_from(BLOCK_BITS * K).unwrap_or(u32::MAX);
        let octets = octets.as_flattened().as_flattened();
        Zeroizing::new(BoxedUint::from_le_slice_truncated(octets, bits))
    }
}

/// Reads octets, the lowest first, as tight digits without end.
struct Digits<'a> {
    octets: core::slice::Chunks<'a, u8>,
    carry: i32,
}

impl<'a> Digits<'a> {
    fn new(octets: &'a [u8]) -> Self {
        let octets = octets.chunks(3);
        Self { octets, carry: 0 }
    }

    fn next_digit(&mut self) -> f64 {
        let octets = self.octets.next().unwrap_or_default();
        let joined = octets
            .iter()
            .rev()
            .fold(0, |sum, &octet| (sum << 8) | i32::from(octet));
        let digit = joined + self.carry;
        self.carry = (digit + (1 << (DIGIT_BITS - 1))) >> DIGIT_BITS;
        f64::from(digit - (self.carry << DIGIT_BITS))
    }
}

/// A whole number of at most 2^51 as an integer.
fn whole(number: f64) -> i64 {
    let bits = (number + WHOLE).to_bits();
    bits.wrapping_sub(WHOLE.to_bits()).cast_signed()
}

/// The nearest multiple of 2^24 to a whole number of at most 2^53.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
pub(super) fn round(number: Lanes) -> Lanes {
    let multiple = Lanes::splat(MULTIPLE);
    number.plus(multiple).minus(multiple)
}

/// Moves what is beyond 24 bits of each digit into the next one, all at once. Digits of at most 2^53 become digits
/// of at most 2^23 + 2^29, and those loose ones. The topmost keeps all of its own.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
pub(super) fn settle(digits: &mut [Lanes]) {
    let Some((top, digits)) = digits.split_last_mut() else {
        return;
    };
    let mut carry = Lanes::ZERO;
    for digit in digits {
        let rounded = round(*digit);
        *digit = digit.minus(rounded).plus(carry);
        carry = rounded.times(Lanes::splat(SHIFT));
    }
    *top = top.plus(carry);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uint(octets: &[u8]) -> BoxedUint {
        BoxedUint::from_le_slice_vartime(octets)
    }

    #[track_caller]
    fn check(octets: &[u8], expected: &[f64]) {
        let zero = BoxedUint::zero();
        let number = Number::<2>::from_uints([&uint(octets), &zero]);
        let digits = number.0.as_flattened().iter().map(|lanes| lanes.get());
        let (first, second): (alloc::vec::Vec<_>, alloc::vec::Vec<_>) =
            digits.map(|[p, q]| (p, q)).unzip();
        assert_eq!(first.split_at(expected.len()).0, expected);
        assert_eq!(second, [0.0; 8]);
        let [again, other] = number.to_uints();
        assert_eq!(*again, uint(octets));
        assert_eq!(*other, zero);
    }

    #[test]
    fn digits_are_signed_and_balanced() {
        check(&[], &[0.0; 8]);
        check(&[1], &[1.0, 0.0]);
        check(&[0xff, 0xff, 0x7f], &[8_388_607.0, 0.0]);
        check(&[0, 0, 0x80], &[-8_388_608.0, 1.0, 0.0]);
        check(&[0xff; 6], &[-1.0, 0.0, 1.0, 0.0]);
        check(&[0, 0, 0, 7, 0, 0, 0, 0x12], &[0.0, 7.0, 4608.0, 0.0]);
        check(&[0xff; 21], &[-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[track_caller]
    fn settled(columns: [f64; 8]) {
        let columns = columns.map(Lanes::splat);
        let mut expected = columns;
        settle(&mut expected);
        settle(&mut expected);
        let (columns, _) = columns.as_chunks::<BLOCK>();
        let mut number = Number::<2>::ZERO;
        Number::settle_into(columns.try_into().unwrap(), &mut number);
        let digits = number.0.as_flattened().iter().map(|digit| digit.get());
        assert!(digits.eq(expected.iter().map(|digit| digit.get())));
        let (_, low) = expected.split_last().unwrap();
        for digit in low.iter().flat_map(|digit| digit.get()) {
            assert!(digit.abs() <= f64::from((1 << 23) + (1 << 6)));
        }
    }

    #[test]
    fn settling_twice_leaves_loose_digits_at_once_or_one_pass_after_the_other() {
        let most = 9_007_199_254_740_991.0;
        settled([most; 8]);
        settled([-most; 8]);
        settled([0.0, most, -most, 1.0, -1.0, 8_388_608.0, -8_388_609.0, most]);
        settled([most, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -4_194_303.0]);
    }

    #[test]
    fn rounding_is_to_the_nearest_multiple() {
        for (number, expected) in [
            (0.0, 0.0),
            (8_388_607.0, 0.0),
            (8_388_609.0, 16_777_216.0),
            (-8_388_609.0, -16_777_216.0),
            (9_007_199_254_740_991.0, 9_007_199_254_740_992.0),
        ] {
            assert_eq!(round(Lanes::splat(number)).get(), [expected; 2]);
        }
    }
}
