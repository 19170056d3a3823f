//! Fields of a feedback report.

use report::limits::MAX_RECIPIENTS;
use report::{Report, read};

use crate::{check, check_text};

fn feedback(fields: &str) -> String {
    format!(
        "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n{fields}\n--b--\n"
    )
}

#[test]
fn providers_and_authentication_failures() {
    check(
        "feedback/yahoo.eml",
        "Abuse by Yahoo!-Mail-Feedback/1.0 0.1 x2 from return+1@sendlet.example to [\"someone@yahoo.example\", \"other@yahoo.example\"] of order-1@sender.example at 192.0.2.10",
    );
    check(
        "feedback/auth_failure.eml",
        "AuthFailure by Checker/2.0 1 x1 from - to [] of order-1@sender.example at 2001:db8::1",
    );
}

#[test]
fn required_fields_are_required() {
    let all = ["Feedback-Type: abuse\n", "User-Agent: a\n", "Version: 1\n"];
    for missing in 0..3 {
        let fields: String = (0..3).filter(|i| *i != missing).map(|i| all[i]).collect();
        let name = all[missing].split(':').next().unwrap();
        let expected = format!(
            "error: expected one field {name} in the feedback report, found none or several that differ"
        );
        check_text(&feedback(&fields), &expected);
        let other = format!("{}{name}: another\n", all.concat());
        check_text(&feedback(&other), &expected);
        let empty = format!("{fields}{name}: \n");
        check_text(&feedback(&empty), &expected);
    }
}

#[test]
fn types_are_told_apart() {
    for (name, expected) in [
        ("abuse", "Abuse"),
        ("FRAUD", "Fraud"),
        ("virus", "Virus"),
        ("not-spam", "NotSpam"),
        ("auth-failure", "AuthFailure"),
        ("other", "Other(\"other\")"),
        ("X-Odd", "Other(\"x-odd\")"),
    ] {
        check_text(
            &feedback(&format!(
                "Feedback-Type: {name}\nUser-Agent: a\nVersion: 1\n"
            )),
            &format!("{expected} by a 1 x1 from - to [] of - at -"),
        );
    }
}

#[test]
fn what_cannot_be_read_of_the_rest_is_passed_over() {
    check_text(
        &feedback(
            "Feedback-Type: abuse\nUser-Agent: a\nVersion: 1\nOriginal-Rcpt-To: redacted\nOriginal-Rcpt-To: <a@b.example>\nSource-IP: x\nIncidents: -1\nOriginal-Mail-From: root\n",
        ),
        "Abuse by a 1 x1 from - to [\"a@b.example\"] of - at -",
    );
}

#[test]
fn recipients_are_bounded() {
    let recipients: String = (0..5000)
        .map(|i| format!("Original-Rcpt-To: <a{i}@b.example>\n"))
        .collect();
    let message = feedback(&format!(
        "Feedback-Type: abuse\nUser-Agent: a\nVersion: 1\n{recipients}"
    ));
    let Ok(Report::Feedback(report)) = read(message.as_bytes()) else {
        panic!("expected feedback");
    };
    assert_eq!(report.original_rcpt_to.len(), MAX_RECIPIENTS);
}
