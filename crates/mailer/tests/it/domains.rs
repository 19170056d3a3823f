//! The managed domain: made once, and never in the way of itself.

use envelope::Domain;
use mailer::domain::managed::{ManagedDomain, ProvisionError, start_managed_domain};
use mailer::keys;

use crate::fake::{World, run};

fn start(world: &World) -> Result<ManagedDomain, ProvisionError> {
    let base = Domain::parse("mail.example").unwrap();
    run(start_managed_domain(world, &base))
}

#[test]
fn the_first_request_makes_it_and_the_others_wait() {
    let world = World::new();
    let ManagedDomain::Started(started) = start(&world).unwrap() else {
        panic!("expected a start")
    };
    for _ in 0..20 {
        assert_eq!(
            start(&world).unwrap(),
            ManagedDomain::Running(started.clone())
        );
    }
}

#[test]
fn a_claim_whose_owner_died_does_not_stand_in_the_way_for_ever() {
    let world = World::new();
    run(keys::managed_domain_claim(1).increment(&world)).unwrap();
    let outcomes: Vec<bool> = (0..10)
        .map(|_| matches!(start(&world), Err(ProvisionError::Busy)))
        .collect();
    assert!(outcomes[0], "its owner may still write");
    assert!(!outcomes[9]);
    let running = run(keys::managed_domain().read(&world)).unwrap();
    assert_eq!(running.unwrap().generation, 2);
}

#[test]
fn a_store_that_fails_at_any_call_only_delays_it() {
    for call in 0..4 {
        let world = World::new();
        world.fail_at.set(Some(call));
        let started = (0..10).filter(|_| matches!(start(&world), Ok(ManagedDomain::Started(_))));
        assert_eq!(started.count(), 1, "call {call}");
    }
}
