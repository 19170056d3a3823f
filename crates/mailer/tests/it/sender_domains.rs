//! What an instance keeps of sender domains.

use std::time::Duration;

use mailer::keys;
use mailer::sender_domains::{FRESH_FOR, SenderDomains};

use crate::fake::{DOMAIN, START, World, run};

fn is_known(world: &World, domains: &SenderDomains) -> bool {
    let domain = DOMAIN.parse().unwrap();
    run(domains.read(world, &domain)).unwrap().is_some()
}

fn unlink(world: &World) {
    let key = keys::domain(&DOMAIN.parse().unwrap()).into_path();
    world.map.borrow_mut().remove(&key).unwrap();
}

#[test]
fn a_domain_that_was_taken_away_is_known_for_a_moment() {
    let (world, domains) = (World::with_domain(), SenderDomains::default());
    assert!(is_known(&world, &domains));
    unlink(&world);
    world.advance(FRESH_FOR - Duration::from_millis(1));
    assert!(is_known(&world, &domains));
    world.advance(Duration::from_millis(1));
    assert!(!is_known(&world, &domains));
    assert!(!is_known(&world, &domains));
}

#[test]
fn a_domain_is_known_as_soon_as_it_is_there() {
    let (world, domains) = (World::with_domain(), SenderDomains::default());
    let stored = world.map.borrow().clone();
    unlink(&world);
    assert!(!is_known(&world, &domains));
    *world.map.borrow_mut() = stored;
    assert!(is_known(&world, &domains));
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_fresh() {
    let (world, domains) = (World::with_domain(), SenderDomains::default());
    assert!(is_known(&world, &domains));
    unlink(&world);
    let before = mailer::time::Timestamp::from_millis(START.as_millis() - 1);
    world.now.set(before);
    assert!(!is_known(&world, &domains));
    // Set right again, it is the time of the first read, which was found out of date.
    world.now.set(START);
    assert!(!is_known(&world, &domains));
}
