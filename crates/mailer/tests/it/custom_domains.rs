//! An operator's own domain, from its first day to its last, on a DNS that is a text.

use std::cell::RefCell;
use std::time::Duration;

use dns::zone::Zone;
use dns::{Answer, Question, ResolveError, Resolver};
use envelope::{Domain, LocalPart};
use mailer::domain::custom::{self, DomainChange, Engagement, NewDomain};
use mailer::domain::diagnosis::{self, DkimResult, DmarcResult};
use mailer::domain::history::{self, EventKind};
use mailer::domain::index::{self, Deleted};
use mailer::domain::inquiry;
use mailer::domain::key_change::{self, Rotation};
use mailer::domain::recheck::{self, Chore};
use mailer::domain::record::Algorithm;
use mailer::domain::reseal::reseal;
use mailer::domain::verification::{FaultCode, RecordKind, Status};
use mailer::domain::{DomainError, DomainRecord, KeyState, SenderError, senders};
use mailer::keyring::{Keyring, MasterKey, MasterKeys};
use mailer::keys;

use crate::fake::{World, installation, master_key, run};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// What the operator publishes once for his base domain.
const BASE: &str = "spf.mail.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";

/// A DNS whose zone can be rewritten.
pub(crate) struct Dns(RefCell<Zone>);

impl Dns {
    fn empty() -> Self {
        Self(RefCell::new(Zone::parse(BASE).unwrap()))
    }

    pub(crate) fn publish(&self, zone: &str) {
        *self.0.borrow_mut() = Zone::parse(&format!("{BASE}{zone}")).unwrap();
    }
}

impl Resolver for Dns {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        dns::zone::ready(self.0.borrow().resolve(question)).unwrap()
    }
}

pub(crate) fn domain() -> Domain {
    Domain::parse("shop.example.com").unwrap()
}

pub(crate) fn new() -> NewDomain {
    NewDomain {
        linked: true,
        return_path: None,
        engagement: Engagement::default(),
    }
}

pub(crate) fn read(world: &World) -> DomainRecord {
    run(keys::domain(&domain()).read(world)).unwrap().unwrap()
}

/// The zone snippet as the lines that [`Zone`] reads.
pub(crate) fn zone_of(record: &DomainRecord) -> String {
    let text = record.zone(&installation());
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(';'));
    lines
        .map(|line| {
            let line = line.replace(". 3600 IN ", " ");
            format!("{}\n", line.trim_end_matches('.'))
        })
        .collect()
}

pub(crate) fn added(world: &World) -> DomainRecord {
    let record = run(custom::add(
        world,
        &installation(),
        "Shop.Example.COM",
        new(),
    ))
    .unwrap();
    make_keys(world, &record);
    read(world)
}

fn make_keys(world: &World, record: &DomainRecord) {
    let operation = record.making.unwrap().operation;
    run(key_change::make_keys(
        world,
        &master_key(),
        &record.domain,
        operation,
    ))
    .unwrap();
}

pub(crate) fn verify(world: &World, dns: &Dns) -> DomainRecord {
    run(custom::request_verification(
        world,
        &domain(),
        &RecordKind::ALL,
    ))
    .unwrap();
    check(world, dns)
}

pub(crate) fn check(world: &World, dns: &Dns) -> DomainRecord {
    run(custom::check(world, dns, &installation(), &domain())).unwrap()
}

/// A domain whose records are all published and verified.
pub(crate) fn verified() -> (World, Dns) {
    let (world, dns) = (World::new(), Dns::empty());
    dns.publish(&zone_of(&added(&world)));
    verify(&world, &dns);
    (world, dns)
}

pub(crate) fn may_send(record: &DomainRecord) -> Result<(), SenderError> {
    let local_part = LocalPart::parse("donotreply").unwrap();
    record.sender(&local_part).map(|_| ())
}

pub(crate) fn events(world: &World) -> Vec<EventKind> {
    let total = read(world).events;
    let page = run(history::page(world, &domain(), total, None)).unwrap();
    page.events.iter().rev().map(|event| event.kind).collect()
}

/// The selector of the key that signs, or will be the first to.
fn selector(record: &DomainRecord, algorithm: Algorithm) -> String {
    record.current_key(algorithm).unwrap().selector.clone()
}

/// The zone without the lines that hold `marker`.
pub(crate) fn without(zone: &str, marker: &str) -> String {
    let others = zone.lines().filter(|line| !line.contains(marker));
    others.collect::<Vec<_>>().join("\n")
}

fn look_after(world: &World, dns: &impl Resolver, chore: &Chore) {
    let (installation, master_key) = (installation(), master_key());
    run(recheck::run(world, dns, &installation, &master_key, chore)).unwrap();
}

#[test]
fn publishing_the_zone_snippet_verifies_everything() {
    let (world, dns) = (World::new(), Dns::empty());
    let record = added(&world);
    assert_eq!(record.keys.len(), 3);
    assert_eq!(
        may_send(&record),
        Err(SenderError::DomainNotVerified(RecordKind::Domain))
    );
    let text = record.zone(&installation());
    for string in text.split('"').skip(1).step_by(2) {
        assert!(string.len() <= 255, "{string}");
    }
    dns.publish(&zone_of(&record));
    let record = verify(&world, &dns);
    let published = RecordKind::ALL
        .into_iter()
        .filter(|kind| record.publishes(*kind));
    for kind in published {
        assert_eq!(record.status(kind), Status::Verified, "{kind}: {record:?}");
    }
    assert_eq!(may_send(&record), Ok(()));
    let signing: Vec<_> = record.signing_keys().map(|key| key.algorithm).collect();
    assert_eq!(signing.len(), 2);
    let next = record.next_key(Algorithm::RsaSha256).unwrap();
    assert_eq!(next.state, KeyState::Published);
    let return_path = record.return_path_now(&installation()).unwrap();
    assert_eq!(return_path.as_str(), "bounces.shop.example.com");
    assert_eq!(events(&world).last(), Some(&EventKind::SendingStarted));
}

