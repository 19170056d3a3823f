//! Who is erased leaves nothing of what he did, whatever fails, and is obeyed still.

use std::time::Duration;

use envelope::AddrSpec;
use futures::FutureExt as _;
use futures::future::join;
use mailer::engagement::VisitAction;
use mailer::engagement::chunk::{Chunk, MAX_CHUNKS};
use mailer::engagement::erasure::{ErasureError, IN_HAND, erase};
use mailer::engagement::tally::Engagement;
use mailer::event::derived_id;
use mailer::keys::{self, decode};
use mailer::notification::attempt::Attempted;
use mailer::notification::withdrawal::Withdrawer;
use mailer::notification::{Notification, Outcome, Phase, dead};
use mailer::operation::OperationId;
use mailer::outbox::Outbox;
use mailer::ports::KeyValue as _;
use mailer::subscription::SubscriptionId;
use mailer::time::Timestamp;

use crate::engagement::{
    UNSUBSCRIBE, after_batches, both, click, engagements, is_held, reader, sent, tell, visit,
};
use crate::fake::{World, run};
use crate::notifications::{Endpoint, notifier, once, subscribe_to_all, subscribed, try_out};

const BOB: &str = "bob@example.com";

fn withdrawer(outbox: &Outbox) -> Withdrawer<'_> {
    Withdrawer {
        windows: notifier().windows,
        outbox,
    }
}

fn erase_at(world: &World, message: OperationId, address: &str) -> Result<(), ErasureError> {
    let recipient = AddrSpec::parse(address).unwrap();
    run(erase(
        world,
        withdrawer(&Outbox::default()),
        message,
        &recipient,
    ))
}

fn notifications(world: &World) -> Vec<Notification> {
    let map = world.map.borrow();
    let stored = map
        .iter()
        .filter(|(key, _)| key.starts_with("notification/"));
    stored.map(|(_, value)| decode(value).unwrap()).collect()
}

fn edit(world: &World, change: impl Fn(&mut Notification)) {
    for mut notification in notifications(world) {
        change(&mut notification);
        let write = notification.write().unwrap();
        world.map.borrow_mut().extend([write]);
    }
}

/// Has the one subscriber told of many events at once.
fn batch_all(world: &World) {
    let mut all = run(keys::subscriptions().read(world)).unwrap().unwrap();
    for subscription in &mut all.all {
        subscription.batch_size = 100;
    }
    let write = keys::subscriptions().write(&all).unwrap();
    world.map.borrow_mut().extend([write]);
}

/// As if every subscriber had taken what he was told.
fn deliver_all(world: &World) {
    edit(world, |notification| {
        notification.phase = Phase::Delivered;
        notification.due_at = None;
    });
}

#[track_caller]
fn nothing_is_left(world: &World, message: OperationId) {
    assert_eq!(world.count(&format!("engagement/{message}/0/")), 0);
    for (key, value) in &*world.map.borrow() {
        let knows = String::from_utf8_lossy(value).contains("bob@");
        assert!(!(knows && key.starts_with("notification/")), "{key}");
    }
    let found = engagements(world, message);
    assert_eq!(found.first(), Some(&Engagement::default()));
}

/// Bob clicks, opens and unsubscribes, and Eve clicks.
fn visited(world: &World) -> OperationId {
    visited_after(world, 0)
}

/// The same with so many batches before, of which nothing is there.
fn visited_after(world: &World, batches: u64) -> OperationId {
    let id = sent(world);
    after_batches(world, id, batches);
    let both = vec![visit(id, 0, 0, click(0)), visit(id, 1, 0, click(0))];
    tell(world, "1", both);
    let bob = vec![
        visit(id, 0, 9, VisitAction::Open),
        visit(id, 0, 10, UNSUBSCRIBE),
    ];
    tell(world, "2", bob);
    id
}

#[test]
fn nothing_is_left_of_who_is_erased_and_all_of_the_others() {
    let world = World::with_domain();
    subscribe_to_all(&world);
    let id = visited(&world);
    deliver_all(&world);
    assert_eq!(notifications(&world).len(), 4);
    let before = world.now.get();
    for _ in 0..2 {
        erase_at(&world, id, "BOB@Example.COM").unwrap();
        nothing_is_left(&world, id);
    }
    // The second time nobody knows whether somebody is to write yet.
    assert_eq!(world.now.get(), before.plus(IN_HAND));
    assert_eq!(engagements(&world, id)[1].clicks.total, 1);
    assert_eq!(notifications(&world).len(), 1);
    assert!(is_held(&world, BOB), "his wish stays");
}

