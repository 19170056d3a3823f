//! From what is learnt of a recipient to outcomes, suppressions and notifications: once, whatever is repeated, forged or cut off.

use std::time::Duration;

use envelope::AddrSpec;
use mailer::attempt::Windows;
use mailer::digest::turns::Turns;
use mailer::digest::{Digested, Digester, Taken, digest};
use mailer::engagement::{UnsubscribedBy, VisitAction};
use mailer::event::{DeliveryEvent, EventBatch, EventKind, EventRecipient, Source, derived_id};
use mailer::handover::Disposition;
use mailer::intake::{self, Received, ReportRefusal};
use mailer::keys;
use mailer::operation::OperationId;
use mailer::outbox::Outbox;
use mailer::outcome::Status;
use mailer::return_path::{ForeignReturnPath, ReturnPathKeys, Token, VALID_FOR};
use mailer::subscription::known::KnownSubscriptions;
use mailer::suppression::Suppressor;
use mailer::timeline;

use crate::fake::{START, ScriptedRelay, World, accept, dispatcher, made, reply, run, suppress};

pub(crate) fn take_in(
    world: &World,
    id: OperationId,
) -> Result<Digested, mailer::ports::StoreError> {
    let digester = Digester {
        outbox: &Outbox::default(),
        windows: Windows::new(Duration::from_secs(60)),
        subscriptions: &KnownSubscriptions::default(),
        suppressor: &Suppressor::default(),
        turns: &Turns::default(),
    };
    run(digest(world, &digester, id))
}

fn taken(world: &World, id: OperationId) -> Taken {
    match take_in(world, id).unwrap() {
        Digested::Done(taken) => taken,
        other => panic!("expected the batch to be taken in, found {other:?}"),
    }
}

pub(crate) fn event(message: OperationId, kind: EventKind, text: &str) -> DeliveryEvent {
    DeliveryEvent {
        message,
        recipient: EventRecipient::Index(0),
        kind,
        at: START,
        reply: (!text.is_empty()).then(|| reply(text)),
        class: None,
        suppresses: false,
        remote_mta: None,
        feedback_type: None,
    }
}

/// Stores a batch.
fn store(world: &World, outbox: &Outbox, name: &str, events: Vec<DeliveryEvent>) -> OperationId {
    let id = derived_id(name);
    run(intake::store(world, outbox, (id, Source::Relay), events)).unwrap();
    id
}

/// Stores a batch and takes it in.
pub(crate) fn tell(world: &World, name: &str, events: Vec<DeliveryEvent>) -> Taken {
    taken(world, store(world, &Outbox::default(), name, events))
}

fn status(world: &World, message: OperationId) -> Status {
    let timeline = run(timeline::read(world, message)).unwrap().unwrap();
    timeline.recipients.first().unwrap().view.status
}

pub(crate) fn sent(world: &World) -> OperationId {
    let id = accept(world, &["bob@example.com", "eve@example.org"]);
    made(world, &ScriptedRelay::default(), id);
    id
}

fn is_suppressed(world: &World, address: &str) -> bool {
    let recipients = [AddrSpec::parse(address).unwrap()];
    let sender = AddrSpec::parse("news@a.mail.example").unwrap();
    let lists = Suppressor::default();
    let now = world.now.get();
    let mail = mailer::suppression::Mail {
        sender: &sender,
        treatment: &mailer::treatment::Treatment::default(),
    };
    let found = mailer::suppression::check(world, &lists, mail, &recipients, now);
    run(found).unwrap().first().unwrap().is_held()
}

