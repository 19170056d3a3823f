//! An operator's own domain, from its first day to its last, on a DNS that is a text.

use std::cell::RefCell;
use std::time::Duration;

use dns::zone::Zone;
use dns::{Answer, Question, ResolveError, Resolver};
use envelope::{Domain, LocalPart};
use mailer::domain::custom::{self, DomainChange, NewDomain};
use mailer::domain::diagnosis::{self, DkimResult, DmarcResult};
use mailer::domain::history::{self, EventKind};
use mailer::domain::index::{self, Deleted};
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
struct Dns(RefCell<Zone>);

impl Dns {
    fn empty() -> Self {
        Self(RefCell::new(Zone::parse(BASE).unwrap()))
    }

    fn publish(&self, zone: &str) {
        *self.0.borrow_mut() = Zone::parse(&format!("{BASE}{zone}")).unwrap();
    }
}

impl Resolver for Dns {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        dns::zone::ready(self.0.borrow().resolve(question)).unwrap()
    }
}

fn domain() -> Domain {
    Domain::parse("shop.example.com").unwrap()
}

fn new() -> NewDomain {
    NewDomain {
        linked: true,
        return_path: None,
    }
}

fn read(world: &World) -> DomainRecord {
    run(keys::domain(&domain()).read(world)).unwrap().unwrap()
}

/// The zone snippet as the lines that [`Zone`] reads.
fn zone_of(record: &DomainRecord) -> String {
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

fn added(world: &World) -> DomainRecord {
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

fn verify(world: &World, dns: &Dns) -> DomainRecord {
    run(custom::request_verification(
        world,
        &domain(),
        &RecordKind::ALL,
    ))
    .unwrap();
    check(world, dns)
}

fn check(world: &World, dns: &Dns) -> DomainRecord {
    run(custom::check(world, dns, &installation(), &domain())).unwrap()
}

/// A domain whose records are all published and verified.
fn verified() -> (World, Dns) {
    let (world, dns) = (World::new(), Dns::empty());
    dns.publish(&zone_of(&added(&world)));
    verify(&world, &dns);
    (world, dns)
}

fn may_send(record: &DomainRecord) -> Result<(), SenderError> {
    let local_part = LocalPart::parse("donotreply").unwrap();
    record.sender(&local_part).map(|_| ())
}

fn events(world: &World) -> Vec<EventKind> {
    let total = read(world).events;
    let page = run(history::page(world, &domain(), total, None)).unwrap();
    page.events.iter().rev().map(|event| event.kind).collect()
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
    for kind in RecordKind::ALL {
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
fn instead(marker: &'static str, with: &'static str) -> impl Fn(&str) -> Option<String> {
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
    let key = "sendlet1._domainkey";
    let name = "sendlet1._domainkey.shop.example.com TXT";
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
            move |line| {
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
        let zone = "shop.example.com SERVFAIL\nsendlet1._domainkey.shop.example.com TIMEOUT\n_dmarc.shop.example.com SERVFAIL\nsendlet2._domainkey.shop.example.com SERVFAIL\nsendlet-ed1._domainkey.shop.example.com SERVFAIL\nbounces.shop.example.com TIMEOUT";
        dns.publish(zone);
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
    let without_next: Vec<&str> = zone
        .lines()
        .filter(|line| !line.contains("sendlet2"))
        .collect();
    dns.publish(&without_next.join("\n"));
    let refused = rotate(&world, &dns, rsa);
    assert!(matches!(refused, Err(DomainError::NextKeyNotPublished(_))));
    dns.publish(&zone);
    let Rotation::Rotated(record) = rotate(&world, &dns, rsa).unwrap() else {
        panic!("expected a rotation");
    };
    assert_eq!(record.current_key(rsa).unwrap().selector, "sendlet2");
    assert_eq!(record.key("sendlet1").unwrap().state, KeyState::Retiring);
    assert_eq!(may_send(&record), Ok(()));
    make_keys(&world, &record);
    let record = read(&world);
    assert_eq!(record.next_key(rsa).unwrap().selector, "sendlet3");
    // The retired key stays in the snippet, and its private half in the store, for a week.
    dns.publish(&zone_of(&record));
    assert!(zone_of(&record).contains("sendlet1._domainkey"));
    world.advance(6 * DAY);
    check(&world, &dns);
    assert!(world.has("dkim-key/shop.example.com/sendlet1"));
    world.advance(DAY);
    let chores = run(recheck::scan(&world)).unwrap();
    assert!(!chores.is_empty());
    for chore in &chores {
        run(recheck::run(&world, &dns, &installation(), chore)).unwrap();
    }
    assert!(!world.has("dkim-key/shop.example.com/sendlet1"));
    let record = read(&world);
    assert!(record.key("sendlet1").is_none());
    let removable = key_change::removable_records(&record);
    assert_eq!(removable[0].name, "sendlet1._domainkey.shop.example.com");
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
    let zone = zone_of(&read(&world));
    let next = read(&world).next_key(ed25519).unwrap().clone();
    assert_eq!(next.selector, "sendlet-ed2");
    let line = format!(
        "{}._domainkey.{} TXT \"{}\"",
        next.selector,
        domain(),
        next.record
    );
    dns.publish(&format!("{zone}{line}"));
    let rotated = rotate(&world, &dns, ed25519).unwrap();
    let Rotation::Rotated(record) = rotated else {
        panic!("expected a rotation");
    };
    assert_eq!(record.current_key(ed25519).unwrap().selector, "sendlet-ed2");
}

#[test]
fn an_ed25519_key_that_vanishes_stops_signing_and_nothing_else() {
    let (world, dns) = verified();
    let zone = zone_of(&read(&world));
    let without: Vec<&str> = zone
        .lines()
        .filter(|line| !line.contains("sendlet-ed1"))
        .collect();
    dns.publish(&without.join("\n"));
    world.advance(DAY);
    let record = check(&world, &dns);
    assert_eq!(record.signing_keys().count(), 1);
    assert_eq!(may_send(&record), Ok(()));
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
    assert!(matches!(
        import("SENDLET1", ED25519_PEM),
        Err(DomainError::SelectorInUse)
    ));
    assert!(matches!(
        import("own", "nonsense"),
        Err(DomainError::Key(_))
    ));
    let record = import("Own", ED25519_PEM).unwrap();
    let next = record.next_key(Algorithm::Ed25519Sha256).unwrap();
    assert_eq!(next.selector, "own");
    let line = format!("own._domainkey.{} TXT \"{}\"", domain(), next.record);
    dns.publish(&format!("{}{line}", zone_of(&record)));
    rotate(&world, &dns, Algorithm::Ed25519Sha256).unwrap();
    let record = read(&world);
    let keyring = Keyring::new(MasterKeys {
        current: master_key(),
        previous: None,
    });
    let keys = run(keyring.signing_keys(&world, &record)).unwrap();
    let selectors: Vec<&str> = keys.iter().map(|(selector, _)| selector.as_str()).collect();
    assert_eq!(selectors, ["sendlet1", "own"]);
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
        return_path: None,
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
    run(recheck::run(&world, &dns, &installation(), &chores[0])).unwrap();
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
    assert!(matches!(
        run(reseal(&world, &stranger, 0)),
        Err(DomainError::Unseal(_))
    ));
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
    run(diagnosis::diagnose(dns, &read(world), &installation()))
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
