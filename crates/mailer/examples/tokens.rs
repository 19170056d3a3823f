//! `cargo run --release -p mailer --example tokens [TRIES]`: how many of ten million tokens that nobody made with our keys are taken for
//! ours. There should be none.
//!
//! In turn: random characters, random octets in base64url, and a token of ours with one bit changed, all of random length. Each is
//! shown to all three uses, with a current key and two before it.
#![expect(clippy::print_stdout, reason = "a program says what it found")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::error::Error;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mailer::link::{LinkKeys, Reader};
use mailer::token_key::TokenKey;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use uuid::Uuid;

const TRIES: u64 = 10_000_000;
const MAX_OCTETS: u32 = 120;

fn main() -> Result<(), Box<dyn Error>> {
    let tries = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => TRIES,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    let [current, first, second] = [key(&mut rng)?, key(&mut rng)?, key(&mut rng)?];
    let keys = LinkKeys::new(current, vec![first, second]);
    let began = Instant::now();
    let mut taken = 0;
    for n in 0..tries {
        let token = match n % 3 {
            0 => characters(&mut rng),
            1 => URL_SAFE_NO_PAD.encode(octets(&mut rng)),
            _ => changed(&real(&keys, &mut rng).ok_or("no token")?, &mut rng).ok_or("no token")?,
        };
        taken += u64::from(is_taken(&keys, &token));
    }
    let real = real(&keys, &mut rng).ok_or("no token")?;
    println!(
        "{tries} tokens, {taken} taken for ours, {:.1?}; one of ours is taken: {}",
        began.elapsed(),
        is_taken(&keys, &real)
    );
    Ok(())
}

fn is_taken(keys: &LinkKeys, token: &str) -> bool {
    keys.verify_open(token).is_some()
        || keys.verify_click(token).is_some()
        || keys.verify_unsubscribe(token).is_some()
}

fn key(rng: &mut ChaCha8Rng) -> Result<TokenKey, Box<dyn Error>> {
    let mut octets = [0; 32];
    rng.fill_bytes(&mut octets);
    Ok(TokenKey::parse(&STANDARD.encode(octets))?)
}

/// Random characters, of the alphabet or not.
fn characters(rng: &mut ChaCha8Rng) -> String {
    let octets = octets(rng);
    octets
        .iter()
        .map(|&octet| char::from(octet & 0x7f))
        .collect()
}

fn octets(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let length = (0..rng.next_u32() % MAX_OCTETS).map(|_| 0);
    let mut octets: Vec<u8> = length.collect();
    rng.fill_bytes(&mut octets);
    octets
}

/// A token of ours, for one of the uses.
fn real(keys: &LinkKeys, rng: &mut ChaCha8Rng) -> Option<String> {
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    let [recipient, choice, length, _] = rng.next_u32().to_le_bytes();
    let reader = Reader {
        message: Uuid::from_bytes(id).into(),
        recipient,
    };
    match choice % 3 {
        0 => Some(keys.open(reader)),
        1 => Some(keys.unsubscribe(reader)),
        _ => {
            let target = format!("https://a.example/{}", "x".repeat(usize::from(length)));
            keys.click(reader, u16::from(choice), &target)
        }
    }
}

/// `token` with one bit of what it stands for changed.
fn changed(token: &str, rng: &mut ChaCha8Rng) -> Option<String> {
    let mut octets = URL_SAFE_NO_PAD.decode(token).ok()?;
    let at = usize::try_from(rng.next_u32())
        .ok()?
        .checked_rem(octets.len())?;
    let bit = rng.next_u32() % 8;
    if let Some(octet) = octets.get_mut(at) {
        *octet ^= 1 << bit;
    }
    Some(URL_SAFE_NO_PAD.encode(octets))
}
