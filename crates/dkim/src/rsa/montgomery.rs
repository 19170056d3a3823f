//! Montgomery multiplication modulo two numbers at once.
//!
//! With N = `4 * K` digits and R = 2^24N, the product T of two numbers becomes (T + Q * M) / R, where Q is chosen so that the
//! division leaves no rest. Two things make it cheap:
//!
//! - M is not the modulus itself but a multiple of it that is -1 modulo 2^24. Then a digit of Q is simply the digit
//!   to be got rid of. Which multiple is the caller's choice within that: a random one blinds.
//! - Digits are signed, so that |Q| is at most R / 2 * (1 + 2^-24), and M is below R / 4. If |A| and |B| are
//!   at most 0.6 M, then so is |A * B / R| + |Q * M / R|: nothing is ever subtracted or compared.

use crypto_bigint::{BoxedUint, ConcatenatingMul, Odd};
use zeroize::Zeroizing;

use super::{
    digits::{BLOCK_BITS, Block, DIGIT_BITS, Number, SHIFT, Wide, round, settle},
    lanes::{Lanes, Pair},
    product::{ROWS, Reach, add_blocks, add_reach, add_row, multiply, settle_from, square},
};

/// Bits of a random multiple.
const MULTIPLE_BITS: u32 = u64::BITS;

/// Two moduli to work with, and where to do it. Numbers are congruent to what they stand for times R, lie between
/// -0.6 M and 0.6 M, and their digits are loose.
pub(super) struct Montgomery<const K: usize> {
    modulus: Zeroizing<Number<K>>,
    product: Zeroizing<Wide<K>>,
}

/// Most bits of a modulus for numbers of K blocks, if it is to be blinded or not: M is below R / 4.
pub(super) const fn most_bits(blocks: u32, blinded: bool) -> u32 {
    let multiple = if blinded { MULTIPLE_BITS } else { 0 };
    24 * 4 * blocks - 2 - DIGIT_BITS - multiple
}

impl<const K: usize> Montgomery<K> {
    /// Takes two odd moduli of at most [`most_bits`], and any number for each that says which multiple of it to use.
    pub(super) fn new([p, q]: Pair<&Odd<BoxedUint>>, [by_p, by_q]: Pair<u64>) -> Self {
        let [p, q] = [scaled(p, by_p), scaled(q, by_q)];
        Self {
            modulus: Zeroizing::new(Number::from_uints([&p, &q])),
            product: Zeroizing::new(Wide::ZERO),
        }
    }

    /// R^2 modulo a modulus: what a number is multiplied with to enter.
    pub(super) fn squared_radix(modulus: &Odd<BoxedUint>) -> Zeroizing<BoxedUint> {
        let bits = u32::try_from(2 * BLOCK_BITS * K).unwrap_or(u32::MAX);
        let squared = BoxedUint::one_with_precision(bits + 1).shl(bits);
        Zeroizing::new(squared.rem(modulus.as_nz_ref()))
    }

    /// Multiplies a number with another one.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
    pub(super) fn multiply(&mut self, number: &mut Number<K>, other: &Number<K>) {
        multiply(number, other, &mut self.product);
        self.reduce(number);
    }

    /// Multiplies a number with itself.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
    pub(super) fn square(&mut self, number: &mut Number<K>) {
        square(number, &mut self.product);
        self.reduce(number);
    }

    /// What a number stands for, or more by a multiple of its modulus; never negative.
    pub(super) fn leave(&mut self, mut number: Number<K>) -> Pair<Zeroizing<BoxedUint>> {
        let one = BoxedUint::one();
        self.multiply(&mut number, &Number::from_uints([&one, &one]));
        let digits = number.0.as_flattened_mut();
        for (digit, modulus) in digits.iter_mut().zip(self.modulus.0.as_flattened()) {
            *digit = digit.plus(*modulus);
        }
        let uints = number.to_uints();
        zeroize::Zeroize::zeroize(&mut number);
        uints
    }