/// Publishes the zone with one line changed, and looks at what one kind of record came to.
#[track_caller]
fn found(change: impl Fn(&str) -> Option<String>, kind: RecordKind, expected: FaultCode) {
    let (world, dns) = (World::new(), Dns::empty());
    let zone = zone_of(&added(&world));
    let changed: Vec<String> = zone.lines().filter_map(change).collect();
    dns.publish(&changed.join("\n"));
    let record = verify(&world, &dns);
    let verification = record.verifications.get(&kind).unwrap();
    let is_unknown = expected.as_str().starts_with("Dns");
    let status = if is_unknown {
        Status::VerificationInProgress
    } else {
        Status::VerificationFailed
    };
    assert_eq!(verification.status, status, "{verification:?}");
    let fault = verification.fault.as_ref().unwrap();
    assert_eq!(fault.code, expected, "{}", fault.message);
    assert!(may_send(&record).is_err() || !kind.is_needed_to_send());
}

/// The zone with `with` instead of the lines that hold `marker`.
fn instead<'a>(marker: &'a str, with: &'a str) -> impl Fn(&str) -> Option<String> + 'a {
    move |line| {
        let line = if line.contains(marker) { with } else { line };
        (!line.is_empty()).then(|| line.to_owned())
    }
}

#[test]
fn every_fault_of_a_record_has_its_code() {
    let own = "shop.example.com TXT";
    let owner = "sendlet-domain-verification=";
    found(
        instead(owner, ""),
        RecordKind::Domain,
        FaultCode::RecordNotFound,
    );
    found(
        instead(
            owner,
            "shop.example.com TXT \"sendlet-domain-verification=1\"",
        ),
        RecordKind::Domain,
        FaultCode::RecordMismatch,
    );
    found(
        instead("shop.example.com", ""),
        RecordKind::Domain,
        FaultCode::DomainDoesNotExist,
    );
    found(
        instead(own, "shop.example.com SERVFAIL"),
        RecordKind::Domain,
        FaultCode::DnsServerFailure,
    );
    found(
        instead(own, "shop.example.com TIMEOUT"),
        RecordKind::Spf,
        FaultCode::DnsTimeout,
    );
    let spf = "shop.example.com TXT \"v=spf1";
    for (with, code) in [
        ("", FaultCode::RecordNotFound),
        (
            "shop.example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"",
            FaultCode::RecordMismatch,
        ),
        (
            "shop.example.com TXT \"v=spf1 include:spf.mail.example +all\"",
            FaultCode::PassesAll,
        ),
        (
            "shop.example.com TXT \"v=spf1 include:spf.mail.example all\"",
            FaultCode::PassesAll,
        ),
        (
            "shop.example.com TXT \"v=spf1 nonsense\"",
            FaultCode::RecordMalformed,
        ),
        (
            "shop.example.com TXT \"v=spf1 a:1.example a:2.example a:3.example a:4.example a:5.example a:6.example a:7.example a:8.example a:9.example a:10.example include:spf.mail.example -all\"",
            FaultCode::TooManyLookups,
        ),
        (
            "shop.example.com TXT \"v=spf1 include:spf.mail.example -all\"\nshop.example.com TXT \"v=spf1 -all\"",
            FaultCode::MultipleRecords,
        ),
    ] {
        found(
            move |line| {
                let line = if line.starts_with(spf) { with } else { line };
                (!line.is_empty()).then(|| line.to_owned())
            },
            RecordKind::Spf,
            code,
        );
    }
    // Every world draws the same selectors.
    let record = added(&World::new());
    let key = format!("{}._domainkey", selector(&record, Algorithm::RsaSha256));
    let key = key.as_str();
    let name = format!("{key}.shop.example.com TXT");
    found(
        instead(key, ""),
        RecordKind::Dkim,
        FaultCode::DomainDoesNotExist,
    );
    for (value, code) in [
        ("\"v=DKIM1; p=\"", FaultCode::KeyRevoked),
        ("\"v=DKIM1; p=AAAA\"", FaultCode::RecordMalformed),
        (
            "\"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"",
            FaultCode::OtherKey,
        ),
    ] {
        found(
            |line| {
                Some(if line.contains(key) {
                    format!("{name} {value}")
                } else {
                    line.to_owned()
                })
            },
            RecordKind::Dkim,
            code,
        );
    }
    found(
        instead("_dmarc", ""),
        RecordKind::Dmarc,
        FaultCode::RecordNotFound,
    );
    found(
        instead(
            "_dmarc",
            "_dmarc.shop.example.com TXT \"v=DMARC1; p=bogus\"",
        ),
        RecordKind::Dmarc,
        FaultCode::RecordMalformed,
    );
    found(
        instead(" MX ", "bounces.shop.example.com MX 10 mx.other.example"),
        RecordKind::ReturnPath,
        FaultCode::RecordMismatch,
    );
}

#[test]
fn a_dns_that_does_not_answer_takes_nothing_back() {
    let (world, dns) = verified();
    dns.publish("shop.example.com SERVFAIL\nexample.com SERVFAIL");
    for _ in 0..10 {
        world.advance(DAY);
        let keys = read(&world).keys;
        let keys = keys.iter().map(|key| {
            let selector = &key.selector;
            format!("{selector}._domainkey.shop.example.com TIMEOUT\n")
        });
        let zone = "shop.example.com SERVFAIL\n_dmarc.shop.example.com SERVFAIL\nbounces.shop.example.com TIMEOUT\n";
        dns.publish(&format!("{zone}{}", keys.collect::<String>()));
        let record = check(&world, &dns);
        assert_eq!(may_send(&record), Ok(()));
        assert_eq!(record.signing_keys().count(), 2);
    }
}

#[test]
fn a_record_that_vanishes_warns_and_stops_sending_after_a_day() {
    let (world, dns) = verified();
    let zone = zone_of(&read(&world));
    world.advance(DAY);
    dns.publish(&zone.replace("include:spf.mail.example", "ip4:192.0.2.1"));
    let record = check(&world, &dns);
    assert_eq!(may_send(&record), Ok(()));
    assert!(events(&world).contains(&EventKind::VerificationWarning));
    for _ in 0..23 {
        world.advance(HOUR);
        assert_eq!(may_send(&check(&world, &dns)), Ok(()));
    }
    world.advance(HOUR + HOUR);
    let record = check(&world, &dns);
    let stopped = Err(SenderError::DomainNotVerified(RecordKind::Spf));
    assert_eq!(may_send(&record), stopped);
    assert_eq!(events(&world).last(), Some(&EventKind::SendingStopped));
    dns.publish(&zone);
    world.advance(HOUR);
    assert_eq!(may_send(&check(&world, &dns)), Ok(()));
    assert_eq!(events(&world).last(), Some(&EventKind::SendingStarted));
}

