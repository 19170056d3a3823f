//! Private keys, as an operator pastes them and as they lie in the store.
#![no_main]

use dkim::SigningKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let _ = SigningKey::from_pkcs8_der(octets);
    if let Ok(text) = core::str::from_utf8(octets) {
        let _ = SigningKey::from_pkcs8_pem(text);
    }
});
