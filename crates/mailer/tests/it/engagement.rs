//! From visits to facts, events and suppressions: once, whatever is repeated, cut off or unknown.

use std::time::Duration;

use envelope::{AddrSpec, Domain};
use mailer::attempt::Windows;
use mailer::digest::turns::Turns;
use mailer::digest::{Digested, Digester};
use mailer::engagement::chunk::{MAX_CHUNK_FACTS, MAX_CHUNKS, MAX_HEAD_CHUNKS, MAX_WISH_CHUNKS};
use mailer::engagement::intake::{Told, take_in};
use mailer::engagement::tally::{Engagement, Totals};
use mailer::engagement::{UnsubscribedBy, Visit, VisitAction, VisitBatch, Visitor, view};
use mailer::event::{EventData, derived_id};
use mailer::keys;
use mailer::link::Reader;
use mailer::operation::OperationId;
use mailer::outbox::Outbox;
use mailer::ports::{KeyValue as _, StoreError};
use mailer::subscription::known::KnownSubscriptions;
use mailer::suppression::list::{self, MAX_LISTS};
use mailer::suppression::{Kind, Mail, Ruling, Suppressor, check};
use mailer::time::Timestamp;
use mailer::timeline;
use mailer::treatment::{Topic, Treatment};

use crate::fake::{DOMAIN, START, ScriptedRelay, World, accept, made, run};
use crate::notifications::subscribe_to_all;

const HOUR: u64 = 3_600_000;

pub(crate) fn sent(world: &World) -> OperationId {
    let id = accept(world, &["bob@example.com", "eve@example.org"]);
    made(world, &ScriptedRelay::default(), id);
    id
}

/// A person's visit, so many milliseconds after an hour.
pub(crate) fn visit(message: OperationId, recipient: u8, after: u64, action: VisitAction) -> Visit {
    Visit {
        message,
        recipient,
        at: START.plus(Duration::from_millis(HOUR + after)),
        action,
        is_head: false,
        visitor: Visitor {
            audience: "human".to_owned(),
            reason: "ua:known-client".to_owned(),
            family: "Chrome".to_owned(),
            class: "desktop".to_owned(),
            user_agent: None,
        },
    }
}

/// A scanner's HEAD request for the first link.
fn head(message: OperationId, after: u64) -> Visit {
    let mut head = visit(message, 0, after, click(0));
    head.is_head = true;
    "scanner".clone_into(&mut head.visitor.audience);
    "method:head".clone_into(&mut head.visitor.reason);
    head
}

pub(crate) fn click(link: u16) -> VisitAction {
    VisitAction::Click {
        link,
        target: format!("https://shop.example/{link}?token=t#f"),
    }
}

pub(crate) const UNSUBSCRIBE: VisitAction = VisitAction::Unsubscribe {
    by: UnsubscribedBy::OneClick,
};

pub(crate) fn store(world: &World, name: &str, visits: Vec<Visit>) -> OperationId {
    let id = derived_id(name);
    let batch = VisitBatch::new(visits, world.now.get());
    let write = keys::visits(id).write(&batch).unwrap();
    world.map.borrow_mut().extend([write]);
    id
}

pub(crate) fn try_take_in(world: &World, id: OperationId) -> Result<Digested<Told>, StoreError> {
    let digester = Digester {
        outbox: &Outbox::default(),
        windows: Windows::new(Duration::from_secs(60)),
        subscriptions: &KnownSubscriptions::default(),
        suppressor: &Suppressor::default(),
        turns: &Turns::default(),
    };
    run(take_in(world, &digester, id))
}

/// Stores a batch and takes it in.
pub(crate) fn tell(world: &World, name: &str, visits: Vec<Visit>) -> Told {
    let id = store(world, name, visits);
    match try_take_in(world, id).unwrap() {
        Digested::Done(told) => told,
        other => panic!("expected the batch to be taken in, found {other:?}"),
    }
}