#[test]
fn a_status_only_climbs_whatever_comes_late_or_twice() {
    let world = World::with_domain();
    let id = sent(&world);
    let rows = [
        (EventKind::Deferred, "451 4.2.1 busy", Status::Deferred, 1),
        (EventKind::Delivered, "250 2.0.0 ok", Status::Delivered, 1),
        (EventKind::Delivered, "250 2.0.0 ok", Status::Delivered, 0),
        (EventKind::Deferred, "451 4.2.1 busy", Status::Delivered, 0),
        (EventKind::Bounced, "550 5.1.1 no", Status::Bounced, 1),
        (EventKind::Delivered, "250 2.0.0 ok", Status::Bounced, 0),
        (EventKind::OutForDelivery, "", Status::Bounced, 1),
    ];
    for (n, (kind, text, expected, new)) in rows.into_iter().enumerate() {
        let found = tell(&world, &format!("{n}"), vec![event(id, kind, text)]);
        assert_eq!(found.updates.len(), new, "row {n}");
        assert_eq!(status(&world, id), expected, "row {n}");
    }
    let timeline = run(timeline::read(&world, id)).unwrap().unwrap();
    assert!(timeline.recipients[0].view.was_delivered);
    let other = timeline.recipients[1].view.status;
    assert_eq!(
        other,
        Status::OutForDelivery,
        "the other recipient's is its own"
    );
}