#[test]
fn a_record_that_comes_back_in_time_is_only_warned_of() {
    let (world, dns) = verified();
    let zone = zone_of(&read(&world));
    world.advance(DAY);
    dns.publish("");
    check(&world, &dns);
    dns.publish(&zone);
    world.advance(HOUR);
    let record = check(&world, &dns);
    assert!(
        record.verifications[&RecordKind::Spf]
            .failing_since
            .is_none()
    );
    assert!(events(&world).contains(&EventKind::VerificationRecovered));
    assert!(!events(&world).contains(&EventKind::SendingStopped));
}

#[test]
fn a_record_that_never_comes_is_looked_for_three_days() {
    let (world, dns) = (World::new(), Dns::empty());
    added(&world);
    verify(&world, &dns);
    let mut looks = 0;
    for _ in 0..100 {
        world.advance(HOUR);
        let due = read(&world).due_kinds(world.now.get()).count();
        if due == 0 {
            break;
        }
        looks += 1;
        check(&world, &dns);
    }
    assert!((70..=74).contains(&looks), "{looks}");
}

#[test]
fn a_cancelled_verification_is_not_started_again_by_itself() {
    let (world, dns) = (World::new(), Dns::empty());
    added(&world);
    run(custom::request_verification(
        &world,
        &domain(),
        &[RecordKind::Spf],
    ))
    .unwrap();
    let cancel = || {
        run(custom::cancel_verification(
            &world,
            &domain(),
            RecordKind::Spf,
        ))
    };
    assert_eq!(
        cancel().unwrap().status(RecordKind::Spf),
        Status::CancellationRequested
    );
    assert!(matches!(cancel(), Err(DomainError::NothingToCancel)));
    let record = check(&world, &dns);
    assert_eq!(record.status(RecordKind::Spf), Status::NotStarted);
    assert_eq!(record.due_kinds(world.now.get()).count(), 0);
}

fn rotate(world: &World, dns: &Dns, algorithm: Algorithm) -> Result<Rotation, DomainError> {
    run(key_change::rotate(world, dns, &domain(), algorithm))
}

#[test]
fn a_rotation_waits_for_dns_and_leaves_no_gap() {
    let (world, dns) = verified();
    let rsa = Algorithm::RsaSha256;
    let zone = zone_of(&read(&world));
    let first = selector(&read(&world), rsa);
    let second = read(&world).next_key(rsa).unwrap().selector.clone();
    dns.publish(&without(&zone, &second));
    let refused = rotate(&world, &dns, rsa);
    assert!(matches!(refused, Err(DomainError::NextKeyNotPublished(_))));
    dns.publish(&zone);
    let Rotation::Rotated(record) = rotate(&world, &dns, rsa).unwrap() else {
        panic!("expected a rotation");
    };
    assert_eq!(selector(&record, rsa), second);
    assert_eq!(record.key(&first).unwrap().state, KeyState::Retiring);
    assert_eq!(may_send(&record), Ok(()));
    make_keys(&world, &record);
    let record = read(&world);
    assert_eq!(record.next_key(rsa).unwrap().state, KeyState::Pending);
    // The retired key stays in the snippet, and its private half in the store, for a week.
    dns.publish(&zone_of(&record));
    let name = format!("{first}._domainkey.shop.example.com");
    assert!(zone_of(&record).contains(&name));
    let path = format!("dkim-key/shop.example.com/{first}");
    world.advance(6 * DAY);
    check(&world, &dns);
    assert!(world.has(&path));
    world.advance(DAY);
    let chores = run(recheck::scan(&world)).unwrap();
    assert!(!chores.is_empty());
    chores
        .iter()
        .for_each(|chore| look_after(&world, &dns, chore));
    assert!(!world.has(&path));
    let record = read(&world);
    assert!(record.key(&first).is_none());
    let removable = key_change::removable_records(&record);
    assert_eq!(removable[0].name, name);
}

#[test]
fn a_second_ed25519_key_is_made_when_asked_for() {
    let (world, dns) = verified();
    let ed25519 = Algorithm::Ed25519Sha256;
    let Rotation::NextKeyNeeded(record) = rotate(&world, &dns, ed25519).unwrap() else {
        panic!("expected no next key");
    };
    assert!(matches!(
        rotate(&world, &dns, ed25519),
        Err(DomainError::KeysBeingMade)
    ));
    make_keys(&world, &record);
    let record = read(&world);
    let next = record.next_key(ed25519).unwrap().selector.clone();
    assert!(next.starts_with("sendlet-ed-"), "{next}");
    dns.publish(&zone_of(&record));
    let rotated = rotate(&world, &dns, ed25519).unwrap();
    let Rotation::Rotated(record) = rotated else {
        panic!("expected a rotation");
    };
    assert_eq!(selector(&record, ed25519), next);
}

#[test]
fn an_ed25519_key_that_vanishes_stops_signing_and_nothing_else() {
    let (world, dns) = verified();
    let zone = zone_of(&read(&world));
    dns.publish(&without(&zone, "sendlet-ed-"));
    world.advance(DAY);
    let record = check(&world, &dns);
    assert_eq!(record.signing_keys().count(), 1);
    assert_eq!(may_send(&record), Ok(()));
    assert!(events(&world).contains(&EventKind::KeyMissing));
    dns.publish(&zone);
    world.advance(HOUR);
    assert_eq!(check(&world, &dns).signing_keys().count(), 2);
}

/// RFC 8410 section 10.3.
const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

#[test]
fn a_key_of_ones_own_is_the_next_one() {
    let (world, dns) = verified();
    let import = |selector: &str, pem: &str| {
        run(key_change::import(
            &world,
            &master_key(),
            &domain(),
            selector,
            pem,
        ))
    };
    assert!(matches!(
        import("under_score", ED25519_PEM),
        Err(DomainError::Selector)
    ));
    assert!(matches!(
        import("-a", ED25519_PEM),
        Err(DomainError::Selector)
    ));
    let taken = selector(&read(&world), Algorithm::RsaSha256).to_uppercase();
    assert!(matches!(
        import(&taken, ED25519_PEM),
        Err(DomainError::SelectorInUse)
    ));
    assert!(matches!(
        import("own", "nonsense"),
        Err(DomainError::Key(_))
    ));
    let record = import("Own", ED25519_PEM).unwrap();
    let next = record.next_key(Algorithm::Ed25519Sha256).unwrap();
    assert_eq!(next.selector, "own");
    dns.publish(&zone_of(&record));
    rotate(&world, &dns, Algorithm::Ed25519Sha256).unwrap();
    let record = read(&world);
    let keyring = Keyring::new(MasterKeys {
        current: master_key(),
        previous: None,
    });
    let keys = run(keyring.signing_keys(&world, &record)).unwrap();
    let selectors: Vec<&str> = keys.iter().map(|(selector, _)| selector.as_str()).collect();
    assert_eq!(selectors, [taken.to_lowercase().as_str(), "own"]);
}

