//! Feedback reports: within the limits, and never without what is required.
#![no_main]

use libfuzzer_sys::fuzz_target;
use report::limits::{MAX_RECIPIENTS, MAX_TEXT_OCTETS};
use report::{Report, read};

const HEADER: &[u8] = b"Content-Type: message/feedback-report\n\n";
const REQUIRED: &[u8] = b"Feedback-Type: abuse\nUser-Agent: a\nVersion: 1\n";

fuzz_target!(|octets: &[u8]| {
    for message in [
        [HEADER, octets].concat(),
        [HEADER, REQUIRED, octets].concat(),
    ] {
        if let Ok(Report::Feedback(report)) = read(&message) {
            assert!(!report.user_agent.is_empty() && report.user_agent.len() <= MAX_TEXT_OCTETS);
            assert!(!report.version.is_empty());
            assert!(report.original_rcpt_to.len() <= MAX_RECIPIENTS);
        }
    }
});