pub(crate) fn engagements(world: &World, message: OperationId) -> Vec<Engagement> {
    let timeline = run(timeline::read(world, message)).unwrap().unwrap();
    run(view::of_message(world, &timeline)).unwrap()
}

/// What Bob did, and what Eve did.
pub(crate) fn both(world: &World, message: OperationId) -> (Engagement, Engagement) {
    let found = <[Engagement; 2]>::try_from(engagements(world, message));
    found.unwrap().into()
}

fn ruling(world: &World, address: &str, treatment: &Treatment) -> Ruling {
    let sender = AddrSpec::parse(&format!("news@{DOMAIN}")).unwrap();
    let mail = Mail {
        sender: &sender,
        treatment,
    };
    let recipients = [AddrSpec::parse(address).unwrap()];
    let now = START.plus(Duration::from_millis(2 * HOUR));
    let lists = Suppressor::default();
    let found = check(world, &lists, mail, &recipients, now);
    run(found).unwrap().remove(0)
}

pub(crate) fn is_held(world: &World, address: &str) -> bool {
    ruling(world, address, &Treatment::default()).is_held()
}

fn about(topic: &str) -> Treatment {
    Treatment {
        topic: Some(Topic::parse(topic).unwrap()),
        ..Treatment::default()
    }
}

/// Has the message be of this treatment.
fn treat(world: &World, message: OperationId, treatment: Treatment) {
    let (mut record, head) = run(mailer::record::MessageRecord::read_head(world, message))
        .unwrap()
        .unwrap();
    record.treatment = treatment;
    let writes = record.into_writes(&head).unwrap();
    world.map.borrow_mut().extend(writes);
}

#[test]
fn opens_and_clicks_are_counted_for_their_recipient() {
    let world = World::with_domain();
    let id = sent(&world);
    let mut proxy = visit(id, 0, 50, VisitAction::Open);
    "image-proxy".clone_into(&mut proxy.visitor.audience);
    let visits = vec![
        visit(id, 0, 100, VisitAction::Open),
        visit(id, 0, 200, click(1)),
        head(id, 400),
        proxy,
    ];
    tell(&world, "1", visits);
    tell(&world, "2", vec![visit(id, 0, 90_000, click(1))]);
    let found = engagements(&world, id);
    let bob = &found[0];
    assert_eq!((bob.opens.total, bob.opens.human), (2, 1));
    assert_eq!(bob.opens.by_audience.get("image-proxy"), Some(&1));
    assert_eq!((bob.clicks.total, bob.clicks.unique), (2, 1));
    assert_eq!(bob.links.len(), 1, "the HEAD request counts nothing");
    assert!(bob.opens.first < bob.opens.first_human);
    assert_eq!(
        bob.clicks.last,
        Some(START.plus(Duration::from_millis(HOUR + 90_000)))
    );
    assert_eq!(found[1], Engagement::default());
    let totals = Totals::of(&found);
    assert_eq!((totals.clicks.unique_human, totals.opens.unique), (1, 1));
    let eve = tell(&world, "3", vec![visit(id, 1, 0, click(1))]);
    assert_eq!(eve.engaged.len(), 1);
    let totals = Totals::of(&engagements(&world, id));
    assert_eq!((totals.clicks.unique, totals.clicks.total), (2, 3));
}

#[test]
fn a_recipient_without_visits_costs_one_read() {
    let world = World::with_domain();
    let id = sent(&world);
    let timeline = run(timeline::read(&world, id)).unwrap().unwrap();
    world.calls.set(0);
    run(view::of_message(&world, &timeline)).unwrap();
    assert_eq!(world.calls.get(), 2);
}

