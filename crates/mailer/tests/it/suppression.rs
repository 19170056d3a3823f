//! Addresses that are not written to.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use envelope::{AddrSpec, Domain};
use mailer::event::{EventId, EventKind};
use mailer::keys;
use mailer::operation::OperationId;
use mailer::outbox::{Entry, Outbox};
use mailer::ports::{Clock, KeyValue, StoreError, Write};
use mailer::suppression::address::{self, NewAddress, Target};
use mailer::suppression::import::{Import, MAX_BAD_LINES};
use mailer::suppression::lease::News;
use mailer::suppression::list::{self, MAX_LISTS, SuppressionList};
use mailer::suppression::record::Person;
use mailer::suppression::rows::{Format, RawRow, RowReader, heading};
use mailer::suppression::shelf::{MAX_PAGE, page};
use mailer::suppression::{
    Heard, Kind, Mail, Ruling, Scope, Shelf, Suppression, SuppressionError, Suppressor, check,
    explain, heard,
};
use mailer::time::Timestamp;
use mailer::treatment::Treatment;

use crate::fake::{START, World, run};

const HOUR: Duration = Duration::from_secs(3600);

fn addr(text: &str) -> AddrSpec {
    AddrSpec::parse(text).unwrap()
}

/// Mail of which nothing was said.
fn mail(sender: &AddrSpec) -> Mail<'_> {
    static PLAIN: Treatment = Treatment {
        tracked: false,
        bulk: false,
        transactional: false,
        topic: None,
    };
    Mail {
        sender,
        treatment: &PLAIN,
    }
}

fn shop() -> Domain {
    Domain::parse("shop.example").unwrap()
}

fn hashed() -> Suppressor {
    Suppressor::parse("AAECAwQFBgcICQoLDA0ODw==").unwrap()
}

fn notes(notes: &str) -> Person {
    Person {
        notes: notes.to_owned(),
        ..Person::default()
    }
}

/// Which of `recipients` mail from `sender` does not go to.
fn held_back(
    world: &World,
    suppressor: &Suppressor,
    sender: &str,
    recipients: &[&str],
) -> Vec<bool> {
    let recipients: Vec<AddrSpec> = recipients.iter().map(|text| addr(text)).collect();
    let hits = run(check(
        world,
        suppressor,
        mail(&addr(sender)),
        &recipients,
        world.now(),
    ));
    hits.unwrap().iter().map(Ruling::is_held).collect()
}

fn is_held_back(world: &World, recipient: &str) -> bool {
    held_back(
        world,
        &Suppressor::default(),
        "news@shop.example",
        &[recipient],
    ) == [true]
}

fn make_list(world: &World, id: &str, list_name: &str) -> SuppressionList {
    let put = run(list::put(world, &shop(), id, Some(list_name)));
    put.unwrap().0
}

fn put_listed(
    world: &World,
    suppressor: &Suppressor,
    list: &str,
    (id, recipient): (&str, &str),
) -> Result<bool, SuppressionError> {
    let new = NewAddress {
        id: id.to_owned(),
        address: addr(recipient),
        person: Person::default(),
    };
    let put = run(address::put_listed(world, suppressor, (&shop(), list), new));
    put.map(|(_, is_new)| is_new)
}

#[test]
fn each_list_is_for_its_senders_and_addresses_are_compared_in_one_form() {
    let world = World::new();
    let clear = Suppressor::default();
    run(address::put(
        &world,
        &clear,
        &addr("All@Example.com"),
        notes(""),
    ))
    .unwrap();
    make_list(&world, "everyone", "");
    make_list(&world, "news", "News");
    put_listed(&world, &clear, "everyone", ("a", "Domain@example.com")).unwrap();
    put_listed(&world, &clear, "NEWS", ("a", "sender@example.com")).unwrap();
    let recipients = [
        "all@EXAMPLE.com",
        "DOMAIN@example.com",
        "Sender@example.com",
        "free@example.com",
    ];
    for (sender, expected) in [
        ("news@shop.example", [true, true, true, false]),
        ("NEWS@shop.example", [true, true, true, false]),
        ("other@shop.example", [true, true, false, false]),
        ("news@other.example", [true, false, false, false]),
    ] {
        assert_eq!(
            held_back(&world, &clear, sender, &recipients),
            expected,
            "{sender}"
        );
    }
}

