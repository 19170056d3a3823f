//! Delivery statuses: within the limits, and the same with both line ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use report::limits::{MAX_DIAGNOSTIC_OCTETS, MAX_RECIPIENTS};
use report::{Action, Report, read};

const HEADER: &[u8] = b"Content-Type: message/delivery-status\n\n";

fuzz_target!(|octets: &[u8]| {
    let mut message = [HEADER, octets].concat();
    message.retain(|octet| *octet != b'\r');
    let found = read(&message);
    let lines: Vec<&[u8]> = message.split(|octet| *octet == b'\n').collect();
    assert_eq!(read(&lines.join(&b"\r\n"[..])), found);
    let Ok(Report::Delivery(report)) = found else {
        return;
    };
    assert!((1..=MAX_RECIPIENTS).contains(&report.recipients.len()));
    for recipient in report.recipients {
        assert!(recipient.diagnostic.len() <= MAX_DIAGNOSTIC_OCTETS);
        assert!(!recipient.diagnostic.contains(char::is_control));
        let hard = recipient
            .classification
            .is_some_and(|found| found.hard_bounce);
        assert!(!hard || recipient.action == Action::Failed);
    }
});
