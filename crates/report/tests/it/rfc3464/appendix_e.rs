//! The examples.

use crate::{check, delivery, vectors::vector};

#[test]
fn simple() {
    check(
        "rfc3464/simple.eml",
        "DeliveryStatus by cs.utk.edu of -
Failed louisl@larry.slip.umd.edu 426 4.0.0 Network/Relay terminal",
    );
    let report = delivery(vector("rfc3464/simple.eml").as_bytes());
    let recipient = &report.recipients[0];
    assert_eq!(recipient.original_recipient, recipient.final_recipient);
    assert_eq!(
        recipient.last_attempt_date.as_deref(),
        Some("Thu, 7 Jul 1994 17:15:49 -0400")
    );
    assert_eq!(recipient.diagnostic, "426 connection timed out");
}

#[test]
fn multi_recipient() {
    check(
        "rfc3464/multi_recipient.eml",
        "DeliveryStatus by cs.utk.edu of -
Failed arathib@vnet.ibm.com 550 5.0.0 Unknown/Recipient terminal hard
Delayed johnh@hpnjld.njd.hp.com - 4.0.0 Unknown/Relay
Failed wsnell@sdcc13.ucsd.edu 550 5.0.0 Address/Recipient terminal hard suppress",
    );
    let report = delivery(vector("rfc3464/multi_recipient.eml").as_bytes());
    let diagnostic = &report.recipients[0].diagnostic;
    assert_eq!(
        diagnostic,
        "550 'arathib@vnet.IBM.COM' is not a registered gateway user"
    );
}

#[test]
fn gateway_to_a_foreign_system() {
    check(
        "rfc3464/gateway.eml",
        "DeliveryStatus by SYS30 of -\nFailed nair_s - 5.0.0 Unknown/Relay terminal",
    );
}

#[test]
fn delayed() {
    check(
        "rfc3464/delayed.eml",
        "DeliveryStatus by sun2.nsfnet-relay.ac.uk of -
Delayed thomas@de-montfort.ac.uk - 4.0.0 Unknown/Relay",
    );
}