#[test]
fn a_list_that_was_deleted_holds_nothing_back_and_nor_does_a_new_one_of_its_name() {
    let world = World::new();
    let clear = Suppressor::default();
    make_list(&world, "news", "news");
    for n in 0..600 {
        put_listed(
            &world,
            &clear,
            "news",
            (&format!("a{n}"), &format!("a{n}@example.com")),
        )
        .unwrap();
    }
    assert!(is_held_back(&world, "a1@example.com"));
    run(list::remove(&world, &shop(), "news")).unwrap();
    assert!(!is_held_back(&world, "a1@example.com"));
    let gone = run(list::remove(&world, &shop(), "news"));
    assert!(matches!(gone, Err(SuppressionError::NoSuchList)));
    assert!(run(list::sweep(&world, &shop())).unwrap());
    make_list(&world, "again", "news");
    assert!(
        !is_held_back(&world, "a599@example.com"),
        "those of old do not count"
    );
    put_listed(&world, &clear, "again", ("b", "a599@example.com")).unwrap();
    while run(list::sweep(&world, &shop())).unwrap() {}
    assert!(
        is_held_back(&world, "a599@example.com"),
        "the new list's entry is not swept"
    );
    run(list::remove(&world, &shop(), "again")).unwrap();
    while run(list::sweep(&world, &shop())).unwrap() {}
    assert_eq!(world.count("suppression-slot/"), 0);
    assert_eq!(world.count("suppression-id/"), 0);
    assert_eq!(world.count("suppression-count/"), 0);
}

#[test]
fn lists_have_one_name_each_and_are_bounded() {
    let world = World::new();
    let put = |id: &str, name: Option<&str>| run(list::put(&world, &shop(), id, name));
    assert!(put("one", Some("news")).unwrap().1);
    assert!(!put("ONE", Some("News")).unwrap().1, "in any letter case");
    assert!(!put("one", None).unwrap().1);
    assert!(matches!(
        put("one", Some("")),
        Err(SuppressionError::ListNameFixed)
    ));
    assert!(matches!(
        put("two", Some("NEWS")),
        Err(SuppressionError::ListNameInUse)
    ));
    for id in ["", "a/b", "a b", "ü", "a\r\n", &"a".repeat(254)] {
        assert!(
            matches!(put(id, None), Err(SuppressionError::ResourceName)),
            "{id:?}"
        );
    }
    for name in ["a b", "a\r\nb", "@", &"a".repeat(65)] {
        assert!(
            matches!(put("three", Some(name)), Err(SuppressionError::ListName)),
            "{name:?}"
        );
    }
    for n in 2..MAX_LISTS {
        put(&format!("n{n}"), Some(&format!("user{n}"))).unwrap();
    }
    let too_many = |result| matches!(result, Err(SuppressionError::TooManyLists));
    assert!(too_many(put("more", Some("more"))));
    assert!(put("all", None).unwrap().1, "there is room for this one");
    assert!(too_many(put("more", Some("more"))));
}

#[test]
fn an_address_of_a_list_keeps_its_name_and_the_list_its_addresses() {
    let world = World::new();
    let clear = Suppressor::default();
    make_list(&world, "news", "news");
    let put = |id: &str, recipient: &str| put_listed(&world, &clear, "news", (id, recipient));
    assert!(put("a", "a@example.com").unwrap());
    assert!(!put("A", "A@example.com").unwrap());
    assert!(matches!(
        put("b", "a@example.com"),
        Err(SuppressionError::AlreadyListed)
    ));
    assert!(matches!(
        put("slot-7", "b@example.com"),
        Err(SuppressionError::ReservedName)
    ));
    assert!(!put("a", "moved@example.com").unwrap());
    assert!(!is_held_back(&world, "a@example.com"));
    assert!(is_held_back(&world, "moved@example.com"));
    let remove = |id: &str| run(address::remove_listed(&world, (&shop(), "news"), id));
    assert!(put("c", "c@example.com").unwrap());
    remove("A").unwrap();
    assert!(matches!(remove("a"), Err(SuppressionError::NoSuchAddress)));
    assert!(!is_held_back(&world, "moved@example.com"));
    let list = run(list::get(&world, &shop(), "news")).unwrap();
    let listed = run(page(&world, &list.shelf(&shop()), 0, 10)).unwrap();
    let names: Vec<&str> = listed
        .entries
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!((names, listed.next_after), (vec!["c@example.com"], None));
}

