//! Accepting: one durable write, once for each Operation-Id.

use std::time::Duration;

use mailer::delivery::Outcome;
use mailer::domain::SenderError;
use mailer::operation::outcome;
use mailer::submission::{Draft, DraftMailbox, Policy};
use mailer::submit::{Acceptor, Request, SubmitError, submit};

use crate::fake::{DOMAIN, World, accept, accept_as, principal, run};

const ID: &str = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34";

#[test]
fn the_usual_case_is_one_set_many_with_message_and_journal_entry() {
    let world = World::with_domain();
    let id = accept(&world, &["bob@example.com"]);
    assert_eq!(world.set_manys.get(), 1);
    assert!(world.has(&format!("message/{id}")));
    assert!(world.has("journal/1/0"));
    assert_eq!(run(outcome(&world, id)).unwrap(), Some(Outcome::Running));
}

#[test]
fn an_operation_id_is_accepted_once_and_its_answer_repeated() {
    let world = World::with_domain();
    let first = accept_as(&world, Some(ID), "body", &["bob@example.com"]).unwrap();
    let second = accept_as(&world, Some(ID), "body", &["bob@example.com"]).unwrap();
    assert_eq!((first.is_repeat, second.is_repeat), (false, true));
    assert_eq!(first.id, second.id);
    assert_eq!(world.count("journal/1/"), 1);
}

#[test]
fn an_operation_id_with_another_body_is_a_conflict() {
    let world = World::with_domain();
    accept_as(&world, Some(ID), "body", &["bob@example.com"]).unwrap();
    let refused = accept_as(&world, Some(ID), "other", &["bob@example.com"]);
    assert!(matches!(refused, Err(SubmitError::OperationIdReused)));
}

#[test]
fn two_requests_with_one_operation_id_at_once_make_one_message() {
    let world = World::with_domain();
    let acceptor = Acceptor::default();
    let principal = principal();
    let request = |body: &str| Request {
        operation_id: Some(ID.parse().unwrap()),
        body_hash: mailer::access::BodyHash::of(body.as_bytes()),
        submission: crate::fake::submission(&["bob@example.com"]),
    };
    let same = (
        submit(&world, &acceptor, &principal, request("a")),
        submit(&world, &acceptor, &principal, request("a")),
    );
    let (first, second) = run(async { futures::join!(same.0, same.1) });
    let repeats = [first.unwrap().is_repeat, second.unwrap().is_repeat];
    assert_eq!(repeats.iter().filter(|repeat| **repeat).count(), 1);
    assert_eq!(world.count("message/"), 1);
}

#[test]
fn an_operation_id_whose_claimant_died_is_free_after_its_window() {
    let world = World::with_domain();
    let window = world.now.get().as_millis() / 20_000;
    run(mailer::ports::KeyValue::increment(
        &world,
        &format!("operation-claim/{ID}/{window}"),
        1,
    ))
    .unwrap();
    let refused = accept_as(&world, Some(ID), "body", &["bob@example.com"]);
    assert!(matches!(refused, Err(SubmitError::OperationInProgress)));
    world.advance(Duration::from_secs(25));
    assert!(accept_as(&world, Some(ID), "body", &["bob@example.com"]).is_ok());
}

#[test]
fn a_failed_store_never_gives_a_202_and_the_same_id_may_try_again_at_once() {
    for call in 0..20 {
        let world = World::with_domain();
        world.fail_at.set(Some(call));
        let first = accept_as(&world, Some(ID), "body", &["bob@example.com"]);
        let is_stored = world.has(&format!("message/{ID}")) && world.has("journal/1/0");
        assert!(
            first.is_err() || is_stored,
            "call {call}: accepted without being stored"
        );
        world.fail_at.set(None);
        // A failed release of the claim is what the second wait is for.
        world.advance(Duration::from_secs(if first.is_err() { 25 } else { 0 }));
        assert!(
            accept_as(&world, Some(ID), "body", &["bob@example.com"]).is_ok(),
            "call {call}"
        );
        assert_eq!(world.count("message/"), 1);
    }
}

fn from(sender: &str) -> Result<(), SubmitError> {
    let world = World::with_domain();
    let draft = Draft {
        sender_address: sender.to_owned().into(),
        subject: Some("".into()),
        html: Some("<p>x".into()),
        bcc: vec![DraftMailbox {
            address: "bob@example.com".into(),
            display_name: None,
        }],
        ..Draft::default()
    };
    let submission = draft.check(Policy::default()).unwrap();
    let request = Request {
        operation_id: None,
        body_hash: mailer::access::BodyHash::of(b""),
        submission,
    };
    run(submit(&world, &Acceptor::default(), &principal(), request)).map(|_| ())
}

#[test]
fn only_known_senders_of_linked_domains_may_send() {
    assert!(from(&format!("donotreply@{}", DOMAIN.to_uppercase())).is_ok());
    assert!(matches!(
        from(&format!("ceo@{DOMAIN}")),
        Err(SubmitError::Sender(SenderError::UnknownUsername))
    ));
    assert!(matches!(
        from("news@elsewhere.example"),
        Err(SubmitError::Sender(SenderError::DomainNotLinked))
    ));
}

/// As on a store that writes a `set-many` in parts, when it failed half-way.
#[test]
fn a_repeat_of_a_message_without_journal_entry_has_it_found() {
    let world = World::with_domain();
    let first = accept_as(&world, Some(ID), "body", &["bob@example.com"]).unwrap();
    world.map.borrow_mut().remove("journal/1/0");
    let second = accept_as(&world, Some(ID), "body", &["bob@example.com"]).unwrap();
    assert!(second.is_repeat);
    let entry = run(mailer::keys::journal(2, 0).read(&world)).unwrap();
    let ids: Vec<_> = entry.unwrap().items.iter().map(|item| item.id).collect();
    assert_eq!(ids, [first.id]);
}

#[test]
fn a_repeat_of_a_message_that_was_attempted_writes_nothing() {
    let world = World::with_domain();
    let first = accept_as(&world, Some(ID), "body", &["bob@example.com"]).unwrap();
    crate::fake::made(&world, &crate::fake::ScriptedRelay::default(), first.id);
    let before = world.map.borrow().clone();
    accept_as(&world, Some(ID), "body", &["bob@example.com"]).unwrap();
    assert_eq!(*world.map.borrow(), before);
}