#[test]
fn what_does_not_exist_is_counted_and_dropped() {
    let world = World::with_domain();
    let id = sent(&world);
    let mut state = run(keys::state(id).read(&world)).unwrap().unwrap();
    state.links = 2;
    let write = keys::state(id).write(&state).unwrap();
    world.map.borrow_mut().extend([write]);
    let visits = vec![
        visit(derived_id("no such message"), 0, 0, click(0)),
        visit(id, 2, 0, click(0)),
        visit(id, 0, 0, click(2)),
        visit(id, 0, 0, click(1)),
    ];
    let told = tell(&world, "1", visits);
    assert_eq!((told.foreign, told.engaged.len()), (3, 1));
    assert_eq!(engagements(&world, id)[0].clicks.total, 1);
    assert_eq!(told.engaged[0].context(), "https://shop.example/1");
}

/// Opens of Bob and clicks of Eve that are counted, and notifications, whatever call fails.
#[track_caller]
fn check_failing_at_any_call(batches_before: u64, expected: (u64, u64, usize)) {
    for call in 0.. {
        let world = World::with_domain();
        let id = sent(&world);
        subscribe_to_all(&world);
        after_batches(&world, id, batches_before);
        let visits = vec![
            visit(id, 0, 0, VisitAction::Open),
            visit(id, 1, 5, click(0)),
            visit(id, 0, 10, UNSUBSCRIBE),
        ];
        let batch = store(&world, "1", visits);
        world.fail_at.set(Some(call));
        let first = try_take_in(&world, batch);
        let is_over = world.fail_at.take().is_some();
        if first.is_err() {
            world.advance(Duration::from_secs(120));
            let again = try_take_in(&world, batch).unwrap();
            assert!(matches!(again, Digested::Done(_)), "call {call}: {again:?}");
        }
        world.advance(Duration::from_secs(240));
        let over = try_take_in(&world, batch).unwrap();
        assert!(!matches!(over, Digested::Done(_)), "call {call}");
        let (bob, eve) = both(&world, id);
        let told = world.count("notification/");
        let counted = (bob.opens.total, eve.clicks.total, told);
        assert_eq!(counted, expected, "call {call}");
        assert!(bob.unsubscribed.is_some(), "call {call}");
        assert!(is_held(&world, "bob@example.com"), "call {call}");
        if is_over {
            assert!(call > 10, "{call} calls");
            break;
        }
    }
}

#[test]
fn whatever_call_fails_nothing_is_lost_and_nothing_is_double() {
    check_failing_at_any_call(0, (1, 1, 3));
    check_failing_at_any_call(MAX_CHUNKS, (0, 1, 2));
}

#[test]
fn a_batch_that_two_take_in_at_once_is_told_and_counted_once() {
    let world = World::with_domain();
    let id = sent(&world);
    subscribe_to_all(&world);
    let visits = vec![visit(id, 0, 0, click(0))];
    let first = tell(&world, "1", visits.clone());
    // As if the other had read nothing of what the first wrote.
    let chunk = run(keys::engagement(reader(id), 1).read(&world))
        .unwrap()
        .unwrap();
    let second = keys::engagement(reader(id), 2).write(&chunk).unwrap();
    world.map.borrow_mut().extend([second]);
    run(keys::engagement_count(reader(id)).increment(&world)).unwrap();
    assert_eq!(engagements(&world, id)[0].clicks.total, 1);
    // And as if it came after all of it, with a claim of its own.
    world
        .map
        .borrow_mut()
        .retain(|key, _| !key.starts_with("claim/"));
    let again = tell(&world, "1", visits);
    assert_eq!((first.engaged.len(), again.engaged.len()), (1, 0));
    assert_eq!(world.count("notification/"), 1);
}

pub(crate) fn reader(message: OperationId) -> Reader {
    Reader {
        message,
        recipient: 0,
    }
}

