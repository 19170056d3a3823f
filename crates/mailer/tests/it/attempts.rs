//! One attempt: what the relay sees, what is recorded, and that nothing is handed over twice or against anybody's will.

use std::time::Duration;

use mailer::attempt::{AttemptError, Attempted, Windows};
use mailer::delivery::{Failure, Outcome, RecipientStatus};
use mailer::handover::{Disposition, HandOverError};
use mailer::operation::{OperationId, outcome};
use mailer::time::Timestamp;

use crate::fake::run;
use crate::fake::{DOMAIN, START, ScriptedRelay, World, accept, made, reply, suppress, try_once};

fn statuses(state: &mailer::delivery::DeliveryState) -> Vec<RecipientStatus> {
    state
        .recipients
        .iter()
        .map(|recipient| recipient.status)
        .collect()
}

fn unavailable(retry_after: Option<u64>) -> HandOverError {
    HandOverError::Unavailable {
        retry_after: retry_after.map(Duration::from_secs),
        reply: reply("451 4.3.0 busy"),
    }
}

fn unknown() -> HandOverError {
    HandOverError::Unknown {
        reply: reply("451 4.3.0 cut off"),
    }
}

#[test]
fn an_accepted_message_is_signed_handed_over_and_settled() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(
        &world,
        &["bob@example.com", "eve@example.org", "BOB@example.com"],
    );
    let state = made(&world, &relay, id);
    assert_eq!(statuses(&state), [RecipientStatus::OutForDelivery; 2]);
    assert_eq!(state.due_at, None);
    let seen = relay.seen.borrow();
    assert_eq!(seen[0].recipients, ["bob@example.com", "eve@example.org"]);
    assert_eq!(seen[0].key, format!("{id}.0"));
    let text = String::from_utf8_lossy(&seen[0].message).into_owned();
    assert!(text.starts_with("DKIM-Signature: "));
    assert!(
        text.contains("From: The News <news@a.mail.example>\r\n")
            || text.contains("From: \"The News\" <news@a.mail.example>\r\n")
    );
    assert_eq!(run(outcome(&world, id)).unwrap(), Some(Outcome::Succeeded));
}

#[test]
fn a_settled_message_is_not_attempted_again() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(&world, &["bob@example.com"]);
    made(&world, &relay, id);
    for _ in 0..3 {
        world.advance(Duration::from_secs(1000));
        assert_eq!(try_once(&world, &relay, id).unwrap(), Attempted::NotNow);
    }
    assert_eq!(relay.seen.borrow().len(), 1);
}

#[test]
fn one_message_is_attempted_by_one_task_at_a_time() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(&world, &["bob@example.com"]);
    let dispatcher = crate::fake::dispatcher();
    let both = (
        mailer::attempt::attempt(&world, &relay, &dispatcher, id),
        mailer::attempt::attempt(&world, &relay, &dispatcher, id),
    );
    let (first, second) = run(async { futures::join!(both.0, both.1) });
    assert!(matches!(first.unwrap(), Attempted::Made { .. }));
    assert_eq!(second.unwrap(), Attempted::NotNow);
    assert_eq!(relay.seen.borrow().len(), 1);
}

#[test]
fn each_recipient_keeps_its_own_result_and_only_the_deferred_one_is_tried_again() {
    let world = World::with_domain();
    let answers = vec![Ok(vec![
        Disposition::Accepted,
        Disposition::Rejected,
        Disposition::Deferred,
    ])];
    let relay = ScriptedRelay::answering(answers);
    let id = accept(&world, &["a@example.com", "b@example.com", "c@example.com"]);
    let state = made(&world, &relay, id);
    let expected = [
        RecipientStatus::OutForDelivery,
        RecipientStatus::Failed,
        RecipientStatus::Deferred,
    ];
    assert_eq!(statuses(&state), expected);
    assert_eq!(state.outcome(), Outcome::Succeeded);
    world.now.set(state.due_at.unwrap());
    let state = made(&world, &relay, id);
    assert_eq!(relay.seen.borrow()[1].recipients, ["c@example.com"]);
    assert_eq!(relay.seen.borrow()[1].key, format!("{id}.1"));
    assert_eq!(statuses(&state)[2], RecipientStatus::OutForDelivery);
}

#[test]
fn an_unknown_outcome_is_repeated_with_the_same_key_and_the_same_octets() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(unknown()), Err(unavailable(None))]);
    let id = accept(&world, &["bob@example.com"]);
    for _ in 0..3 {
        let state = made(&world, &relay, id);
        world.now.set(state.due_at.unwrap_or(world.now.get()));
    }
    let seen = relay.seen.borrow();
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(seen.len(), 3);
}

