//! Fields of the message.

use super::notification;
use crate::delivery;

const RECIPIENT: &str = "\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n";

#[test]
fn envelope_id_and_dates_are_kept_as_they_stand_there() {
    let report = delivery(
        notification(&format!(
            "Original-Envelope-Id: op+2B1/7 \nReporting-MTA: dns; mx.example\nArrival-Date: Tue, 6 Jan 2026\n  10:00:00 +0000 (UTC){RECIPIENT}"
        ))
        .as_bytes(),
    );
    assert_eq!(report.original_envelope_id.as_deref(), Some("op+2B1/7"));
    assert_eq!(
        report.arrival_date.as_deref(),
        Some("Tue, 6 Jan 2026 10:00:00 +0000 (UTC)")
    );
}

#[test]
fn an_envelope_id_is_whole_or_missing() {
    let of = |length: usize| {
        let id = "x".repeat(length);
        let fields = format!("Original-Envelope-Id: {id}{RECIPIENT}");
        delivery(notification(&fields).as_bytes()).original_envelope_id
    };
    assert_eq!(of(255), Some("x".repeat(255)));
    assert_eq!(of(256), None);
}

#[test]
fn all_of_them_may_be_missing() {
    let report = delivery(notification(RECIPIENT).as_bytes());
    assert_eq!(
        (
            report.reporting_mta,
            report.arrival_date,
            report.original_envelope_id
        ),
        (None, None, None)
    );
}

#[test]
fn the_first_of_the_message_counts() {
    let fields = format!(
        "Reporting-MTA: dns; first.example\n\nReporting-MTA: dns; second.example{}",
        &RECIPIENT[1..]
    );
    let report = delivery(notification(&fields).as_bytes());
    assert_eq!(report.reporting_mta.as_deref(), Some("first.example"));
}