/// What is told of an address.
fn told(recipient: &AddrSpec, news: News, at: Timestamp, reply: &str) -> Heard {
    let message: OperationId = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34".parse().unwrap();
    Heard {
        news,
        recipient: recipient.clone(),
        event: EventId::of(message, 0, EventKind::Bounced, 0),
        message,
        reply: Some(reply.to_owned()).filter(|reply| !reply.is_empty()),
        at,
    }
}

/// Writes what follows, and gives how much that is.
fn apply(world: &World, suppressor: &Suppressor, what: Heard) -> usize {
    let edit = run(heard(world, suppressor, &[what])).unwrap().unwrap();
    let count = edit.writes().len();
    let rest = Entry {
        writes: Vec::new(),
        items: Vec::new(),
    };
    assert!(run(edit.commit(world, &Outbox::default(), rest)).unwrap());
    count
}

#[test]
fn a_bounce_a_try_and_a_complaint_write_once_each() {
    let world = World::new();
    let clear = Suppressor::default();
    let bob = addr("Bob@example.com");
    let tell = |news, at, reply: &str| apply(&world, &clear, told(&bob, news, at, reply));
    let bounce = || {
        tell(
            News::Bounce,
            START,
            "550 5.1.1 <bob@example.com>\r\nunknown",
        )
    };
    let tried = |at| tell(News::Tried, at, "");
    assert_eq!(tried(START), 0, "nothing is known yet");
    assert_eq!(bounce(), 2);
    assert_eq!(bounce(), 0, "a repeat");
    assert!(is_held_back(&world, "bob@example.com"));
    let at = START.plus(HOUR);
    assert_eq!(tried(at), 2);
    assert_eq!(tried(at), 0, "a repeat");
    let found = keys::suppression(&bob);
    let found = run(found.read(&world)).unwrap().unwrap();
    assert_eq!(
        (found.kind, found.since, found.step),
        (Kind::Bounce, START, 1)
    );
    assert_eq!(found.until, Some(at.plus(HOUR * 48)));
    assert_eq!(
        found.reply.as_deref(),
        Some("550 5.1.1 <bob@example.com>  unknown")
    );
    assert!(found.event.is_some());
    world.now.set(at.plus(HOUR * 48));
    assert!(!is_held_back(&world, "bob@example.com"), "the lease lapsed");
    assert_eq!(tried(world.now()), 0);
    assert_eq!(tell(News::Bounce, world.now(), ""), 2);
    let found = run(keys::suppression(&bob).read(&world)).unwrap().unwrap();
    assert_eq!(
        (found.step, found.until),
        (0, Some(world.now().plus(HOUR * 24)))
    );
    let complain = || tell(News::Complaint, world.now(), "");
    assert_eq!((complain(), complain()), (2, 0));
    world.advance(HOUR * 24 * 1000);
    assert!(is_held_back(&world, "bob@example.com"));
    let listed = run(page(&world, &Shelf::everywhere(), 0, 10)).unwrap();
    assert_eq!(listed.entries.len(), 1, "in one slot");
}

#[test]
fn what_an_operator_removes_is_written_to_again() {
    let world = World::new();
    let clear = Suppressor::default();
    let bob = addr("bob@example.com");
    let put = || {
        run(address::put(&world, &clear, &bob, notes("asked")))
            .unwrap()
            .1
    };
    assert_eq!((put(), put()), (true, false));
    let target = Target::parse("BOB@example.com").unwrap();
    let remove = || run(address::remove(&world, &clear, &target));
    remove().unwrap();
    assert!(matches!(remove(), Err(SuppressionError::NoSuchAddress)));
    assert!(!is_held_back(&world, "bob@example.com"));
    assert_eq!(
        world.count("suppression/") + world.count("suppression-slot/"),
        0
    );
}