#[test]
fn of_two_batches_that_bring_an_event_at_once_one_has_news() {
    let world = World::with_domain();
    let id = sent(&world);
    let outbox = Outbox::default();
    let batches = ["first", "second"].map(|name| {
        let events = vec![event(id, EventKind::Bounced, "550 5.1.1 no")];
        store(&world, &outbox, name, events)
    });
    // Whoever writes first waits for somebody else, so that the other gets to reading in between.
    let _others = outbox.announce();
    let digester = Digester {
        outbox: &outbox,
        windows: Windows::new(Duration::from_secs(60)),
        subscriptions: &KnownSubscriptions::default(),
        suppressor: &Suppressor::default(),
        turns: &Turns::default(),
    };
    let both = batches.map(|batch| digest(&world, &digester, batch));
    let news = run(futures::future::join_all(both))
        .into_iter()
        .map(|done| match done {
            Ok(Digested::Done(taken)) => taken.updates.len(),
            other => panic!("expected the batch to be taken in, found {other:?}"),
        });
    assert_eq!(news.collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn deferrals_are_kept_up_to_a_number() {
    let world = World::with_domain();
    let id = sent(&world);
    for n in 0..20 {
        let text = format!("451 4.2.1 busy {n}");
        tell(&world, &text, vec![event(id, EventKind::Deferred, &text)]);
    }
    let timeline = run(timeline::read(&world, id)).unwrap().unwrap();
    let kept = &timeline.recipients[0].outcomes;
    assert_eq!(kept.len(), 8);
    let newest = kept
        .iter()
        .any(|outcome| outcome.reply == Some(reply("451 4.2.1 busy 19")));
    assert!(newest);
}

#[test]
fn events_about_others_than_the_recipients_are_counted_and_nothing_else() {
    let world = World::with_domain();
    let id = sent(&world);
    let stranger = AddrSpec::parse("mallory@example.com").unwrap();
    let events = vec![
        event(derived_id("no such message"), EventKind::Bounced, ""),
        DeliveryEvent {
            recipient: EventRecipient::Index(2),
            ..event(id, EventKind::Bounced, "")
        },
        DeliveryEvent {
            recipient: EventRecipient::Address(stranger),
            ..event(id, EventKind::Bounced, "")
        },
        // The key of the hand-over was of another's copy.
        DeliveryEvent {
            recipient: EventRecipient::Copy {
                index: 1,
                address: AddrSpec::parse("bob@example.com").unwrap(),
            },
            ..event(id, EventKind::Bounced, "")
        },
        DeliveryEvent {
            recipient: EventRecipient::Copy {
                index: 0,
                address: AddrSpec::parse("Bob@example.com").unwrap(),
            },
            ..event(id, EventKind::OutForDelivery, "")
        },
        DeliveryEvent {
            recipient: EventRecipient::Address(AddrSpec::parse("BOB@EXAMPLE.com").unwrap()),
            ..event(id, EventKind::Delivered, "")
        },
    ];
    let found = tell(&world, "mixed", events);
    assert_eq!((found.updates.len(), found.foreign), (2, 4));
    assert_eq!(status(&world, id), Status::Delivered);
    assert!(!is_suppressed(&world, "mallory@example.com"));
}

#[test]
fn an_address_that_bounces_or_complains_is_not_written_to_again() {
    for (kind, suppresses, for_good) in [
        (EventKind::Bounced, true, false),
        (EventKind::Complained, false, true),
    ] {
        let world = World::with_domain();
        let id = sent(&world);
        let event = DeliveryEvent {
            suppresses,
            ..event(id, kind, "550 5.1.1 no")
        };
        tell(&world, "one", vec![event]);
        assert!(is_suppressed(&world, "bob@example.com"), "{kind:?}");
        assert!(!is_suppressed(&world, "eve@example.org"), "{kind:?}");
        world.advance(Duration::from_hours(25));
        assert_eq!(
            is_suppressed(&world, "bob@example.com"),
            for_good,
            "{kind:?}"
        );
    }
}

fn bounced(message: OperationId) -> DeliveryEvent {
    DeliveryEvent {
        suppresses: true,
        ..event(message, EventKind::Bounced, "550 5.1.1 no")
    }
}

#[test]
fn what_a_batch_tells_of_one_address_counts_together() {
    let complained = |message| event(message, EventKind::Complained, "");
    let check = |events: &dyn Fn(OperationId, OperationId) -> [DeliveryEvent; 2]| {
        let world = World::with_domain();
        let events = events(sent(&world), sent(&world));
        tell(&world, "batch", events.into());
        world.advance(Duration::from_hours(25));
        assert!(is_suppressed(&world, "bob@example.com"));
        assert_eq!(world.count("suppression-slot/"), 1);
    };
    check(&|one, two| [complained(one), bounced(two)]);
    check(&|one, two| [bounced(two), complained(one)]);
    check(&|one, _| [complained(one), bounced(one)]);
}

#[test]
fn a_batch_about_an_address_that_somebody_else_changes_is_left_to_the_next_window() {
    let world = World::with_domain();
    let id = sent(&world);
    for section in 0..=u8::MAX {
        let window = START.as_millis() / 10_000;
        for window in [window, window + 1] {
            let key = keys::suppression_section(section, window);
            run(key.increment(&world)).unwrap();
        }
    }
    let batch = store(&world, &Outbox::default(), "batch", vec![bounced(id)]);
    assert_eq!(take_in(&world, batch).unwrap(), Digested::NotNow);
    let waited = world.now.get().since(START);
    assert!(waited <= Duration::from_secs(4), "{waited:?}");
    assert!(!is_suppressed(&world, "bob@example.com"));
    world.advance(Duration::from_secs(120));
    assert_eq!(taken(&world, batch).updates.len(), 1);
    assert!(is_suppressed(&world, "bob@example.com"));
}

#[test]
fn only_what_changes_a_list_costs_calls_for_it() {
    let world = World::with_domain();
    let (one, two) = (sent(&world), sent(&world));
    let calls = |name: &str, event: DeliveryEvent| {
        let before = world.calls.get();
        assert_eq!(tell(&world, name, vec![event]).updates.len(), 1);
        world.calls.get() - before
    };
    let ordinary = calls("1", event(one, EventKind::Delivered, "250 ok"));
    // The mode and the entry; then the lock, the entry, a slot and the end of the lock.
    assert_eq!(calls("2", bounced(one)) - ordinary, 6);
    // Nothing is new.
    assert_eq!(calls("3", bounced(two)) - ordinary, 2);
}

#[test]
fn a_try_inside_the_lease_is_told_of_and_makes_it_longer() {
    let world = World::with_domain();
    let id = sent(&world);
    tell(&world, "bounced", vec![bounced(id)]);
    world.advance(Duration::from_hours(23));
    let again = accept(&world, &["bob@example.com"]);
    made(&world, &ScriptedRelay::default(), again);
    let found = taken(&world, derived_id(&format!("attempt/{again}/0")));
    assert_eq!(found.updates[0].outcome.kind, EventKind::Suppressed);
    assert_eq!(status(&world, again), Status::Suppressed);
    world.advance(Duration::from_hours(47));
    assert!(is_suppressed(&world, "bob@example.com"));
    world.advance(Duration::from_hours(2));
    assert!(!is_suppressed(&world, "bob@example.com"));
}

#[test]
fn what_the_relay_refuses_is_judged_by_its_reply() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Ok(vec![Disposition::Rejected])]);
    let id = accept(&world, &["bob@example.com"]);
    made(&world, &relay, id);
    let found = taken(&world, derived_id(&format!("attempt/{id}/0")));
    let outcome = &found.updates[0].outcome;
    assert_eq!(outcome.kind, EventKind::Bounced);
    assert_eq!(outcome.class.as_deref(), Some("address/recipient"));
    assert!(is_suppressed(&world, "bob@example.com"));
}

