//! Notifications by an injected clock: an endpoint that is down for a day, dead letters, crashes, and who does not hold up whom.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use dns::{Answer, Question, ResolveError, Resolver};
use mailer::attempt::Windows;
use mailer::keys;
use mailer::notification::attempt::{AttemptError, Attempted, Delivery};
use mailer::notification::dead::{self, RedeliverError, Selection};
use mailer::notification::lanes::{Lanes, MAX_UNDER_WAY, MAX_WAITING};
use mailer::notification::{DeadReason, Notification, Notifier, Outcome, Phase, attempt, trial};
use mailer::operation::OperationId;
use mailer::outbox::Outbox;
use mailer::ports::Webhook;
use mailer::subscription::edit::{self, Request};
use mailer::subscription::guard::Guard;
use mailer::subscription::known::KnownSubscriptions;
use mailer::subscription::validation::{self, Handshake, ValidationCode};
use mailer::subscription::{
    EventType, Reach, Subscription, SubscriptionError, SubscriptionId, SubscriptionState, load,
};
use mailer::time::Timestamp;

use crate::fake::{World, master_key, run};

/// Answers every request as it is told to, and remembers what it was sent.
pub(crate) struct Endpoint {
    outcome: Cell<Outcome>,
    told: RefCell<Vec<(OperationId, u32, Timestamp)>>,
    consents: Cell<bool>,
    code: Cell<Option<ValidationCode>>,
}

impl Endpoint {
    pub(crate) fn answering(status: u16) -> Self {
        Self {
            outcome: Cell::new(answered(status)),
            told: RefCell::default(),
            consents: Cell::new(true),
            code: Cell::new(None),
        }
    }
}

const fn answered(status: u16) -> Outcome {
    Outcome::Answered {
        status,
        retry_after: None,
    }
}

impl Webhook for Endpoint {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Outcome {
        let notification = delivery.notification;
        assert_eq!(delivery.secrets.len(), 1, "it opens");
        let told = (notification.id, notification.tries, delivery.at);
        self.told.borrow_mut().push(told);
        self.outcome.get()
    }

    async fn ask(&self, _: &Subscription, code: ValidationCode) -> Handshake {
        self.code.set(Some(code));
        if self.consents.get() {
            Handshake::Confirmed
        } else {
            Handshake::Unconfirmed(answered(200))
        }
    }
}

/// Nothing is looked up in development.
struct NoDns;

impl Resolver for NoDns {
    async fn resolve(&self, _: &Question) -> Result<Answer, ResolveError> {
        Err(ResolveError::Timeout)
    }
}

pub(crate) fn notifier() -> Notifier {
    Notifier {
        key: master_key(),
        outbox: Outbox::default(),
        windows: Windows::new(Duration::from_secs(60)),
        subscriptions: KnownSubscriptions::default(),
        guard: Guard::new(Reach::Anything),
        lanes: Lanes::default(),
    }
}

pub(crate) fn subscribed(world: &World, endpoint: &Endpoint) -> SubscriptionId {
    let request = Request {
        endpoint: Some("http://127.0.0.1/hook".to_owned()),
        ..Request::default()
    };
    let change = request.check(Reach::Anything).unwrap();
    let (made, _) = run(edit::create(world, &master_key(), change, None)).unwrap();
    run(validation::validate(world, endpoint, made.id)).unwrap();
    made.id
}

/// Has everything told to a subscriber who is content.
pub(crate) fn subscribe_to_all(world: &World) {
    subscribed(world, &Endpoint::answering(200));
}

pub(crate) fn try_out(world: &World, id: SubscriptionId, events: usize) -> Vec<OperationId> {
    let address = envelope::AddrSpec::parse("a@example.com").unwrap();
    run(trial::try_out(
        world,
        &Outbox::default(),
        id,
        trial::Trial {
            address: &address,
            event_type: EventType::DeliveryReport,
            count: events,
        },
    ))
    .unwrap()
}

pub(crate) fn once(
    world: &World,
    endpoint: &Endpoint,
    id: OperationId,
) -> Result<Attempted, AttemptError> {
    run(attempt(world, &NoDns, endpoint, &notifier(), id))
}

fn stored(world: &World, id: OperationId) -> Notification {
    run(keys::notification(id).read(world)).unwrap().unwrap()
}

/// Attempts whenever the notification is due, until it is settled.
fn until_settled(world: &World, endpoint: &Endpoint, id: OperationId) -> Notification {
    loop {
        let found = stored(world, id);
        match found.phase {
            Phase::Pending => {}
            Phase::Delivered | Phase::Dead { .. } => return found,
        }
        let due_at = found.due_at.unwrap();
        world.now.set(due_at.max(world.now.get()));
        once(world, endpoint, id).unwrap();
    }
}

