//! The tick: nothing that was accepted is forgotten, whatever crashed.

use std::time::Duration;

use futures::FutureExt as _;
use mailer::attempt::Windows;
use mailer::due::{DueEntry, slot_due};
use mailer::handover::{Disposition, HandOverError};
use mailer::journal::{JournalItem, WorkKind};
use mailer::keys;
use mailer::operation::OperationId;
use mailer::tick::{MAX_OPEN_NUMBERS, TickProgress, Ticked, tick};

use crate::fake::{START, ScriptedRelay, World, accept, made, reply, run, try_once};

const WINDOWS: Duration = Duration::from_secs(60);

fn step(world: &World, budget: usize) -> Ticked {
    run(tick(world, Windows::new(WINDOWS), budget)).unwrap()
}

/// Ticks every second for `seconds`, and gives what is named.
fn named(world: &World, seconds: u64) -> Vec<JournalItem> {
    let mut named = Vec::new();
    for _ in 0..seconds {
        if let Ticked::Stepped { attempts, .. } = step(world, 64) {
            named.extend(attempts);
        }
        world.advance(Duration::from_secs(1));
    }
    named
}

/// Ticks every second and attempts what is named.
fn live(world: &World, relay: &ScriptedRelay, seconds: u64) {
    for _ in 0..seconds {
        for item in named(world, 1) {
            try_once(world, relay, item.id).unwrap();
        }
    }
}

#[test]
fn an_idle_system_is_not_written_to() {
    let world = World::new();
    step(&world, 64);
    let before = world.set_manys.get();
    assert!((0..20).all(|_| step(&world, 64) == Ticked::Idle));
    assert_eq!(world.set_manys.get(), before);
}

#[test]
fn a_message_nobody_was_told_of_is_named_after_three_seconds() {
    let world = World::with_domain();
    let id = accept(&world, &["bob@example.com"]);
    assert!(named(&world, 3).is_empty());
    let items = named(&world, 2);
    assert_eq!(
        items,
        [JournalItem {
            kind: WorkKind::Message,
            id,
            attempt: 0,
            due_at: START
        }]
    );
    assert!(named(&world, 100).is_empty());
}

#[test]
fn a_message_whose_attempt_died_is_named_when_its_window_is_over() {
    let world = World::with_domain();
    let id = accept(&world, &["bob@example.com"]);
    run(mailer::ports::KeyValue::increment(
        &world,
        &format!("claim/{id}/0/0"),
        1,
    ))
    .unwrap();
    assert!(named(&world, 118).is_empty());
    let items = named(&world, 10);
    assert_eq!(
        items.first(),
        Some(&JournalItem {
            kind: WorkKind::Message,
            id,
            attempt: 0,
            due_at: START
        })
    );
}

#[test]
fn a_settled_message_is_never_named() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(&world, &["bob@example.com"]);
    made(&world, &relay, id);
    assert!(named(&world, 300).is_empty());
}

#[test]
fn a_deferred_message_is_named_when_it_is_due_until_it_is_settled() {
    let world = World::with_domain();
    let busy = || {
        Err(HandOverError::Unavailable {
            retry_after: None,
            reply: reply("451 4.3.0 busy"),
        })
    };
    let relay = ScriptedRelay::answering(vec![
        busy(),
        busy(),
        Ok(vec![Disposition::Deferred]),
        busy(),
    ]);
    let id = accept(&world, &["bob@example.com"]);
    made(&world, &relay, id);
    live(&world, &relay, 30);
    assert!(
        relay.seen.borrow().len() >= 3,
        "only {} attempts in 30 s",
        relay.seen.borrow().len()
    );
    live(&world, &relay, 300);
    assert_eq!(relay.seen.borrow().len(), 5);
    assert_eq!(
        run(mailer::operation::outcome(&world, id)).unwrap(),
        Some(mailer::delivery::Outcome::Succeeded)
    );
}

#[test]
fn the_budget_is_kept_and_the_rest_comes_later() {
    let world = World::with_domain();
    let ids: std::collections::BTreeSet<OperationId> = (0..30)
        .map(|_| accept(&world, &["bob@example.com"]))
        .collect();
    world.advance(Duration::from_secs(5));
    let Ticked::Stepped { attempts, more } = step(&world, 8) else {
        panic!("expected a step")
    };
    assert_eq!((attempts.len(), more), (8, true));
    let mut seen: std::collections::BTreeSet<OperationId> =
        attempts.iter().map(|item| item.id).collect();
    for _ in 0..10 {
        if let Ticked::Stepped { attempts, .. } = step(&world, 8) {
            seen.extend(attempts.iter().map(|item| item.id));
        }
    }
    assert_eq!(seen, ids);
}

