//! Groups of fields, folding, comments, types.

use super::notification;
use crate::check_text;

const PLAIN: &str = "DeliveryStatus by mx.example of -
Failed a@b.example 550 5.1.1 Address/Recipient terminal hard suppress";

#[track_caller]
fn same_as_plain(status: &str) {
    check_text(&notification(status), PLAIN);
}

#[test]
fn fields_are_read_in_any_case_order_and_folding() {
    same_as_plain(
        "REPORTING-MTA:DNS;mx.example\n\nstatus:5.1.1\naction:FAILED\nfinal-recipient:RFC822;a@b.example\nDiagnostic-code:smtp;550\n",
    );
    same_as_plain(
        "Reporting-MTA : dns;\n mx.example\n\nFinal-Recipient: rfc822;\n\ta@b.example\nAction:\n failed\nStatus:\n 5.1.1\nDiagnostic-Code: SMTP;\n 550\n",
    );
}

#[test]
fn comments_are_passed_over() {
    same_as_plain(
        "Reporting-MTA: dns (a) ; mx.example (1.2.3.4 (inner))\n\nFinal-Recipient: rfc822; a@b.example (x)\nAction: failed (for good)\nStatus: 5.1.1 (bad)\nDiagnostic-Code: smtp; 550\n",
    );
}

#[test]
fn groups_may_have_more_or_fewer_blank_lines_between_them() {
    let recipient = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550\n";
    same_as_plain(&format!(
        "\n\nReporting-MTA: dns; mx.example\n\n \t\n\n{recipient}\n\n"
    ));
    same_as_plain(&format!("Reporting-MTA: dns; mx.example\n{recipient}"));
    same_as_plain(&format!("{recipient}\nReporting-MTA: dns; mx.example\n"));
}

#[test]
fn unknown_fields_and_lines_that_are_none_are_passed_over() {
    same_as_plain(
        "Reporting-MTA: dns; mx.example\nno field\n\nX-Thing: x\nFinal-Recipient: rfc822; a@b.example\n???\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550\n",
    );
}

#[test]
fn a_field_that_contradicts_itself_counts_as_missing() {
    let no_recipient =
        "error: expected a recipient with an action in the delivery status, found none";
    for fields in [
        "Final-Recipient: rfc822; a@b.example\nFinal-Recipient: rfc822; c@b.example\nAction: failed\n",
        "Final-Recipient: rfc822; a@b.example\nAction: failed\nAction: delayed\n",
    ] {
        check_text(&notification(fields), no_recipient);
    }
    check_text(
        &notification(
            "Final-Recipient: rfc822; a@b.example\nAction: failed\nAction: failed\nStatus: 5.1.1\nStatus: 5.2.2\n",
        ),
        "DeliveryStatus by - of -\nFailed a@b.example - - Unknown/Relay terminal",
    );
}
