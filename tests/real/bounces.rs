//! What becomes of mail that an MTA took: the reports that it really makes, when it could not deliver and when it did, come back through its
//! pipe transport and `scripts/report-to-sendlet`, and set the right states, suppressions and events.

mod chain;
mod destination;
mod exim;
mod mta;
mod reporter;

use serde_json::{Value, json};
use tests::{ADMIN_TOKEN, Manner, Request, Subscriber, eventually};

use crate::{postfix::DOMAIN, proxy::Exchange, smtp};

use self::{
    chain::Chain,
    exim::Exim,
    mta::{DEAD, ELSEWHERE, Mta},
};

/// What a message cannot get rid of in three seconds comes back.
const SHORT_LIFE: &str = "maximal_queue_lifetime = 3s\n";

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
    chain.becomes(&id, &known, "Delivered").await;

    let attempts = chain.happened(&id, "attempt").await;
    let taken = json!([address]);
    let attempt = attempts.iter().find(|entry| entry["recipients"] == taken);
    assert_eq!(attempt.unwrap()["status"], "OutForDelivery", "{attempts:?}");
    let mut events = chain.happened(&id, "event").await;
    events.retain(|event| event["recipient"] == address);
    let [event] = &events[..] else {
        panic!("expected one event: {events:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_fails_and_may_be_written_to_again() {
    let (mta, chain) = start("").await;
    let address = format!("full@{ELSEWHERE}");
    for times in 1..=2 {
        let id = chain.send(&[&address]).await;
        let failed = chain.becomes(&id, &address, "Failed").await;
        assert_eq!(failed["cause"], "mailbox-full/recipient", "{failed}");
        check_reply(&failed, "552 5.2.2 ");
        check_written_to(&chain, &address).await;
        assert_eq!(mta.destination.times_asked(&address), times);
    }
}

async fn check_written_to(chain: &Chain, address: &str) {
    let explanation = chain.explanation(address).await;
    assert_eq!(explanation["isWrittenTo"], true, "{explanation}");
    assert_eq!(explanation["lists"], json!([]), "{explanation}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_told_of_and_never_taken_for_a_failure() {
    let (mta, chain) = start("delay_warning_time = 1s\n").await;
    let address = format!("later@{ELSEWHERE}");
    let id = chain.send(&[&address]).await;
    let deferred = chain.becomes(&id, &address, "Deferred").await;
    assert_eq!(deferred["cause"], "rate/recipient", "{deferred}");
    check_reply(&deferred, "451 4.7.1 ");

    mta.destination.relent();
    // A server that does not offer DSN took it, so Postfix is the last that can tell.
    chain.becomes(&id, &address, "Delivered").await;
    assert!(mta.destination.has_taken(&address));
    chain.report(1).await;
    let reports = chain.reports();
    let [delay, success] = &reports[..] else {
        panic!("expected a notice of the delay and one of the end: {reports:?}");
    };
    check_report(delay, "delayed", (&id, &address));
    check_report(success, "relayed", (&id, &address));
    check_written_to(&chain, &address).await;
}

/// The report says what it was asked for, and has not the whole message in it.
#[track_caller]
fn check_report(report: &Exchange, action: &str, (id, recipient): (&str, &str)) {
    assert_eq!(report.status, 200);
    let text = String::from_utf8_lossy(&report.body);
    for field in [
        format!("\nAction: {action}"),
        format!("\nOriginal-Envelope-Id: {id}."),
        format!("\nOriginal-Recipient: rfc822;{recipient}"),
        "\nContent-Type: text/rfc822-headers".to_owned(),
    ] {
        assert!(text.contains(&field), "{field:?} is not in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_delivered_and_what_an_alias_spreads_is_expanded() {
    let known = format!("known@{DOMAIN}");
    let (alias, other) = (format!("all+team@{DOMAIN}"), format!("other@{ELSEWHERE}"));
    let aliases = format!("virtual_alias_maps = inline:{{ {{ {alias} = {known} {other} }} }}\n");
    let (mta, chain) = start(&aliases).await;
    let id = chain.send(&[&known]).await;
    chain.becomes(&id, &known, "Delivered").await;
    check_report(&chain.report(0).await, "delivered", (&id, &known));

    let id = chain.send(&[&alias]).await;
    chain.becomes(&id, &alias, "Expanded").await;
    check_report(&chain.report(1).await, "expanded", (&id, &alias));
    eventually("the mail is spread", async || {
        (mta.destination.has_taken(&other) && mta.is_done_with(&other)).then_some(())
    })
    .await;
    // Nobody is told of those behind it: that is the alias's own matter. A report about them would have come before this one.
    bounced(&chain, &format!("nobody-here@{DOMAIN}")).await;
    assert_eq!(chain.reports().len(), 3);
    for address in [&known, &alias] {
        check_written_to(&chain, address).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_never_take_it_fail_and_suppress_nobody() {
    let (_mta, chain) = start(SHORT_LIFE).await;
    let (nobody, later) = (format!("someone@{DEAD}"), format!("later@{ELSEWHERE}"));
    let known = format!("known@{DOMAIN}");
    let id = chain.send(&[&nobody, &known, &later]).await;

    let failed = chain.becomes(&id, &nobody, "Failed").await;
    assert_eq!(failed["cause"], "network/relay", "{failed}");
    let reply = failed["reply"].as_str().unwrap();
    assert!(reply.contains("Connection refused"), "{failed}");
    let failed = chain.becomes(&id, &later, "Failed").await;
    assert_eq!(failed["cause"], "rate/recipient", "{failed}");
    check_reply(&failed, "451 4.7.1 ");
    chain.becomes(&id, &known, "Delivered").await;
    for address in [&nobody, &later] {
        check_written_to(&chain, address).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_are_told_what_a_report_says() {
    let (_mta, chain) = start("").await;
    let subscriber = Subscriber::start(Manner::Answer(200)).await;
    let subscription = Request::new("POST", "/subscriptions")
        .field("authorization", &format!("Bearer {ADMIN_TOKEN}"))
        .json(&json!({"endpointUrl": subscriber.url()}));
    chain.system.client.call(subscription).await.expect(201);

    let address = format!("unknown@{ELSEWHERE}");
    let id = chain.send(&[&address]).await;
    let told = eventually("the subscriber is told", async || {
        subscriber.told().into_iter().next()
    });
    let told: Value = serde_json::from_slice(&told.await.body).unwrap();
    let data = &told[0]["data"];
    assert_eq!(
        [&data["messageId"], &data["recipient"], &data["status"]],
        [id.as_str(), &address, "Bounced"],
        "{told}"
    );
}

/// Has an unknown mailbox bounce, and returns the message's id and the report.
async fn bounced(chain: &Chain, address: &str) -> (String, Exchange) {
    let before = chain.reports().len();
    let id = chain.send(&[address]).await;
    chain.becomes(&id, address, "Bounced").await;
    let report = chain.report(before).await;
    assert_eq!(report.status, 200);
    (id, report)
}

/// The return path that a report was brought to.
fn return_path(report: &Exchange) -> &str {
    let to = report.fields["envelope-to"].to_str().unwrap();
    to.trim_matches(['<', '>'])
}

/// Hands a message in as a stranger would, and returns what the script was answered.
async fn brought(mta: &Mta, chain: &Chain, to: &str, message: &[u8]) -> Exchange {
    let before = chain.reports().len();
    smtp::hand_over(mta.strangers_port, "", to, message).await;
    chain.report(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_are_forged_or_repeated_change_nothing() {
    let (mta, chain) = start("").await;
    let address = format!("unknown@{ELSEWHERE}");
    let (bounced_id, report) = bounced(&chain, &address).await;
    let known = format!("known@{DOMAIN}");
    let id = chain.send(&[&known]).await;
    chain.becomes(&id, &known, "Delivered").await;
    chain.report(1).await;
    let before = [
        chain.everything(&id).await,
        chain.everything(&bounced_id).await,
    ];
    let (message, own) = (with_crlf(&report.body), return_path(&report));
    let (_, other) = bounced(&chain, &format!("gone@{ELSEWHERE}")).await;

    let mut counted = chain.get("/reports/refused").await;
    for (to, status, reason) in [
        (own.to_owned(), 200, None),
        (own.to_ascii_uppercase(), 200, None),
        (changed(own), 422, Some("forged")),
        // Not made up, but somebody else's.
        (return_path(&other).to_owned(), 422, Some("foreign")),
    ] {
        let brought = brought(&mta, &chain, &to, &message).await;
        assert_eq!(brought.status, status, "{to}: {:?}", brought.answer);
        if let Some(reason) = reason {
            counted[reason] = (counted[reason].as_i64().unwrap() + 1).into();
        }
    }
    assert_eq!(chain.get("/reports/refused").await, counted);
    // What was refused is not sent back to anybody, and is not kept either.
    eventually("the forged report is gone", async || {
        mta.is_done_with(&changed(own)).then_some(())
    })
    .await;
    // Whatever was taken before this is taken in by then.
    bounced(&chain, &format!("nobody-here@{DOMAIN}")).await;
    let after = [
        chain.everything(&id).await,
        chain.everything(&bounced_id).await,
    ];
    assert_eq!(after, before);
}

/// A return path with another character in its place.
fn changed(return_path: &str) -> String {
    let (local_part, domain) = return_path.split_once('@').unwrap();
    let mut letters: Vec<char> = local_part.chars().collect();
    letters[20] = if letters[20] == 'a' { 'b' } else { 'a' };
    format!("{}@{domain}", letters.into_iter().collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_can_write_to_return_paths_only() {
    let mta = Mta::start("").await;
    let path = format!("b-{}@{ELSEWHERE}", "a2".repeat(24));
    for (to, expected) in [
        (path.as_str(), "250 2.1.5 "),
        (&path.to_ascii_uppercase(), "250 2.1.5 "),
        (&format!("x{path}"), "554 5.7.1 "),
        (&path.replacen("2@", "1@", 1), "554 5.7.1 "),
        (&format!("someone@{ELSEWHERE}"), "554 5.7.1 "),
    ] {
        let reply = smtp::reply_to_rcpt(mta.strangers_port, to).await;
        assert!(reply.starts_with(expected), "{to}: {reply}");
    }
}

fn with_crlf(message: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(message.to_vec()).unwrap();
    text.replace("\r\n", "\n")
        .replace('\n', "\r\n")
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_wait_until_they_can_be_brought() {
    let mta = Mta::start("").await;
    let chain = Chain::start(mta.postfix.port).await;
    let address = format!("unknown@{ELSEWHERE}");
    let id = chain.send(&[&address]).await;
    eventually("a report is put off", async || {
        let log = mta.postfix.log();
        log.contains("relay=sendlet, delay=").then_some(())
    })
    .await;
    assert!(mta.postfix.log().contains("dsn=4.3.0, status=deferred"));
    let before = chain.recipient(&id, &address).await;
    assert_eq!(before["status"], "OutForDelivery", "{before}");
    chain.take_reports(&mta.reporter);
    chain.becomes(&id, &address, "Bounced").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_exim_mean_the_same() {
    let exim = Exim::start().await;
    let chain = Chain::start(exim.port).await;
    chain.take_reports(&exim.reporter);
    let known = format!("known@{DOMAIN}");
    let [nobody, unknown, gone, full, later] = [
        format!("nobody-here@{DOMAIN}"),
        format!("unknown@{ELSEWHERE}"),
        format!("gone@{ELSEWHERE}"),
        format!("full@{ELSEWHERE}"),
        format!("later@{ELSEWHERE}"),
    ];
    let id = chain
        .send(&[&known, &nobody, &unknown, &gone, &full, &later])
        .await;
    for (address, status, cause, reply, is_written_to) in [
        // Exim says nothing of why: it may be an address, and it may be a route of its own.
        (&nobody, "Failed", "unknown/relay", "550 5.0.0", true),
        (
            &unknown,
            "Bounced",
            "address/recipient",
            "550 5.1.1 ",
            false,
        ),
        (&gone, "Bounced", "address/recipient", "550 5.1.1 ", false),
        (
            &full,
            "Failed",
            "mailbox-full/recipient",
            "552 5.2.2 ",
            true,
        ),
        (&later, "Failed", "rate/recipient", "451 4.7.1 ", true),
    ] {
        let found = chain.becomes(&id, address, status).await;
        assert_eq!(found["cause"], cause, "{found}");
        check_reply(&found, reply);
        let explanation = chain.explanation(address).await;
        assert_eq!(explanation["isWrittenTo"], is_written_to, "{explanation}");
    }
    chain.becomes(&id, &known, "Delivered").await;
    assert!(!exim.destination.has_taken(&later));
    let events = chain.happened(&id, "event").await;
    let delay = events.iter().find(|event| event["event"] == "deferred");
    let delay = delay.unwrap_or_else(|| panic!("no delay: {}", exim.log()));
    assert_eq!(delay["recipient"], later, "Exim warns before it gives up");
}
