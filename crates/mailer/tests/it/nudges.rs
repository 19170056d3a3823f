//! Naming accepted messages.

use std::rc::Rc;

use mailer::nudge::{Nudges, PAUSE};
use mailer::operation::OperationId;
use mailer::time::Timestamp;

use crate::fake::{START, World, run};

#[test]
fn the_first_message_is_named_at_once_and_those_within_the_pause_after_it_together() {
    let world = World::new();
    let nudges = Rc::new(Nudges::default());
    let ids = [(); 4].map(|()| OperationId::random(&world));
    let first = nudges.note(ids[0]).unwrap();
    assert_eq!(run(first.collect(&world)), [ids[0]]);
    assert_eq!(world.now.get(), START);
    let collector = nudges.note(ids[1]).unwrap();
    assert!(nudges.note(ids[2]).is_none());
    assert!(nudges.note(ids[3]).is_none());
    assert_eq!(run(collector.collect(&world)), ids[1..]);
    assert_eq!(world.now.get(), START.plus(PAUSE));
}

#[test]
fn a_pause_of_ones_own_is_kept() {
    let world = World::new();
    let nudges = Rc::new(Nudges::every(10 * PAUSE));
    let ids = [(); 2].map(|()| OperationId::random(&world));
    assert_eq!(run(nudges.note(ids[0]).unwrap().collect(&world)), [ids[0]]);
    assert_eq!(run(nudges.note(ids[1]).unwrap().collect(&world)), [ids[1]]);
    assert_eq!(world.now.get(), START.plus(10 * PAUSE));
}

#[test]
fn what_comes_after_the_pause_is_named_at_once_too() {
    let world = World::new();
    let nudges = Rc::new(Nudges::default());
    let ids = [(); 2].map(|()| OperationId::random(&world));
    assert_eq!(run(nudges.note(ids[0]).unwrap().collect(&world)), [ids[0]]);
    let later = START.plus(PAUSE);
    world.now.set(later);
    assert_eq!(run(nudges.note(ids[1]).unwrap().collect(&world)), [ids[1]]);
    assert_eq!(world.now.get(), later);
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up_for_longer_than_the_pause() {
    let world = World::new();
    let nudges = Rc::new(Nudges::default());
    let ids = [(); 2].map(|()| OperationId::random(&world));
    assert_eq!(run(nudges.note(ids[0]).unwrap().collect(&world)), [ids[0]]);
    let before = Timestamp::from_millis(0);
    world.now.set(before);
    assert_eq!(run(nudges.note(ids[1]).unwrap().collect(&world)), [ids[1]]);
    assert_eq!(world.now.get(), before.plus(PAUSE));
}

#[test]
fn what_a_dropped_collector_left_is_taken_by_the_next() {
    let world = World::new();
    let nudges = Rc::new(Nudges::default());
    let ids = [(); 2].map(|()| OperationId::random(&world));
    drop(nudges.note(ids[0]));
    assert_eq!(run(nudges.note(ids[1]).unwrap().collect(&world)), ids);
}