#[test]
fn an_endpoint_that_is_down_for_a_day_is_tried_to_its_end_and_the_event_is_a_dead_letter_for_a_week()
 {
    let world = World::new();
    let endpoint = Endpoint::answering(500);
    let subscription = subscribed(&world, &endpoint);
    let id = try_out(&world, subscription, 1)[0];
    let dead = until_settled(&world, &endpoint, id);
    let Phase::Dead { reason, at, .. } = dead.phase else {
        panic!("{dead:?}");
    };
    assert_eq!(reason, DeadReason::TimeToLiveExceeded);
    assert_eq!(at.since(dead.created_at), Duration::from_hours(24));
    let told = endpoint.told.borrow().clone();
    // Ten pauses make 23 hours to over a day; the last try is at the end of the day.
    assert!(matches!(told.len(), 11 | 12), "{}", told.len());
    assert_eq!(told.last().map(|(_, _, sent_at)| *sent_at), Some(at));
    assert!(told.iter().all(|(told, ..)| *told == id));
    assert_eq!(
        told.iter().map(|(_, n, _)| *n).collect::<Vec<_>>(),
        (0_u32..).take(told.len()).collect::<Vec<_>>()
    );
    let gaps: Vec<u64> = told
        .windows(2)
        .map(|pair| pair[1].2.since(pair[0].2).as_secs())
        .collect();
    let pauses = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600];
    for (gap, pause) in gaps.iter().zip(pauses) {
        // The endpoint is left alone for ten seconds more at most.
        assert!((pause..=pause * 6 / 5 + 10).contains(gap), "{gaps:?}");
    }

    world
        .now
        .set(at.plus(dead::KEPT_FOR - Duration::from_secs(2)));
    assert_eq!(once(&world, &endpoint, id).unwrap(), Attempted::NotNow);
    world.now.set(at.plus(dead::KEPT_FOR));
    assert_eq!(once(&world, &endpoint, id).unwrap(), Attempted::Settled);
    assert_eq!(
        world.count("notification/") + world.count("dead-letter/"),
        0
    );
    assert_eq!(once(&world, &endpoint, id).unwrap(), Attempted::Unknown);
    assert!(
        run(dead::page(&world, subscription, None))
            .unwrap()
            .letters
            .is_empty()
    );
}

#[test]
fn dead_letters_are_sent_anew_by_one_by_time_and_all_in_pages() {
    let world = World::new();
    let endpoint = Endpoint::answering(413);
    let subscription = subscribed(&world, &endpoint);
    let began = world.now.get();
    let ids = try_out(&world, subscription, 100);
    let more = try_out(&world, subscription, 60);
    for &id in ids.iter().chain(&more) {
        world.advance(Duration::from_secs(1));
        once(&world, &endpoint, id).unwrap();
    }
    let page = run(dead::page(&world, subscription, None)).unwrap();
    assert_eq!(page.letters.len(), dead::MAX_PAGE);
    assert_eq!(page.letters[0].1.id, more[59], "the newest first");

    let outbox = Outbox::default();
    let again = |selection, before| {
        run(dead::redeliver(
            &world,
            &outbox,
            subscription,
            selection,
            before,
        ))
    };
    let one = again(Selection::One(ids[7]), None).unwrap();
    assert_eq!(one.notifications, [ids[7]]);
    assert!(matches!(
        again(Selection::One(ids[7]), None),
        Err(RedeliverError::NotFound)
    ));
    let at = |n: u64| began.plus(Duration::from_secs(n));
    let range = Selection::Range {
        from: at(10),
        to: at(12),
    };
    let three = again(range, None).unwrap().notifications;
    assert_eq!(three, [ids[11], ids[10], ids[9]]);

    let first = again(Selection::All, None).unwrap();
    assert_eq!(first.notifications.len(), dead::MAX_REDELIVERED);
    let rest = again(Selection::All, first.next_before).unwrap();
    assert_eq!(rest.notifications.len(), 160 - 4 - dead::MAX_REDELIVERED);
    assert_eq!(rest.next_before, None);

    endpoint.outcome.set(answered(200));
    assert_eq!(
        once(&world, &endpoint, ids[7]).unwrap(),
        Attempted::Made(answered(200))
    );
    assert_eq!(stored(&world, ids[7]).phase, Phase::Delivered);
}