#[test]
fn the_explanation_names_every_list_and_says_whether_it_counts() {
    let world = World::new();
    let clear = Suppressor::default();
    let bob = addr("bob@example.com");
    apply(&world, &clear, told(&bob, News::Bounce, START, "550 no"));
    make_list(&world, "news-list", "news");
    put_listed(&world, &clear, "news-list", ("a", "bob@example.com")).unwrap();
    world.advance(HOUR * 25);
    let ask = |sender: Option<&str>| {
        let sender = sender.map(addr);
        run(explain(
            &world,
            &clear,
            (sender.as_ref(), None),
            &bob,
            world.now(),
        ))
        .unwrap()
    };
    let found = ask(Some("news@shop.example"));
    assert!(!found.is_written_to);
    let told: Vec<(Scope, Option<&str>, bool)> = found
        .listed
        .iter()
        .map(|listed| {
            (
                listed.scope.clone(),
                listed.list.as_deref(),
                listed.entry.applies(world.now()),
            )
        })
        .collect();
    let sender = Scope::of(&shop(), "NEWS");
    assert_eq!(
        told,
        [
            (Scope::Everywhere, None, false),
            (sender, Some("news-list"), true)
        ]
    );
    let found = ask(None);
    assert_eq!((found.is_written_to, found.listed.len()), (true, 1));
}

fn import(
    world: &World,
    suppressor: &Suppressor,
    shelf: Shelf,
    file: &str,
) -> mailer::suppression::import::Report {
    let format = if file.starts_with('{') {
        Format::Ndjson
    } else {
        Format::Csv
    };
    let mut reader = RowReader::new(format);
    let mut rows = Vec::new();
    reader.push(file.as_bytes(), &mut rows);
    reader.finish(&mut rows);
    let mut import = Import::new(shelf);
    for row in rows {
        run(import.take(world, suppressor, row)).unwrap();
    }
    run(import.flush(world, suppressor)).unwrap();
    import.report().clone()
}

#[test]
fn an_import_counts_what_it_did_and_repeats_harmlessly() {
    let world = World::new();
    let clear = Suppressor::default();
    let mut file = "email,notes\n".to_owned();
    for n in 0..1200 {
        file.push_str(&format!("a{n}@example.com,\"note, {n}\"\n"));
    }
    file.push_str("nobody\nA7@example.com,changed\n");
    let report = import(&world, &clear, Shelf::everywhere(), &file);
    assert_eq!(
        (report.rows, report.added, report.updated, report.bad),
        (1202, 1200, 1, 1)
    );
    assert_eq!(report.bad_lines.first().map(|(line, _)| *line), Some(1202));
    let before = world.map.borrow().clone();
    let report = import(
        &world,
        &clear,
        Shelf::everywhere(),
        "email,notes\na8@example.com,\"note, 8\"\n",
    );
    assert_eq!((report.unchanged, report.added + report.updated), (1, 0));
    assert_eq!(*world.map.borrow(), before);
    let bad = "nobody\n".repeat(500);
    let report = import(
        &world,
        &clear,
        Shelf::everywhere(),
        &format!("email\n{bad}"),
    );
    assert_eq!((report.bad, report.bad_lines.len()), (500, MAX_BAD_LINES));
    let mut listed = 0;
    let mut after = Some(0);
    while let Some(from) = after {
        let found = run(page(&world, &Shelf::everywhere(), from, MAX_PAGE)).unwrap();
        listed += found.entries.len();
        after = found.next_after;
    }
    assert_eq!(listed, 1200);
}

#[test]
fn of_two_rows_of_a_file_a_lease_does_not_end_what_is_for_good() {
    for [first, second] in [
        [",", "2026-09-23T00:00:00Z,"],
        ["2026-09-23T00:00:00Z,", ","],
    ] {
        let world = World::new();
        let file = format!("email,until,x\nann@example.com,{first}\nann@example.com,{second}\n");
        let report = import(&world, &Suppressor::default(), Shelf::everywhere(), &file);
        assert_eq!((report.rows, report.added, report.unchanged), (2, 1, 1));
        world.advance(HOUR * 24 * 30);
        assert!(is_held_back(&world, "ann@example.com"), "{file}");
    }
}

/// As if somebody had died while he held the addresses of `sections`.
fn hold(world: &World, sections: std::ops::RangeInclusive<u8>) {
    let window = world.now().as_millis() / 10_000;
    for section in sections {
        let key = keys::suppression_section(section, window);
        run(key.increment(world)).unwrap();
    }
}

