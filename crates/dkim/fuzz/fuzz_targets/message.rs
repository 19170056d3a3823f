//! Whole messages, each key record being the rest of the input.
#![no_main]

use dkim::{KeyLookup, KeyLookupError, verify};
use libfuzzer_sys::fuzz_target;

struct Record<'a>(&'a [u8]);

impl KeyLookup for Record<'_> {
    fn txt(&self, _: &str) -> Result<Option<Vec<u8>>, KeyLookupError> {
        Ok(Some(self.0.to_vec()))
    }
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let (message, record) = input;
    let _ = verify(message, &Record(record), 1_700_000_000);
});