#[test]
fn the_journal_and_the_schedule_leave_nothing_behind() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(HandOverError::Unknown {
        reply: reply("451 4.3.0 cut off"),
    })]);
    for _ in 0..5 {
        accept(&world, &["bob@example.com"]);
    }
    live(&world, &relay, 900);
    assert_eq!(relay.seen.borrow().len(), 6);
    assert_eq!(world.count("due/"), 0);
    assert_eq!(world.count("journal/"), 1, "only the tail counter stays");
    assert!(world.count("tick/claim/") <= 1);
}

#[test]
fn a_tick_that_fails_at_any_call_loses_no_message() {
    for call in 0..40 {
        let world = World::with_domain();
        let relay = ScriptedRelay::default();
        let id = accept(&world, &["bob@example.com"]);
        world.advance(Duration::from_secs(4));
        world.fail_at.set(Some(call));
        let _ = run(tick(&world, Windows::new(WINDOWS), 64));
        world.fail_at.set(None);
        // The attempts of the failed step are lost with it, as in a crash.
        live(&world, &relay, 400);
        assert_eq!(relay.seen.borrow().len(), 1, "call {call}");
        assert!(world.has(&format!("state/{id}")), "call {call}");
    }
}

#[test]
fn two_ticks_at_once_do_not_both_write() {
    let world = World::with_domain();
    accept(&world, &["bob@example.com"]);
    world.advance(Duration::from_secs(5));
    let lease = run(mailer::lease::TickLease::take(&world)).unwrap();
    assert!(lease.is_some());
    assert_eq!(step(&world, 64), Ticked::Busy);
    world.advance(Duration::from_secs(21));
    assert!(matches!(step(&world, 64), Ticked::Stepped { .. }));
}

#[test]
fn a_clock_that_was_stopped_for_a_day_is_caught_up_with() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(HandOverError::Unknown {
        reply: reply("451 4.3.0 cut off"),
    })]);
    let id = accept(&world, &["bob@example.com"]);
    made(&world, &relay, id);
    live(&world, &relay, 4);
    world.advance(Duration::from_secs(86_400));
    live(&world, &relay, 150);
    assert_eq!(relay.seen.borrow().len(), 2);
}

#[test]
fn a_first_number_nobody_wrote_under_does_not_hide_the_others() {
    let world = World::with_domain();
    run(keys::journal_tail().increment(&world)).unwrap();
    let id = accept(&world, &["bob@example.com"]);
    assert!(world.has("journal/2/0"));
    let items = named(&world, 90);
    assert_eq!(items.first().map(|item| item.id), Some(id));
}

#[test]
fn a_slow_store_makes_steps_small_and_not_late() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    for _ in 0..150 {
        accept(&world, &["bob@example.com"]);
    }
    world.advance(Duration::from_secs(5));
    world.call_takes.set(Duration::from_millis(50));
    for _ in 0..60 {
        if let Ticked::Stepped { attempts, .. } = step(&world, 1_000) {
            world.call_takes.set(Duration::ZERO);
            for item in attempts {
                try_once(&world, &relay, item.id).unwrap();
            }
            world.call_takes.set(Duration::from_millis(50));
        }
    }
    assert_eq!(relay.seen.borrow().len(), 150);
}

#[test]
fn journal_and_schedule_take_turns_when_each_could_use_up_the_budget() {
    let world = World::with_domain();
    let busy = || {
        Err(HandOverError::Unavailable {
            retry_after: None,
            reply: reply("451 4.3.0 busy"),
        })
    };
    let relay = ScriptedRelay::answering((0..10).map(|_| busy()).collect());
    let deferred: std::collections::BTreeSet<OperationId> = (0..10)
        .map(|_| {
            let id = accept(&world, &["bob@example.com"]);
            made(&world, &relay, id);
            id
        })
        .collect();
    named(&world, 5);
    for _ in 0..50 {
        accept(&world, &["bob@example.com"]);
    }
    world.advance(Duration::from_secs(6));
    let first_two: Vec<JournalItem> = (0..2)
        .flat_map(|_| match step(&world, 10) {
            Ticked::Stepped { attempts, .. } => attempts,
            other => panic!("expected a step, found {other:?}"),
        })
        .collect();
    let old = first_two
        .iter()
        .filter(|item| deferred.contains(&item.id))
        .count();
    assert_eq!((first_two.len(), old), (20, 10));
}

#[test]
fn a_tick_that_stood_still_does_not_win_a_generation_that_is_over() {
    let world = World::with_domain();
    accept(&world, &["bob@example.com"]);
    world.advance(Duration::from_secs(5));
    *world.before_increment.borrow_mut() = Some(Box::new(|world| {
        for _ in 0..3 {
            let taken = mailer::lease::TickLease::take(world).now_or_never();
            let lease = taken.unwrap().unwrap().unwrap();
            let back = lease.give_back(world.now.get()).unwrap();
            world.map.borrow_mut().extend([back]);
            world.map.borrow_mut().remove(&lease.spent_claim());
        }
    }));
    assert_eq!(run(mailer::lease::TickLease::take(&world)).unwrap(), None);
}