#[test]
fn a_batch_is_taken_in_once_however_often_the_store_fails() {
    for fail_at in 0..24 {
        let world = World::with_domain();
        let id = sent(&world);
        let events = vec![bounced(id), event(id, EventKind::Delivered, "250 2.0.0 ok")];
        let batch = store(&world, &Outbox::default(), "batch", events);
        world.fail_at.set(Some(fail_at));
        let first = take_in(&world, batch);
        world.fail_at.set(None);
        if first.is_err() {
            world.advance(Duration::from_secs(121));
            let again = take_in(&world, batch).unwrap();
            assert!(!matches!(again, Digested::NotNow), "call {fail_at}");
        }
        assert_eq!(status(&world, id), Status::Bounced, "call {fail_at}");
        assert!(is_suppressed(&world, "bob@example.com"), "call {fail_at}");
        assert_eq!(world.count(&format!("outcome/{id}")), 2, "call {fail_at}");
    }
}

#[test]
fn two_tasks_do_not_take_in_one_batch() {
    let world = World::with_domain();
    let id = sent(&world);
    let batch = EventBatch::new(
        Source::Relay,
        vec![event(id, EventKind::Delivered, "")],
        START,
        START,
    );
    let name = derived_id("batch");
    let (key, value) = keys::batch(name).write(&batch).unwrap();
    world.map.borrow_mut().insert(key, value);
    run(keys::claim(name, 0, 0).increment(&world)).unwrap();
    assert_eq!(take_in(&world, name).unwrap(), Digested::NotNow);
}

#[test]
fn simulated_recipients_meet_their_fate_and_no_relay() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let to = [
        "bob@example.com",
        "bounced+1@simulator.test",
        "deferred-then-delivered@simulator.test",
        "suppressed@simulator.test",
    ];
    let id = accept(&world, &to);
    made(&world, &relay, id);
    assert_eq!(relay.seen.borrow()[0].recipients, ["bob@example.com"]);
    taken(&world, derived_id(&format!("attempt/{id}/0")));
    taken(&world, derived_id(&format!("simulated/{id}/1/0")));
    taken(&world, derived_id(&format!("simulated/{id}/2/0")));
    let later = derived_id(&format!("simulated/{id}/2/1"));
    assert_eq!(take_in(&world, later).unwrap(), Digested::NotNow);
    let statuses = |world: &World| {
        let timeline = run(timeline::read(world, id)).unwrap().unwrap();
        timeline
            .recipients
            .iter()
            .map(|story| story.view.status)
            .collect::<Vec<_>>()
    };
    let expected = [
        Status::OutForDelivery,
        Status::Bounced,
        Status::Deferred,
        Status::Suppressed,
    ];
    assert_eq!(statuses(&world), expected);
    world.advance(Duration::from_secs(5));
    taken(&world, later);
    assert_eq!(statuses(&world)[2], Status::Delivered);
    assert!(!is_suppressed(&world, "bounced+1@simulator.test"));
}

