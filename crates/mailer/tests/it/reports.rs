//! What reports that came by mail say, and what they do not say for certain.

use std::time::Duration;

use envelope::AddrSpec;
use mailer::event::{DeliveryEvent, EventKind, Source};
use mailer::intake::{self, Received, ReportRefusal};
use mailer::operation::OperationId;
use mailer::outbox::Outbox;
use mailer::return_path::ForeignReturnPath;

use crate::events::{arf, dsn, event, receive, return_path, sent, take_in, tell};
use crate::fake::{START, World, run};

/// The event that a report to the return path of the first recipient, `bob@example.com`, tells of.
#[track_caller]
fn told(world: &World, id: OperationId, octets: &[u8]) -> DeliveryEvent {
    match receive(world, &return_path(id, 0), octets) {
        Ok(Received::Event(event)) => *event,
        other => panic!("expected an event, found {other:?}"),
    }
}

/// Reads a delivery status with these groups, in both orders.
#[track_caller]
fn check(groups: &[&str], kind: EventKind, suppresses: bool) {
    let world = World::with_domain();
    let id = sent(&world);
    let header = "From: MAILER-DAEMON@mx.example\nContent-Type: message/delivery-status\n\n";
    let mut orders = [groups.to_vec(), groups.to_vec()];
    orders[1].reverse();
    for order in orders {
        let groups: Vec<String> = order.iter().map(|group| written(group)).collect();
        let found = told(
            &world,
            id,
            (header.to_owned() + &groups.join("\n")).as_bytes(),
        );
        assert_eq!(
            (found.kind, found.suppresses),
            (kind, suppresses),
            "{:?}",
            order.first()
        );
    }
}

/// `original final action status words` as a group; `-` stands for a field that is missing.
fn written(group: &str) -> String {
    let names = [
        "Original-Recipient",
        "Final-Recipient",
        "Action",
        "Status",
        "Diagnostic-Code",
    ];
    let fields = names
        .iter()
        .zip(group.splitn(5, ' '))
        .filter(|(_, body)| *body != "-");
    fields
        .map(|(name, body)| format!("{name}: {body}\n"))
        .collect()
}

const UNKNOWN: &str = "bob@example.com bob@example.com failed 5.1.1 smtp; 550 5.1.1 no such user";

#[test]
fn of_several_groups_the_best_counts_and_all_have_to_blame_the_address() {
    let (first, second) = (
        "bob@example.com a@x.example delivered 2.0.0 -",
        "bob@example.com b@x.example failed 5.1.1 smtp; 550 5.1.1 no such user",
    );
    check(&[UNKNOWN], EventKind::Bounced, true);
    check(&[UNKNOWN, UNKNOWN], EventKind::Bounced, true);
    check(&[first, second], EventKind::Delivered, false);
    check(&[first, UNKNOWN], EventKind::Delivered, false);
    let delayed = "bob@example.com a@x.example delayed 4.4.1 -";
    check(&[delayed, second], EventKind::Deferred, false);
    let full = "bob@example.com a@x.example failed 5.2.2 smtp; 552 5.2.2 full";
    check(&[full, second], EventKind::Failed, false);
    let expanded = "bob@example.com bob@example.com expanded 2.0.0 -";
    check(&[expanded, second], EventKind::Expanded, false);
    // Somebody is told of who is not said to stand for another: all of it came to the return path of one.
    check(
        &["- a@x.example delivered 2.0.0 -", UNKNOWN],
        EventKind::Bounced,
        false,
    );
}

#[test]
fn an_address_that_mail_was_sent_on_to_does_not_blame_the_one_it_came_from() {
    check(
        &["- bob@example.com failed 5.1.1 -"],
        EventKind::Bounced,
        true,
    );
    check(
        &["bob@example.com - failed 5.1.1 -"],
        EventKind::Bounced,
        true,
    );
    check(&["- a@x.example failed 5.1.1 -"], EventKind::Bounced, false);
    check(
        &["bob@example.com a@x.example failed 5.1.1 -"],
        EventKind::Bounced,
        false,
    );
}

#[test]
fn a_list_of_recipients_that_was_cut_suppresses_nobody() {
    check(&vec![UNKNOWN; 100], EventKind::Bounced, true);
    check(&vec![UNKNOWN; 101], EventKind::Bounced, false);
}

#[test]
fn what_the_next_host_took_that_tells_of_nothing_is_delivered() {
    let relayed = |status: &str| format!("- bob@example.com relayed {status} -");
    check(&[&relayed("2.0.0")], EventKind::Delivered, false);
    check(&[&relayed("2.1.9")], EventKind::Delivered, false);
    check(&[&relayed("-")], EventKind::OutForDelivery, false);
    check(&[&relayed("4.0.0")], EventKind::OutForDelivery, false);
}

#[test]
fn the_reply_is_judged_and_not_what_stands_around_it() {
    let world = World::with_domain();
    let id = sent(&world);
    let octets = "From: Mailer-Daemon@mx.example\nX-Failed-Recipients: bob@example.com\n\n\
        This message was created automatically by mail delivery software.\n\n  bob@example.com\n    \
        host d12345a.ess.barracudanetworks.com [192.0.2.1]\n    \
        SMTP error from remote mail server after RCPT TO:<bob@example.com>:\n    \
        550 5.1.1 No such user\n\n------ This is a copy of the message, including all the headers. ------\n";
    let found = told(&world, id, octets.as_bytes());
    assert_eq!(found.class.as_deref(), Some("address/recipient"));
    assert!(found.suppresses);
}