#[test]
fn a_paused_subscription_gets_after_its_pause_what_is_not_a_day_old() {
    let world = World::new();
    let endpoint = Endpoint::answering(200);
    let subscription = subscribed(&world, &endpoint);
    run(edit::pause(&world, subscription)).unwrap();
    let [id, old] = [(); 2].map(|()| try_out(&world, subscription, 1)[0]);
    for _ in 0..5 {
        world.now.set(stored(&world, id).due_at.unwrap());
        assert_eq!(once(&world, &endpoint, id).unwrap(), Attempted::Settled);
    }
    assert!(endpoint.told.borrow().is_empty());
    run(edit::resume(&world, subscription)).unwrap();
    assert_eq!(until_settled(&world, &endpoint, id).phase, Phase::Delivered);
    run(edit::pause(&world, subscription)).unwrap();
    let dead = until_settled(&world, &endpoint, old);
    assert!(matches!(
        dead.phase,
        Phase::Dead {
            reason: DeadReason::TimeToLiveExceeded,
            ..
        }
    ));
    assert_eq!(endpoint.told.borrow().len(), 1);
}

#[test]
fn gone_ends_the_subscription_and_what_is_left_for_it_dies_unsent() {
    let world = World::new();
    let endpoint = Endpoint::answering(410);
    let subscription = subscribed(&world, &endpoint);
    let ids = try_out(&world, subscription, 2);
    once(&world, &endpoint, ids[0]).unwrap();
    let found = run(load(&world)).unwrap();
    let state = found.find(subscription).unwrap().state;
    assert!(matches!(state, SubscriptionState::Ended { .. }));
    once(&world, &endpoint, ids[1]).unwrap();
    for id in ids {
        let phase = stored(&world, id).phase;
        assert!(matches!(
            phase,
            Phase::Dead {
                reason: DeadReason::SubscriptionEnded,
                ..
            }
        ));
    }
    assert_eq!(endpoint.told.borrow().len(), 1);
}

#[test]
fn what_is_for_a_deleted_subscription_is_deleted() {
    let world = World::new();
    let endpoint = Endpoint::answering(200);
    let subscription = subscribed(&world, &endpoint);
    let id = try_out(&world, subscription, 1)[0];
    run(edit::remove(&world, subscription)).unwrap();
    assert_eq!(once(&world, &endpoint, id).unwrap(), Attempted::Settled);
    assert_eq!(world.count("notification/"), 0);
}

/// Breaks if what an instance knows of subscriptions is believed when it would have a notification given up.
#[test]
fn a_subscription_that_was_made_a_moment_ago_is_told() {
    let world = World::new();
    let endpoint = Endpoint::answering(200);
    let notifier = notifier();
    assert!(
        run(notifier.subscriptions.read(&world))
            .unwrap()
            .all
            .is_empty()
    );
    let id = try_out(&world, subscribed(&world, &endpoint), 1)[0];
    let attempted = run(attempt(&world, &NoDns, &endpoint, &notifier, id)).unwrap();
    assert_eq!(attempted, Attempted::Made(answered(200)));
}

#[test]
fn an_endpoint_that_failed_five_times_is_left_alone_with_all_that_is_due() {
    let world = World::new();
    let endpoint = Endpoint::answering(500);
    let subscription = subscribed(&world, &endpoint);
    let ids = try_out(&world, subscription, 8);
    for &id in &ids {
        once(&world, &endpoint, id).unwrap();
    }
    assert_eq!(endpoint.told.borrow().len(), 5);
    let held = stored(&world, ids[7]);
    assert_eq!((held.tries, held.attempt), (0, 1));
    world.now.set(held.due_at.unwrap());
    endpoint.outcome.set(answered(200));
    once(&world, &endpoint, ids[7]).unwrap();
    assert_eq!(stored(&world, ids[7]).phase, Phase::Delivered);
}

#[test]
fn one_notification_is_sent_by_one_task_at_a_time() {
    let world = World::new();
    let endpoint = Endpoint::answering(200);
    let id = try_out(&world, subscribed(&world, &endpoint), 1)[0];
    let (first, second) = (notifier(), notifier());
    let both = run(futures::future::join(
        attempt(&world, &NoDns, &endpoint, &first, id),
        attempt(&world, &NoDns, &endpoint, &second, id),
    ));
    let made = Attempted::Made(answered(200));
    let both = [both.0.unwrap(), both.1.unwrap()];
    assert!(
        both.contains(&made) && both.contains(&Attempted::NotNow),
        "{both:?}"
    );
    assert_eq!(endpoint.told.borrow().len(), 1);
}

/// Whichever call of the store fails, the notification is settled in the end, was sent at least once, and only under its own id.
#[test]
fn a_store_that_fails_at_any_call_loses_no_notification() {
    for status in [200, 400, 410] {
        for fail_at in 0..25 {
            let world = World::new();
            let endpoint = Endpoint::answering(status);
            let id = try_out(&world, subscribed(&world, &endpoint), 1)[0];
            world.fail_at.set(Some(fail_at));
            for _ in 0..6 {
                // What fails is made again in the next window.
                let _ = once(&world, &endpoint, id);
                world.advance(Duration::from_secs(120));
            }
            world.fail_at.set(None);
            assert_ne!(
                stored(&world, id).phase,
                Phase::Pending,
                "{status} {fail_at}"
            );
            let told = endpoint.told.borrow();
            assert!(!told.is_empty() && told.iter().all(|(told, ..)| *told == id));
        }
    }
}

