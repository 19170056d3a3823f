//! The examples.

use report::{Report, read};

use crate::{check, vectors::vector};

const MESSAGE_ID: &str = "8787KJKJ3K4J3K4J3K4J3.mail@example.net";

#[test]
fn minimal() {
    check(
        "rfc5965/minimal.eml",
        &format!("Abuse by SomeGenerator/1.0 1 x1 from - to [] of {MESSAGE_ID} at -"),
    );
}

#[test]
fn full() {
    check(
        "rfc5965/full.eml",
        &format!(
            "Abuse by SomeGenerator/1.0 1 x1 from somespammer@example.net to [\"user@example.com\"] of {MESSAGE_ID} at 192.0.2.1"
        ),
    );
    let Ok(Report::Feedback(report)) = read(vector("rfc5965/full.eml").as_bytes()) else {
        panic!("expected feedback");
    };
    assert_eq!(report.reporting_mta.as_deref(), Some("mail.example.com"));
    assert_eq!(
        report.arrival_date.as_deref(),
        Some("Thu, 8 Mar 2005 14:00:00 EDT")
    );
}
