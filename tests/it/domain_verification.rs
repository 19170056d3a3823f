//! The verification of a customer's domain: what is found out of records that are wrong, and of a DNS that fails in every way it can.

use serde_json::{Value, json};
use tests::{ScriptedRelay, Setup, Trouble, eventually};

use crate::customer::{Customer, KINDS, NOT_VERIFIED, Problem, SHOP, Stage, check, store_at};

const OWNER: &str = "shop.example.com. 3600 IN TXT \"sendlet-domain-verification=";
const SPF: &str = "shop.example.com. 3600 IN TXT \"v=spf1";
// The names of kinds in braces stand for the selectors of their keys.
const KEY: &str = "{DKIM}._domainkey.";
const NEXT_KEY: &str = "{DKIM2}._domainkey.";
const ED25519_KEY: &str = "{DKIMEd25519}._domainkey.";
const DMARC: &str = "_dmarc.";
const MX: &str = "bounces.shop.example.com. 3600 IN MX";
const RETURN_PATH_SPF: &str = "bounces.shop.example.com. 3600 IN TXT";

/// What is found when the lines of the zone that begin so are replaced.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("Domain", OWNER, "", "RecordNotFound"),
    ("Domain", "", "", "DomainDoesNotExist"),
    (
        "Domain",
        OWNER,
        "shop.example.com TXT \"sendlet-domain-verification=1\"",
        "RecordMismatch",
    ),
    ("SPF", SPF, "", "RecordNotFound"),
    (
        "SPF",
        SPF,
        "shop.example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"",
        "RecordMismatch",
    ),
    (
        "SPF",
        SPF,
        "shop.example.com TXT \"v=spf1 include:spf.mail.sendlet.example +all\"",
        "PassesAll",
    ),
    (
        "SPF",
        SPF,
        "shop.example.com TXT \"v=spf1 include:open.example include:spf.mail.sendlet.example -all\"\n\
         open.example TXT \"v=spf1 all\"",
        "PassesAll",
    ),
    (
        "SPF",
        SPF,
        "shop.example.com TXT \"v=spf1 nonsense\"",
        "RecordMalformed",
    ),
    (
        "SPF",
        SPF,
        "shop.example.com TXT \"v=spf1 include:shop.example.com -all\"",
        "RecordMalformed",
    ),
    (
        "SPF",
        SPF,
        "shop.example.com TXT \"v=spf1 a:1.example a:2.example a:3.example a:4.example a:5.example a:6.example \
         a:7.example a:8.example a:9.example a:10.example include:spf.mail.sendlet.example -all\"",
        "TooManyLookups",
    ),
    (
        "SPF",
        SPF,
        "shop.example.com TXT \"v=spf1 include:spf.mail.sendlet.example -all\"\n\
         shop.example.com TXT \"v=spf1 -all\"",
        "MultipleRecords",
    ),
    ("DKIM", KEY, "", "DomainDoesNotExist"),
    (
        "DKIM",
        KEY,
        "{DKIM}._domainkey.shop.example.com A 192.0.2.1",
        "RecordNotFound",
    ),
    (
        "DKIM",
        KEY,
        "{DKIM}._domainkey.shop.example.com TXT \"v=DKIM1; p=\"",
        "KeyRevoked",
    ),
    (
        "DKIM",
        KEY,
        "{DKIM}._domainkey.shop.example.com TXT \"v=DKIM1; p=AAAA\"",
        "RecordMalformed",
    ),
    (
        "DKIM",
        KEY,
        "{DKIM}._domainkey.shop.example.com TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"",
        "OtherKey",
    ),
    (
        "DKIM",
        KEY,
        "{DKIM}._domainkey.shop.example.com TXT \"v=DKIM1; p=\"\n\
         {DKIM}._domainkey.shop.example.com TXT \"v=DKIM1; p=AAAA\"",
        "MultipleRecords",
    ),
    ("DKIM2", NEXT_KEY, "", "DomainDoesNotExist"),
    (
        "DKIMEd25519",
        ED25519_KEY,
        "{DKIMEd25519}._domainkey.shop.example.com TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"",
        "OtherKey",
    ),
    ("DMARC", DMARC, "", "RecordNotFound"),
    (
        "DMARC",
        DMARC,
        "_dmarc.shop.example.com TXT \"v=DMARC1; p=bogus\"",
        "RecordMalformed",
    ),
    (
        "DMARC",
        DMARC,
        "_dmarc.shop.example.com TXT \"v=DMARC1; p=none\"\n_dmarc.shop.example.com TXT \"v=DMARC1; p=reject\"",
        "MultipleRecords",
    ),
    ("ReturnPath", MX, "", "RecordNotFound"),
    (
        "ReturnPath",
        MX,
        "bounces.shop.example.com MX 10 mx.other.example",
        "RecordMismatch",
    ),
    (
        "ReturnPath",
        MX,
        "bounces.shop.example.com MX 10 mx.mail.sendlet.example\nbounces.shop.example.com MX 20 mx.other.example",
        "RecordMismatch",
    ),
    ("ReturnPath", RETURN_PATH_SPF, "", "RecordNotFound"),
];