#[test]
fn of_what_is_told_together_the_rest_stays() {
    let world = World::with_domain();
    subscribe_to_all(&world);
    batch_all(&world);
    let id = visited(&world);
    deliver_all(&world);
    assert_eq!(notifications(&world).len(), 2);
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
    let left = notifications(&world);
    assert_eq!((left.len(), left[0].events.len()), (1, 1));
    assert_eq!(engagements(&world, id)[1].notifications, [left[0].id]);
}

#[test]
fn what_comes_later_is_not_kept_and_not_told_but_obeyed() {
    let world = World::with_domain();
    subscribe_to_all(&world);
    let id = sent(&world);
    tell(&world, "before", vec![visit(id, 0, 0, click(0))]);
    deliver_all(&world);
    erase_at(&world, id, BOB).unwrap();
    let late = vec![visit(id, 0, 20, click(0)), visit(id, 0, 30, UNSUBSCRIBE)];
    world.calls.set(0);
    let told = tell(&world, "late", late);
    assert!(
        world.calls.get() < 32,
        "chunks that are gone are looked for"
    );
    assert_eq!((told.surplus, told.engaged.len()), (2, 0));
    assert!(told.notifications.is_empty());
    assert!(is_held(&world, BOB));
    nothing_is_left(&world, id);
    let again = vec![visit(id, 0, 40, VisitAction::Resubscribe)];
    tell(&world, "again", again);
    assert!(!is_held(&world, BOB));
    nothing_is_left(&world, id);
}

#[test]
fn who_did_nothing_may_be_erased_too() {
    let world = World::with_domain();
    let id = sent(&world);
    let before = world.now.get();
    erase_at(&world, id, BOB).unwrap();
    assert_eq!(world.now.get(), before, "nobody is waited for");
    tell(&world, "late", vec![visit(id, 0, 0, click(0))]);
    nothing_is_left(&world, id);
}

#[test]
fn of_who_had_too_many_visits_not_even_their_number_is_left() {
    let world = World::with_domain();
    let id = sent(&world);
    after_batches(&world, id, MAX_CHUNKS + 9);
    assert_eq!(engagements(&world, id)[0].surplus, 9);
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
}

#[test]
fn nothing_is_left_of_a_flood_in_one_batch() {
    let world = World::with_domain();
    subscribe_to_all(&world);
    let id = sent(&world);
    let flood = (0..30).map(|n| visit(id, 0, u64::from(n), click(n)));
    tell(&world, "1", flood.collect());
    deliver_all(&world);
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
}

#[test]
fn nothing_is_left_of_wishes_after_too_many_visits_nor_kept_of_later_ones() {
    let world = World::with_domain();
    subscribe_to_all(&world);
    let id = sent(&world);
    after_batches(&world, id, MAX_CHUNKS);
    tell(&world, "1", vec![visit(id, 0, 0, UNSUBSCRIBE)]);
    deliver_all(&world);
    assert_eq!(notifications(&world).len(), 1);
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
    let told = tell(&world, "2", vec![visit(id, 0, 9, VisitAction::Resubscribe)]);
    assert!(told.engaged.is_empty() && !is_held(&world, BOB));
    nothing_is_left(&world, id);
    // As if the next one had its number before.
    let counter = keys::engagement_count(reader(id));
    run(world.increment(counter.path(), -(1 << 40))).unwrap();
    let told = tell(&world, "3", vec![visit(id, 0, 20, UNSUBSCRIBE)]);
    assert!(told.engaged.is_empty() && is_held(&world, BOB));
    assert_eq!(world.count(&format!("engagement/{id}/0/")), 0);
}

#[test]
fn only_recipients_of_messages_are_erased() {
    let world = World::with_domain();
    let id = visited(&world);
    let before = world.map.borrow().clone();
    let found = erase_at(&world, derived_id("none"), BOB);
    assert!(matches!(found, Err(ErasureError::NoMessage)));
    let found = erase_at(&world, id, "mallory@example.com");
    assert!(matches!(found, Err(ErasureError::NoRecipient)));
    assert_eq!(*world.map.borrow(), before);
}

