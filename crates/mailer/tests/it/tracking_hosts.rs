//! What an operator sets for the engagement of a domain's readers, and the host that links in its mail lead through.

use std::time::Duration;

use mailer::domain::custom::{self, DomainChange, Engagement};
use mailer::domain::history::EventKind;
use mailer::domain::verification::{RecordKind, Status};
use mailer::domain::{DomainError, DomainRecord, diagnosis};
use mailer::keys;

use crate::custom_domains::{
    Dns, added, check, domain, events, may_send, new, read, verified, verify, without, zone_of,
};
use crate::fake::{World, installation, run};

const DAY: Duration = Duration::from_hours(24);
const HOST: &str = "links.shop.example.com";
const OURS: &str = "https://links.mail.example";
const OWN: &str = "https://links.shop.example.com";

fn change(engagement: Engagement) -> DomainChange {
    DomainChange {
        engagement,
        ..DomainChange::default()
    }
}

fn host(text: Option<&str>) -> Engagement {
    Engagement {
        tracking_host: Some(text.map(str::to_owned)),
        ..Engagement::default()
    }
}

fn update(world: &World, engagement: Engagement) -> Result<DomainRecord, DomainError> {
    run(custom::update(world, &domain(), &change(engagement)))
}

fn origin(record: &DomainRecord) -> String {
    record.link_origin(&installation()).unwrap()
}

/// A domain whose tracking host is verified with all the rest.
fn tracked() -> (World, Dns) {
    let (world, dns) = verified();
    let record = update(&world, host(Some("Links.Shop.Example.COM"))).unwrap();
    dns.publish(&zone_of(&record));
    assert_eq!(origin(&record), OURS);
    let record = verify(&world, &dns);
    assert_eq!(record.status(RecordKind::Tracking), Status::Verified);
    (world, dns)
}

#[test]
fn links_lead_through_the_domains_host_once_its_line_of_the_zone_is_published() {
    let (world, _) = tracked();
    let record = read(&world);
    let line = "links.shop.example.com. 3600 IN CNAME links.mail.example.\n";
    let zone = record.zone(&installation());
    assert!(zone.contains(line), "{zone}");
    assert_eq!(origin(&record), OWN);
}

#[test]
fn a_tracking_host_that_breaks_is_given_up_at_once_and_mail_goes_on() {
    let (world, dns) = tracked();
    let zone = zone_of(&read(&world));
    world.advance(DAY);
    dns.publish(&without(&zone, " CNAME "));
    let record = check(&world, &dns);
    assert_eq!(
        record.status(RecordKind::Tracking),
        Status::VerificationFailed
    );
    assert_eq!(origin(&record), OURS);
    assert_eq!(may_send(&record), Ok(()));
    assert_eq!(events(&world).last(), Some(&EventKind::VerificationFailed));
    dns.publish(&zone);
    world.advance(Duration::from_hours(1));
    assert_eq!(origin(&check(&world, &dns)), OWN);
    assert_eq!(events(&world).last(), Some(&EventKind::Verified));
}

#[test]
fn a_dns_that_does_not_answer_takes_no_tracking_host_back() {
    let (world, dns) = tracked();
    let zone = zone_of(&read(&world));
    world.advance(DAY);
    let silent = format!("{}\n{HOST} SERVFAIL", without(&zone, " CNAME "));
    dns.publish(&silent);
    assert_eq!(origin(&check(&world, &dns)), OWN);
}

#[test]
fn another_host_has_to_be_verified_anew_and_none_is_looked_at_no_more() {
    let (world, dns) = tracked();
    let record = update(&world, host(Some(HOST))).unwrap();
    assert_eq!(origin(&record), OWN, "the same host is no change");
    let record = update(&world, host(Some("go.shop.example.com"))).unwrap();
    assert_eq!(record.status(RecordKind::Tracking), Status::NotStarted);
    assert_eq!(origin(&record), OURS);
    let record = update(&world, host(None)).unwrap();
    assert!(!record.publishes(RecordKind::Tracking));
    let record = verify(&world, &dns);
    assert_eq!(record.status(RecordKind::Tracking), Status::NotStarted);
    let changes = events(&world)
        .into_iter()
        .filter(|kind| *kind == EventKind::TrackingHostChanged);
    assert_eq!(changes.count(), 3);
}