#[test]
fn a_lease_that_another_took_meanwhile_is_known_to_be_lost() {
    let world = World::with_domain();
    let lease = run(mailer::lease::TickLease::take(&world))
        .unwrap()
        .unwrap();
    assert!(run(lease.is_current(&world)).unwrap());
    world.advance(Duration::from_secs(20));
    run(mailer::lease::TickLease::take(&world))
        .unwrap()
        .unwrap();
    assert!(!run(lease.is_current(&world)).unwrap());
}

#[test]
fn a_journal_entry_without_its_message_is_forgotten_in_the_end() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let id = accept(&world, &["bob@example.com"]);
    world.map.borrow_mut().remove(&format!("message/{id}"));
    live(&world, &relay, 600);
    assert_eq!(world.count("due/"), 1, "it may still come");
    live(&world, &relay, 3_600);
    assert_eq!(world.count("due/"), 0);
}

/// As with a scheduler that knows minutes only.
#[test]
fn a_tick_that_comes_as_often_as_windows_begin_still_meets_every_message() {
    for phase in [0, 30, 70, 110, 119] {
        let world = World::with_domain();
        let relay = ScriptedRelay::default();
        world.advance(Duration::from_secs(phase));
        accept(&world, &["bob@example.com"]);
        world.advance(Duration::from_secs(120 - phase));
        for _ in 0..4 {
            live(&world, &relay, 1);
            world.advance(Duration::from_secs(119));
        }
        assert_eq!(relay.seen.borrow().len(), 1, "{phase}");
    }
}

#[test]
fn a_clock_that_was_a_day_ahead_holds_nothing_up_once_it_is_right() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    accept(&world, &["bob@example.com"]);
    world.advance(Duration::from_secs(86_400));
    live(&world, &relay, 10);
    assert_eq!(relay.seen.borrow().len(), 1);
    world.now.set(START);
    let id = accept(&world, &["bob@example.com"]);
    let items = named(&world, 8);
    assert_eq!(items.first().map(|item| item.id), Some(id));
    live(&world, &relay, 900);
    assert_eq!(world.count("journal/"), 1, "only the tail counter stays");
}

#[test]
fn what_a_clock_ahead_left_in_its_slot_is_read_before_it_is_left() {
    let world = World::with_domain();
    let ahead = slot_due(START) + 1_000;
    let ids = [(); 3].map(|()| accept(&world, &["bob@example.com"]));
    let entry = |id| DueEntry {
        items: vec![JournalItem {
            kind: WorkKind::Message,
            id,
            attempt: 0,
            due_at: START,
        }],
    };
    let progress = TickProgress {
        tail: 3,
        open: Vec::new(),
        slot: ahead,
        entry: 1,
        offset: 0,
    };
    // Entry 0 is spent: behind the gap it left, nothing would be found.
    world.map.borrow_mut().extend([
        keys::due(ahead, 1).write(&entry(ids[1])).unwrap(),
        keys::due(ahead, 2).write(&entry(ids[2])).unwrap(),
        keys::tick_progress().write(&progress).unwrap(),
    ]);
    let Ticked::Stepped { attempts, more } = step(&world, 1) else {
        panic!("expected a step")
    };
    assert_eq!(
        (attempts.first().map(|item| item.id), more),
        (Some(ids[1]), true)
    );
    let Ticked::Stepped { attempts, .. } = step(&world, 1) else {
        panic!("expected a step")
    };
    assert_eq!(attempts.first().map(|item| item.id), Some(ids[2]));
    step(&world, 64);
    let progress = run(keys::tick_progress().read(&world)).unwrap().unwrap();
    assert_eq!(progress.slot, slot_due(START));
}

#[test]
fn progress_does_not_grow_with_the_journal_without_end() {
    let world = World::with_domain();
    let limit = u64::try_from(MAX_OPEN_NUMBERS).unwrap();
    let numbers = i64::try_from(limit + 10).unwrap();
    run(mailer::ports::KeyValue::increment(
        &world,
        "journal/tail",
        numbers,
    ))
    .unwrap();
    let id = accept(&world, &["bob@example.com"]);
    step(&world, 64);
    let progress = run(keys::tick_progress().read(&world)).unwrap().unwrap();
    assert_eq!(
        (progress.open.len(), progress.tail),
        (MAX_OPEN_NUMBERS, limit)
    );
    world.advance(Duration::from_secs(301));
    let items = named(&world, 70);
    assert_eq!(items.first().map(|item| item.id), Some(id));
}
