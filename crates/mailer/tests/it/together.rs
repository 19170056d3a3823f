//! Several who change at once what lists have of one address: whatever order their calls come in, what is for good stays so.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use envelope::{AddrSpec, Domain};
use futures::future::{LocalBoxFuture, join_all};
use mailer::attempt::Windows;
use mailer::digest::turns::Turns;
use mailer::digest::{Digested, Digester, digest};
use mailer::engagement::intake::take_in;
use mailer::event::{DeliveryEvent, EventKind, EventRecipient, Source, derived_id};
use mailer::intake;
use mailer::keys;
use mailer::operation::OperationId;
use mailer::outbox::Outbox;
use mailer::ports::{Clock, Entropy, Gate, KeyValue, Scheduler, StoreError, Write};
use mailer::subscription::known::KnownSubscriptions;
use mailer::suppression::address::{self, NewAddress};
use mailer::suppression::import::Import;
use mailer::suppression::list;
use mailer::suppression::record::Person;
use mailer::suppression::rows::{Format, RowReader};
use mailer::suppression::{Kind, Scope, Shelf, Suppression, SuppressionError, Suppressor};
use mailer::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::engagement::{UNSUBSCRIBE, store as store_visits, visit};
use crate::events::event;
use crate::fake::{DOMAIN, START, ScriptedRelay, World, accept, made, run};

/// Orders of calls that are tried.
const ORDERS: u64 = 150;
const BOB: &str = "bob@example.com";

fn bob() -> AddrSpec {
    AddrSpec::parse(BOB).unwrap()
}

/// A world in which others have a turn, or a few, before each call.
struct Shared {
    world: World,
    turns: RefCell<ChaCha20Rng>,
    /// An operator was told that the address is on the list already.
    is_refused: Cell<bool>,
}

impl Shared {
    fn new(seed: u64) -> Self {
        Self {
            world: World::with_domain(),
            turns: RefCell::new(ChaCha20Rng::seed_from_u64(seed)),
            is_refused: Cell::new(false),
        }
    }

    async fn turn(&self) {
        let turns = self.turns.borrow_mut().next_u32() % 4;
        for _ in 0..turns {
            self.world.yield_now().await;
        }
    }
}

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.world.now()
    }
}

impl Entropy for Shared {
    fn fill(&self, bytes: &mut [u8]) {
        self.world.fill(bytes);
    }
}

impl Scheduler for Shared {
    async fn yield_now(&self) {
        self.world.yield_now().await;
    }

    async fn sleep(&self, pause: Duration) {
        self.world.sleep(pause).await;
    }

    fn gate(&self) -> Gate {
        self.world.gate()
    }
}

impl KeyValue for Shared {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.turn().await;
        self.world.get(key).await
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.turn().await;
        self.world.exists(key).await
    }

    async fn set_many(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.turn().await;
        self.world.set_many(writes).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        self.turn().await;
        self.world.delete_many(keys).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.turn().await;
        self.world.increment(key, delta).await
    }
}

type Task = LocalBoxFuture<'static, ()>;

/// What an instance of its own has.
#[derive(Default)]
struct Parts {
    outbox: Outbox,
    subscriptions: KnownSubscriptions,
    suppressor: Suppressor,
    turns: Turns,
}

impl Parts {
    fn digester(&self) -> Digester<'_> {
        Digester {
            outbox: &self.outbox,
            windows: Windows::new(Duration::from_secs(60)),
            subscriptions: &self.subscriptions,
            suppressor: &self.suppressor,
            turns: &self.turns,
        }
    }
}

/// An instance of its own that takes a batch in.
fn digests(shared: &Rc<Shared>, batch: OperationId) -> Task {
    let shared = Rc::clone(shared);
    Box::pin(async move {
        let parts = Parts::default();
        let done = digest(&*shared, &parts.digester(), batch).await.unwrap();
        assert!(matches!(done, Digested::Done(_)), "{done:?}");
    })
}

/// Takes in that a message of its own came back, or that its recipient complained.
fn learns(shared: &Rc<Shared>, kind: EventKind) -> Task {
    let world = &shared.world;
    let batch = stored(world, kind);
    digests(shared, batch)
}

fn stored(world: &World, kind: EventKind) -> OperationId {
    let message = accept(world, &[BOB]);
    let batch = derived_id(&format!("batch {message}"));
    let event = DeliveryEvent {
        recipient: EventRecipient::Index(0),
        suppresses: kind == EventKind::Bounced,
        ..event(message, kind, "550 5.1.1 no")
    };
    let outbox = Outbox::default();
    let stored = intake::store(world, &outbox, (batch, Source::Relay), vec![event]);
    run(stored).unwrap();
    batch
}

/// Takes in that a message was suppressed inside a lease, which begins with this.
fn tries(shared: &Rc<Shared>) -> Task {
    let world = &shared.world;
    run(digests(shared, stored(world, EventKind::Bounced)));
    world.advance(Duration::from_hours(1));
    let message = accept(world, &[BOB]);
    made(world, &ScriptedRelay::default(), message);
    digests(shared, derived_id(&format!("attempt/{message}/0")))
}