#[test]
fn what_cannot_be_a_tracking_host_changes_nothing() {
    let (world, _) = verified();
    for text in [
        "shop.example.com",
        "links.example.com",
        "*.shop.example.com",
        "",
    ] {
        let refused = update(&world, host(Some(text)));
        assert!(
            matches!(refused, Err(DomainError::TrackingHost(_))),
            "{text}"
        );
    }
    // A name with a CNAME record can have no MX record: whichever of the two comes last is refused.
    let refused = update(&world, host(Some("bounces.shop.example.com")));
    assert!(matches!(refused, Err(DomainError::OneHostForTwo)));
    update(&world, host(Some(HOST))).unwrap();
    let before = read(&world);
    let return_path = DomainChange {
        return_path: Some(HOST.to_owned()),
        ..change(Engagement {
            is_tracked: Some(true),
            ..Engagement::default()
        })
    };
    let refused = run(custom::update(&world, &domain(), &return_path));
    assert!(matches!(refused, Err(DomainError::OneHostForTwo)));
    assert_eq!(read(&world), before);
    // Both at once may change places.
    let swapped = DomainChange {
        engagement: host(Some("bounces.shop.example.com")),
        ..return_path
    };
    let record = run(custom::update(&world, &domain(), &swapped)).unwrap();
    assert_eq!(record.wanted_return_path().as_str(), HOST);
}

#[test]
fn what_is_said_at_the_beginning_holds_and_is_off_when_nothing_is_said() {
    let world = World::new();
    let record = added(&world);
    assert!(!record.tracks_engagement && !record.bulk_by_default);
    assert_eq!(record.tracking_host, None);
    let add = |name: &str, engagement| {
        let new = custom::NewDomain {
            engagement,
            ..new()
        };
        run(custom::add(&world, &installation(), name, new))
    };
    let engagement = |host: &str| Engagement {
        is_tracked: Some(true),
        bulk_by_default: Some(true),
        tracking_host: Some(Some(host.to_owned())),
    };
    let record = add("other.example.com", engagement("a.other.example.com")).unwrap();
    assert!(record.tracks_engagement && record.bulk_by_default);
    assert_eq!(
        record.tracking_host.unwrap().as_str(),
        "a.other.example.com"
    );
    let refused = add("third.example.com", engagement("third.example.com"));
    assert!(matches!(refused, Err(DomainError::TrackingHost(_))));
    let refused = add("third.example.com", engagement("bounces.third.example.com"));
    assert!(matches!(refused, Err(DomainError::OneHostForTwo)));
}

#[test]
fn each_switch_is_told_of_once() {
    let (world, _) = verified();
    let before = events(&world).len();
    let on = Engagement {
        is_tracked: Some(true),
        bulk_by_default: Some(true),
        tracking_host: None,
    };
    update(&world, on.clone()).unwrap();
    let record = update(&world, on).unwrap();
    assert!(record.tracks_engagement && record.bulk_by_default);
    update(&world, Engagement::default()).unwrap();
    let off = Engagement {
        is_tracked: Some(false),
        ..Engagement::default()
    };
    let record = update(&world, off).unwrap();
    assert!(!record.tracks_engagement && record.bulk_by_default);
    assert_eq!(
        events(&world)[before..],
        [
            EventKind::TrackingEnabled,
            EventKind::BulkByDefaultChanged,
            EventKind::TrackingDisabled,
        ]
    );
}

#[test]
fn the_managed_domain_may_be_tracked_but_has_no_host_of_its_own() {
    let world = World::with_domain();
    let domain = envelope::Domain::parse(crate::fake::DOMAIN).unwrap();
    let update = |engagement| run(custom::update(&world, &domain, &change(engagement)));
    let on = Engagement {
        is_tracked: Some(true),
        ..Engagement::default()
    };
    assert!(update(on).unwrap().tracks_engagement);
    let text = format!("links.{domain}");
    let refused = update(host(Some(&text)));
    assert!(matches!(refused, Err(DomainError::Managed)));
    assert!(update(host(None)).is_ok());
    let record = run(keys::domain(&domain).read(&world)).unwrap().unwrap();
    assert_eq!(origin(&record), OURS);
}

#[test]
fn a_diagnosis_says_what_keeps_links_from_leading_anywhere() {
    let (world, dns) = verified();
    let advice = |has_origin: bool| {
        let mut installation = installation();
        installation.tracking_origin = installation.tracking_origin.filter(|_| has_origin);
        let record = read(&world);
        let found = run(diagnosis::diagnose(&world, &dns, &record, &installation));
        found.advice.join(" ")
    };
    assert_eq!(advice(false), "");
    let on = Engagement {
        is_tracked: Some(true),
        ..Engagement::default()
    };
    update(&world, on).unwrap();
    assert_eq!(advice(true), "");
    assert!(advice(false).starts_with("Set the variable tracking_url, or have"));
    let record = update(&world, host(Some(HOST))).unwrap();
    assert!(advice(true).contains("which leads to links.mail.example, and have it verified: until then links lead to https://links.mail.example."));
    dns.publish(&zone_of(&record));
    verify(&world, &dns);
    assert_eq!(advice(true), "");
    assert_eq!(advice(false), "");
}