    /// Divides the product by R.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
    fn reduce(&mut self, quotient: &mut Number<K>) {
        let modulus = &self.modulus.0;
        let columns = self.product.0.as_flattened_mut();
        if 2 * K > ROWS {
            settle(columns.as_flattened_mut());
        }
        if let ([low, ..], [first, second, ..]) = (modulus.as_slice(), &mut *columns) {
            first_digits(low, first, second);
        }
        for row in 1..K {
            if row > 1 && (row - 1).is_multiple_of(ROWS) {
                settle_from(columns, row);
            }
            if let Some([digits, columns @ ..]) = columns.get_mut(row - 1..row + K) {
                reduce_row(digits, modulus, columns);
            }
        }
        if let (Some([digits, columns @ ..]), [low, high @ ..]) =
            (columns.get_mut(K - 1..), modulus.as_slice())
        {
            add_row!(*digits, reach(low), high, columns);
        }
        let [_, result] = &self.product.0;
        Number::settle_into(result, quotient);
    }
}

/// Adds the multiple of the modulus whose digits are given to the columns above those that it makes vanish, and
/// makes the digits for the next row of the lowest four. Each of these waits for the one before, so they are made while the
/// row is added, where it costs no time.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn reduce_row<const K: usize>(digits: &Block, modulus: &[Block; K], columns: &mut [Block]) {
    let [low, b1, b2, b3, b4, high @ ..] = modulus.as_slice() else {
        return;
    };
    let [first, second, third, fourth, columns @ ..] = columns else {
        return;
    };
    let digits = *digits;
    let reach = add_blocks(digits, reach(low), *b1, first);
    let carry = first_digit(first);
    let reach = add_blocks(digits, reach, *b2, second);
    let carry = second_digit(low, first, carry);
    let reach = add_blocks(digits, reach, *b3, third);
    let carry = third_digit(low, first, carry);
    let reach = add_blocks(digits, reach, *b4, fourth);
    fourth_digit(low, first, carry, second);
    add_row!(digits, reach, high, columns);
}

/// The digits for the first row.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn first_digits(low: &Block, first: &mut Block, second: &mut Block) {
    let carry = first_digit(first);
    let carry = second_digit(low, first, carry);
    let carry = third_digit(low, first, carry);
    fourth_digit(low, first, carry, second);
}

/// The multiple of 2^24 that is to be carried out of a column when it vanishes. The rest of the column is the digit of
/// the quotient that makes it vanish, since the lowest digit of the modulus is -1.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn first_digit([c0, ..]: &mut Block) -> Lanes {
    let carry = round(*c0);
    *c0 = c0.minus(carry);
    carry
}

/// As [`first_digit`], of a column that the first digit has added to.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn second_digit([_, m1, ..]: &Block, [c0, c1, ..]: &mut Block, carry: Lanes) -> Lanes {
    let column = c1.plus_product(carry, Lanes::splat(SHIFT));
    let column = column.plus_product(*c0, *m1);
    let carry = round(column);
    *c1 = column.minus(carry);
    carry
}

/// As [`first_digit`], of a column that two digits have added to.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn third_digit([_, m1, m2, _]: &Block, [c0, c1, c2, _]: &mut Block, carry: Lanes) -> Lanes {
    let column = c2.plus_product(*c0, *m2);
    let column = column.plus_product(carry, Lanes::splat(SHIFT));
    let column = column.plus_product(*c1, *m1);
    let carry = round(column);
    *c2 = column.minus(carry);
    carry
}

/// As [`first_digit`], of a column that three digits have added to. What is carried out of it goes to the one above.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn fourth_digit(
    [_, m1, m2, m3]: &Block,
    [c0, c1, c2, c3]: &mut Block,
    carry: Lanes,
    [above, ..]: &mut Block,
) {
    let column = c3.plus_product(*c0, *m3).plus_product(*c1, *m2);
    let column = column.plus_product(carry, Lanes::splat(SHIFT));
    let column = column.plus_product(*c2, *m1);
    let carry = round(column);
    *c3 = column.minus(carry);
    *above = above.plus_product(carry, Lanes::splat(SHIFT));
}

/// The highest three digits of a block.
#[inline]
fn reach([_, b1, b2, b3]: &Block) -> Reach {
    [*b1, *b2, *b3]
}

