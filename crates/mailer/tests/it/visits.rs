//! Visits stored together, and what is said to whoever made one.

use std::cell::RefCell;
use std::time::Duration;

use futures::future::join_all;
use mailer::engagement::gatherer::Gatherer;
use mailer::engagement::notice::{Notice, PATIENCE};
use mailer::engagement::waiting::Waiting;
use mailer::engagement::{
    MAX_BATCH_VISITS, MAX_USER_AGENT_OCTETS, Visit, VisitAction, VisitBatch, Visitor,
};
use mailer::journal::WorkKind;
use mailer::keys;
use mailer::link::Reader;
use mailer::operation::OperationId;
use mailer::ports::{Gate, KeyValue, Scheduler, StoreError, Write};
use mailer::record::MessageRecord;

use crate::fake::{START, World, accept, run};

fn visit(world: &World, action: VisitAction) -> Visit {
    Visit {
        message: OperationId::random(world),
        recipient: 3,
        at: START,
        action,
        is_head: false,
        visitor: Visitor::default(),
    }
}

fn click(world: &World, target: &str) -> Visit {
    let target = target.to_owned();
    visit(world, VisitAction::Click { link: 1, target })
}

fn batch(world: &World, id: OperationId) -> VisitBatch {
    run(Waiting::find(world, id)).unwrap().unwrap().batch
}

#[test]
fn visits_that_come_while_one_is_written_are_one_batch_that_is_told_of_once() {
    let world = World::new();
    let gatherer = Gatherer::default();
    let visits: Vec<Visit> = (0..10).map(|_| visit(&world, VisitAction::Open)).collect();
    let told = RefCell::new(Vec::new());
    let note = |id: OperationId| told.borrow_mut().push(id);
    let tasks = visits.iter().cloned();
    let results = run(join_all(tasks.map(|v| gatherer.commit(&world, v, note))));
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(world.set_manys.get(), 2);
    let told: Vec<OperationId> = told.take();
    assert_eq!(told.len(), 2);
    let batches = [&visits[..1], &visits[1..]].map(|some| VisitBatch::new(some.to_vec(), START));
    assert_eq!([batch(&world, told[0]), batch(&world, told[1])], batches);
    let entry = run(keys::journal(1, 1).read(&world)).unwrap().unwrap();
    let [item] = entry.items[..] else {
        panic!("expected one item, found {:?}", entry.items);
    };
    assert_eq!((item.kind, item.id), (WorkKind::Visits, told[1]));
    assert_eq!((item.attempt, item.due_at), (0, START));
    assert!(!entry.stays);
}

#[test]
fn a_batch_has_a_limit_and_fits_a_value_of_the_store() {
    let world = World::new();
    let gatherer = Gatherer::default();
    let count = 3 * MAX_BATCH_VISITS;
    let long = format!("http://{}", "\"".repeat(1793));
    let told = RefCell::new(Vec::new());
    let note = |id: OperationId| told.borrow_mut().push(id);
    let mut visit = click(&world, &long);
    visit.visitor.user_agent = Some("\"".repeat(MAX_USER_AGENT_OCTETS));
    let tasks = (0..count).map(|_| gatherer.commit(&world, visit.clone(), note));
    assert!(run(join_all(tasks)).iter().all(Result::is_ok));
    let told: Vec<OperationId> = told.take();
    assert!(told.len() > 3);
    let visits = told.iter().map(|&id| batch(&world, id).visits.len());
    assert_eq!(visits.sum::<usize>(), count);
    let map = world.map.borrow();
    let of_entries = |key: &&String| key.starts_with("journal/1/");
    assert_eq!(map.keys().filter(of_entries).count(), told.len());
    for key in map.keys().filter(of_entries) {
        assert!(map[key].len() <= keys::CHUNK_OCTETS, "{}", map[key].len());
    }
}

