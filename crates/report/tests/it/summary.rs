//! What is read, in a few lines that a test can state.

use std::fmt::Write;

use report::{DeliveryReport, FeedbackReport, RecipientReport, Report, read};

use crate::vectors::vector;

/// Reads a vector with both line ends.
#[track_caller]
pub(crate) fn check(path: &str, expected: &str) {
    check_text(vector(path), expected);
}

/// Reads a message with both line ends.
#[track_caller]
pub(crate) fn check_text(message: &str, expected: &str) {
    let crlf = message.replace('\n', "\r\n");
    assert_eq!(summary(message).trim(), expected.trim());
    assert_eq!(summary(&crlf), summary(message), "with CRLF");
}

#[track_caller]
pub(crate) fn delivery(message: &[u8]) -> DeliveryReport {
    match read(message) {
        Ok(Report::Delivery(report)) => report,
        other => unreachable!("expected a delivery report, found {other:?}"),
    }
}

fn summary(message: &str) -> String {
    match read(message.as_bytes()) {
        Ok(Report::Delivery(report)) => of_delivery(&report),
        Ok(Report::Feedback(report)) => of_feedback(&report),
        Ok(Report::AutoReply(reply)) => {
            let from = reply.from.map(|from| from.to_string());
            format!(
                "auto-reply from {} to {}",
                or_dash(from.as_deref()),
                or_dash(reply.original_message_id.as_deref())
            )
        }
        Ok(Report::Other) => "other".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

fn of_delivery(report: &DeliveryReport) -> String {
    let mut text = format!(
        "{:?} by {} of {}\n",
        report.form,
        or_dash(report.reporting_mta.as_deref()),
        or_dash(report.original_message_id.as_deref())
    );
    for recipient in &report.recipients {
        writeln!(text, "{}", of_recipient(recipient)).unwrap();
    }
    text
}

fn of_recipient(recipient: &RecipientReport) -> String {
    let address = recipient.final_recipient.as_ref().map(ToString::to_string);
    let mut text = format!("{:?} {}", recipient.action, or_dash(address.as_deref()));
    let code = recipient.reply_code.map(|code| code.to_string());
    let status = recipient.status.map(|status| status.to_string());
    write!(
        text,
        " {} {}",
        or_dash(code.as_deref()),
        or_dash(status.as_deref())
    )
    .unwrap();
    if let Some(found) = recipient.classification {
        write!(text, " {:?}/{:?}", found.cause, found.party).unwrap();
        text.push_str(if found.terminal { " terminal" } else { "" });
        text.push_str(if found.hard_bounce { " hard" } else { "" });
        text.push_str(if found.spam { " spam" } else { "" });
        text.push_str(if found.may_suppress() {
            " suppress"
        } else {
            ""
        });
    }
    text
}

fn of_feedback(report: &FeedbackReport) -> String {
    let from = report.original_mail_from.as_ref().map(ToString::to_string);
    let to: Vec<String> = report
        .original_rcpt_to
        .iter()
        .map(ToString::to_string)
        .collect();
    format!(
        "{:?} by {} {} x{} from {} to {to:?} of {} at {}",
        report.feedback_type,
        report.user_agent,
        report.version,
        report.incidents,
        or_dash(from.as_deref()),
        or_dash(report.original_message_id.as_deref()),
        report.source_ip.map_or("-".to_owned(), |ip| ip.to_string()),
    )
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}