/// Gives the sender's domain another return path.
fn move_return_path(world: &World, to: &str) {
    let domain = envelope::Domain::parse(DOMAIN).unwrap();
    let key = || mailer::keys::domain(&domain);
    let mut record = run(key().read(world)).unwrap().unwrap();
    record.return_path = envelope::Domain::parse(to).ok();
    let (key, value) = key().write(&record).unwrap();
    world.map.borrow_mut().insert(key, value);
}

#[test]
fn a_return_path_that_changes_does_not_change_a_hand_over_that_is_repeated() {
    let world = World::with_domain();
    let deferred = Ok(vec![Disposition::Deferred]);
    let answers = vec![Err(unknown()), Err(unavailable(None)), deferred];
    let relay = ScriptedRelay::answering(answers);
    let id = accept(&world, &["bob@example.com"]);
    for n in 0..4 {
        let state = made(&world, &relay, id);
        world.now.set(state.due_at.unwrap_or(world.now.get()));
        move_return_path(&world, &format!("b{n}.{DOMAIN}"));
    }
    let seen = relay.seen.borrow();
    let seen: Vec<(&str, &str)> = seen
        .iter()
        .map(|seen| (seen.key.as_str(), seen.reverse_path.as_str()))
        .collect();
    let (first, second) = (format!("{id}.0"), format!("{id}.1"));
    let before = "<DoNotReply@a.mail.example>";
    let after = "<DoNotReply@b2.a.mail.example>";
    let expected = [(&first, before), (&first, before), (&first, before)];
    let expected = expected.map(|(key, path)| (key.as_str(), path));
    assert_eq!(seen[..3], expected);
    assert_eq!(seen[3], (second.as_str(), after));
}

#[test]
fn a_return_path_that_changes_after_the_relay_took_nothing_is_used_at_once() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(unavailable(None))]);
    let id = accept(&world, &["bob@example.com"]);
    let state = made(&world, &relay, id);
    world.now.set(state.due_at.unwrap());
    move_return_path(&world, "b.a.mail.example");
    made(&world, &relay, id);
    let seen = relay.seen.borrow();
    assert_eq!(seen[1].reverse_path, "<DoNotReply@b.a.mail.example>");
}

#[test]
fn a_relay_that_asks_for_time_gets_it() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(unavailable(Some(120)))]);
    let id = accept(&world, &["bob@example.com"]);
    let state = made(&world, &relay, id);
    assert_eq!(state.due_at, Some(START.plus(Duration::from_secs(120))));
    assert_eq!(state.outcome(), Outcome::Running);
}

#[test]
fn a_message_that_is_refused_fails_with_the_last_reply() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Ok(vec![Disposition::Rejected])]);
    let id = accept(&world, &["bob@example.com"]);
    made(&world, &relay, id);
    let failure = Failure::Dropped(Some(reply("550 5.1.1 no such mailbox")));
    assert_eq!(
        run(outcome(&world, id)).unwrap(),
        Some(Outcome::Failed(failure))
    );
}

#[test]
fn after_72_hours_it_has_failed_and_the_last_reply_is_kept() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(unavailable(None)); 200]);
    let id = accept(&world, &["bob@example.com"]);
    let mut state = made(&world, &relay, id);
    let mut attempts = 1;
    while let Some(due_at) = state.due_at {
        assert!(due_at > world.now.get());
        world.now.set(due_at);
        state = made(&world, &relay, id);
        attempts += 1;
    }
    assert_eq!(world.now.get().since(START), Duration::from_secs(72 * 3600));
    assert!((70..=120).contains(&attempts), "{attempts} attempts");
    assert_eq!(
        state.outcome(),
        Outcome::Failed(Failure::Dropped(Some(reply("451 4.3.0 busy"))))
    );
}

#[test]
fn suppressed_recipients_are_left_out_at_every_attempt() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(unavailable(None))]);
    let id = accept(&world, &["a@example.com", "b@example.com"]);
    suppress(&world, "A@Example.com");
    let state = made(&world, &relay, id);
    assert_eq!(
        statuses(&state),
        [RecipientStatus::Suppressed, RecipientStatus::Deferred]
    );
    suppress(&world, "b@example.com");
    world.now.set(state.due_at.unwrap());
    let state = made(&world, &relay, id);
    assert_eq!(
        state.outcome(),
        Outcome::Failed(Failure::AllRecipientsSuppressed)
    );
    assert_eq!(relay.seen.borrow().len(), 1);
}