/// Breaks if an attempt that is under way could write back what is erased.
#[test]
fn what_is_being_told_is_erased_when_that_is_over() {
    let world = World::with_domain();
    subscribe_to_all(&world);
    let id = visited(&world);
    for notification in notifications(&world) {
        run(keys::claim(notification.id, 0, 0).increment(&world)).unwrap();
    }
    let found = erase_at(&world, id, BOB);
    assert!(matches!(found, Err(ErasureError::Busy)), "{found:?}");
    assert_eq!(notifications(&world).len(), 4);
    let hidden = &engagements(&world, id)[0];
    assert_eq!(*hidden, Engagement::default(), "readers see nothing of it");
    // As after a crash: nobody writes after the window.
    world.advance(notifier().windows.length());
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
}

/// Breaks if what is due soon were taken for what is in hand: while the endpoint is left alone, all that is due for it is put off by
/// seconds, again and again.
#[test]
fn what_an_endpoint_that_is_down_was_not_told_is_erased_at_once() {
    let world = World::with_domain();
    let endpoint = Endpoint::answering(500);
    let subscription = subscribed(&world, &endpoint);
    for id in try_out(&world, subscription, 5) {
        once(&world, &endpoint, id).unwrap();
    }
    let id = visited(&world);
    for told in notifications(&world) {
        let attempted = once(&world, &endpoint, told.id).unwrap();
        assert!(matches!(attempted, Attempted::Settled | Attempted::NotNow));
    }
    let soon = world.now.get().plus(Duration::from_secs(30));
    let due = notifications(&world);
    assert!(due.iter().all(|found| found.due_at <= Some(soon)));
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
}

/// Breaks if an attempt that read what is erased meanwhile could claim it.
#[test]
fn an_attempt_that_has_read_what_is_erased_meanwhile_is_not_made() {
    let world = World::with_domain();
    let endpoint = Endpoint::answering(200);
    subscribed(&world, &endpoint);
    let id = visited(&world);
    let is_bobs = |found: &Notification| {
        let stored = keys::encode(found).unwrap();
        String::from_utf8_lossy(&stored).contains("bob@")
    };
    let told = notifications(&world).into_iter().find(is_bobs).unwrap();
    *world.before_increment.borrow_mut() = Some(Box::new(move |world| {
        let bob = AddrSpec::parse(BOB).unwrap();
        let outbox = Outbox::default();
        let erased = erase(world, withdrawer(&outbox), id, &bob).now_or_never();
        erased.unwrap().unwrap();
    }));
    assert_eq!(once(&world, &endpoint, told.id).unwrap(), Attempted::NotNow);
    nothing_is_left(&world, id);
}

/// Breaks if an attempt could claim another window than that in which it read what it sends.
#[test]
fn who_reads_in_one_window_does_not_claim_the_next() {
    let world = World::with_domain();
    let endpoint = Endpoint::answering(200);
    subscribed(&world, &endpoint);
    visited(&world);
    let told = notifications(&world)[0].clone();
    let next = told.due_at.unwrap().plus(notifier().windows.length());
    world
        .now
        .set(Timestamp::from_millis(next.as_millis() - 500));
    world.call_takes.set(Duration::from_secs(1));
    assert_eq!(once(&world, &endpoint, told.id).unwrap(), Attempted::NotNow);
    world.call_takes.set(Duration::ZERO);
    let attempted = once(&world, &endpoint, told.id).unwrap();
    assert!(matches!(attempted, Attempted::Made(_)), "{attempted:?}");
}

/// Breaks if the claim that erasing takes were the one that sending needs.
#[test]
fn the_rest_of_what_is_due_is_told_still() {
    let world = World::with_domain();
    let endpoint = Endpoint::answering(200);
    subscribed(&world, &endpoint);
    batch_all(&world);
    let id = visited(&world);
    let journalled = world.count("journal/");
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
    assert!(world.count("journal/") > journalled, "the tick is told");
    let left = notifications(&world);
    assert_eq!((left.len(), left[0].events.len()), (1, 1));
    let attempted = once(&world, &endpoint, left[0].id).unwrap();
    let told = Outcome::Answered {
        status: 200,
        retry_after: None,
    };
    assert_eq!(attempted, Attempted::Made(told));
}

