//! Visits from the journal entry they are written in to where they are taken in.

use std::cell::RefCell;
use std::time::Duration;

use mailer::attempt::Windows;
use mailer::digest::Digested;
use mailer::engagement::gatherer::Gatherer;
use mailer::engagement::waiting::Waiting;
use mailer::engagement::{MAX_USER_AGENT_OCTETS, Visit, VisitAction};
use mailer::journal::{JournalEntry, JournalItem, NUMBER_DEAD_AFTER, WorkKind};
use mailer::keys;
use mailer::operation::OperationId;
use mailer::tick::{DIRECT_PATH_HEAD_START, Ticked, tick};

use crate::engagement::{click, engagements, sent, try_take_in, visit};
use crate::fake::{World, run};

/// Has an open of the first recipient of `message` written as the component does that answers it.
fn open(world: &World, message: OperationId) -> OperationId {
    write(world, visit(message, 0, 100, VisitAction::Open))
}

fn write(world: &World, visit: Visit) -> OperationId {
    let told = RefCell::new(Vec::new());
    let gatherer = Gatherer::default();
    let note = |id| told.borrow_mut().push(id);
    run(gatherer.commit(world, visit, note)).unwrap();
    let [id] = told.take()[..] else {
        panic!("expected one batch");
    };
    id
}

/// Where it is, and what there is of it.
fn entries(world: &World) -> Vec<JournalEntry> {
    let tail = run(keys::journal_tail().value(world)).unwrap();
    let numbers = 1..=u64::try_from(tail).unwrap();
    let entries = numbers.map(|number| run(keys::journal(number, 0).read(world)).unwrap());
    let of_visits = |entry: &JournalEntry| entry.visits.is_some() || entry.items.is_empty();
    entries.flatten().filter(of_visits).collect()
}

fn ticked(world: &World) -> Vec<JournalItem> {
    let windows = Windows::new(Duration::from_secs(60));
    match run(tick(world, windows, 64)).unwrap() {
        Ticked::Stepped { attempts, .. } => attempts,
        Ticked::Idle => Vec::new(),
        Ticked::Busy => panic!("nobody else has the lease"),
    }
}

#[track_caller]
fn check_gone(world: &World, id: OperationId) {
    let entries = entries(world);
    assert!(entries.iter().all(|entry| entry.visits.is_none()));
    assert_eq!((entries.len(), world.count("visits/")), (1, 0));
    assert_eq!(run(Waiting::find(world, id)).unwrap(), None);
    assert_eq!(try_take_in(world, id).unwrap(), Digested::Unknown);
}

#[test]
fn a_batch_is_taken_in_from_its_entry_and_leaves_it_empty() {
    let world = World::with_domain();
    let message = sent(&world);
    let id = open(&world, message);
    assert_eq!(world.count("visits/"), 0, "one value is all there is");
    assert!(matches!(try_take_in(&world, id), Ok(Digested::Done(_))));
    check_gone(&world, id);
    assert_eq!(engagements(&world, message)[0].opens.total, 1);
}

#[test]
fn nothing_is_lost_when_taking_in_fails_at_any_call() {
    for fail_at in 0.. {
        let world = World::with_domain();
        let message = sent(&world);
        let id = open(&world, message);
        world.fail_at.set(Some(fail_at));
        let failed = try_take_in(&world, id).is_err();
        let was_reached = world.fail_at.take().is_none();
        if !was_reached {
            assert!(fail_at > 3);
            return;
        }
        world.advance(Duration::from_secs(120));
        let _ = try_take_in(&world, id);
        assert_eq!(engagements(&world, message)[0].opens.total, 1, "{failed}");
        check_gone(&world, id);
    }
}

#[test]
fn a_batch_that_nobody_took_in_gets_a_key_of_its_own_and_outlives_its_entry() {
    let world = World::with_domain();
    let message = sent(&world);
    let id = open(&world, message);
    let item = |attempts: Vec<JournalItem>| attempts.into_iter().find(|item| item.id == id);
    assert_eq!(item(ticked(&world)), None, "the direct path goes first");
    world.advance(DIRECT_PATH_HEAD_START);
    assert_eq!(item(ticked(&world)).unwrap().kind, WorkKind::Visits);
    assert_eq!(world.count("visits/"), 1);
    assert!(entries(&world).iter().all(|entry| entry.visits.is_none()));
    let mut named_again = 0;
    for _ in 0..20 {
        world.advance(NUMBER_DEAD_AFTER / 10);
        named_again += usize::from(item(ticked(&world)).is_some());
    }
    assert!(named_again > 0 && entries(&world).is_empty());
    assert!(matches!(try_take_in(&world, id), Ok(Digested::Done(_))));
    assert_eq!(world.count("visits/"), 0);
    assert_eq!(engagements(&world, message)[0].opens.total, 1);
}

#[test]
fn a_tick_that_fails_at_any_call_loses_no_batch() {
    for fail_at in 0.. {
        let world = World::with_domain();
        let message = sent(&world);
        let id = open(&world, message);
        world.advance(DIRECT_PATH_HEAD_START);
        world.fail_at.set(Some(fail_at));
        let windows = Windows::new(Duration::from_secs(60));
        let _ = run(tick(&world, windows, 64));
        let was_reached = world.fail_at.take().is_none();
        assert!(run(Waiting::find(&world, id)).unwrap().is_some());
        assert!(matches!(try_take_in(&world, id), Ok(Digested::Done(_))));
        if !was_reached {
            assert!(fail_at > 5);
            return;
        }
    }
}

#[test]
fn a_step_moves_so_much_and_leaves_the_rest_to_the_next() {
    let world = World::with_domain();
    let message = sent(&world);
    let gatherer = Gatherer::default();
    let mut large = visit(message, 0, 0, click(1));
    large.visitor.user_agent = Some("x".repeat(MAX_USER_AGENT_OCTETS));
    for _ in 0..200 {
        let tasks = (0..64).map(|_| gatherer.commit(&world, large.clone(), |_| ()));
        let results = run(futures::future::join_all(tasks));
        assert!(results.iter().all(Result::is_ok));
    }
    world.advance(DIRECT_PATH_HEAD_START);
    let batches = entries(&world).len();
    assert_eq!(batches, 1, "all are under one number");
    let windows = Windows::new(Duration::from_secs(60));
    let first = run(tick(&world, windows, 1000)).unwrap();
    let moved = world.count("visits/");
    assert!(matches!(first, Ticked::Stepped { more: true, .. }));
    let octets = |key: &&String| key.starts_with("visits/");
    let map = world.map.take();
    let octets: usize = map.keys().filter(octets).map(|key| map[key].len()).sum();
    assert!(octets > 4 << 20 && octets < 5 << 20, "{octets}");
    world.map.replace(map);
    run(tick(&world, windows, 1000)).unwrap();
    assert!(world.count("visits/") > moved);
}