#[test]
fn of_two_who_add_a_domain_one_is_refused() {
    let world = World::new();
    let other = |world: &World| {
        let installation = installation();
        let added = custom::add(world, &installation, "shop.example.com", new());
        dns::zone::ready(added).unwrap().unwrap();
    };
    // While the first waits for its slot, the other is done.
    *world.before_increment.borrow_mut() = Some(Box::new(other));
    let first = run(custom::add(
        &world,
        &installation(),
        "shop.example.com",
        new(),
    ));
    assert!(matches!(first, Err(DomainError::AlreadyExists)));
    let page = run(index::page(&world, 0, 100, Deleted::Hidden)).unwrap();
    assert_eq!(page.records.len(), 1);
}

#[test]
fn a_lock_that_is_held_lets_nobody_in_until_its_window_ends() {
    let world = World::new();
    added(&world);
    let window = world.now.get().as_millis() / 10_000;
    run(keys::domain_lock(&domain(), window).increment(&world)).unwrap();
    let change = DomainChange {
        linked: Some(false),
        ..DomainChange::default()
    };
    let refused = run(custom::update(&world, &domain(), &change));
    assert!(matches!(refused, Err(DomainError::Busy)));
    world.advance(Duration::from_secs(10));
    assert!(run(custom::update(&world, &domain(), &change)).is_ok());
}

#[test]
fn a_deleted_domain_signs_what_was_accepted_and_is_forgotten_later() {
    let (world, dns) = verified();
    run(custom::remove(&world, &domain())).unwrap();
    let record = read(&world);
    assert_eq!(may_send(&record), Err(SenderError::DomainNotLinked));
    assert_eq!(record.signing_keys().count(), 2);
    assert!(matches!(
        run(custom::remove(&world, &domain())),
        Err(DomainError::NotFound)
    ));
    let page = run(index::page(&world, 0, 100, Deleted::Hidden)).unwrap();
    assert_eq!(page.records.len(), 0);
    world.advance(recheck::DELETED_KEPT_FOR);
    let chores = run(recheck::scan(&world)).unwrap();
    assert_eq!(chores, [Chore::Purge(domain())]);
    look_after(&world, &dns, &chores[0]);
    for prefix in [
        "domain/",
        "dkim-key/",
        "domain-event/",
        "domain-slot/",
        "domain-lock/",
    ] {
        assert_eq!(world.count(prefix), 0, "{prefix}");
    }
}

#[test]
fn a_domain_that_is_added_again_keeps_its_keys_and_proves_itself_anew() {
    let (world, dns) = verified();
    let before = read(&world);
    run(custom::remove(&world, &domain())).unwrap();
    let again = run(custom::add(
        &world,
        &installation(),
        "shop.example.com",
        new(),
    ))
    .unwrap();
    assert_eq!(again.keys, before.keys);
    assert_ne!(again.ownership_token, before.ownership_token);
    assert!(may_send(&again).is_err());
    assert_eq!(run(index::slots(&world)).unwrap(), 1);
    make_keys(&world, &again);
    dns.publish(&zone_of(&read(&world)));
    assert_eq!(may_send(&verify(&world, &dns)), Ok(()));
}

#[test]
fn making_keys_that_was_cut_off_goes_on_when_the_domain_is_put_again() {
    let world = World::new();
    let add = || {
        run(custom::add(
            &world,
            &installation(),
            "shop.example.com",
            new(),
        ))
    };
    let first = add().unwrap();
    assert!(matches!(add(), Err(DomainError::AlreadyExists)));
    world.advance(key_change::MAKING_TIMEOUT);
    let again = add().unwrap();
    assert_eq!(again.ownership_token, first.ownership_token);
    make_keys(&world, &again);
    // The one that was thought dead finds that it is not wanted any more.
    make_keys(&world, &first);
    assert_eq!(read(&world).keys.len(), 3);
}

#[test]
fn a_store_that_fails_at_any_call_leaves_nothing_half_done() {
    for call in 0..12 {
        let world = World::new();
        world.fail_at.set(Some(call));
        let add = || {
            run(custom::add(
                &world,
                &installation(),
                "shop.example.com",
                new(),
            ))
        };
        let first = add();
        world.fail_at.set(None);
        world.advance(Duration::from_secs(10));
        if first.is_err() {
            assert!(
                matches!(add(), Ok(_) | Err(DomainError::AlreadyExists)),
                "call {call}"
            );
        }
        let page = run(index::page(&world, 0, 100, Deleted::Hidden)).unwrap();
        assert_eq!(page.records.len(), 1, "call {call}");
        assert_eq!(events(&world), [EventKind::DomainAdded], "call {call}");
    }
}

#[test]
fn names_that_nobody_can_own_are_refused() {
    let world = World::new();
    let add = |name: &str| run(custom::add(&world, &installation(), name, new()));
    for name in [
        "co.uk",
        "github.io",
        "localhost",
        "[192.0.2.1]",
        "192.0.2.1",
        "a_b.example.com",
        "",
        "mail.example",
        "x.mail.example",
    ] {
        assert!(matches!(add(name), Err(DomainError::Name(_))), "{name}");
    }
    let long = format!(
        "{}.{}.{}.{}.com",
        "a".repeat(60),
        "b".repeat(60),
        "c".repeat(60),
        "d".repeat(60)
    );
    assert!(matches!(add(&long), Err(DomainError::Name(_))));
    // What looks like a Latin name shows what it is.
    let cyrillic = add("\u{430}pple.com").unwrap();
    assert_eq!(cyrillic.domain.as_str(), "xn--pple-43d.com");
}