fn replaced(zone: &str, prefix: &str, with: &str) -> String {
    let others = zone.lines().filter(|line| !line.starts_with(prefix));
    others.chain([with]).collect::<Vec<_>>().join("\n")
}

/// What is wrong with what a look came to.
fn wrong(kind: &str, what: &str, state: &Value, (status, code): (&str, &str)) -> Option<String> {
    let message = state["message"].as_str().unwrap_or_default();
    let is_right = state["status"] == status && state["errorCode"] == code && !message.is_empty();
    (!is_right).then(|| format!("{kind}, {what}: expected {status} {code}, found {state}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_record_has_its_code_and_tells_what_was_found() {
    let customer = Customer::with(Stage::Published, Setup::default().without_ticks()).await;
    let zone = customer.zone().await;
    let mut errors = Vec::new();
    let mut selectors = Vec::new();
    for kind in ["DKIM", "DKIM2", "DKIMEd25519"] {
        selectors.push((format!("{{{kind}}}"), customer.selector(kind).await));
    }
    let named = |text: &str| {
        let text = text.to_owned();
        selectors
            .iter()
            .fold(text, |text, (kind, selector)| text.replace(kind, selector))
    };
    for (kind, prefix, with, code) in FAULTS {
        let zone = replaced(&zone, &named(prefix), &named(with));
        customer.doh.publish(SHOP, &zone);
        let state = customer.look_at(kind).await;
        let expected = ("VerificationFailed", *code);
        errors.extend(wrong(kind, with, &state, expected));
        let message = state["message"].as_str().unwrap_or_default();
        if !(message.starts_with("expected ") && message.contains("found ")) {
            errors.push(format!("{kind}, {with}: {message}"));
        }
    }
    assert!(errors.is_empty(), "{errors:#?}");
    check(&customer.send("refused").await, NOT_VERIFIED);
    // With the zone as it should be none of it is wrong.
    customer.doh.publish(SHOP, &zone);
    customer.verify().await;
}

/// What is told of a resolver that misbehaves, though the record is right. Only "no such name" is an answer.
const TROUBLES: &[(Trouble, &str, &str)] = &[
    (
        Trouble::NoSuchName,
        "VerificationFailed",
        "DomainDoesNotExist",
    ),
    (
        Trouble::ServerFailure,
        "VerificationInProgress",
        "DnsServerFailure",
    ),
    (Trouble::Refused, "VerificationInProgress", "DnsRefused"),
    (Trouble::Truncated, "VerificationInProgress", "DnsTruncated"),
    (Trouble::TooLong, "VerificationInProgress", "DnsTruncated"),
    (
        Trouble::OtherQuestion,
        "VerificationInProgress",
        "DnsAnswerForged",
    ),
    (
        Trouble::OtherOwner,
        "VerificationInProgress",
        "DnsAnswerForged",
    ),
    (
        Trouble::Garbage,
        "VerificationInProgress",
        "DnsAnswerMalformed",
    ),
    (
        Trouble::ContentType,
        "VerificationInProgress",
        "DnsAnswerMalformed",
    ),
    (
        Trouble::Status(500),
        "VerificationInProgress",
        "DnsUnreachable",
    ),
    (
        Trouble::Status(403),
        "VerificationInProgress",
        "DnsUnreachable",
    ),
    (Trouble::Cut, "VerificationInProgress", "DnsUnreachable"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_with_dns_has_its_code_and_leaves_the_verification_open() {
    let customer = Customer::with(Stage::Published, Setup::default().without_ticks()).await;
    let mut errors = Vec::new();
    for (trouble, status, code) in TROUBLES {
        customer.doh.trouble(SHOP, *trouble);
        let state = customer.look_at("Domain").await;
        errors.extend(wrong(
            "Domain",
            &format!("{trouble:?}"),
            &state,
            (status, code),
        ));
    }
    assert!(errors.is_empty(), "{errors:#?}");
    customer.doh.recover();
    assert_eq!(customer.look_at("Domain").await["status"], "Verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dns_that_never_answers_is_given_up_in_time() {
    let customer = Customer::with(Stage::Published, Setup::default().without_ticks()).await;
    customer.doh.trouble(SHOP, Trouble::Silent);
    let state = customer.look_at("SPF").await;
    let expected = ("VerificationInProgress", "DnsTimeout");
    assert_eq!(wrong("SPF", "Silent", &state, expected), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolver_that_cannot_be_reached_is_told_of() {
    let nobody = ScriptedRelay::refusing();
    let setup = Setup::default().without_ticks();
    let store = store_at(Stage::Published).await;
    let setup = setup.store(&store).without_domain();
    let system = setup.variable("doh_url", &nobody.origin()).start().await;
    if system.store().is_none() {
        return;
    }
    let target = format!("/domains/{SHOP}:initiateVerification");
    system.operate("POST", &target).await.expect(202);
    let state = eventually("DNS was looked at", async || {
        let domain = system.operate("GET", &format!("/domains/{SHOP}")).await;
        let state = domain.json()["verificationStates"]["SPF"].clone();
        (state["status"] != "VerificationRequested").then_some(state)
    })
    .await;
    let expected = ("VerificationInProgress", "DnsUnreachable");
    assert_eq!(wrong("SPF", "refused", &state, expected), None);
}

/// Every name that the domain publishes something under.
fn owners(zone: &str) -> impl Iterator<Item = &str> {
    let lines = zone
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(';'));
    lines.filter_map(|line| line.split_whitespace().next())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dns_that_fails_takes_nothing_back() {
    let customer = Customer::with(Stage::Verified, Setup::default().without_ticks()).await;
    let zone = customer.zone().await;
    for trouble in [
        Trouble::ServerFailure,
        Trouble::OtherQuestion,
        Trouble::Status(500),
    ] {
        for name in owners(&zone) {
            customer.doh.trouble(name, trouble);
        }
        customer.verify().await;
    }
    customer.doh.recover();
    customer.send("as before").await.expect(202);
    let captured = customer.system.inbox().arrival("as before").await;
    assert_eq!(captured.return_path_domain(), format!("bounces.{SHOP}"));
    assert_eq!(customer.signatures(&captured.source).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_vanish_are_warned_of_and_mail_does_without_those_it_can() {
    let customer = Customer::with(Stage::Verified, Setup::default().without_ticks()).await;
    customer.doh.publish(SHOP, "");
    customer.look_at_all().await;
    let statuses = customer.statuses().await;
    for kind in KINDS {
        let is_needed = ["Domain", "SPF", "DKIM"].contains(&kind);
        let expected = if is_needed {
            "Verified"
        } else {
            "VerificationFailed"
        };
        assert_eq!(statuses[kind], expected, "{kind}");
        let state = customer.state(kind).await;
        assert_eq!(state["failingSince"].is_string(), is_needed, "{state}");
        assert!(state["errorCode"].is_string(), "{state}");
    }
    let history = customer.call("GET", "/history").await.expect(200).json();
    let warned = history["value"].as_array().unwrap().iter();
    let warned = warned.filter(|event| event["kind"] == "VerificationWarning");
    assert_eq!(warned.count(), 3);

    customer.send("with less").await.expect(202);
    let captured = customer.system.inbox().arrival("with less").await;
    assert_eq!(
        captured.return_path_domain(),
        "bounces.mail.sendlet.example"
    );
    customer.publish().await;
    let signatures = customer.signatures(&captured.source);
    assert_eq!(signatures.len(), 1);
    assert_eq!(signatures[0]["a"], "rsa-sha256");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_verification_that_is_under_way_can_be_called_off() {
    let customer = Customer::with(Stage::Published, Setup::default().without_ticks()).await;
    let spf = json!({"verificationType": "SPF"});
    let cancel = async || {
        customer
            .call_with("POST", ":cancelVerification", &spf)
            .await
    };
    let nothing: Problem = (409, "NothingToCancel", Some("verificationType"));
    check(&cancel().await, nothing);
    customer.doh.trouble(SHOP, Trouble::ServerFailure);
    let state = customer.look_at("SPF").await;
    assert_eq!(state["status"], "VerificationInProgress");
    let cancelled = cancel().await.expect(202).json();
    let state = &cancelled["verificationStates"]["SPF"];
    assert_eq!(state["status"], "CancellationRequested");
    eventually("the verification is off", async || {
        (customer.state("SPF").await["status"] == "NotStarted").then_some(())
    })
    .await;
    check(&cancel().await, nothing);
    customer.doh.recover();
    assert_eq!(customer.look_at("SPF").await["status"], "Verified");
    check(&cancel().await, nothing);
}
