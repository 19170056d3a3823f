//! Fields of a recipient.

use super::notification;
use crate::{check_text, delivery};

#[track_caller]
fn check(fields: &str, expected: &str) {
    check_text(
        &notification(fields),
        &format!("DeliveryStatus by - of -\n{expected}"),
    );
}

#[test]
fn the_original_recipient_is_the_address_that_was_sent_to() {
    let report = delivery(
        notification("Original-Recipient: rfc822; a+2Btag@b.example\nFinal-Recipient: rfc822; c@d.example\nAction: failed\n")
            .as_bytes(),
    );
    let recipient = &report.recipients[0];
    assert_eq!(recipient.address().unwrap().to_string(), "a+tag@b.example");
    let report = delivery(
        notification("Original-Recipient: rfc822; root\nFinal-Recipient: rfc822; c@d.example\nAction: failed\n").as_bytes(),
    );
    assert_eq!(
        report.recipients[0].address().unwrap().to_string(),
        "c@d.example"
    );
}

#[test]
fn actions_are_told_apart() {
    for (action, expected) in [
        (
            "failed",
            "Failed a@b.example - 5.0.0 Unknown/Relay terminal",
        ),
        ("delayed", "Delayed a@b.example - 5.0.0 Unknown/Relay"),
        ("delivered", "Delivered a@b.example - 5.0.0"),
        ("relayed", "Relayed a@b.example - 5.0.0"),
        ("expanded", "Expanded a@b.example - 5.0.0"),
    ] {
        check(
            &format!("Final-Recipient: rfc822; a@b.example\nAction: {action}\nStatus: 5.0.0\n"),
            expected,
        );
    }
}

#[test]
fn an_unknown_action_is_no_action() {
    check(
        "Final-Recipient: rfc822; a@b.example\nAction: failure\n\nFinal-Recipient: rfc822; c@d.example\nAction: failed\n\nFinal-Recipient: rfc822; e@f.example\n",
        "Failed c@d.example - - Unknown/Relay terminal",
    );
}

#[test]
fn a_delay_is_never_hard() {
    check(
        "Final-Recipient: rfc822; a@b.example\nAction: delayed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n",
        "Delayed a@b.example 550 5.1.1 Address/Recipient",
    );
}

#[test]
fn a_failure_after_retries_is_terminal_and_not_hard() {
    check(
        "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 4.1.1\nDiagnostic-Code: smtp; 450 4.1.1 unverified address\n",
        "Failed a@b.example 450 4.1.1 Address/Recipient terminal",
    );
}

#[test]
fn the_more_precise_status_counts() {
    let fields = |status: &str, diagnostic: &str| {
        format!(
            "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {diagnostic}\n"
        )
    };
    check(
        &fields("5.0.0", "552 5.2.2 x"),
        "Failed a@b.example 552 5.2.2 MailboxFull/Recipient terminal",
    );
    check(
        &fields("5.1.1", "552 5.2.2 x"),
        "Failed a@b.example 552 5.1.1 Address/Recipient terminal hard suppress",
    );
    check(
        &fields("4.0.0", "552 5.2.2 x"),
        "Failed a@b.example 552 4.0.0 MailboxFull/Recipient terminal",
    );
    check(
        &fields("bad", "552 5.2.2 x"),
        "Failed a@b.example 552 5.2.2 MailboxFull/Recipient terminal",
    );
}

#[test]
fn remote_mta_is_a_name() {
    let report = delivery(
        notification("Final-Recipient: rfc822; a@b.example\nAction: failed\nRemote-MTA: dns; mx.example (192.0.2.1)\nWill-Retry-Until: later\n")
            .as_bytes(),
    );
    assert_eq!(
        report.recipients[0].remote_mta.as_deref(),
        Some("mx.example")
    );
    assert_eq!(
        report.recipients[0].will_retry_until.as_deref(),
        Some("later")
    );
}

#[test]
fn a_diagnostic_is_one_bounded_line() {
    let long = "ä".repeat(3000);
    let report = delivery(
        notification(&format!("Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: smtp; 550 a\0b\x1b\x07 c\n {long}\n"))
            .as_bytes(),
    );
    let diagnostic = &report.recipients[0].diagnostic;
    assert!(diagnostic.starts_with("550 a b c ää"), "{diagnostic}");
    assert!(diagnostic.len() <= report::limits::MAX_DIAGNOSTIC_OCTETS);
    assert!(!diagnostic.contains(char::is_control));
}

#[test]
fn half_an_address_is_none() {
    let of = |comment: usize| {
        let comment = "x".repeat(comment);
        let fields = format!(
            "Final-Recipient: rfc822; ({comment}) a@b.example\nOriginal-Recipient: x; y\nAction: failed\n"
        );
        let report = delivery(notification(&fields).as_bytes());
        report.recipients[0].address().map(ToString::to_string)
    };
    assert_eq!(of(4000).as_deref(), Some("a@b.example"));
    for comment in 4060..4100 {
        assert!(of(comment).is_none_or(|address| address == "a@b.example"));
    }
}