fn keys_of_dispatch() -> ReturnPathKeys {
    dispatcher().return_path_keys
}

pub(crate) fn return_path(message: OperationId, recipient: u8) -> AddrSpec {
    let token = Token::new(message, recipient, START);
    let local_part = keys_of_dispatch().local_part(&token).unwrap();
    AddrSpec::parse(&format!("{local_part}@bounces.example")).unwrap()
}

pub(crate) fn dsn(recipient: &str, action: &str, status: &str, diagnostic: &str) -> Vec<u8> {
    let text = format!(
        "From: MAILER-DAEMON@mx.example\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nSorry.\n\
         --b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.example\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n\
         Remote-MTA: dns; mail.example.com\nDiagnostic-Code: smtp; {diagnostic}\n\n--b--\n"
    );
    text.into_bytes()
}

pub(crate) fn receive(
    world: &World,
    to: &AddrSpec,
    octets: &[u8],
) -> Result<Received, ReportRefusal> {
    let to = std::slice::from_ref(to);
    run(intake::receive(world, &keys_of_dispatch(), to, octets))
}

#[test]
fn a_report_to_a_return_path_is_about_its_message_and_recipient() {
    let world = World::with_domain();
    let id = sent(&world);
    let octets = dsn(
        "bob@example.com",
        "failed",
        "5.1.1",
        "550 5.1.1 no such user",
    );
    let Received::Event(event) = receive(&world, &return_path(id, 0), &octets).unwrap() else {
        panic!("expected an event");
    };
    assert_eq!((event.message, event.kind), (id, EventKind::Bounced));
    assert!(event.suppresses);
    assert_eq!(event.class.as_deref(), Some("address/recipient"));
    assert_eq!(event.remote_mta.as_deref(), Some("mail.example.com"));
    assert_eq!(event.reply, Some(reply("550 5.1.1 no such user")));
}

#[test]
fn a_delay_suppresses_nobody() {
    let world = World::with_domain();
    let id = sent(&world);
    let octets = dsn("bob@example.com", "delayed", "4.4.1", "451 4.4.1 no answer");
    let Received::Event(event) = receive(&world, &return_path(id, 0), &octets).unwrap() else {
        panic!("expected an event");
    };
    assert_eq!((event.kind, event.suppresses), (EventKind::Deferred, false));
}

#[test]
fn forged_expired_and_foreign_reports_change_nothing() {
    let world = World::with_domain();
    let id = sent(&world);
    let octets = dsn("bob@example.com", "failed", "5.1.1", "550 5.1.1 no");
    let mut forged = return_path(id, 0).to_string();
    forged.replace_range(
        10..11,
        if forged.as_bytes()[10] == b'a' {
            "b"
        } else {
            "a"
        },
    );
    let forged = AddrSpec::parse(&forged).unwrap();
    let refusal = |to: &AddrSpec| receive(&world, to, &octets).unwrap_err();
    let is_path = |refusal: ReportRefusal, expected: ForeignReturnPath| matches!(refusal, ReportRefusal::ReturnPath(found) if found == expected);
    assert!(is_path(refusal(&forged), ForeignReturnPath::Forged));
    let other = AddrSpec::parse("donotreply@bounces.example").unwrap();
    assert!(is_path(refusal(&other), ForeignReturnPath::Form));
    let gone = return_path(derived_id("no such message"), 0);
    assert!(matches!(refusal(&gone), ReportRefusal::Foreign));
    let nobody = return_path(id, 2);
    assert!(matches!(refusal(&nobody), ReportRefusal::Foreign));
    world.advance(VALID_FOR + Duration::from_hours(24));
    assert!(is_path(
        refusal(&return_path(id, 0)),
        ForeignReturnPath::Expired
    ));
}