#[test]
fn a_store_that_fails_fails_all_of_the_batch_and_none_is_told_of() {
    let world = World::new();
    let gatherer = Gatherer::default();
    world.fail_at.set(Some(2));
    let told = RefCell::new(Vec::new());
    let note = |id: OperationId| told.borrow_mut().push(id);
    let open = || visit(&world, VisitAction::Open);
    let tasks = (0..3).map(|_| gatherer.commit(&world, open(), note));
    let results = run(join_all(tasks));
    assert!(results[0].is_ok() && results[1..].iter().all(Result::is_err));
    assert_eq!(told.borrow().len(), 1);
    run(gatherer.commit(&world, open(), note)).unwrap();
    assert_eq!(told.borrow().len(), 2);
    assert!(run(keys::journal(1, 1).read(&world)).unwrap().is_none());
    assert!(run(keys::journal(2, 0).read(&world)).unwrap().is_some());
}

#[test]
fn a_dropped_leader_strands_nobody_and_loses_only_its_own() {
    let world = World::new();
    let gatherer = Gatherer::default();
    let told = RefCell::new(Vec::new());
    let note = |id: OperationId| told.borrow_mut().push(id);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let [first, second] = [(); 2].map(|()| visit(&world, VisitAction::Resubscribe));
    let mut leader = Box::pin(gatherer.commit(&world, first, note));
    assert!(leader.as_mut().poll(&mut context).is_pending());
    let mut follower = Box::pin(gatherer.commit(&world, second.clone(), note));
    assert!(follower.as_mut().poll(&mut context).is_pending());
    drop(leader);
    run(follower).unwrap();
    let told: Vec<OperationId> = told.take();
    assert_eq!(batch(&world, told[0]).visits, [second]);
}

#[test]
fn the_first_is_written_at_once() {
    let world = World::new();
    let gatherer = Gatherer::default();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let open = visit(&world, VisitAction::Open);
    let mut alone = Box::pin(gatherer.commit(&world, open, |_| ()));
    assert!(alone.as_mut().poll(&mut context).is_pending());
    assert!(world.has("journal/1/0"), "and nobody was waited for");
    assert!(alone.as_mut().poll(&mut context).is_ready());
}

#[test]
fn a_notice_names_sender_and_masked_recipient_and_nothing_else() {
    let world = World::with_domain();
    let message = accept(&world, &["ann@example.com", "bob@example.com"]);
    let reader = |recipient| Reader { message, recipient };
    let notice = run(Notice::read(&world, reader(1))).unwrap();
    assert_eq!(notice.domain.to_string(), "a.mail.example");
    assert_eq!(notice.recipient, "b***@example.com");
    assert_eq!(notice.topic, None);
    assert_eq!(run(Notice::read(&world, reader(2))), None);
    let mut record = run(MessageRecord::read(&world, message)).unwrap().unwrap();
    record.treatment.topic = Some("Offers".to_owned().try_into().unwrap());
    let (key, value) = keys::message(message).write(&record).unwrap();
    world.map.borrow_mut().insert(key, value);
    let topic = run(Notice::read(&world, reader(0))).unwrap().topic;
    assert_eq!(topic.unwrap().as_str(), "offers");
}

#[test]
fn without_the_message_or_the_store_there_is_no_notice() {
    let world = World::with_domain();
    let message = accept(&world, &["ann@example.com"]);
    let reader = Reader {
        message,
        recipient: 0,
    };
    world.fail_at.set(Some(0));
    assert_eq!(run(Notice::read(&world, reader)), None);
    let gone = Reader {
        message: OperationId::random(&world),
        ..reader
    };
    assert_eq!(run(Notice::read(&world, gone)), None);
    let stuck = Stuck(&world);
    assert_eq!(run(Notice::read(&stuck, reader)), None);
    assert_eq!(world.now.get(), START.plus(PATIENCE));
}

/// A store that never answers.
struct Stuck<'a>(&'a World);

impl Scheduler for Stuck<'_> {
    async fn yield_now(&self) {
        self.0.yield_now().await;
    }

    async fn sleep(&self, pause: Duration) {
        self.0.sleep(pause).await;
    }

    fn gate(&self) -> Gate {
        self.0.gate()
    }
}

impl KeyValue for Stuck<'_> {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        std::future::pending().await
    }

    async fn exists(&self, _: &str) -> Result<bool, StoreError> {
        std::future::pending().await
    }

    async fn set_many(&self, _: Vec<Write>) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn delete_many(&self, _: Vec<String>) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn increment(&self, _: &str, _: i64) -> Result<i64, StoreError> {
        std::future::pending().await
    }
}
