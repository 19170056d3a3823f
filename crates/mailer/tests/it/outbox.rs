//! Group commit.

use std::time::Duration;

use futures::future::join_all;
use mailer::journal::{JournalEntry, JournalItem};
use mailer::keys;
use mailer::operation::OperationId;
use mailer::outbox::{Announcement, Entry, Outbox};

use crate::fake::{START, World, run};

fn entry(world: &World, n: usize) -> Entry {
    let item = JournalItem::message(OperationId::random(world), 0, START);
    Entry {
        writes: vec![(format!("k{n}"), vec![0; 10])],
        items: vec![item],
    }
}

fn journal(world: &World, number: u64, n: u64) -> Option<JournalEntry> {
    run(keys::journal(number, n).read(world)).unwrap()
}

fn announced(outbox: &Outbox, tasks: usize) -> Vec<Announcement<'_>> {
    (0..tasks).map(|_| outbox.announce()).collect()
}

#[test]
fn tasks_that_come_together_are_written_together() {
    let world = World::new();
    let outbox = Outbox::default();
    let _announced = announced(&outbox, 10);
    let tasks = (0..10).map(|n| outbox.commit(&world, entry(&world, n)));
    let results = run(join_all(tasks));
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(world.set_manys.get(), 1);
    assert_eq!(journal(&world, 1, 0).unwrap().items.len(), 10);
}

#[test]
fn who_expects_nobody_writes_at_once() {
    let world = World::new();
    let outbox = Outbox::default();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    drop(announced(&outbox, 2));
    let _own = outbox.announce();
    let mut alone = Box::pin(outbox.commit(&world, entry(&world, 0)));
    assert!(alone.as_mut().poll(&mut context).is_ready());
    let _other = outbox.announce();
    let mut expecting = Box::pin(outbox.commit(&world, entry(&world, 1)));
    assert!(expecting.as_mut().poll(&mut context).is_pending());
    run(expecting).unwrap();
}

#[test]
fn a_round_has_a_limit_and_the_lead_is_passed_on() {
    let world = World::new();
    let outbox = Outbox::default();
    let _announced = announced(&outbox, 150);
    let tasks = (0..150).map(|n| outbox.commit(&world, entry(&world, n)));
    assert!(run(join_all(tasks)).iter().all(Result::is_ok));
    assert_eq!(world.set_manys.get(), 3);
    let items: usize = (0..3)
        .map(|n| journal(&world, 1, n).unwrap().items.len())
        .sum();
    assert_eq!(items, 150);
    assert_eq!(world.count("k"), 150);
}

#[test]
fn a_failed_round_fails_all_its_tasks_and_never_reuses_its_place() {
    let world = World::new();
    let outbox = Outbox::default();
    world.fail_at.set(Some(1));
    let _announced = announced(&outbox, 3);
    let tasks = (0..3).map(|n| outbox.commit(&world, entry(&world, n)));
    assert!(run(join_all(tasks)).iter().all(Result::is_err));
    run(outbox.commit(&world, entry(&world, 9))).unwrap();
    assert!(journal(&world, 1, 0).is_none());
    assert!(journal(&world, 2, 0).is_some());
}

#[test]
fn a_number_is_given_up_after_a_minute() {
    let world = World::new();
    let outbox = Outbox::default();
    run(outbox.commit(&world, entry(&world, 0))).unwrap();
    run(outbox.commit(&world, entry(&world, 1))).unwrap();
    world.advance(Duration::from_secs(60));
    run(outbox.commit(&world, entry(&world, 2))).unwrap();
    assert!(journal(&world, 1, 1).is_some());
    assert!(journal(&world, 2, 0).is_some());
}

#[test]
fn a_dropped_leader_strands_nobody() {
    let world = World::new();
    let outbox = Outbox::default();
    let _announced = announced(&outbox, 3);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut leader = Box::pin(outbox.commit(&world, entry(&world, 0)));
    assert!(leader.as_mut().poll(&mut context).is_pending());
    let mut follower = Box::pin(outbox.commit(&world, entry(&world, 1)));
    assert!(follower.as_mut().poll(&mut context).is_pending());
    drop(leader);
    run(follower).unwrap();
    assert!(world.has("k1"));
    run(outbox.commit(&world, entry(&world, 2))).unwrap();
}

#[test]
fn a_dropped_follower_passes_the_call_to_lead_on() {
    let world = World::new();
    let outbox = Outbox::default();
    let _announced = announced(&outbox, 3);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut tasks: Vec<_> = (0..3)
        .map(|n| Box::pin(outbox.commit(&world, entry(&world, n))))
        .collect();
    for task in &mut tasks {
        assert!(task.as_mut().poll(&mut context).is_pending());
    }
    drop(tasks.remove(0));
    drop(tasks.remove(0));
    run(tasks.remove(0)).unwrap();
    assert!(world.has("k2"));
}

#[test]
fn a_number_is_given_up_when_the_clock_was_set_back() {
    let world = World::new();
    let outbox = Outbox::default();
    run(outbox.commit(&world, entry(&world, 0))).unwrap();
    let hour_before = mailer::time::Timestamp::from_millis(START.as_millis() - 3_600_000);
    world.now.set(hour_before);
    run(outbox.commit(&world, entry(&world, 1))).unwrap();
    assert!(journal(&world, 1, 1).is_none());
    assert!(journal(&world, 2, 0).is_some());
}