#[test]
fn only_the_newest_link_confirms_and_only_for_ten_minutes() {
    let world = World::new();
    let endpoint = Endpoint::answering(200);
    endpoint.consents.set(false);
    let id = subscribed(&world, &endpoint);
    let older = endpoint.code.get().unwrap();
    run(validation::validate(&world, &endpoint, id)).unwrap();
    let newer = endpoint.code.get().unwrap();
    let confirm = |code| run(validation::confirm(&world, id, code));
    assert!(matches!(confirm(older), Err(SubscriptionError::NotFound)));
    world.advance(validation::CONFIRM_WITHIN);
    assert!(matches!(confirm(newer), Err(SubscriptionError::NotFound)));
    run(validation::validate(&world, &endpoint, id)).unwrap();
    confirm(endpoint.code.get().unwrap()).unwrap();
    let state = run(load(&world)).unwrap().find(id).unwrap().state;
    assert_eq!(state, SubscriptionState::Active);
}

#[test]
fn a_hundred_subscriptions_are_all_there_may_be() {
    let world = World::new();
    let create = || {
        let request = Request {
            endpoint: Some("http://127.0.0.1/".to_owned()),
            ..Request::default()
        };
        let change = request.check(Reach::Anything).unwrap();
        run(edit::create(&world, &master_key(), change, None))
    };
    for _ in 0..100 {
        create().unwrap();
    }
    assert!(matches!(create(), Err(SubscriptionError::TooMany)));
}

#[test]
fn an_endpoint_has_a_few_places_and_a_short_queue() {
    let world = World::new();
    let endpoint = Endpoint::answering(200);
    let [hanging, other] = [(); 2].map(|()| subscribed(&world, &endpoint));
    let lanes = Lanes::default();
    let under_way: Vec<_> = (0..MAX_UNDER_WAY)
        .map(|_| run(lanes.take(&world, hanging)).unwrap())
        .collect();
    let began = world.now.get();
    assert!(run(lanes.take(&world, hanging)).is_none());
    assert_eq!(world.now.get().since(began), Duration::from_secs(5));
    assert!(run(lanes.take(&world, other)).is_some());
    let waiting = (0..=MAX_WAITING).map(|_| lanes.take(&world, hanging));
    let found = run(futures::future::join_all(waiting));
    assert!(found.iter().all(Option::is_none));
    drop(under_way);
    assert!(run(lanes.take(&world, hanging)).is_some());
}

/// An instance that looks at the subscriptions just before each change, and then only when it has to.
fn knows_after(world: &World, change: impl FnOnce()) -> Subscription {
    let known = KnownSubscriptions::default();
    run(known.read(world)).unwrap();
    change();
    let found = run(known.read(world)).unwrap();
    found.all.first().unwrap().clone()
}

/// Breaks if the answer came while instances may know the subscriptions as they were before: events would be told to nobody.
#[test]
fn who_is_answered_that_a_subscription_is_active_misses_no_event_any_more() {
    let world = World::new();
    let endpoint = Endpoint::answering(200);
    let made = subscribed(&world, &endpoint);
    let state = |change: &dyn Fn()| knows_after(&world, change).state;
    let is_active = |change: &dyn Fn()| state(change) == SubscriptionState::Active;
    let ask = || drop(run(validation::validate(&world, &endpoint, made)).unwrap());

    run(edit::pause(&world, made)).unwrap();
    assert!(is_active(&|| drop(
        run(edit::resume(&world, made)).unwrap()
    )));
    run(edit::pause(&world, made)).unwrap();
    assert!(is_active(&ask));

    endpoint.consents.set(false);
    let before = world.now.get();
    ask();
    assert_eq!(world.now.get(), before, "nobody waits for what is refused");
    let code = endpoint.code.get().unwrap();
    let confirm = || run(validation::confirm(&world, made, code)).unwrap();
    assert!(is_active(&confirm));
}

#[test]
fn another_filter_counts_for_every_event_after_its_answer() {
    let world = World::new();
    let made = subscribed(&world, &Endpoint::answering(200));
    let request = Request {
        event_types: Some(vec![EventType::DeliveryReport.name().to_owned()]),
        ..Request::default()
    };
    let change = request.check(Reach::Anything).unwrap();
    let known = knows_after(&world, || {
        run(edit::update(&world, made, change)).unwrap();
    });
    assert_eq!(known.filter.event_types, [EventType::DeliveryReport]);
}
