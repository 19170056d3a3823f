//! What becomes of mail that an MTA took and could not deliver: the reports that it really makes come back through its pipe transport and
//! `scripts/report-to-sendlet`, and set the right states, suppressions and events.

mod chain;
mod destination;
mod mta;
mod reporter;

use serde_json::{Value, json};

use crate::postfix::DOMAIN;

use self::{
    chain::Chain,
    mta::{ELSEWHERE, Mta},
};

async fn start(settings: &str) -> (Mta, Chain) {
    let mta = Mta::start(settings).await;
    let chain = Chain::start(mta.postfix.port).await;
    chain.take_reports(&mta.reporter);
    (mta, chain)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_mailbox_bounces_alone_and_is_not_written_to_again() {
    let (mta, chain) = start("").await;
    // In the words of Postfix itself, of a server that it asked, and of one that says it in several lines.
    for address in [
        format!("nobody-here@{DOMAIN}"),
        format!("unknown@{ELSEWHERE}"),
        format!("gone@{ELSEWHERE}"),
    ] {
        check_unknown(&mta, &chain, &address).await;
    }
}

async fn check_unknown(mta: &Mta, chain: &Chain, address: &str) {
    let known = format!("known@{DOMAIN}");
    let id = chain.send(&[&known, address]).await;
    let bounced = chain.becomes(&id, address, "Bounced").await;
    assert_eq!(bounced["cause"], "address/recipient", "{bounced}");
    check_reply(&bounced, "550 5.1.1 ");
    let other = chain.recipient(&id, &known).await;
    assert_eq!(other["status"], "OutForDelivery", "{other}");

    let attempts = chain.happened(&id, "attempt").await;
    let taken = json!([address]);
    let attempt = attempts.iter().find(|entry| entry["recipients"] == taken);
    assert_eq!(attempt.unwrap()["status"], "OutForDelivery", "{attempts:?}");
    let [event] = &chain.happened(&id, "event").await[..] else {
        panic!("expected one event");
    };
    assert_eq!(
        [&event["event"], &event["recipient"], &event["source"]],
        ["bounced", address, "report"],
        "{event}"
    );
    assert_eq!(event["reply"], bounced["reply"]);
    check_suppressed(mta, chain, (address, &id)).await;
}

/// The address is held back because of that message, and a second one ends here.
async fn check_suppressed(mta: &Mta, chain: &Chain, (address, because_of): (&str, &str)) {
    let explanation = chain.explanation(address).await;
    assert_eq!(explanation["isWrittenTo"], false, "{explanation}");
    let listed = &explanation["lists"][0];
    assert_eq!(
        [&listed["cause"], &listed["messageId"]],
        ["Bounce", because_of],
        "{explanation}"
    );
    let id = chain.system.accepted(&chain.message(&[address])).await;
    let outcome = chain.system.outcome(&id).await;
    let code = &outcome["error"]["code"];
    assert_eq!(code, "EmailDroppedAllRecipientsSuppressed", "{outcome}");
    chain.becomes(&id, address, "Suppressed").await;
    let log = mta.postfix.log();
    let tries = log.matches(&format!(" to=<{address}>")).count();
    assert_eq!(tries, 1, "never handed over again: {log}");
}

#[track_caller]
fn check_reply(recipient: &Value, start: &str) {
    let reply = recipient["reply"].as_str().unwrap_or_default();
    assert!(reply.starts_with(start), "{recipient}");
}