fn puts(shared: &Rc<Shared>) -> Task {
    let shared = Rc::clone(shared);
    Box::pin(async move {
        let person = Person {
            notes: "asked".to_owned(),
            ..Person::default()
        };
        let put = address::put(&*shared, &Suppressor::default(), &bob(), person).await;
        put.unwrap();
    })
}

/// Imports a lease of an hour.
fn imports(shared: &Rc<Shared>, shelf: Shelf) -> Task {
    let shared = Rc::clone(shared);
    Box::pin(async move {
        let mut rows = Vec::new();
        let mut reader = RowReader::new(Format::Csv);
        let until = START.plus(Duration::from_hours(2)).to_rfc3339();
        let file = format!("email,cause,until\n{BOB},Bounce,{until}\n");
        reader.push(file.as_bytes(), &mut rows);
        let mut import = Import::new(shelf);
        for row in rows {
            let taken = import.take(&*shared, &Suppressor::default(), row).await;
            taken.unwrap();
        }
        import
            .flush(&*shared, &Suppressor::default())
            .await
            .unwrap();
    })
}

fn domain() -> Domain {
    Domain::parse(DOMAIN).unwrap()
}

/// Has an operator put the address on the list of the sender.
fn puts_on_list(shared: &Rc<Shared>) -> Task {
    let shared = Rc::clone(shared);
    Box::pin(async move {
        let new = NewAddress {
            id: "bob".to_owned(),
            address: bob(),
            person: Person::default(),
        };
        let (domain, lists) = (domain(), Suppressor::default());
        match address::put_listed(&*shared, &lists, (&domain, "list"), new).await {
            Ok(_) => {}
            Err(SuppressionError::AlreadyListed) => shared.is_refused.set(true),
            Err(error) => panic!("{error}"),
        }
    })
}

/// Takes in that a reader wants no more.
fn unsubscribes(shared: &Rc<Shared>) -> Task {
    let world = &shared.world;
    let message = accept(world, &[BOB]);
    let batch = store_visits(world, "visits", vec![visit(message, 0, 0, UNSUBSCRIBE)]);
    let shared = Rc::clone(shared);
    Box::pin(async move {
        let parts = Parts::default();
        let taken = take_in(&*shared, &parts.digester(), batch).await;
        assert!(matches!(taken, Ok(Digested::Done(_))), "{taken:?}");
    })
}

/// What is there of the address after all `tasks`, in each order.
#[track_caller]
fn check(
    scope: &Scope,
    tasks: impl Fn(&Rc<Shared>) -> Vec<Task>,
    is_right: impl Fn(&Suppression, &Shared) -> bool,
) {
    for seed in 0..ORDERS {
        let shared = Rc::new(Shared::new(seed));
        run(join_all(tasks(&shared)));
        let name = Suppressor::default().name(&bob());
        let key = keys::suppression_entry(scope, &name);
        let entry = run(key.read(&shared.world)).unwrap().unwrap();
        assert!(is_right(&entry, &shared), "order {seed}: {entry:?}");
        let locks = shared.world.count("suppression-section/");
        assert_eq!(locks, 0, "order {seed}: they are given back");
    }
}

fn is_complaint(entry: &Suppression, _: &Shared) -> bool {
    entry.kind == Kind::Complaint && entry.until.is_none()
}

#[test]
fn a_complaint_stays_whatever_bounces_meanwhile() {
    let both = |shared: &Rc<Shared>| {
        let kinds = [
            EventKind::Bounced,
            EventKind::Complained,
            EventKind::Bounced,
        ];
        kinds.map(|kind| learns(shared, kind)).into()
    };
    check(&Scope::Everywhere, both, is_complaint);
}

#[test]
fn a_complaint_stays_whatever_is_tried_meanwhile() {
    let both = |shared: &Rc<Shared>| vec![tries(shared), learns(shared, EventKind::Complained)];
    check(&Scope::Everywhere, both, is_complaint);
}

#[test]
fn what_an_operator_puts_stays_whatever_bounces_meanwhile() {
    let both = |shared: &Rc<Shared>| vec![learns(shared, EventKind::Bounced), puts(shared)];
    check(&Scope::Everywhere, both, |entry, _| {
        entry.kind == Kind::Added && entry.until.is_none()
    });
}

#[test]
fn of_an_operator_and_a_complaint_both_are_kept() {
    let both = |shared: &Rc<Shared>| vec![puts(shared), learns(shared, EventKind::Complained)];
    check(&Scope::Everywhere, both, |entry, shared| {
        is_complaint(entry, shared) && entry.notes == "asked"
    });
}

#[test]
fn a_complaint_stays_whatever_is_imported_meanwhile() {
    let both = |shared: &Rc<Shared>| {
        let import = imports(shared, Shelf::everywhere());
        vec![import, learns(shared, EventKind::Complained)]
    };
    check(&Scope::Everywhere, both, is_complaint);
}

#[test]
fn what_an_operator_puts_on_a_list_is_not_for_the_recipient_to_take_back() {
    let both = |shared: &Rc<Shared>| {
        let world: &World = &shared.world;
        run(list::put(world, &domain(), "list", Some("news"))).unwrap();
        vec![puts_on_list(shared), unsubscribes(shared)]
    };
    check(&Scope::of(&domain(), "news"), both, |entry, shared| {
        (entry.kind == Kind::Added) != shared.is_refused.get()
    });
}