#[test]
fn subscribers_are_told_of_each_visit_but_head_requests() {
    let world = World::with_domain();
    let id = sent(&world);
    subscribe_to_all(&world);
    let mut head = visit(id, 0, 0, click(3));
    head.is_head = true;
    let told = tell(&world, "1", vec![head, visit(id, 0, 60_000, click(2))]);
    assert_eq!(told.notifications.len(), 1);
    let notification = run(keys::notification(told.notifications[0]).read(&world));
    let notification = notification.unwrap().unwrap();
    let EventData::Engagement {
        recipient,
        user_agent,
        audience,
        ..
    } = &notification.events[0].data
    else {
        panic!("expected an engagement, found {notification:?}");
    };
    assert_eq!(recipient.to_string(), "bob@example.com");
    assert_eq!(
        (user_agent.as_str(), audience.as_str()),
        ("Chrome", "human")
    );
    let found = engagements(&world, id);
    assert_eq!(found[0].notifications, told.notifications);
    let event = found[0].visits.iter().find(|visit| !visit.fact.is_head);
    assert_eq!(event.unwrap().event, notification.events[0].id);
}

/// As if so many batches had been taken in.
pub(crate) fn after_batches(world: &World, message: OperationId, batches: u64) {
    let batches = i64::try_from(batches).unwrap();
    let counter = keys::engagement_count(reader(message));
    run(world.increment(counter.path(), batches)).unwrap();
}

#[test]
fn visits_are_kept_up_to_a_number_of_batches_and_wishes_beyond_it() {
    let world = World::with_domain();
    let id = sent(&world);
    subscribe_to_all(&world);
    after_batches(&world, id, MAX_CHUNKS);
    let news = vec![visit(id, 0, 0, click(0)), visit(id, 0, 0, UNSUBSCRIBE)];
    let told = tell(&world, "1", news);
    assert_eq!(
        (told.surplus, told.engaged.len(), told.notifications.len()),
        (1, 1, 1)
    );
    let found = &engagements(&world, id)[0];
    assert_eq!((found.surplus, found.clicks.total), (1, 0));
    assert!(found.unsubscribed.is_some());
    assert!(is_held(&world, "bob@example.com"));
}

#[test]
fn beyond_the_batches_only_a_number_of_changed_minds_is_kept_and_all_are_obeyed() {
    let world = World::with_domain();
    let id = sent(&world);
    after_batches(&world, id, MAX_CHUNKS);
    for n in 0..=MAX_WISH_CHUNKS {
        let wish = match n % 2 {
            0 => UNSUBSCRIBE,
            _ => VisitAction::Resubscribe,
        };
        let told = tell(
            &world,
            &format!("{n}"),
            vec![visit(id, 0, 2 * n, wish.clone())],
        );
        let is_kept = n < MAX_WISH_CHUNKS;
        assert_eq!(
            (told.engaged.len(), told.surplus == 0),
            (usize::from(is_kept), is_kept)
        );
        let again = tell(
            &world,
            &format!("again {n}"),
            vec![visit(id, 0, 2 * n + 1, wish)],
        );
        assert!(
            !is_kept || again.engaged.is_empty(),
            "it is known, and takes no room"
        );
    }
    assert!(is_held(&world, "bob@example.com"), "what he said last");
    let found = &engagements(&world, id)[0];
    assert_eq!(found.surplus, MAX_WISH_CHUNKS + 2);
}

#[test]
fn head_requests_take_no_room_from_people_and_are_never_too_many() {
    let world = World::with_domain();
    let id = sent(&world);
    for n in 0..MAX_CHUNKS {
        let told = tell(&world, &format!("head {n}"), vec![head(id, n * 60_000)]);
        assert_eq!(told.surplus, 0);
    }
    let mut last: Vec<Visit> = (0..60).map(|n| head(id, 5_000_000 + n)).collect();
    last.push(visit(id, 0, 9_000_000, click(0)));
    assert_eq!(tell(&world, "person", last).engaged.len(), 1);
    let found = &engagements(&world, id)[0];
    assert_eq!((found.clicks.human, found.surplus), (1, 0));
    let heads = found.visits.iter().filter(|visit| visit.fact.is_head);
    let most = usize::try_from(MAX_HEAD_CHUNKS).unwrap() + audience::MAX_HEADS;
    assert_eq!(heads.count(), most);
    after_batches(&world, id, MAX_CHUNKS);
    let before = engagements(&world, id)[0].surplus;
    tell(&world, "late", vec![head(id, 9_500_000)]);
    assert_eq!(engagements(&world, id)[0].surplus, before);
}

