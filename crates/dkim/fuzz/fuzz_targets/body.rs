//! Bodies whole and in two chunks, which have to give the same hash.
#![no_main]

use dkim::{Algo, BodyHash, BodyHasher};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, body) = input;
    let (first, second) = body.split_at(usize::from(cut).min(body.len()));
    for algo in [Algo::Simple, Algo::Relaxed] {
        let mut hasher = BodyHasher::new(algo);
        hasher.update(first);
        hasher.update(second);
        assert_eq!(hasher.finish(), BodyHash::of(algo, body));
    }
});