#[test]
fn senders_are_a_hundred_at_most_and_the_default_one_stays() {
    let world = World::new();
    added(&world);
    let set = |name: &str, display| run(senders::set(&world, &domain(), name, display));
    for n in 1..senders::MAX_SENDERS {
        assert!(set(&format!("s{n}"), None).unwrap().1);
    }
    assert!(matches!(
        set("more", None),
        Err(DomainError::TooManySenders)
    ));
    assert!(!set("S1", Some("First")).unwrap().1);
    assert_eq!(
        read(&world)
            .find_sender("s1")
            .unwrap()
            .display_name
            .as_deref(),
        Some("First")
    );
    assert!(matches!(set("a b", None), Err(DomainError::SenderUsername)));
    assert!(matches!(
        set("a", Some("x\ny")),
        Err(DomainError::DisplayName)
    ));
    let remove = |name: &str| run(senders::remove(&world, &domain(), name));
    assert!(matches!(
        remove("donotREPLY"),
        Err(DomainError::DefaultSender)
    ));
    assert!(matches!(remove("nobody"), Err(DomainError::NoSuchSender)));
    remove("s2").unwrap();
}

#[test]
fn another_master_key_takes_over() {
    let (world, _) = verified();
    let new_key = MasterKey::parse("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=").unwrap();
    let both = MasterKeys {
        current: new_key.clone(),
        previous: Some(master_key()),
    };
    let record = read(&world);
    let opens = |keys: &MasterKeys| {
        let keyring = Keyring::new(keys.clone());
        run(keyring.signing_keys(&world, &record)).is_ok()
    };
    let alone = MasterKeys {
        current: new_key,
        previous: None,
    };
    assert!(opens(&both) && !opens(&alone));
    let done = run(reseal(&world, &both, 0)).unwrap();
    assert_eq!((done.keys, done.changed, done.next_after), (3, 3, None));
    assert!(opens(&alone));
    let again = run(reseal(&world, &both, 0)).unwrap();
    assert_eq!((again.keys, again.changed), (3, 0));
    let stranger = MasterKeys {
        current: master_key(),
        previous: None,
    };
    let lost = run(reseal(&world, &stranger, 0)).unwrap();
    assert_eq!((lost.keys, lost.changed, lost.failed), (0, 0, 3));
}

#[test]
fn lists_are_paged_and_scans_go_round() {
    let world = World::new();
    for n in 0..7 {
        run(custom::add(
            &world,
            &installation(),
            &format!("d{n}.example.com"),
            new(),
        ))
        .unwrap();
    }
    let mut names = Vec::new();
    let mut after = Some(0);
    while let Some(slot) = after {
        let page = run(index::page(&world, slot, 3, Deleted::Hidden)).unwrap();
        names.extend(page.records.iter().map(|record| record.domain.to_string()));
        after = page.next_after;
    }
    assert_eq!(names.len(), 7);
    for name in &names {
        let domain = Domain::parse(name).unwrap();
        run(custom::request_verification(
            &world,
            &domain,
            &[RecordKind::Spf],
        ))
        .unwrap();
    }
    let mut checked = Vec::new();
    for _ in 0..2 {
        checked.extend(run(recheck::scan(&world)).unwrap());
        // Too early for the next one.
        assert!(run(recheck::scan(&world)).unwrap().is_empty());
        world.advance(Duration::from_secs(10));
    }
    checked.dedup();
    assert_eq!(checked.len(), 8, "seven domains, and round to the first");
}

fn diagnose(world: &World, dns: &Dns) -> diagnosis::Diagnosis {
    let record = read(world);
    run(diagnosis::diagnose(world, dns, &record, &installation()))
}

#[test]
fn a_diagnosis_says_what_receivers_conclude_and_what_to_change() {
    let (world, dns) = verified();
    let well = diagnose(&world, &dns);
    assert_eq!(well.advice, Vec::<String>::new());
    assert_eq!(well.dmarc.result, DmarcResult::Pass);
    assert_eq!(well.dkim.len(), 2);
    assert!(well.spf[0].aligned && well.spf[0].result == spf::SpfResult::Pass);
    let zone = zone_of(&read(&world));
    dns.publish(&zone.replace("include:spf.mail.example", "ip4:198.51.100.1"));
    let broken_spf = diagnose(&world, &dns);
    assert_eq!(broken_spf.spf[0].result, spf::SpfResult::Fail);
    assert_eq!(
        broken_spf.dmarc.result,
        DmarcResult::Pass,
        "DKIM alone will do"
    );
    assert!(!broken_spf.advice.is_empty());
    dns.publish("_dmarc.shop.example.com TXT \"v=DMARC1; p=reject\"\nshop.example.com A 192.0.2.9");
    let nothing = diagnose(&world, &dns);
    assert_eq!(nothing.dmarc.result, DmarcResult::Fail);
    assert!(
        nothing
            .dkim
            .iter()
            .all(|key| key.result == DkimResult::PermError)
    );
    dns.publish("");
    assert_eq!(diagnose(&world, &dns).dmarc.result, DmarcResult::None);
}

/// What SPF comes to with the domain's own record as given.
#[track_caller]
fn check_spf(value: &str, expected: Option<FaultCode>) {
    let (world, dns) = (World::new(), Dns::empty());
    let zone = zone_of(&added(&world));
    let own = "shop.example.com TXT \"v=spf1";
    let others: Vec<&str> = zone.lines().filter(|line| !line.starts_with(own)).collect();
    let spf = format!("shop.example.com TXT \"{value}\"");
    dns.publish(&format!("{}\n{spf}\n{SPF_NEIGHBOURS}", others.join("\n")));
    let record = verify(&world, &dns);
    let verification = record.verifications.get(&RecordKind::Spf).unwrap();
    let code = verification.fault.as_ref().map(|fault| fault.code);
    assert_eq!(code, expected, "{value}: {verification:?}");
}

const SPF_NEIGHBOURS: &str = "via.example TXT \"v=spf1 include:spf.mail.example -all\"
    maybe.example TXT \"v=spf1 ?include:spf.mail.example -all\"
    to.example TXT \"v=spf1 redirect=spf.mail.example\"";

#[test]
fn spf_counts_only_if_mail_from_here_passes() {
    check_spf("v=spf1 include:spf.mail.example -all", None);
    check_spf("v=spf1 include:via.example ~all", None);
    check_spf("v=spf1 redirect=spf.mail.example", None);
    check_spf("v=spf1 redirect=to.example", None);
    check_spf("v=spf1 ip4:198.51.100.1 include:to.example -all", None);
    let mismatch = Some(FaultCode::RecordMismatch);
    check_spf("v=spf1 -include:spf.mail.example -all", mismatch);
    check_spf("v=spf1 ?include:spf.mail.example -all", mismatch);
    check_spf("v=spf1 include:maybe.example -all", mismatch);
    check_spf("v=spf1 ?include:via.example -all", mismatch);
    check_spf("v=spf1 -all include:spf.mail.example", mismatch);
    // What comes first decides.
    check_spf(
        "v=spf1 -ip4:192.0.2.0/24 include:spf.mail.example -all",
        mismatch,
    );
}

