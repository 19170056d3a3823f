//! What was accepted on a day is found again, whoever accepted it, and after the tick is done with it.

use std::time::Duration;

use mailer::attempt::Windows;
use mailer::listing::{Cursor, page};
use mailer::operation::OperationId;
use mailer::submit::{Acceptor, Request, submit};
use mailer::tick::{Ticked, tick};

use crate::fake::{START, World, accept_with, principal, run, submission};

const DAY: Duration = Duration::from_hours(24);

fn listed(world: &World, day: u64, most: usize) -> Vec<OperationId> {
    let mut found = Vec::new();
    let mut cursor = Some(Cursor::START);
    while let Some(at) = cursor {
        let page = run(page(world, day, at, most)).unwrap();
        assert!(page.messages.len() <= most);
        found.extend(page.messages);
        cursor = page.next;
    }
    found.sort_unstable();
    found
}

fn accepted(world: &World, acceptor: &Acceptor, count: usize) -> Vec<OperationId> {
    (0..count).map(|_| accept_with(world, acceptor)).collect()
}

#[test]
fn pages_of_any_size_have_each_message_once() {
    let world = World::with_domain();
    let instances = [Acceptor::listing(), Acceptor::listing()];
    let mut expected: Vec<OperationId> = instances
        .iter()
        .flat_map(|acceptor| accepted(&world, acceptor, 7))
        .collect();
    // A number that somebody took and never wrote under.
    run(mailer::keys::day_count(START.day()).increment(&world)).unwrap();
    expected.extend(accepted(&world, &Acceptor::listing(), 1));
    expected.sort_unstable();
    for most in [1, 2, 3, 15, 100] {
        assert_eq!(listed(&world, START.day(), most), expected, "{most}");
    }
    assert_eq!(listed(&world, START.day() + 1, 10), []);
}

#[test]
fn a_day_ends_at_midnight_though_its_number_would_still_be_open() {
    let world = World::with_domain();
    let acceptor = Acceptor::listing();
    let until_midnight = DAY.as_secs() - START.as_secs() % DAY.as_secs();
    world.advance(Duration::from_secs(until_midnight - 1));
    let before = accepted(&world, &acceptor, 1);
    world.advance(Duration::from_secs(2));
    let after = accepted(&world, &acceptor, 1);
    assert_eq!(listed(&world, START.day(), 10), before);
    assert_eq!(listed(&world, START.day() + 1, 10), after);
}

#[test]
fn what_the_tick_is_done_with_is_listed_still() {
    let world = World::with_domain();
    let expected = accepted(&world, &Acceptor::listing(), 3);
    let mut steps = 0;
    for _ in 0..100 {
        world.advance(Duration::from_secs(30));
        let windows = Windows::new(Duration::from_secs(60));
        if matches!(
            run(tick(&world, windows, 64)).unwrap(),
            Ticked::Stepped { .. }
        ) {
            steps += 1;
        }
    }
    assert!(steps > 0);
    let mut expected = expected;
    expected.sort_unstable();
    assert_eq!(listed(&world, START.day(), 10), expected);
}

/// Breaks if the journal entry that a repeat writes once more were one that lists.
#[test]
fn what_is_repeated_before_its_first_attempt_is_listed_once() {
    let world = World::with_domain();
    let instances = [Acceptor::listing(), Acceptor::listing()];
    let id = OperationId::random(&world);
    let principal = principal();
    let requests = instances.iter().cycle().take(8).map(|acceptor| {
        let request = Request {
            operation_id: Some(id),
            body_hash: mailer::access::BodyHash::of(b"body"),
            submission: submission(&["bob@example.com"]),
        };
        submit(&world, acceptor, &principal, request)
    });
    let accepted = run(futures::future::join_all(requests));
    let repeats = accepted.into_iter().map(|found| found.unwrap().is_repeat);
    assert_eq!(repeats.filter(|is_repeat| *is_repeat).count(), 7);
    for most in [1, 2, 100] {
        assert_eq!(listed(&world, START.day(), most), [id], "{most}");
    }
}