/// The multiple of a modulus that is -1 modulo 2^24 and has `by` in the bits of the factor above.
fn scaled(modulus: &Odd<BoxedUint>, by: u64) -> Zeroizing<BoxedUint> {
    let octets = Zeroizing::new(modulus.to_le_bytes());
    let low = octets.iter().take(3).rev();
    let low = low.fold(0_u32, |sum, &octet| (sum << 8) | u32::from(octet));
    // An odd number is its own inverse modulo 8, and each step doubles the bits that are right.
    let inverse = (0..4).fold(low, |inverse, _| {
        inverse.wrapping_mul(2_u32.wrapping_sub(low.wrapping_mul(inverse)))
    });
    let least = inverse.wrapping_neg() & ((1 << DIGIT_BITS) - 1);
    let factor = u128::from(least) | (u128::from(by) << DIGIT_BITS);
    let factor = Zeroizing::new(BoxedUint::from(factor));
    Zeroizing::new(modulus.as_ref().concatenating_mul(&*factor))
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    fn uint(octets: &[u8]) -> BoxedUint {
        BoxedUint::from_le_slice_vartime(octets)
    }

    fn odd(octets: &[u8]) -> Odd<BoxedUint> {
        let octets = [
            &[octets.first().copied().unwrap_or(1) | 1],
            octets.get(1..).unwrap_or(&[]),
        ];
        Odd::new(uint(&octets.concat())).unwrap()
    }

    fn entered<const K: usize>(moduli: Pair<&Odd<BoxedUint>>, number: &BoxedUint) -> Number<K> {
        let mut ring = Montgomery::<K>::new(moduli, [0; 2]);
        let [p, q] = moduli.map(Montgomery::<K>::squared_radix);
        let [a, b] = moduli.map(|modulus| number.rem_vartime(modulus.as_nz_ref()));
        let mut entered = Number::from_uints([&a, &b]);
        ring.multiply(&mut entered, &Number::from_uints([&p, &q]));
        entered
    }

    /// Multiplies and squares modulo both, and compares with `crypto-bigint`.
    #[track_caller]
    fn check<const K: usize>(moduli: Pair<&[u8]>, by: Pair<u64>, a: &[u8], b: &[u8]) {
        let odds = moduli.map(odd);
        let moduli = odds.each_ref();
        let (a, b) = (uint(a), uint(b));
        let mut ring = Montgomery::<K>::new(moduli, by);
        let mut product = entered::<K>(moduli, &a);
        ring.multiply(&mut product, &entered::<K>(moduli, &b));
        let mut square = product.clone();
        ring.square(&mut square);
        let product = ring.leave(product);
        let square = ring.leave(square);
        for ((modulus, product), square) in moduli.into_iter().zip(&product).zip(&square) {
            let expected = a.concatenating_mul(&b).rem_vartime(modulus.as_nz_ref());
            assert_eq!(product.rem_vartime(modulus.as_nz_ref()), expected);
            let expected = expected
                .concatenating_mul(&expected)
                .rem_vartime(modulus.as_nz_ref());
            assert_eq!(square.rem_vartime(modulus.as_nz_ref()), expected);
        }
    }

    fn check_sizes(moduli: Pair<&[u8]>, by: Pair<u64>, a: &[u8], b: &[u8]) {
        check::<12>(moduli, by, a, b);
        check::<17>(moduli, by, a, b);
        check::<23>(moduli, by, a, b);
        check::<22>(moduli, [0; 2], a, b);
        check::<33>(moduli, [0; 2], a, b);
        check::<43>(moduli, [0; 2], a, b);
    }

    /// Octets with long runs of zeros and ones, as random ones never have.
    fn octets(most: usize) -> impl Strategy<Value = Vec<u8>> {
        let run = (
            prop_oneof![Just(0), Just(0xff), Just(0x7f), Just(0x80), any::<u8>()],
            1..40_usize,
        );
        prop::collection::vec(run, 1..8).prop_map(move |runs| {
            let octets = runs
                .into_iter()
                .flat_map(|(octet, times)| vec![octet; times]);
            octets.take(most).collect()
        })
    }

    #[test]
    fn numbers_at_the_edges_are_multiplied_rightly() {
        let ones = [0xff; 128];
        let mut highest = [0; 128];
        highest[127] = 0x80;
        let mut below = ones;
        below[0] = 0xfe;
        for modulus in [&ones[..], &highest, &[1], &[3], &[0xff; 3], &[1, 0, 0, 1]] {
            for number in [&[][..], &[1], &below, &ones, &highest, &[0, 0, 0x80]] {
                for by in [[0; 2], [u64::MAX; 2]] {
                    check_sizes([modulus, &ones], by, number, &below);
                    check_sizes([&highest, modulus], by, number, number);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn products_are_those_of_crypto_bigint(
            p in octets(128), q in octets(128), by: [u64; 2], a in octets(300), b in octets(300),
        ) {
            check_sizes([&p, &q], by, &a, &b);
        }

        #[test]
        fn the_largest_moduli_fit(
            p in octets(512), q in octets(512), by: [u64; 2], a in octets(512), b in octets(512),
        ) {
            let at_most = |octets: &[u8], bits: u32| octets.iter().copied().take(usize::try_from(bits / 8).unwrap()).collect::<Vec<_>>();
            let [p12, q12] = [&p, &q].map(|m| at_most(m, most_bits(12, true)));
            check::<12>([&p12, &q12], by, &a, &b);
            let [p23, q23] = [&p, &q].map(|m| at_most(m, most_bits(23, true)));
            check::<23>([&p23, &q23], by, &a, &b);
            check::<43>([&p, &q], [0; 2], &a, &b);
        }
    }

    /// Digits at their limit, all of one sign or alternating, in both factors and in the modulus. If a column could pass
    /// 2^53, it would here.
    #[test]
    fn columns_hold_the_most_that_digits_can_make() {
        most_in_columns::<12>();
        most_in_columns::<17>();
        most_in_columns::<23>();
        most_in_columns::<22>();
        most_in_columns::<33>();
        most_in_columns::<43>();
    }

    fn extreme<const K: usize>(digit: f64, alternating: bool) -> Number<K> {
        let mut number = Number::<K>::ZERO;
        for (at, lanes) in number.0.as_flattened_mut().iter_mut().enumerate() {
            let sign = if alternating && at % 2 == 0 {
                -1.0
            } else {
                1.0
            };
            *lanes = Lanes::splat(sign * digit);
        }
        number
    }

    fn most_in_columns<const K: usize>() {
        const LOOSE: f64 = 8_388_672.0;
        for alternating in [false, true] {
            let a = extreme::<K>(LOOSE, alternating);
            let mut modulus = extreme::<K>(8_388_607.0, alternating);
            modulus.0[0][0] = Lanes::splat(-1.0);
            modulus.0[K - 1][3] = Lanes::splat(4_194_303.0);
            let mut ring = Montgomery::<K> {
                modulus: Zeroizing::new(modulus.clone()),
                product: Zeroizing::new(Wide::ZERO),
            };
            let mut product = a.clone();
            ring.multiply(&mut product, &a);
            let mut square = a.clone();
            ring.square(&mut square);
            let [m, _] = modulus.to_uints();
            let [a, _] = a.to_uints();
            let expected = a.concatenating_mul(&*a);
            for result in [product, square] {
                congruent::<K>(result, &modulus, &m, &expected);
            }
        }
    }

    /// Whether R times the result is what is expected, modulo m.
    #[track_caller]
    fn congruent<const K: usize>(
        mut result: Number<K>,
        modulus: &Number<K>,
        m: &BoxedUint,
        expected: &BoxedUint,
    ) {
        let both = result
            .0
            .as_flattened_mut()
            .iter_mut()
            .zip(modulus.0.as_flattened());
        for (digit, modulus) in both {
            *digit = digit.plus(*modulus).plus(*modulus);
        }
        let m = Odd::new(m.clone()).unwrap();
        let [result, _] = result.to_uints();
        let bits = u32::try_from(BLOCK_BITS * K).unwrap();
        let shifted = result.concatenating_mul(&BoxedUint::one_with_precision(bits + 1).shl(bits));
        assert_eq!(
            shifted.rem_vartime(m.as_nz_ref()),
            expected.rem_vartime(m.as_nz_ref())
        );
    }
}