#[test]
fn names_that_do_not_exist_spoil_spf_if_they_are_asked_before_ours() {
    let voids = "a:no1.example a:no2.example a:no3.example";
    check_spf(
        &format!("v=spf1 {voids} include:spf.mail.example -all"),
        Some(FaultCode::TooManyLookups),
    );
    check_spf(
        &format!("v=spf1 include:spf.mail.example {voids} -all"),
        None,
    );
    let many = " include:via.example".repeat(spf::limits::MAX_WALKED_RECORDS);
    check_spf(
        &format!("v=spf1{many} -all"),
        Some(FaultCode::TooManyLookups),
    );
}

#[test]
fn an_installation_without_its_own_spf_does_not_spoil_the_customers() {
    let (world, dns) = (World::new(), Dns::empty());
    let zone = zone_of(&added(&world));
    *dns.0.borrow_mut() =
        Zone::parse(&format!("spf.mail.example TXT \"v=spf1 -all\"\n{zone}")).unwrap();
    let record = verify(&world, &dns);
    assert_eq!(record.status(RecordKind::Spf), Status::Verified);
}

/// A DNS that lets somebody else do something before its first answer.
struct Meanwhile<'a, F>(&'a Dns, RefCell<Option<F>>);

impl<F: FnOnce()> Resolver for Meanwhile<'_, F> {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        let meanwhile = self.1.borrow_mut().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        self.0.resolve(question).await
    }
}

/// As [`run`], inside it.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    dns::zone::ready(future).unwrap()
}

fn check_meanwhile(world: &World, dns: &Dns, meanwhile: impl FnOnce()) -> DomainRecord {
    let dns = Meanwhile(dns, RefCell::new(Some(meanwhile)));
    run(custom::check(world, &dns, &installation(), &domain())).unwrap()
}

#[test]
fn a_return_path_that_changes_during_a_look_is_not_verified_by_it() {
    let (world, dns) = (World::new(), Dns::empty());
    dns.publish(&zone_of(&added(&world)));
    let kinds = [RecordKind::ReturnPath];
    let request = || at_once(custom::request_verification(&world, &domain(), &kinds)).unwrap();
    request();
    let record = check_meanwhile(&world, &dns, || {
        let change = DomainChange {
            return_path: Some("other.shop.example.com".to_owned()),
            ..DomainChange::default()
        };
        at_once(custom::update(&world, &domain(), &change)).unwrap();
        request();
    });
    let expected = Status::VerificationRequested;
    assert_eq!(record.status(RecordKind::ReturnPath), expected);
}

#[test]
fn a_domain_that_is_added_again_during_a_look_is_not_verified_by_it() {
    let (world, dns) = (World::new(), Dns::empty());
    dns.publish(&zone_of(&added(&world)));
    let request = || {
        at_once(custom::request_verification(
            &world,
            &domain(),
            &RecordKind::ALL,
        ))
        .unwrap()
    };
    request();
    let record = check_meanwhile(&world, &dns, || {
        at_once(custom::remove(&world, &domain())).unwrap();
        let name = domain().to_string();
        at_once(custom::add(&world, &installation(), &name, new())).unwrap();
        request();
    });
    for kind in RecordKind::ALL {
        assert_ne!(record.status(kind), Status::Verified, "{kind}");
    }
}

#[test]
fn a_key_that_signed_stays_published_though_dns_missed_it_when_it_was_rotated_out() {
    let (world, dns) = verified();
    let ed25519 = Algorithm::Ed25519Sha256;
    let first = selector(&read(&world), ed25519);
    let Rotation::NextKeyNeeded(record) = rotate(&world, &dns, ed25519).unwrap() else {
        panic!("expected no next key");
    };
    make_keys(&world, &record);
    let zone = zone_of(&read(&world));
    dns.publish(&without(&zone, &first));
    world.advance(DAY);
    let record = check(&world, &dns);
    assert_eq!(record.key(&first).unwrap().state, KeyState::Pending);
    dns.publish(&zone);
    rotate(&world, &dns, ed25519).unwrap();
    let record = read(&world);
    assert_eq!(record.key(&first).unwrap().state, KeyState::Retiring);
    assert!(world.has(&format!("dkim-key/shop.example.com/{first}")));
}

#[test]
fn a_key_that_never_signed_is_revoked_when_another_takes_its_place() {
    let (world, _) = verified();
    let rsa = Algorithm::RsaSha256;
    let next = read(&world).next_key(rsa).unwrap().selector.clone();
    let der = world.signing_key();
    let record = run(key_change::import(
        &world,
        &master_key(),
        &domain(),
        "own",
        &pem(&der),
    ))
    .unwrap();
    assert!(record.key(&next).is_none());
    assert!(!world.has(&format!("dkim-key/shop.example.com/{next}")));
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

/// Whether the private half under `selector` can still be opened.
fn opens(world: &World, selector: &str) -> bool {
    let path = keys::dkim_key(&domain(), selector);
    let sealed = run(path.read(world)).unwrap();
    let path = keys::dkim_key(&domain(), selector);
    sealed.is_some_and(|sealed| master_key().unseal(path.path(), &sealed.sealed).is_ok())
}

#[test]
fn a_revoked_key_is_gone_even_if_its_deletion_is_lost() {
    let (world, dns) = verified();
    let first = selector(&read(&world), Algorithm::RsaSha256);
    rotate(&world, &dns, Algorithm::RsaSha256).unwrap();
    assert!(opens(&world, &first));
    world.advance(key_change::RETIRED_FOR);
    world.loses_deletions.set(true);
    check(&world, &dns);
    assert!(world.has(&format!("dkim-key/shop.example.com/{first}")));
    assert!(!opens(&world, &first));
}

#[test]
fn a_key_that_is_forgotten_to_make_room_is_deleted() {
    let (world, _) = verified();
    let path = |n: usize| format!("dkim-key/shop.example.com/k{n}");
    world.loses_deletions.set(true);
    // Each takes the place of the one before, which is revoked.
    for n in 0..key_change::MAX_KEYS - 3 {
        let selector = format!("k{n}");
        run(key_change::import(
            &world,
            &master_key(),
            &domain(),
            &selector,
            ED25519_PEM,
        ))
        .unwrap();
    }
    assert!(world.has(&path(0)));
    world.loses_deletions.set(false);
    for n in 0..key_change::MAX_KEYS {
        let selector = format!("m{n}");
        run(key_change::import(
            &world,
            &master_key(),
            &domain(),
            &selector,
            ED25519_PEM,
        ))
        .unwrap();
    }
    assert!(!world.has(&path(0)));
}

#[test]
fn who_holds_the_lock_too_long_deletes_nothing() {
    let (world, dns) = verified();
    let first = selector(&read(&world), Algorithm::RsaSha256);
    rotate(&world, &dns, Algorithm::RsaSha256).unwrap();
    world.advance(key_change::RETIRED_FOR);
    world.set_many_takes.set(Duration::from_secs(10));
    check(&world, &dns);
    assert!(read(&world).key(&first).is_none());
    assert!(world.has(&format!("dkim-key/shop.example.com/{first}")));
}

/// A DNS that takes its time, and counts.
struct Slow<'a> {
    world: &'a World,
    takes: Duration,
    asked: std::cell::Cell<usize>,
}