#[test]
fn an_operator_is_sent_away_while_somebody_else_changes_the_address() {
    let world = World::new();
    let clear = Suppressor::default();
    let bob = addr("bob@example.com");
    run(address::put(&world, &clear, &bob, notes(""))).unwrap();
    hold(&world, 0..=u8::MAX);
    let put = run(address::put(&world, &clear, &bob, notes("asked")));
    assert!(matches!(put, Err(SuppressionError::Busy)));
    let target = Target::Address(bob.clone());
    let removed = run(address::remove(&world, &clear, &target));
    assert!(matches!(removed, Err(SuppressionError::Busy)));
    world.advance(Duration::from_secs(10));
    run(address::remove(&world, &clear, &target)).unwrap();
}

#[test]
fn an_import_waits_longer_than_somebody_who_died_holds_its_addresses() {
    let world = World::new();
    // It has some of them already when it has to wait.
    hold(&world, 5..=u8::MAX);
    let rows: String = (0..500).map(|n| format!("a{n}@example.com\n")).collect();
    let shelf = Shelf::everywhere();
    let report = import(&world, &Suppressor::default(), shelf, &rows);
    assert_eq!(report.added, 500);
    assert!(world.now().since(START) >= Duration::from_secs(5));
}

#[test]
fn an_import_into_a_list_that_was_made_anew_is_cut_off() {
    let world = World::new();
    let clear = Suppressor::default();
    let mut running = Import::new(make_list(&world, "one", "news").shelf(&shop()));
    run(list::remove(&world, &shop(), "one")).unwrap();
    make_list(&world, "one", "news");
    put_listed(&world, &clear, "one", ("a", "ann@example.com")).unwrap();
    let mut reader = RowReader::new(Format::Csv);
    let mut rows = Vec::new();
    reader.push(b"email\nann@example.com\n", &mut rows);
    for row in rows {
        run(running.take(&world, &clear, row)).unwrap();
    }
    assert!(run(running.flush(&world, &clear)).is_err());
    assert!(is_held_back(&world, "ann@example.com"));
}

#[test]
fn a_file_whose_rows_are_swallowed_by_a_quotation_mark_is_not_taken_for_a_good_one() {
    let world = World::new();
    let file = "email,notes\nann@example.com,\"oops\nbob@example.com,x\ncy@example.com,y\n";
    let report = import(&world, &Suppressor::default(), Shelf::everywhere(), file);
    assert_eq!((report.rows, report.bad), (1, 1));
}

#[test]
fn what_is_exported_is_imported_again() {
    let world = World::new();
    let clear = Suppressor::default();
    let ann = addr("\"Ann, B\"@example.com");
    run(address::put(
        &world,
        &clear,
        &ann,
        notes("two\r\n\"lines\""),
    ))
    .unwrap();
    let bob = addr("bob@example.com");
    apply(&world, &clear, told(&bob, News::Bounce, START, "550 no"));
    let listed = run(page(&world, &Shelf::everywhere(), 0, 10)).unwrap();
    for format in [Format::Csv, Format::Ndjson] {
        let rows = listed
            .entries
            .iter()
            .map(|(name, entry)| RawRow::of(name, entry).write(format));
        let file: String = std::iter::once(heading(format)).chain(rows).collect();
        let other = World::new();
        let report = import(&other, &clear, Shelf::everywhere(), &file);
        assert_eq!((report.added, report.bad), (2, 0), "{file}");
        for address in [&ann, &addr("bob@example.com")] {
            let read = |world| {
                run(keys::suppression(address).read(world))
                    .unwrap()
                    .unwrap()
            };
            let told = |entry: Suppression| {
                (
                    entry.since,
                    entry.kind,
                    entry.until,
                    entry.notes,
                    entry.reply,
                    entry.email,
                )
            };
            assert_eq!(told(read(&other)), told(read(&world)), "{file}");
        }
    }
}

