//! RSA signatures under keys of three sizes, against those of the crate `rsa`.
#![no_main]

use std::sync::LazyLock;

use dkim::{SigningKey, keygen::RsaKeySearch};
use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rsa::{PrivateKey, pkcs8::DecodePrivateKey};
use sha2::Sha256;

static KEYS: LazyLock<[(SigningKey, PrivateKey); 3]> = LazyLock::new(|| [2048, 3072, 4096].map(key));

fn key(bits: u32) -> (SigningKey, PrivateKey) {
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(bits));
    let mut search = RsaKeySearch::new(bits).unwrap();
    let found = std::iter::repeat_with(|| search.step(&mut rng)).find_map(|found| found);
    let ours = found.unwrap();
    let oracle = PrivateKey::from_pkcs8_der(&ours.to_pkcs8_der().unwrap()).unwrap();
    (ours, oracle)
}

fuzz_target!(|input: (u8, [u8; 32], u64)| {
    let (choice, digest, seed) = input;
    let (ours, oracle) = &KEYS[usize::from(choice) % 3];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let expected = oracle.pkcs1v15_sign_prehash::<Sha256>(&digest).unwrap();
    assert_eq!(ours.sign_digest(&digest, &mut rng).unwrap(), expected);
});
