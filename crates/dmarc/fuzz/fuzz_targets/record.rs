//! Records, as a DNS answer brings them, and what is read printed and read again.
#![no_main]

use dmarc::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    for record in [octets, &[b"v=DMARC1;p=none;", octets].concat()] {
        if let Ok(record) = Record::parse(record) {
            let text = record.to_string();
            assert_eq!(Record::parse(text.as_bytes()), Ok(record), "{text}");
        }
    }
});
