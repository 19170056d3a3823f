//! Two floating-point numbers side by side, one for each prime.
//!
//! On `WebAssembly` they are one register. Whoever calls these functions has to enable `relaxed-simd` as they do, or they
//! are not inlined and cost a call each.

use zeroize::DefaultIsZeroes;

pub(super) use imp::Lanes;

/// What a pair is read from and written to: the number for the first prime, and that for the second.
pub(super) type Pair<T> = [T; 2];

#[cfg(target_arch = "wasm32")]
mod imp {
    use core::arch::wasm32::{
        f64x2, f64x2_add, f64x2_extract_lane, f64x2_mul, f64x2_relaxed_madd, f64x2_splat,
        f64x2_sub, v128,
    };

    use super::Pair;

    #[derive(Clone, Copy, Debug)]
    pub(in crate::rsa) struct Lanes(v128);

    impl Lanes {
        pub(in crate::rsa) const ZERO: Self = Self(f64x2(0.0, 0.0));

        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(in crate::rsa) fn splat(number: f64) -> Self {
            Self(f64x2_splat(number))
        }

        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(in crate::rsa) fn new([p, q]: Pair<f64>) -> Self {
            Self(f64x2(p, q))
        }

        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(in crate::rsa) fn get(self) -> Pair<f64> {
            [
                f64x2_extract_lane::<0>(self.0),
                f64x2_extract_lane::<1>(self.0),
            ]
        }

        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(in crate::rsa) fn plus(self, other: Self) -> Self {
            Self(f64x2_add(self.0, other.0))
        }

        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(in crate::rsa) fn minus(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(in crate::rsa) fn times(self, other: Self) -> Self {
            Self(f64x2_mul(self.0, other.0))
        }

        #[inline]
        #[target_feature(enable = "relaxed-simd")]
        pub(in crate::rsa) fn plus_product(self, one: Self, other: Self) -> Self {
            // Rounds once or twice, as the processor likes it: all the same here, where nothing is rounded.
            Self(f64x2_relaxed_madd(one.0, other.0, self.0))
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    use super::Pair;

    #[derive(Clone, Copy, Debug)]
    #[repr(align(16))]
    pub(in crate::rsa) struct Lanes(Pair<f64>);

    impl Lanes {
        pub(in crate::rsa) const ZERO: Self = Self([0.0; 2]);

        #[inline(always)]
        pub(in crate::rsa) fn splat(number: f64) -> Self {
            Self([number; 2])
        }

        #[inline(always)]
        pub(in crate::rsa) fn new(pair: Pair<f64>) -> Self {
            Self(pair)
        }

        #[inline(always)]
        pub(in crate::rsa) fn get(self) -> Pair<f64> {
            self.0
        }

        #[inline(always)]
        pub(in crate::rsa) fn plus(self, other: Self) -> Self {
            self.both(other, |a, b| a + b)
        }

        #[inline(always)]
        pub(in crate::rsa) fn minus(self, other: Self) -> Self {
            self.both(other, |a, b| a - b)
        }

        #[inline(always)]
        pub(in crate::rsa) fn times(self, other: Self) -> Self {
            self.both(other, |a, b| a * b)
        }

        #[inline(always)]
        pub(in crate::rsa) fn plus_product(self, one: Self, other: Self) -> Self {
            self.plus(one.times(other))
        }

        #[inline(always)]
        fn both(self, other: Self, combine: impl Fn(f64, f64) -> f64) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([combine(a, c), combine(b, d)])
        }
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self::ZERO
    }
}

impl DefaultIsZeroes for Lanes {}