#[test]
fn when_the_store_fails_nothing_is_lost_and_nothing_is_handed_over_under_two_keys() {
    for call in 0..14 {
        let world = World::with_domain();
        let relay = ScriptedRelay::default();
        let id = accept(&world, &["bob@example.com"]);
        world.fail_at.set(Some(call));
        let first = try_once(&world, &relay, id);
        world.fail_at.set(None);
        if first.is_err() {
            world.advance(Duration::from_secs(120));
            made(&world, &relay, id);
        }
        let keys: std::collections::BTreeSet<String> = relay
            .seen
            .borrow()
            .iter()
            .map(|seen| seen.key.clone())
            .collect();
        assert_eq!(keys.len(), 1, "call {call}");
        assert_eq!(
            run(outcome(&world, id)).unwrap(),
            Some(Outcome::Succeeded),
            "call {call}"
        );
    }
}

#[test]
fn a_missing_key_defers_and_a_missing_message_is_told() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(&world, &["bob@example.com"]);
    world
        .map
        .borrow_mut()
        .retain(|key, _| !key.starts_with("dkim-key/"));
    assert_eq!(
        statuses(&made(&world, &relay, id)),
        [RecipientStatus::Deferred]
    );
    assert!(relay.seen.borrow().is_empty());
    let unknown = OperationId::random(&world);
    assert_eq!(
        try_once(&world, &relay, unknown).unwrap(),
        Attempted::Unknown
    );
}

/// A relay that keeps the caller longer than its window.
struct SlowRelay<'a>(&'a World);

impl mailer::ports::Relay for SlowRelay<'_> {
    async fn hand_over(
        &self,
        _: mailer::handover::Handover<'_>,
    ) -> Result<Vec<mailer::handover::RecipientResult>, HandOverError> {
        self.0.advance(Duration::from_secs(121));
        Err(unknown())
    }
}

#[test]
fn an_attempt_that_outlived_its_window_records_nothing() {
    let world = World::with_domain();
    let id = accept(&world, &["bob@example.com"]);
    let dispatcher = crate::fake::dispatcher();
    let result = run(mailer::attempt::attempt(
        &world,
        &SlowRelay(&world),
        &dispatcher,
        id,
    ));
    assert!(matches!(result, Err(AttemptError::TooSlow)));
    assert!(!world.has(&format!("state/{id}")));
}

#[track_caller]
fn check_window(elapsed_ms: u64, expected: Option<(u64, u64)>) {
    let windows = Windows::new(Duration::from_secs(60));
    let found = windows.claimable(
        START,
        Timestamp::from_millis(START.as_millis() + elapsed_ms),
    );
    let found = found.map(|window| {
        (
            window.number,
            window.ends_at.as_millis() - START.as_millis(),
        )
    });
    assert_eq!(found, expected);
}

#[test]
fn a_window_is_claimed_alone_in_its_first_half_and_with_the_next_one_after_that() {
    check_window(0, Some((0, 120_000)));
    check_window(59_999, Some((0, 120_000)));
    check_window(60_000, Some((0, 240_000)));
    check_window(119_999, Some((0, 240_000)));
    check_window(120_000, Some((1, 240_000)));
    let windows = Windows::new(Duration::from_secs(60));
    let before = |millis| Timestamp::from_millis(START.as_millis() - millis);
    assert!(
        windows.claimable(START, before(1_000)).is_some(),
        "another host's clock may be a little ahead"
    );
    assert_eq!(windows.claimable(START, before(1_001)), None);
}

/// Breaks when slots get wider or windows shorter: then a message whose time lies badly would wait for ever.
#[test]
fn the_shortest_window_can_be_claimed_whenever_the_tick_comes_to_its_slot() {
    let windows = Windows::new(Duration::from_secs(1));
    let between_ticks = Duration::from_secs(1);
    for phase in (0..10_000).step_by(7) {
        let due_at = Timestamp::from_millis(START.as_millis() + phase);
        let start = windows.next_start(due_at, due_at);
        let slot = mailer::due::slot_at_or_after(start);
        let slot_millis = u64::try_from(mailer::due::SLOT.as_millis()).unwrap();
        let found_at = Timestamp::from_millis(slot * slot_millis).plus(between_ticks);
        assert!(windows.claimable(due_at, found_at).is_some(), "{phase}");
    }
}

#[test]
fn who_comes_in_the_second_half_of_a_window_keeps_others_out_of_the_next() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(&world, &["bob@example.com"]);
    world.advance(Duration::from_secs(61));
    made(&world, &relay, id);
    assert!(world.has(&format!("claim/{id}/0/0")));
    assert!(world.has(&format!("claim/{id}/0/1")));
}

#[test]
fn who_comes_in_the_second_half_of_a_window_leaves_the_next_to_its_owner() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(&world, &["bob@example.com"]);
    run(mailer::keys::claim(id, 0, 1).increment(&world)).unwrap();
    world.advance(Duration::from_secs(61));
    assert_eq!(try_once(&world, &relay, id).unwrap(), Attempted::NotNow);
    assert!(relay.seen.borrow().is_empty());
}