#[test]
fn of_a_flood_in_one_batch_some_are_kept_and_told_and_all_wishes() {
    let world = World::with_domain();
    let id = sent(&world);
    let mut visits: Vec<Visit> = (0..40).map(|n| visit(id, 0, n, click(0))).collect();
    visits.push(visit(id, 0, 40, UNSUBSCRIBE));
    let told = tell(&world, "1", visits);
    assert_eq!(told.engaged.len(), MAX_CHUNK_FACTS + 1);
    assert_eq!(told.surplus, 40 - MAX_CHUNK_FACTS);
    let found = engagements(&world, id);
    let most = u64::try_from(MAX_CHUNK_FACTS).unwrap();
    assert_eq!((found[0].clicks.total, found[0].surplus), (most, 40 - most));
    assert!(found[0].unsubscribed.is_some());
    assert!(is_held(&world, "bob@example.com"));
}

#[test]
fn who_unsubscribes_gets_no_more_of_the_sender_until_he_takes_it_back() {
    let world = World::with_domain();
    let id = sent(&world);
    let first = tell(&world, "1", vec![visit(id, 0, 0, UNSUBSCRIBE)]);
    assert_eq!(first.engaged.len(), 1);
    assert!(is_held(&world, "bob@example.com"));
    assert!(!is_held(&world, "eve@example.org"));
    let again = tell(&world, "2", vec![visit(id, 0, 9, UNSUBSCRIBE)]);
    assert!(again.engaged.is_empty(), "it is known");
    assert!(is_held(&world, "bob@example.com"));
    tell(
        &world,
        "3",
        vec![visit(id, 0, 20, VisitAction::Resubscribe)],
    );
    assert!(!is_held(&world, "bob@example.com"));
    assert_eq!(engagements(&world, id)[0].unsubscribed, None);
    tell(&world, "4", vec![visit(id, 0, 15, UNSUBSCRIBE)]);
    assert!(!is_held(&world, "bob@example.com"), "it was said before");
    tell(&world, "5", vec![visit(id, 0, 30, UNSUBSCRIBE)]);
    assert!(is_held(&world, "bob@example.com"));
}

/// What is said through mails of one sender, as it is heard: which mail, when, and whether it is to be the last.
#[track_caller]
fn check_wishes(heard: &[(usize, u64, VisitAction)], expected: bool) {
    let world = World::with_domain();
    let mails = [sent(&world), sent(&world)];
    for (n, (mail, at, action)) in heard.iter().enumerate() {
        let mail = *mails.get(*mail).unwrap();
        let said = visit(mail, 0, *at, action.clone());
        tell(&world, &n.to_string(), vec![said]);
    }
    assert_eq!(is_held(&world, "bob@example.com"), expected, "{heard:?}");
}

#[test]
fn of_wishes_through_several_mails_the_last_that_was_said_counts() {
    let (no_more, more) = (UNSUBSCRIBE, VisitAction::Resubscribe);
    check_wishes(&[(0, 1, no_more.clone()), (0, 2, more.clone())], false);
    check_wishes(&[(0, 2, more.clone()), (0, 1, no_more.clone())], false);
    let left_twice = [(0, 1, no_more.clone()), (1, 3, no_more.clone())];
    check_wishes(&left_twice, true);
    let heard_late = [&left_twice[..], &[(0, 2, more.clone())]].concat();
    check_wishes(&heard_late, true);
    let came_back = [&left_twice[..], &[(1, 4, more.clone())]].concat();
    check_wishes(&came_back, false);
    let before = [&came_back[..], &[(0, 2, no_more.clone())]].concat();
    check_wishes(&before, false);
}

