//! The container.

use crate::{check, check_text};

const STATUS: &str = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n";
const READ: &str = "Failed a@b.example - 5.1.1 Address/Recipient terminal hard suppress";

#[test]
fn the_type_of_the_part_counts() {
    for (outer, inner) in [
        (
            "multipart/report; report-type=delivery-status",
            "message/delivery-status",
        ),
        ("multipart/report", "message/delivery-status"),
        (
            "multipart/report; report-type=feedback-report",
            "MESSAGE/Delivery-Status; charset=x",
        ),
        ("multipart/mixed", "message/delivery-status"),
        (
            "multipart/report; report-type=delivery-status",
            "message/global-delivery-status",
        ),
    ] {
        let message = format!(
            "Content-Type: {outer}; boundary=b\n\n--b\n\nx\n--b\nContent-Type: {inner}\n\n{STATUS}\n--b--\n"
        );
        check_text(&message, &format!("DeliveryStatus by - of -\n{READ}"));
    }
}

#[test]
fn the_status_may_be_the_whole_message() {
    check_text(
        &format!("Content-Type: message/delivery-status\n\n{STATUS}"),
        &format!("DeliveryStatus by - of -\n{READ}"),
    );
}

#[test]
fn the_message_id_is_that_of_the_returned_message() {
    for returned in [
        "message/rfc822",
        "text/rfc822-headers",
        "message/global",
        "message/global-headers",
    ] {
        for (field, expected) in [
            ("Message-ID: <a.b@c.example>", "a.b@c.example"),
            ("message-id:\n <a.b@c.example> (x)", "a.b@c.example"),
            ("Message-ID: a.b@c.example", "a.b@c.example"),
            ("Message-ID: <a b>", "-"),
            ("Message-ID: <>", "-"),
            ("Message-ID: <open", "-"),
            ("Subject: x\n\nMessage-ID: <body@c.example>", "-"),
        ] {
            let message = format!(
                "Message-ID: <outer@c.example>\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n{STATUS}\n--b\nContent-Type: text/plain\n\nMessage-ID: <text@c.example>\n--b\nContent-Type: {returned}\n\n{field}\n\nbody\n--b--\n"
            );
            check_text(
                &message,
                &format!("DeliveryStatus by - of {expected}\n{READ}"),
            );
        }
    }
}

#[test]
fn transfer_encodings_and_nesting() {
    check(
        "delivery/smtputf8.eml",
        "DeliveryStatus by mx.relay.example of order=1@sender.example
Failed jörg@gone.example - 5.1.1 Address/Recipient terminal hard suppress",
    );
    check(
        "delivery/listserver_wrapped.eml",
        "DeliveryStatus by mx.lists.example of order-1@sender.example
Expanded everyone@lists.example - 2.0.0",
    );
}

#[test]
fn an_unknown_transfer_encoding_is_an_error() {
    for (encoding, body) in [("x-uuencode", STATUS), ("base64", STATUS)] {
        check_text(
            &format!(
                "Content-Type: message/delivery-status\nContent-Transfer-Encoding: {encoding}\n\n{body}"
            ),
            "error: expected a report in 7bit, 8bit, binary, base64 or quoted-printable, found another encoding",
        );
    }
}

#[test]
fn messages_in_messages_and_other_reports_are_not_looked_into() {
    check("other/forwarded_bounce.eml", "other");
    check("other/disposition.eml", "other");
}
