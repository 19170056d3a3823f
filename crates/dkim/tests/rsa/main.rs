//! RSA signatures, against those of another implementation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod oracle;

use oracle::{SHAPES, TwoKeys};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// `examples/oracle.rs` does the same ten thousand times.
#[test]
fn signatures_are_those_of_the_crate_rsa_whatever_the_shape_of_the_key() {
    for (seed, shape) in (0..).zip(SHAPES) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let keys = TwoKeys::random(shape, &mut rng);
        for _ in 0..3 {
            assert!(keys.agree(&mut rng), "{shape:?}");
        }
    }
}