#[test]
fn who_never_left_is_not_told_to_have_come_back() {
    let world = World::with_domain();
    let id = sent(&world);
    let back = vec![visit(id, 0, 0, VisitAction::Resubscribe)];
    assert!(tell(&world, "1", back).engaged.is_empty());
}

#[test]
fn a_mail_that_was_passed_on_takes_back_nothing_that_was_said_through_another() {
    let no_more = (1, 1, UNSUBSCRIBE);
    check_wishes(&[no_more, (0, 2, VisitAction::Resubscribe)], true);
}

#[test]
fn a_head_request_unsubscribes_nobody() {
    let world = World::with_domain();
    let id = sent(&world);
    let mut head = visit(id, 0, 0, UNSUBSCRIBE);
    head.is_head = true;
    tell(&world, "1", vec![head]);
    assert!(!is_held(&world, "bob@example.com"));
    assert_eq!(engagements(&world, id)[0].unsubscribed, None);
}

#[test]
fn mail_that_is_owed_goes_to_who_unsubscribed_and_to_nobody_else_on_a_list() {
    let world = World::with_domain();
    let id = sent(&world);
    tell(&world, "1", vec![visit(id, 0, 0, UNSUBSCRIBE)]);
    let owed = Treatment {
        transactional: true,
        ..Treatment::default()
    };
    let found = ruling(&world, "bob@example.com", &owed);
    assert!(matches!(found, Ruling::Bypassed(hit) if hit.kind == Kind::Unsubscribed));
    crate::fake::suppress(&world, "bob@example.com");
    assert!(ruling(&world, "bob@example.com", &owed).is_held());
}

#[test]
fn a_topic_has_a_list_of_its_own() {
    let world = World::with_domain();
    let id = sent(&world);
    treat(&world, id, about("offers"));
    tell(&world, "1", vec![visit(id, 0, 0, UNSUBSCRIBE)]);
    assert!(!is_held(&world, "bob@example.com"));
    assert!(ruling(&world, "bob@example.com", &about("offers")).is_held());
    assert!(!ruling(&world, "bob@example.com", &about("news")).is_held());
    tell(&world, "2", vec![visit(id, 0, 9, VisitAction::Resubscribe)]);
    assert!(!ruling(&world, "bob@example.com", &about("offers")).is_held());
}

#[test]
fn without_room_for_a_list_it_is_the_one_for_all_senders() {
    let world = World::with_domain();
    let domain = Domain::parse(DOMAIN).unwrap();
    for n in 1..MAX_LISTS {
        run(list::put(
            &world,
            &domain,
            &format!("n{n}"),
            Some(&format!("u{n}")),
        ))
        .unwrap();
    }
    let id = sent(&world);
    let told = tell(&world, "1", vec![visit(id, 0, 0, UNSUBSCRIBE)]);
    assert_eq!(told.fell_back, [domain]);
    assert!(is_held(&world, "bob@example.com"));
    tell(&world, "2", vec![visit(id, 0, 9, VisitAction::Resubscribe)]);
    assert!(!is_held(&world, "bob@example.com"));
}

#[test]
fn a_burst_over_batches_makes_the_clicks_before_a_scanner_s() {
    let world = World::with_domain();
    let id = sent(&world);
    let mut state = run(keys::state(id).read(&world)).unwrap().unwrap();
    state.links = 3;
    let write = keys::state(id).write(&state).unwrap();
    world.map.borrow_mut().extend([write]);
    for link in 0..2 {
        let visits = vec![visit(id, 0, u64::from(link) * 100, click(link))];
        tell(&world, &format!("{link}"), visits);
    }
    assert_eq!(engagements(&world, id)[0].clicks.human, 2);
    let told = tell(&world, "last", vec![visit(id, 0, 200, click(2))]);
    assert_eq!(told.engaged[0].verdict.audience.as_str(), "scanner");
    let clicks = &engagements(&world, id)[0].clicks;
    assert_eq!((clicks.total, clicks.human, clicks.unique_human), (3, 0, 0));
    assert_eq!(clicks.first_human, None::<Timestamp>);
}
