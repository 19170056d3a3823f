//! Tag lists, as the body of a signature field of an otherwise good message.
#![no_main]

use dkim::{KeyLookupError, signatures};
use libfuzzer_sys::fuzz_target;

const REST: &[u8] = b"\r\nFrom: a@example.com\r\n\r\nbody\r\n";

fuzz_target!(|list: &[u8]| {
    let message = [b"DKIM-Signature:", list, REST].concat();
    for signature in signatures(&message).unwrap_or_default() {
        let _ = signature.verify_with(Err(KeyLookupError), 1_700_000_000);
    }
});
