//! What each mail server sends.

use crate::{check, check_text, delivery, vectors::vector};

#[test]
fn postfix() {
    check(
        "delivery/postfix_user_unknown.eml",
        "DeliveryStatus by mx.relay.example of order-1@sender.example
Failed nobody@gone.example 550 5.1.1 Address/Recipient terminal hard suppress
Failed full@gone.example 552 5.2.2 MailboxFull/Recipient terminal",
    );
    let report = delivery(vector("delivery/postfix_user_unknown.eml").as_bytes());
    assert_eq!(report.original_envelope_id.as_deref(), Some("op-4711/1"));
    assert_eq!(
        report.recipients[0].remote_mta.as_deref(),
        Some("mx.gone.example")
    );
    check(
        "delivery/postfix_delay.eml",
        "DeliveryStatus by mx.relay.example of order-1@sender.example
Delayed someone@slow.example - 4.4.1 Network/Relay",
    );
}

#[test]
fn exim() {
    check(
        "delivery/exim_text.eml",
        "Exim by - of order-1@sender.example
Failed nobody@gone.example 550 5.1.1 Address/Recipient terminal hard suppress
Failed blocked@strict.example 550 - Policy/Sender terminal hard",
    );
    let report = delivery(vector("delivery/exim_text.eml").as_bytes());
    let alias = report.recipients[1].original_recipient.as_ref().unwrap();
    assert_eq!(alias.to_string(), "alias@host.example");
    check(
        "delivery/exim_mime.eml",
        "DeliveryStatus by mx.host.example of order-1@sender.example
Failed nobody@gone.example 550 5.1.1 Address/Recipient terminal hard suppress",
    );
    check(
        "delivery/exim_delay.eml",
        "Exim by - of -\nDelayed someone@slow.example 451 4.7.1 Rate/Recipient",
    );
}

#[test]
fn exim_is_known_by_its_words_without_the_field() {
    let text = vector("delivery/exim_text.eml");
    let without = text.replace("X-Failed-Recipients:", "X-Other:");
    check_text(
        &without,
        "Exim by - of order-1@sender.example
Failed nobody@gone.example 550 5.1.1 Address/Recipient terminal hard suppress
Failed blocked@strict.example 550 - Policy/Sender terminal hard",
    );
    check_text(&without.replace("created automatically", "made"), "other");
}

#[test]
fn qmail_and_yahoo() {
    check(
        "delivery/qmail.eml",
        "Qsbmf by mx.qmail.example of order-1@sender.example
Failed nobody@qmail.example - 5.1.1 Address/Recipient terminal hard suppress
Failed blocked@strict.example 550 5.7.1 Policy/Sender terminal spam",
    );
    check(
        "delivery/yahoo.eml",
        "Qsbmf by - of order-1@sender.example
Failed nobody@yahoo.example 550 - Address/Recipient terminal hard suppress",
    );
    check(
        "delivery/yahoo_mta.eml",
        "DeliveryStatus by mta.yahoo.example of -
Failed someone@yahoo.example 554 5.0.0 Address/Recipient terminal",
    );
}

#[test]
fn qmail_is_certain_only_with_its_last_line() {
    let text = vector("delivery/qmail.eml");
    check_text(text.split("--- Below").next().unwrap(), "other");
    let delayed = text.replace("I'm afraid I wasn't able", "I was not yet able");
    check_text(
        &delayed,
        "Qsbmf by mx.qmail.example of order-1@sender.example
Delayed nobody@qmail.example - 5.1.1 Address/Recipient
Delayed blocked@strict.example 550 5.7.1 Policy/Sender",
    );
}

#[test]
fn exchange() {
    check(
        "delivery/exchange_online.eml",
        "DeliveryStatus by DB9PR01MB0001.eurprd01.prod.example of order-1@sender.example
Failed nobody@tenant.example 550 5.1.10 Address/Recipient terminal hard suppress
Failed unknown@tenant.example 550 5.4.1 Address/Recipient terminal hard suppress",
    );
    check(
        "delivery/exchange_2007.eml",
        "DeliveryStatus by mail.corp.example of order-1@sender.example
Failed nobody@corp.example 550 5.1.1 Address/Recipient terminal hard suppress
Failed closed@corp.example 550 5.7.1 Policy/Sender terminal",
    );
}

#[test]
fn sendmail_and_opensmtpd() {
    check(
        "delivery/sendmail.eml",
        "DeliveryStatus by mx.sendmail.example of order-1@sender.example
Failed nobody@sendmail.example 550 5.1.1 Address/Recipient terminal hard suppress",
    );
    check(
        "delivery/opensmtpd.eml",
        "DeliveryStatus by mx.openbsd.example of order-1@sender.example
Failed nobody@gone.example - 5.1.1 Address/Recipient terminal hard suppress",
    );
}

#[test]
fn gmail() {
    check(
        "delivery/gmail.eml",
        "DeliveryStatus by googlemail.example of order-1@sender.example
Failed nobody@gmail.example 550 5.1.1 Address/Recipient terminal hard suppress",
    );
    let report = delivery(vector("delivery/gmail.eml").as_bytes());
    let recipient = &report.recipients[0];
    assert_eq!(
        recipient.remote_mta.as_deref(),
        Some("gmail-smtp-in.google.example.")
    );
    assert!(recipient.diagnostic.starts_with("550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking"));
    check(
        "delivery/gmail_text.eml",
        "Exim by - of order-1@sender.example
Failed nobody@gone.example 550 5.1.1 Address/Recipient terminal hard suppress",
    );
    check(
        "delivery/gmail_delay_text.eml",
        "Exim by - of order-1@sender.example\nDelayed someone@slow.example - - Network/Relay",
    );
}

#[test]
fn a_persons_answer_is_none_of_them() {
    check("other/answer.eml", "other");
    check("other/unknown_bounce.eml", "other");
}