#[test]
fn with_a_hash_key_nothing_that_is_stored_holds_an_address() {
    let world = World::new();
    let lists = hashed();
    make_list(&world, "news", "news");
    put_listed(&world, &lists, "news", ("a", "Person@secret.example")).unwrap();
    let bob = addr("person2@secret.example");
    let reply = "550 5551234567 <person2@secret.example> unknown";
    apply(&world, &lists, told(&bob, News::Bounce, START, reply));
    let list = run(list::get(&world, &shop(), "news")).unwrap();
    import(
        &world,
        &lists,
        list.shelf(&shop()),
        "email,firstName,notes\nperson3@secret.example,Person,of secret.example\n",
    );
    for (key, value) in world.map.borrow().iter() {
        let text = format!("{key} {}", String::from_utf8_lossy(value)).to_lowercase();
        assert!(
            !["secret", "person", "5551234567"]
                .iter()
                .any(|part| text.contains(part)),
            "{text}"
        );
    }
    let recipients = [
        "person@secret.example",
        "Person2@secret.example",
        "person3@secret.example",
        "x@secret.example",
    ];
    let found = held_back(&world, &lists, "news@shop.example", &recipients);
    assert_eq!(found, [true, true, true, false]);
    for other in [
        Suppressor::default(),
        Suppressor::parse("Dw4NDAsKCQgHBgUEAwIBAA==").unwrap(),
    ] {
        let refused = run(check(
            &world,
            &other,
            mail(&addr("a@b.example")),
            std::slice::from_ref(&bob),
            START,
        ));
        assert!(
            refused.is_err(),
            "another key finds nobody, which must not mean that nobody is suppressed"
        );
    }
}

#[test]
fn what_was_written_before_there_was_a_hash_key_counts_until_it_is_put_again() {
    let world = World::new();
    let (clear, lists) = (Suppressor::default(), hashed());
    let bob = addr("bob@example.com");
    run(address::put(&world, &clear, &bob, notes(""))).unwrap();
    let sender = "a@shop.example";
    assert_eq!(
        held_back(&world, &lists, sender, &["bob@example.com"]),
        [true]
    );
    run(address::put(&world, &lists, &bob, notes(""))).unwrap();
    assert_eq!(
        held_back(&world, &lists, sender, &["bob@example.com"]),
        [true]
    );
    let keys = world.map.borrow();
    assert!(!keys.keys().any(|key| key.contains("bob")), "{keys:?}");
}

/// A store whose reads end together, when the test says so: a second round can be told from one.
#[derive(Default)]
struct Rounds {
    begun: Cell<usize>,
    is_over: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl KeyValue for Rounds {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.begun.set(self.begun.get() + 1);
        std::future::poll_fn(|context| {
            if self.is_over.get() {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
        Ok(None)
    }

    async fn exists(&self, _: &str) -> Result<bool, StoreError> {
        Err(StoreError::new("not a read of a list"))
    }

    async fn set_many(&self, _: Vec<Write>) -> Result<(), StoreError> {
        Err(StoreError::new("looking up writes nothing"))
    }

    async fn delete_many(&self, _: Vec<String>) -> Result<(), StoreError> {
        Err(StoreError::new("looking up writes nothing"))
    }

    async fn increment(&self, _: &str, _: i64) -> Result<i64, StoreError> {
        Err(StoreError::new("looking up writes nothing"))
    }
}

#[test]
fn fifty_recipients_are_looked_up_in_one_round_of_reads() {
    let recipients: Vec<AddrSpec> = (0..50)
        .map(|n| addr(&format!("a{n}@example.com")))
        .collect();
    for (lists, reads) in [(Suppressor::default(), 2 + 3 * 50), (hashed(), 2 + 6 * 50)] {
        let store = Rounds::default();
        let sender = addr("news@shop.example");
        let mut look_up = pin!(check(&store, &lists, mail(&sender), &recipients, START));
        let mut context = Context::from_waker(Waker::noop());
        assert!(look_up.as_mut().poll(&mut context).is_pending());
        assert_eq!(store.begun.get(), reads, "all at once");
        store.is_over.set(true);
        store.waiting.take().into_iter().for_each(Waker::wake);
        let hits = run(look_up).unwrap();
        assert!(hits.len() == 50 && hits.iter().all(|hit| *hit == Ruling::Free));
        assert_eq!(store.begun.get(), reads, "and none afterwards");
    }
}

#[test]
fn whichever_read_fails_nobody_is_written_to() {
    for call in 0..5 {
        let world = World::new();
        world.fail_at.set(Some(call));
        let recipients = [addr("a@example.com")];
        let clear = Suppressor::default();
        let found = run(check(
            &world,
            &clear,
            mail(&addr("a@b.example")),
            &recipients,
            START,
        ));
        assert!(found.is_err(), "call {call}");
    }
}
