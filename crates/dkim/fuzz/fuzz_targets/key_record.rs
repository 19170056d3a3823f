//! Key records, as a DNS answer brings them.
#![no_main]

use dkim::PublicKeyRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|record: &[u8]| {
    let _ = PublicKeyRecord::parse(record);
});