impl Resolver for Slow<'_> {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        self.asked.set(self.asked.get() + 1);
        self.world.advance(self.takes);
        let name = question.name.to_string();
        // Every record leads to two more.
        let zone = format!(
            "{name} TXT \"v=spf1 include:a.{} include:b.{} ?all\"",
            question.name, question.name
        );
        let zone = Zone::parse(&zone).unwrap();
        dns::zone::ready(zone.resolve(question)).unwrap()
    }
}

fn slow(world: &World, takes: Duration) -> Slow<'_> {
    Slow {
        world,
        takes,
        asked: std::cell::Cell::new(0),
    }
}

#[test]
fn a_look_ends_after_a_while_and_the_next_one_goes_on() {
    let world = World::new();
    added(&world);
    let all = RecordKind::ALL;
    run(custom::request_verification(&world, &domain(), &all)).unwrap();
    let dns = slow(&world, Duration::from_secs(4));
    let mut left = Vec::new();
    for _ in 0..5 {
        let began = world.now.get();
        let record = run(custom::check(&world, &dns, &installation(), &domain())).unwrap();
        assert!(world.now.get().since(began) <= Duration::from_secs(24));
        let looks = record.verifications.values();
        let unseen = looks.filter(|verification| verification.checked_at.is_none());
        left.push(unseen.count());
    }
    let asked = read(&world).verifications.len();
    assert!(left[0] > 0 && left[0] < asked, "{left:?}");
    assert_eq!(left.last(), Some(&0), "{left:?}");
}

#[test]
fn a_look_and_a_diagnosis_ask_no_more_than_so_many_questions() {
    let world = World::new();
    let record = added(&world);
    run(custom::request_verification(
        &world,
        &domain(),
        &RecordKind::ALL,
    ))
    .unwrap();
    let dns = slow(&world, Duration::ZERO);
    run(custom::check(&world, &dns, &installation(), &domain())).unwrap();
    assert!(dns.asked.get() <= inquiry::MAX_QUESTIONS);
    let dns = slow(&world, Duration::from_secs(4));
    run(diagnosis::diagnose(&world, &dns, &record, &installation()));
    assert!(dns.asked.get() <= 5, "{}", dns.asked.get());
}

#[test]
fn a_look_that_is_under_way_is_not_begun_again_by_the_next_scan() {
    let (world, dns) = (World::new(), Dns::empty());
    dns.publish(&zone_of(&added(&world)));
    run(custom::request_verification(
        &world,
        &domain(),
        &RecordKind::ALL,
    ))
    .unwrap();
    let chore = Chore::Check(domain());
    let second = slow(&world, Duration::ZERO);
    let first = Meanwhile(
        &dns,
        RefCell::new(Some(|| {
            world.advance(Duration::from_secs(10));
            at_once(recheck::run(
                &world,
                &second,
                &installation(),
                &master_key(),
                &chore,
            ))
            .unwrap();
        })),
    );
    look_after(&world, &first, &chore);
    assert_eq!(second.asked.get(), 0);
    assert_eq!(may_send(&read(&world)), Ok(()));
    assert_eq!(world.count("domain-check/"), 0);
}

#[test]
fn keys_are_made_whatever_selectors_there_are() {
    let (world, dns) = verified();
    let import = |selector: &str| {
        run(key_change::import(
            &world,
            &master_key(),
            &domain(),
            selector,
            ED25519_PEM,
        ))
    };
    import("sendlet-ed4294967295").unwrap();
    import("sendlet4294967295").unwrap();
    let Rotation::Rotated(record) = rotate(&world, &dns, Algorithm::RsaSha256).unwrap() else {
        panic!("expected a rotation");
    };
    make_keys(&world, &record);
    assert!(read(&world).next_key(Algorithm::RsaSha256).is_some());
}

#[test]
fn selectors_differ_between_installations() {
    let record = added(&World::new());
    let selectors: Vec<&str> = record
        .keys
        .iter()
        .map(|key| key.selector.as_str())
        .collect();
    for (selector, prefix) in selectors
        .iter()
        .zip(["sendlet-ed-", "sendlet-", "sendlet-"])
    {
        let letters = selector.strip_prefix(prefix).unwrap();
        let is_base32 = |octet: u8| matches!(octet, b'a'..=b'z' | b'2'..=b'7');
        assert!(
            letters.len() == 8 && letters.bytes().all(is_base32),
            "{selector}"
        );
    }
    let world = World::new();
    // Another generator's state is another installation.
    let mut octet = [0];
    mailer::ports::Entropy::fill(&world, &mut octet);
    let other = added(&world);
    for key in &other.keys {
        assert!(!selectors.contains(&key.selector.as_str()));
    }
}

#[test]
fn a_selector_that_does_not_fit_in_front_of_the_domain_is_refused() {
    let world = World::new();
    let label = "a".repeat(50);
    let name = format!("{label}.{label}.{label}.{label}.example");
    let record = run(custom::add(&world, &installation(), &name, new())).unwrap();
    world.advance(key_change::MAKING_TIMEOUT);
    let import = |octets: usize| {
        let selector = "s".repeat(octets);
        run(key_change::import(
            &world,
            &master_key(),
            &record.domain,
            &selector,
            ED25519_PEM,
        ))
    };
    assert!(matches!(import(63), Err(DomainError::Selector)));
    assert!(import(20).is_ok());
}