#[test]
fn a_report_that_names_another_original_recipient_is_foreign() {
    let world = World::with_domain();
    let id = sent(&world);
    let octets = dsn(
        "x@y.example\nOriginal-Recipient: rfc822; eve@example.org",
        "failed",
        "5.1.1",
        "550 no",
    );
    let found = receive(&world, &return_path(id, 0), &octets);
    assert!(matches!(found, Err(ReportRefusal::Foreign)), "{found:?}");
    // Sent on to somebody else by the recipient's own server.
    let octets = dsn("x@y.example", "failed", "5.1.1", "550 no");
    let found = receive(&world, &return_path(id, 0), &octets).unwrap();
    assert!(matches!(found, Received::Event(_)));
}

#[test]
fn a_mail_to_the_address_to_unsubscribe_at_unsubscribes_whatever_it_says_and_robots_do_not() {
    let world = World::with_domain();
    let id = sent(&world);
    let token = Token::new(id, 1, START);
    let local_part = keys_of_dispatch().unsubscribe_local_part(&token).unwrap();
    let address = AddrSpec::parse(&format!("{local_part}@bounces.example")).unwrap();
    // Nobody is kept on a list because his mail is old.
    world.advance(VALID_FOR + Duration::from_hours(24 * 300));
    let octets = b"From: bob@example.com\r\nSubject: unsubscribe\r\n\r\n";
    let Received::Unsubscribe(visit) = receive(&world, &address, octets).unwrap() else {
        panic!("expected a visit");
    };
    assert_eq!((visit.message, visit.recipient), (id, 1));
    let by = UnsubscribedBy::Mail;
    assert_eq!(visit.action, VisitAction::Unsubscribe { by });
    assert_eq!(visit.at, world.now.get());
    assert_eq!(visit.visitor.audience, "human");
    let away = b"Auto-Submitted: auto-replied\r\nSubject: away\r\n\r\nI am away\r\n";
    let found = receive(&world, &address, away).unwrap();
    assert_eq!(found, Received::AutoReply);
    let report = dsn("bob@example.com", "failed", "5.1.1", "550 no");
    assert!(receive(&world, &address, &report).is_err());
    let elsewhere = return_path(id, 1);
    assert_eq!(
        receive(&world, &elsewhere, octets).unwrap(),
        Received::NotAReport
    );
}

pub(crate) fn arf(feedback_type: &str, fields: &str) -> Vec<u8> {
    let text = format!(
        "From: fbl@provider.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nA complaint.\n\
         --b\nContent-Type: message/feedback-report\n\n\
         Feedback-Type: {feedback_type}\nUser-Agent: Provider/1\nVersion: 1\n{fields}\n\n\
         --b\nContent-Type: text/rfc822-headers\n\nSubject: x\n\n--b--\n"
    );
    text.into_bytes()
}

#[test]
fn complaints_name_their_message_by_its_return_path() {
    let world = World::with_domain();
    let id = sent(&world);
    let fields = format!("Original-Mail-From: <{}>", return_path(id, 0));
    let elsewhere = AddrSpec::parse("fbl@bounces.example").unwrap();
    let kind = |octets: &[u8]| match receive(&world, &elsewhere, octets) {
        Ok(Received::Event(event)) => Ok(event.feedback_type.unwrap()),
        Ok(other) => Ok(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    };
    assert_eq!(kind(&arf("abuse", &fields)), Ok("abuse".to_owned()));
    let named = format!("{fields}\nOriginal-Rcpt-To: <bob@example.com>");
    assert_eq!(kind(&arf("abuse", &named)), Ok("abuse".to_owned()));
    let other = format!("{fields}\nOriginal-Rcpt-To: <eve@example.org>");
    assert!(kind(&arf("abuse", &other)).is_err());
    assert!(kind(&arf("abuse", "")).is_err());
}

#[test]
fn suppressed_recipients_are_told_of() {
    let world = World::with_domain();
    suppress(&world, "bob@example.com");
    let id = accept(&world, &["bob@example.com"]);
    made(&world, &ScriptedRelay::default(), id);
    let found = taken(&world, derived_id(&format!("attempt/{id}/0")));
    assert_eq!(found.updates[0].outcome.kind, EventKind::Suppressed);
}
