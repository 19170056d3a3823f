//! Naming accepted messages.

use std::rc::Rc;

use mailer::nudge::{Nudges, PAUSE};
use mailer::operation::OperationId;

use crate::fake::{START, World, run};

#[test]
fn messages_accepted_within_the_pause_are_named_together() {
    let world = World::new();
    let nudges = Rc::new(Nudges::default());
    let ids = [(); 3].map(|()| OperationId::random(&world));
    let collector = nudges.note(ids[0]).unwrap();
    assert!(nudges.note(ids[1]).is_none());
    assert!(nudges.note(ids[2]).is_none());
    assert_eq!(run(collector.collect(&world)), ids);
    assert_eq!(world.now.get(), START.plus(PAUSE));
}

#[test]
fn what_comes_after_is_for_the_next() {
    let world = World::new();
    let nudges = Rc::new(Nudges::default());
    let ids = [(); 2].map(|()| OperationId::random(&world));
    assert_eq!(run(nudges.note(ids[0]).unwrap().collect(&world)), [ids[0]]);
    assert_eq!(run(nudges.note(ids[1]).unwrap().collect(&world)), [ids[1]]);
}

#[test]
fn what_a_dropped_collector_left_is_taken_by_the_next() {
    let world = World::new();
    let nudges = Rc::new(Nudges::default());
    let ids = [(); 2].map(|()| OperationId::random(&world));
    drop(nudges.note(ids[0]));
    assert_eq!(run(nudges.note(ids[1]).unwrap().collect(&world)), ids);
}
