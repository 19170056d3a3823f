//! Whole messages, and what stands in a multipart or a text bounce.
#![no_main]

use libfuzzer_sys::fuzz_target;
use report::{Report, read};

const STARTS: [&[u8]; 4] = [
    b"",
    b"Content-Type: multipart/report; boundary=b\n\n--b\n",
    b"\nHi. This is the qmail-send program at a.\n\n<a@b.example>:\n",
    b"X-Failed-Recipients: a@b.example\n\n  a@b.example\n",
];

fuzz_target!(|octets: &[u8]| {
    for start in STARTS {
        if let Ok(Report::Delivery(report)) = read(&[start, octets].concat()) {
            assert!(!report.recipients.is_empty());
        }
    }
});
