//! The managed domain: made once, and never in the way of itself.

use envelope::Domain;
use mailer::domain::custom;
use mailer::domain::history::{self, EventKind};
use mailer::domain::index::{self, Deleted, DomainIndex};
use mailer::domain::managed::{
    ManagedDomain, ProvisionError, Provisioning, ProvisioningState, provision, start_managed_domain,
};
use mailer::domain::verification::RecordKind;
use mailer::keyring::{Keyring, MasterKeys};
use mailer::keys;
use mailer::operation::OperationId;

use crate::fake::{DOMAIN, World, installation, master_key, run};

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

#[test]
fn its_history_begins_with_its_making() {
    let world = World::new();
    let ManagedDomain::Started(started) = start(&world).unwrap() else {
        panic!("expected a start")
    };
    let record = run(provision(&world, &master_key(), started)).unwrap();
    let page = run(history::page(&world, &record.domain, record.events, None)).unwrap();
    let kinds: Vec<EventKind> = page.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::KeyAdded, EventKind::DomainAdded]);
}

/// A world with a managed domain as version 1 left it.
fn of_version_1() -> World {
    let world = World::with_domain();
    let domain = Domain::parse(DOMAIN).unwrap();
    let provisioning = Provisioning {
        generation: 1,
        operation: OperationId::random(&world),
        domain: domain.clone(),
        state: ProvisioningState::Succeeded,
    };
    let index = DomainIndex {
        domains: vec![domain],
    };
    let writes = [
        keys::managed_domain().write(&provisioning).unwrap(),
        keys::domain_index().write(&index).unwrap(),
    ];
    world.map.borrow_mut().extend(writes);
    world
}

/// The names on the pages of one domain each.
fn listed(world: &World) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = Some(0);
    for _ in 0..10 {
        let Some(slot) = after else { return names };
        let page = run(index::page(world, slot, 1, Deleted::Hidden)).unwrap();
        names.extend(page.records.iter().map(|record| record.domain.to_string()));
        after = page.next_after;
    }
    panic!("the pages do not end: {names:?}");
}

#[test]
fn one_without_a_slot_is_listed_once_and_gets_its_slot() {
    let world = of_version_1();
    run(index::take_slot(&world)).unwrap();
    assert_eq!(listed(&world), [DOMAIN]);
    let ManagedDomain::Ready(record) = start(&world).unwrap() else {
        panic!("expected the domain")
    };
    assert_eq!(record.slot, Some(2));
    assert!(run(index::read_slot(&world, 2)).unwrap().is_some());
    assert_eq!(listed(&world), [DOMAIN]);
    assert_eq!(start(&world).unwrap(), ManagedDomain::Ready(record));
}

#[test]
fn only_what_it_publishes_is_verified() {
    let world = World::with_domain();
    let domain = Domain::parse(DOMAIN).unwrap();
    let requested = custom::request_verification(&world, &domain, &RecordKind::ALL);
    let record = run(requested).unwrap();
    let kinds: Vec<RecordKind> = record.verifications.keys().copied().collect();
    let expected = [
        RecordKind::Spf,
        RecordKind::Dkim,
        RecordKind::Dmarc,
        RecordKind::ReturnPath,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn its_zone_says_that_the_host_for_reports_needs_an_address() {
    let world = World::with_domain();
    let domain = Domain::parse(DOMAIN).unwrap();
    let record = run(keys::domain(&domain).read(&world)).unwrap().unwrap();
    let zone = record.zone(&installation());
    let line = zone.lines().last().unwrap();
    assert!(
        line.starts_with("; mx.mail.example takes the reports"),
        "{line}"
    );
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_a_record_fresh() {
    let world = World::with_domain();
    let domain = Domain::parse(DOMAIN).unwrap();
    let keyring = Keyring::new(MasterKeys {
        current: master_key(),
        previous: None,
    });
    run(keyring.domain(&world, &domain)).unwrap();
    world.map.borrow_mut().remove(&format!("domain/{DOMAIN}"));
    assert!(run(keyring.domain(&world, &domain)).is_ok());
    let before = world.now.get().as_millis() - 1;
    world.now.set(mailer::time::Timestamp::from_millis(before));
    assert!(run(keyring.domain(&world, &domain)).is_err());
}
