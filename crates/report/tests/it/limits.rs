//! The most that is read, and how long that takes at worst.

use std::fmt::Write;

use report::limits::{
    MAX_DEPTH, MAX_MESSAGE_ID_OCTETS, MAX_MESSAGE_OCTETS, MAX_PARTS, MAX_RECIPIENTS,
    MAX_RETURNED_OCTETS,
};
use report::{Report, read};

use crate::{delivery, vectors::vector};

const STATUS: &str = "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n";

#[test]
fn what_is_returned_beyond_the_limit_is_passed_over() {
    for path in [
        "delivery/postfix_user_unknown.eml",
        "delivery/qmail.eml",
        "delivery/exim_text.eml",
    ] {
        let text = vector(path);
        let long = text.replace(
            "Thank you for your order.",
            &"Thank you.\n".repeat(MAX_MESSAGE_OCTETS / 8),
        );
        assert!(long.len() > MAX_MESSAGE_OCTETS);
        assert_eq!(read(long.as_bytes()), read(text.as_bytes()), "{path}");
    }
}

#[test]
fn a_text_without_its_end_is_no_bounce_beyond_the_limit() {
    let text = vector("delivery/exim_delay.eml");
    assert!(matches!(read(text.as_bytes()), Ok(Report::Delivery(_))));
    let long = format!("{text}{}", "x\n".repeat(MAX_MESSAGE_OCTETS / 2));
    assert_eq!(read(long.as_bytes()), Ok(Report::Other));
}

#[test]
fn recipients_are_counted_beyond_the_limit() {
    let mut message =
        String::from("Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n");
    for number in 0..5000 {
        write!(
            message,
            "\nFinal-Recipient: rfc822; a{number}@b.example\nAction: failed\n"
        )
        .unwrap();
    }
    let report = delivery(message.as_bytes());
    assert_eq!(report.recipients.len(), MAX_RECIPIENTS);
    assert_eq!(report.omitted_recipients, 5000 - MAX_RECIPIENTS);
}

#[test]
fn recipients_of_text_are_counted_beyond_the_limit() {
    let of = |template: &str, start: &str, end: &str| {
        let each = (0..5000).map(|number| format!("{start}a{number}@b.example{end}"));
        delivery(template.replace("{}", &each.collect::<String>()).as_bytes())
    };
    for report in [
        of("X-Failed-Recipients: {}\n\nx\n", "", ", ,\n "),
        of(
            "\nHi. This is the qmail-send program at a.\n\n{}---\n",
            "<",
            ">:\n\n",
        ),
    ] {
        assert_eq!(report.recipients.len(), MAX_RECIPIENTS);
        assert_eq!(report.omitted_recipients, 5000 - MAX_RECIPIENTS);
    }
}

fn message_id(returned: &str) -> Option<String> {
    let message = format!(
        "Content-Type: multipart/report; boundary=b\n\n--b\n{STATUS}\n--b\nContent-Type: message/rfc822\n\n{returned}\n--b--\n"
    );
    delivery(message.as_bytes()).original_message_id
}

#[test]
fn a_message_id_is_whole_or_missing() {
    let longest = "x".repeat(MAX_MESSAGE_ID_OCTETS);
    assert_eq!(
        message_id(&format!("Message-ID: <{longest}>")),
        Some(longest.clone())
    );
    assert_eq!(message_id(&format!("Message-ID: <{longest}x>")), None);
}

#[test]
fn a_returned_message_is_read_up_to_the_limit() {
    let behind =
        |octets: usize| message_id(&format!("X: {}\nMessage-ID: <a@b>\n", "x".repeat(octets)));
    assert_eq!(behind(MAX_RETURNED_OCTETS - 100).as_deref(), Some("a@b"));
    assert_eq!(behind(MAX_RETURNED_OCTETS), None);
}

fn nested(depth: usize) -> String {
    let mut message = String::new();
    for level in 0..depth {
        write!(
            message,
            "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
        )
        .unwrap();
    }
    message + STATUS
}

#[test]
fn parts_are_looked_into_down_to_the_limit() {
    delivery(nested(MAX_DEPTH).as_bytes());
    assert_eq!(read(nested(MAX_DEPTH + 1).as_bytes()), Ok(Report::Other));
    assert_eq!(read(nested(10_000).as_bytes()), Ok(Report::Other));
}

#[test]
fn parts_are_looked_at_up_to_the_limit() {
    let message = |before: usize| {
        let parts = "--b\n\nx\n".repeat(before);
        format!("Content-Type: multipart/report; boundary=b\n\n{parts}--b\n{STATUS}\n--b--\n")
    };
    delivery(message(MAX_PARTS - 1).as_bytes());
    assert_eq!(read(message(MAX_PARTS).as_bytes()), Ok(Report::Other));
}

/// Each takes far longer than a test may if the time grows with the square of the length.
#[test]
fn hostile_messages_take_linear_time() {
    let size = MAX_MESSAGE_OCTETS;
    let status = "Content-Type: message/delivery-status\n\n";
    for message in [
        format!("Subject: {}", "x".repeat(size)),
        format!("Subject:{}", "\n x".repeat(size / 3)),
        format!("{status}{}", "a:\n".repeat(size / 3)),
        format!("{status}{}", "Action: failed\n".repeat(size / 15)),
        format!("{status}Final-Recipient: {}", "(".repeat(size)),
        format!(
            "{status}Diagnostic-Code: smtp;{}",
            "\n 550".repeat(size / 5)
        ),
        format!(
            "Content-Transfer-Encoding: base64\n{status}{}",
            "\n".repeat(size)
        ),
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\n".repeat(size / 4)
        ),
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--".repeat(size / 2)
        ),
        format!(
            "X-Failed-Recipients: a@b.example\n\n{}",
            "  a@b.example\n".repeat(size / 14)
        ),
        format!(
            "X-Failed-Recipients: {}\n\n",
            "a@b.example,".repeat(size / 13)
        ),
        format!(
            "X-Failed-Recipients: {}\n\n  a@b.example\n    {}\n",
            "a@b.example,".repeat(size / 13),
            "zz yy ".repeat(200)
        ),
        format!(
            "X-Failed-Recipients: a@b.example\n\n  a@b.example\n{}",
            "    x\n".repeat(size / 6)
        ),
        format!(
            "\nHi. This is the {}\n---",
            "\n\n<a@b.example>:".repeat(size / 16)
        ),
    ] {
        let _: Result<_, _> = read(message.as_bytes());
    }
}