#[test]
fn a_complaint_is_the_recipient_s_unless_it_names_another_one_of_the_message() {
    let world = World::with_domain();
    let id = sent(&world);
    let to = AddrSpec::parse("fbl@bounces.example").unwrap();
    for (named, believed) in [
        // Redacted (RFC 6590), sent on, left out.
        ("<gqh3TIbuFUGmLKzPHUSJrg@example.com>", true),
        ("<bob@gmail.example>", true),
        ("redacted", true),
        ("<BOB@example.com>", true),
        ("<eve@example.org>", false),
        ("<EVE@Example.org>", false),
        (
            "<eve@example.org>\nOriginal-Rcpt-To: <bob@example.com>",
            true,
        ),
        (
            "<eve@example.org>\nOriginal-Rcpt-To: <x@example.com>",
            false,
        ),
    ] {
        let path = return_path(id, 0);
        let fields = format!("Original-Mail-From: <{path}>\nOriginal-Rcpt-To: {named}");
        let found = receive(&world, &to, &arf("abuse", &fields));
        assert_eq!(matches!(found, Ok(Received::Event(_))), believed, "{named}");
        let is_foreign = matches!(found, Err(ReportRefusal::Foreign));
        assert_eq!(is_foreign, !believed, "{named}");
    }
}

#[test]
fn only_who_wants_no_such_mail_complains() {
    let world = World::with_domain();
    let id = sent(&world);
    for (feedback_type, complains) in [
        ("abuse", true),
        ("Fraud", true),
        ("opt-out", true),
        ("opt-out-list", true),
        ("virus", false),
        ("other", false),
        ("not-spam", false),
        ("auth-failure", false),
        ("dmarc", false),
        ("x-spf-statistics", false),
        ("bob@example.com abuse", false),
    ] {
        let found = receive(&world, &return_path(id, 0), &arf(feedback_type, ""));
        let name = match feedback_type.contains('@') {
            true => "other".to_owned(),
            false => feedback_type.to_ascii_lowercase(),
        };
        match found {
            Ok(Received::Event(event)) if complains => {
                assert_eq!(event.kind, EventKind::Complained);
                assert_eq!(event.feedback_type, Some(name));
            }
            Ok(Received::OtherFeedback { feedback_type }) if !complains => {
                assert_eq!(feedback_type, name);
            }
            other => panic!("{feedback_type}: {other:?}"),
        }
    }
}

#[test]
fn what_came_to_a_forged_address_is_not_read() {
    let world = World::with_domain();
    let path = return_path(sent(&world), 0).to_string();
    let forged = path.replacen(&path[10..14], "aaaa", 1);
    let to = |address: &str| AddrSpec::parse(address).unwrap();
    let away = b"Auto-Submitted: auto-replied\n\nI am away\n";
    let unreadable = b"Content-Type: message/delivery-status\n\nx\n";
    let refusal = |address: &str, octets: &[u8]| match receive(&world, &to(address), octets) {
        Err(ReportRefusal::ReturnPath(refusal)) => Some(refusal),
        _ => None,
    };
    for octets in [&away[..], unreadable] {
        assert_eq!(refusal(&forged, octets), Some(ForeignReturnPath::Forged));
        assert_eq!(refusal(&path, octets), None);
    }
    let unsubscribing = forged.replacen("b-", "u-", 1);
    let found = receive(&world, &to(&unsubscribing), unreadable);
    assert!(matches!(found, Ok(Received::NotAReport)), "{found:?}");
}

/// Stores what a report says, and takes it in.
fn bring(world: &World, id: OperationId, octets: &[u8]) {
    let event = told(world, id, octets);
    let batch = intake::report_batch(&event, octets);
    let outbox = Outbox::default();
    let from = (batch, Source::Report);
    run(intake::store(world, &outbox, from, vec![event])).unwrap();
    // Its claim may have been lost to whoever took it in before.
    for _ in 0..4 {
        take_in(world, batch).unwrap();
        world.advance(Duration::from_secs(121));
    }
}

#[test]
fn a_report_of_a_delay_that_comes_again_is_one_deferral() {
    let world = World::with_domain();
    let id = sent(&world);
    let delay = |words: &str| dsn("bob@example.com", "delayed", "4.4.1", words);
    for _ in 0..3 {
        bring(&world, id, &delay("451 4.4.1 no answer"));
    }
    assert_eq!(world.count(&format!("outcome/{id}")), 1);
    bring(&world, id, &delay("451 4.4.1 no answer yet"));
    assert_eq!(world.count(&format!("outcome/{id}")), 2);
}

#[test]
fn a_deferral_that_is_told_again_is_one_whatever_the_clocks() {
    let world = World::with_domain();
    let id = sent(&world);
    let at = |seconds| DeliveryEvent {
        at: START.plus(Duration::from_secs(seconds)),
        ..event(id, EventKind::Deferred, "451 4.2.1 busy")
    };
    // The relay's clock is ahead of ours.
    for n in 0..3 {
        tell(&world, &format!("{n}"), vec![at(600)]);
        world.advance(Duration::from_secs(10));
    }
    assert_eq!(world.count(&format!("outcome/{id}")), 1);
    let found = tell(&world, "twice", vec![at(1), at(1), at(2)]);
    assert_eq!(found.updates.len(), 2, "one of the first, one of the last");
    assert_eq!(world.count(&format!("outcome/{id}")), 3);
}