/// All that Bob did is a dead letter.
fn dead_letters(world: &World) -> (OperationId, SubscriptionId) {
    let endpoint = Endpoint::answering(413);
    let subscription = subscribed(world, &endpoint);
    let id = visited(world);
    for notification in notifications(world) {
        once(world, &endpoint, notification.id).unwrap();
    }
    assert_eq!(world.count("dead-letter/"), 4);
    (id, subscription)
}

#[test]
fn dead_letters_are_erased_and_the_others_stay() {
    let world = World::with_domain();
    let (id, subscription) = dead_letters(&world);
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
    assert_eq!(world.count("dead-letter/"), 1);
    let page = run(dead::page(&world, subscription, None)).unwrap();
    assert_eq!(page.letters.len(), 1);
}

/// Breaks if sending anew, which has read a letter, could write back what is erased.
#[test]
fn dead_letters_that_are_sent_anew_are_erased_later() {
    let world = World::with_domain();
    let (id, subscription) = dead_letters(&world);
    // Whatever window it is.
    let now = world.now.get().as_millis();
    let windows = [1, 10, 20, 40].map(|length| now / (1000 * length));
    for window in windows.into_iter().flat_map(|n| n - 1..=n + 2) {
        run(keys::redeliver_lock(subscription, window).increment(&world)).unwrap();
    }
    let found = erase_at(&world, id, BOB);
    assert!(matches!(found, Err(ErasureError::Busy)), "{found:?}");
    assert_eq!(world.count("notification/"), 4);
    world.advance(Duration::from_mins(10));
    erase_at(&world, id, BOB).unwrap();
    nothing_is_left(&world, id);
}

#[test]
fn what_is_being_taken_in_is_waited_for() {
    let world = World::with_domain();
    let id = visited(&world);
    let chunk: Chunk = run(keys::engagement(reader(id), 1).read(&world))
        .unwrap()
        .unwrap();
    run(keys::engagement_count(reader(id)).increment(&world)).unwrap();
    let late = async {
        // The other was polled first, and waits by now.
        let write = keys::engagement(reader(id), 3).write(&chunk).unwrap();
        world.map.borrow_mut().extend([write]);
    };
    let bob = AddrSpec::parse(BOB).unwrap();
    let outbox = Outbox::default();
    let erasing = erase(&world, withdrawer(&outbox), id, &bob);
    let (erased, ()) = run(join(erasing, late));
    erased.unwrap();
    nothing_is_left(&world, id);
}

/// Where what was not told yet is due after `due_in`.
#[track_caller]
fn check_failing_at_any_call(batches_before: u64, due_in: Duration) {
    for call in 0.. {
        let world = World::with_domain();
        let endpoint = Endpoint::answering(413);
        subscribed(&world, &endpoint);
        let id = visited_after(&world, batches_before);
        let told = notifications(&world).remove(0);
        once(&world, &endpoint, told.id).unwrap();
        edit(&world, |notification| {
            if notification.phase == Phase::Pending {
                let due_at = world.now.get().plus(due_in);
                notification.due_at = Some(due_at);
            }
        });
        world.fail_at.set(Some(call));
        let first = erase_at(&world, id, BOB);
        let is_over = world.fail_at.take().is_some();
        if first.is_err() {
            assert!(matches!(first, Err(ErasureError::Store(_))), "call {call}");
            // Locks and claims were given back.
            erase_at(&world, id, BOB).unwrap();
        }
        nothing_is_left(&world, id);
        assert_eq!(both(&world, id).1.clicks.total, 1, "call {call}");
        assert_eq!(notifications(&world).len(), 1, "call {call}");
        if is_over {
            assert!(call > 10, "{call} calls");
            break;
        }
    }
}

#[test]
fn whatever_call_fails_the_same_again_erases_the_rest() {
    for due_in in [Duration::ZERO, Duration::from_hours(1)] {
        check_failing_at_any_call(0, due_in);
        check_failing_at_any_call(MAX_CHUNKS, due_in);
    }
}