#[test]
fn a_verification_about_which_dns_never_says_anything_fails_in_the_end() {
    let (world, dns) = (World::new(), Dns::empty());
    added(&world);
    dns.publish("shop.example.com TIMEOUT");
    let kinds = [RecordKind::Spf];
    run(custom::request_verification(&world, &domain(), &kinds)).unwrap();
    for _ in 0..80 {
        check(&world, &dns);
        world.advance(HOUR);
    }
    let record = read(&world);
    let verification = &record.verifications[&RecordKind::Spf];
    assert_eq!(verification.status, Status::VerificationFailed);
    assert_eq!(verification.next_at, None);
    let code = verification.fault.as_ref().map(|fault| fault.code);
    assert_eq!(code, Some(FaultCode::DnsTimeout));
    assert_eq!(events(&world).last(), Some(&EventKind::VerificationFailed));
}

#[test]
fn keys_whose_making_was_cut_off_are_made_by_the_tick() {
    let (world, dns) = verified();
    let Rotation::Rotated(record) = rotate(&world, &dns, Algorithm::RsaSha256).unwrap() else {
        panic!("expected a rotation");
    };
    let operation = record.making.unwrap().operation;
    world.advance(key_change::MAKING_TIMEOUT);
    assert!(read(&world).is_making_cut_off(world.now.get()));
    // It is no new domain, so it is not begun anew.
    let name = domain().to_string();
    let added = run(custom::add(&world, &installation(), &name, new()));
    assert!(matches!(added, Err(DomainError::AlreadyExists)));
    let chores = run(recheck::scan(&world)).unwrap();
    assert_eq!(chores, [Chore::MakeKeys(domain())]);
    look_after(&world, &dns, &chores[0]);
    let record = read(&world);
    assert_eq!((record.making, record.made), (None, Some(operation)));
    assert!(record.next_key(Algorithm::RsaSha256).is_some());
    let keys = record.keys.len();
    // Who was thought dead changes nothing more.
    run(key_change::make_keys(
        &world,
        &master_key(),
        &domain(),
        operation,
    ))
    .unwrap();
    assert_eq!(read(&world).keys.len(), keys);
}

#[test]
fn a_record_that_is_not_there_is_looked_for_when_every_ttl_on_the_way_is_over() {
    let (world, dns) = (World::new(), Dns::empty());
    let record = added(&world);
    let kinds = [RecordKind::Spf, RecordKind::Dmarc];
    run(custom::request_verification(&world, &domain(), &kinds)).unwrap();
    dns.publish("shop.example.com TXT \"v=spf1 -all\"");
    let record = run(custom::check(&world, &dns, &installation(), &record.domain)).unwrap();
    // The TTL of every answer of a zone is 300 seconds; the first pause alone would be 30.
    for kind in kinds {
        let next_at = record.verifications[&kind].next_at.unwrap();
        let pause = next_at.since(world.now.get());
        assert_eq!(pause, Duration::from_secs(300), "{kind}");
    }
}

#[test]
fn a_rotation_that_verifies_dkim_again_tells_that_sending_started() {
    let (world, dns) = verified();
    let rsa = Algorithm::RsaSha256;
    let zone = zone_of(&read(&world));
    let first = selector(&read(&world), rsa);
    dns.publish(&without(&zone, &first));
    for _ in 0..3 {
        world.advance(DAY);
        check(&world, &dns);
    }
    assert!(may_send(&read(&world)).is_err());
    rotate(&world, &dns, rsa).unwrap();
    assert_eq!(may_send(&read(&world)), Ok(()));
    assert_eq!(events(&world).last(), Some(&EventKind::SendingStarted));
}

#[test]
fn one_damaged_key_does_not_keep_the_others_from_being_sealed_anew() {
    let (world, _) = verified();
    let first = selector(&read(&world), Algorithm::RsaSha256);
    let path = keys::dkim_key(&domain(), &first);
    let mut sealed = run(path.read(&world)).unwrap().unwrap();
    sealed.sealed = "AAAA".to_owned();
    let write = keys::dkim_key(&domain(), &first).write(&sealed).unwrap();
    world.map.borrow_mut().extend([write]);
    let keys = MasterKeys {
        current: MasterKey::parse("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=").unwrap(),
        previous: Some(master_key()),
    };
    let done = run(reseal(&world, &keys, 0)).unwrap();
    assert_eq!((done.keys, done.changed, done.failed), (2, 2, 1));
}

#[test]
fn a_dns_that_does_not_answer_is_no_failure_of_dmarc() {
    let (world, dns) = verified();
    let record = read(&world);
    let keys = record.keys.iter().map(|key| {
        let selector = &key.selector;
        format!("{selector}._domainkey.shop.example.com TIMEOUT\n")
    });
    let keys: String = keys.collect();
    let policy = "_dmarc.shop.example.com TXT \"v=DMARC1; p=reject\"";
    dns.publish(&format!("{policy}\n{keys}bounces.shop.example.com TIMEOUT"));
    let found = diagnose(&world, &dns);
    assert_eq!(found.dmarc.result, DmarcResult::TempError);
    assert!(!found.advice.iter().any(|advice| advice.starts_with("Add ")));
}

#[test]
fn advice_about_spf_names_what_is_wrong() {
    let advice = |zone: &str| {
        let (world, dns) = verified();
        dns.publish(zone);
        diagnose(&world, &dns).advice.join("\n")
    };
    let missing = advice("bounces.shop.example.com TXT \"v=spf1 -all\"");
    assert!(
        missing.contains("Add include:spf.mail.example"),
        "{missing}"
    );
    let refused = advice(
        "bounces.shop.example.com TXT \"v=spf1 -ip4:192.0.2.1 include:spf.mail.example -all\"",
    );
    assert!(!refused.contains("Add include"), "{refused}");
    assert!(refused.contains("let nothing come before"), "{refused}");
    let broken = advice("bounces.shop.example.com TXT \"v=spf1 moo\"");
    assert!(
        broken.contains("Mend the SPF record of bounces"),
        "{broken}"
    );
    // Before its return path is verified a domain has the installation's.
    let (world, dns) = (World::new(), Dns::empty());
    added(&world);
    let own = diagnose(&world, &dns).advice.join("\n");
    assert!(!own.contains("Add include"), "{own}");
    assert!(
        own.contains("records of this installation at bounces.mail.example"),
        "{own}"
    );
}
