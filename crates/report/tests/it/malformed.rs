//! Messages that nobody should send.

use report::{Report, ReportError, read};

use crate::{check_text, delivery, vectors::vector};

const NO_RECIPIENT: &str =
    "error: expected a recipient with an action in the delivery status, found none";

#[test]
fn a_missing_final_boundary_ends_the_report_with_the_message() {
    let text = vector("delivery/opensmtpd.eml");
    let cut = text
        .split("--12345678901234567890/mx.openbsd.example\nContent-Description: Message headers")
        .next()
        .unwrap();
    check_text(
        cut,
        "DeliveryStatus by mx.openbsd.example of -
Failed nobody@gone.example - 5.1.1 Address/Recipient terminal hard suppress",
    );
}

#[test]
fn an_empty_status_is_an_error() {
    for status in [
        "",
        "\n\n",
        "Reporting-MTA: dns; a\n",
        "Action: failed\n",
        "Final-Recipient: rfc822; a@b.example\n",
    ] {
        check_text(
            &format!("Content-Type: message/delivery-status\n\n{status}"),
            NO_RECIPIENT,
        );
    }
}

#[test]
fn nothing_is_other() {
    for octets in [
        &b""[..],
        b"\n",
        b"\r\n\r\n",
        b"\0",
        b"\xff\xfe",
        b":",
        b"Content-Type: multipart/report; boundary=b\n\n--b",
    ] {
        assert_eq!(read(octets), Ok(Report::Other), "{octets:?}");
    }
}

#[test]
fn octets_that_are_no_text_do_not_hide_the_rest() {
    let mut message = b"From: \xff\0\x80\nContent-Type: multipart/report; boundary=b\n\n\xfe\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; m\xffx\0\n\n".to_vec();
    message.extend_from_slice(b"Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: smtp; 550 \xc3\x28\0\n\nFinal-Recipient: rfc822; \xff@b.example\nAction: failed\n\n--b--\n");
    let report = delivery(&message);
    assert_eq!(report.reporting_mta.as_deref(), Some("m\u{fffd}x"));
    assert_eq!(report.recipients[0].diagnostic, "550 \u{fffd}(");
    assert!(report.recipients[0].address().is_some());
}

#[test]
fn an_address_with_control_characters_is_no_address() {
    let report = delivery(b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a\0@b.example\nAction: failed\n");
    assert_eq!(report.recipients[0].address(), None);
}

#[test]
fn an_open_comment_hides_nothing() {
    let report = delivery(b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example (((\nAction: failed\nStatus: 5.1.1 ((\n");
    assert_eq!(report.recipients[0].address(), None);
    assert!(report.recipients[0].status.is_some());
}

#[test]
fn a_report_that_is_cut_off_by_the_limit_is_an_error() {
    let start = "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n\n";
    let filler = "X-Filler: x\n".repeat(100_000);
    let message = format!("{start}{filler}\n--b--\n");
    assert_eq!(read(message.as_bytes()), Err(ReportError::TooLong));
}
