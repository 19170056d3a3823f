//! Copies of their own: tokens that are each recipient's, how to unsubscribe, and what becomes of copies whose relay fails some of them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use dkim::{KeyLookup, KeyLookupError, SigningKey};
use mailer::access::BodyHash;
use mailer::attempt::{Attempted, Dispatcher, attempt};
use mailer::budget::Budget;
use mailer::delivery::{DeliveryState, RecipientStatus};
use mailer::domain::TrackingOrigin;
use mailer::handover::{Disposition, HandOverError, Handover, RecipientResult};
use mailer::keys;
use mailer::link::Reader;
use mailer::operation::OperationId;
use mailer::ports::{Relay, Scheduler};
use mailer::submission::{Draft, DraftMailbox, Policy};
use mailer::submit::{Acceptor, Request, submit};

use crate::fake::{
    DOMAIN, START, ScriptedRelay, Seen, World, dispatcher, link_keys, made, principal, reply, run,
    suppress, try_once,
};

const ID: &str = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34";
const ORIGIN: &str = "https://links.mail.example/";
const TARGET: &str = "https://shop.example/?a=1&b=2";
const HTML: &str = "<html><body><p>Hello! <a href=\"https://shop.example/?a=1&amp;b=2\">Shop</a>,\r\n\
                    <a href=\"mailto:shop@example.com\">write</a> or \
                    <a href=\"{{ unsubscribe_url }}\">leave</a>.</p></body></html>";
const BULK: (&str, &str) = ("x-sendlet-bulk", "true");

/// A world whose domain tracks.
fn tracking() -> World {
    let world = World::with_domain();
    change_domain(&world, |domain| domain.tracks_engagement = true);
    world
}

fn change_domain(world: &World, change: impl FnOnce(&mut mailer::domain::DomainRecord)) {
    let domain = envelope::Domain::parse(DOMAIN).unwrap();
    let key = || keys::domain(&domain);
    let mut record = run(key().read(world)).unwrap().unwrap();
    change(&mut record);
    let (path, value) = key().write(&record).unwrap();
    world.map.borrow_mut().insert(path, value);
}

/// What is sent; no header fields, a body with a link, and a text without.
struct Mail<'a> {
    html: Option<&'a str>,
    plain_text: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

impl Default for Mail<'_> {
    fn default() -> Self {
        Self {
            html: Some(HTML),
            plain_text: "Hello!",
            headers: &[],
        }
    }
}

impl Mail<'_> {
    fn accept(&self, world: &World, to: &[&str]) -> OperationId {
        let mailbox = |address: &&str| DraftMailbox {
            address: (*address).to_owned().into(),
            display_name: None,
        };
        let header =
            |&(name, value): &(&str, &str)| (name.to_owned().into(), value.to_owned().into());
        let draft = Draft {
            sender_address: format!("news@{DOMAIN}").into(),
            subject: Some("News".into()),
            plain_text: Some(self.plain_text.to_owned().into()),
            html: self.html.map(|html| html.to_owned().into()),
            to: to.iter().map(mailbox).collect(),
            headers: self.headers.iter().map(header).collect(),
            ..Draft::default()
        };
        let request = Request {
            operation_id: Some(ID.parse().unwrap()),
            body_hash: BodyHash::of(b"body"),
            submission: draft.check(Policy::default()).unwrap(),
        };
        run(submit(world, &Acceptor::default(), &principal(), request))
            .unwrap()
            .id
    }
}

const THREE: [&str; 3] = ["a@example.com", "b@example.com", "c@example.com"];
const FIVE: [&str; 5] = [
    "a@example.com",
    "b@example.com",
    "c@example.com",
    "d@example.com",
    "e@example.com",
];

fn reader(recipient: u8) -> Reader {
    Reader {
        message: ID.parse().unwrap(),
        recipient,
    }
}

/// The text of a copy without its signature, and with the soft line breaks of quoted-printable taken out.
fn text(seen: &Seen) -> String {
    let text = String::from_utf8(seen.message.clone()).unwrap();
    let (_, unsigned) = text.split_once("\r\nFrom:").unwrap();
    unsigned.replace("=\r\n", "").replace("=3D", "=")
}

/// Takes the tokens below `path` out of a text.
fn tokens(text: &str, path: &str) -> (Vec<String>, String) {
    let start = format!("{ORIGIN}{path}/");
    let mut pieces = text.split(&start);
    let mut rest = pieces.next().unwrap().to_owned();
    let mut found = Vec::new();
    for piece in pieces {
        let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let end = piece.find(|c| !is_of_token(c)).unwrap();
        found.push(piece[..end].to_owned());
        rest.push_str(&piece[end..]);
    }
    (found, rest)
}

/// The one token below `path`, which stands so often.
#[track_caller]
fn token(text: &str, path: &str, times: usize) -> String {
    let (found, _) = tokens(text, path);
    assert_eq!(found.len(), times, "{path}: {text}");
    let first = found.into_iter().reduce(|first, other| {
        assert_eq!(first, other, "{path}");
        first
    });
    first.unwrap()
}

fn without_tokens(text: &str) -> String {
    let mut text = text.to_owned();
    for path in ["c", "o", "u"] {
        text = tokens(&text, path).1;
    }
    let (before, after) = text.split_once("<mailto:u-").unwrap();
    format!("{before}{}", &after[48..])
}

fn statuses(state: &DeliveryState) -> Vec<RecipientStatus> {
    let recipients = state.recipients.iter();
    recipients.map(|recipient| recipient.status).collect()
}

fn unavailable(seconds: u64) -> HandOverError {
    HandOverError::Unavailable {
        retry_after: Some(Duration::from_secs(seconds)),
        reply: reply("451 4.3.0 busy"),
    }
}

fn unknown() -> HandOverError {
    HandOverError::Unknown {
        reply: reply("451 4.3.0 cut off"),
    }
}

/// Makes an attempt's copies one after the other.
fn one_at_a_time() -> Dispatcher {
    Dispatcher {
        copies: Budget::new(0),
        ..dispatcher()
    }
}

#[track_caller]
fn state(attempted: Attempted) -> DeliveryState {
    match attempted {
        Attempted::Made { state, .. } => *state,
        other => panic!("expected an attempt, found {other:?}"),
    }
}

fn keys_seen(relay: &ScriptedRelay) -> Vec<String> {
    let seen = relay.seen.borrow();
    let prefix = format!("{ID}.");
    let key = |seen: &Seen| seen.key.strip_prefix(&prefix).unwrap().to_owned();
    seen.iter().map(key).collect()
}

#[test]
fn each_copy_has_tokens_of_its_own_and_every_other_octet_is_the_same() {
    let world = tracking();
    let relay = ScriptedRelay::default();
    let mail = Mail {
        plain_text: "Leave: {{unsubscribe_url}}.",
        headers: &[BULK],
        ..Mail::default()
    };
    let id = mail.accept(&world, &THREE);
    let state = made(&world, &relay, id);
    assert_eq!(statuses(&state), [RecipientStatus::OutForDelivery; 3]);
    assert_eq!(keys_seen(&relay), ["0.0", "0.1", "0.2"]);
    let keys = link_keys();
    let seen = relay.seen.borrow();
    for (place, copy) in (0..).zip(seen.iter()) {
        assert_eq!(copy.recipients, [THREE[usize::from(place)]]);
        let text = text(copy);
        let click = keys.verify_click(&token(&text, "c", 1)).unwrap();
        assert_eq!((click.reader, click.link), (reader(place), 0));
        assert_eq!(click.target, TARGET);
        let open = keys.verify_open(&token(&text, "o", 1));
        assert_eq!(open, Some(reader(place)));
        // In the header section, the text and the HTML.
        let unsubscribe = keys.verify_unsubscribe(&token(&text, "u", 3));
        assert_eq!(unsubscribe, Some(reader(place)));
        assert_eq!(without_tokens(&text), without_tokens(&self::text(&seen[0])));
        assert!(!text.contains("{{"), "{text}");
    }
}

/// The key of the fake domain, as its DNS has it.
struct Published(String);

impl KeyLookup for Published {
    fn txt(&self, _: &str) -> Result<Option<Vec<u8>>, KeyLookupError> {
        Ok(Some(self.0.clone().into_bytes()))
    }
}

#[test]
fn the_signature_of_each_copy_verifies_and_covers_how_to_unsubscribe() {
    let world = tracking();
    let relay = ScriptedRelay::default();
    let mail = Mail {
        headers: &[BULK],
        ..Mail::default()
    };
    made(&world, &relay, mail.accept(&world, &THREE));
    let key = SigningKey::from_pkcs8_der(&world.signing_key()).unwrap();
    let published = Published(key.public_key_record().to_owned());
    for copy in relay.seen.borrow().iter() {
        let verified = dkim::verify(&copy.message, &published, START.as_secs()).unwrap();
        assert_eq!(verified.len(), 1);
        assert_eq!(verified[0].outcome, Ok(()));
        for name in ["list-unsubscribe", "list-unsubscribe-post"] {
            // Once for the field, once so that nobody adds another.
            let times = verified[0].signed_fields.iter().filter(|n| *n == name);
            assert_eq!(times.count(), 2, "{name}");
        }
    }
}

#[test]
fn a_copy_of_bulk_mail_as_a_whole() {
    let world = tracking();
    let relay = ScriptedRelay::default();
    let mail = Mail {
        plain_text: "Leave: {{unsubscribe_url}}.\n",
        headers: &[("x-sendlet-topic", "weekly"), ("X-Campaign", "autumn")],
        ..Mail::default()
    };
    made(&world, &relay, mail.accept(&world, &["bob@example.com"]));
    let message = relay.seen.borrow()[0].message.clone();
    let text = String::from_utf8(message).unwrap();
    assert!(text.lines().all(|line| line.len() <= 998));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("bulk_copy", text.replace("\r\n", "\n"));
    });
}

#[test]
fn each_copy_goes_its_own_way_and_only_what_is_open_is_repeated_as_it_was() {
    let world = tracking();
    let first = vec![
        Ok(vec![Disposition::Accepted]),
        Ok(vec![Disposition::Deferred]),
        Err(unknown()),
        Ok(vec![Disposition::Rejected]),
        Err(unknown()),
    ];
    let relay = ScriptedRelay::answering(first);
    let mail = Mail {
        headers: &[BULK],
        ..Mail::default()
    };
    let id = mail.accept(&world, &FIVE);
    let state = made(&world, &relay, id);
    let expected = [
        RecipientStatus::OutForDelivery,
        RecipientStatus::Deferred,
        RecipientStatus::Deferred,
        RecipientStatus::Failed,
        RecipientStatus::Deferred,
    ];
    assert_eq!(statuses(&state), expected);
    change_domain(&world, |domain| {
        domain.return_path = envelope::Domain::parse("bounces.a.mail.example").ok();
    });
    world.now.set(state.due_at.unwrap());
    let second = [
        Ok(vec![Disposition::Deferred]),
        Ok(vec![Disposition::Deferred]),
        Err(unknown()),
    ];
    relay.script.borrow_mut().extend(second);
    let state = made(&world, &relay, id);
    // Those whose end is unknown come last.
    let expected = ["0.0", "0.1", "0.2", "0.3", "0.4", "1.1", "0.2", "0.4"];
    assert_eq!(keys_seen(&relay), expected);
    let seen = relay.seen.borrow().clone();
    assert_eq!((&seen[6], &seen[7]), (&seen[2], &seen[4]));
    assert_eq!(seen[5].reverse_path, "<DoNotReply@bounces.a.mail.example>");
    assert!(text(&seen[5]).contains("@bounces.a.mail.example?subject=unsubscribe"));
    assert_eq!(seen[6].reverse_path, "<DoNotReply@a.mail.example>");
    world.now.set(state.due_at.unwrap());
    let state = made(&world, &relay, id);
    assert_eq!(keys_seen(&relay)[8..], ["2.1", "1.2", "0.4"]);
    assert_eq!(state.due_at, None);
    let third = relay.seen.borrow()[9].clone();
    assert_eq!(third.reverse_path, "<DoNotReply@bounces.a.mail.example>");
}

#[test]
fn a_relay_that_takes_nothing_more_is_left_alone() {
    let world = tracking();
    let answers = vec![Ok(vec![Disposition::Accepted]), Err(unavailable(300))];
    let relay = ScriptedRelay::answering(answers);
    let id = Mail::default().accept(&world, &FIVE);
    let attempted = run(attempt(&world, &relay, &one_at_a_time(), id)).unwrap();
    let state = state(attempted);
    assert_eq!(keys_seen(&relay), ["0.0", "0.1"]);
    assert_eq!(statuses(&state)[0], RecipientStatus::OutForDelivery);
    assert_eq!(statuses(&state)[1..], [RecipientStatus::Deferred; 4]);
    assert_eq!(state.recipients[4].reply, Some(reply("451 4.3.0 busy")));
    assert_eq!(state.due_at, Some(START.plus(Duration::from_secs(300))));
    world.now.set(state.due_at.unwrap());
    let state = made(&world, &relay, id);
    assert_eq!(keys_seen(&relay)[2..], ["0.1", "0.2", "0.3", "0.4"]);
    assert_eq!(statuses(&state), [RecipientStatus::OutForDelivery; 5]);
}

/// Breaks if the number in a key is written, or counted up, before the relay's answer is recorded.
#[test]
fn when_the_store_fails_no_copy_is_handed_over_under_two_keys() {
    for call in 0..14 {
        let world = tracking();
        let relay = ScriptedRelay::answering(vec![Err(unknown())]);
        let id = Mail::default().accept(&world, &THREE);
        world.fail_at.set(Some(call));
        let _ = try_once(&world, &relay, id);
        world.fail_at.set(None);
        for _ in 0..3 {
            world.advance(Duration::from_secs(120));
            let _ = try_once(&world, &relay, id);
        }
        let all: BTreeSet<String> = keys_seen(&relay).into_iter().collect();
        let expected = ["0.0", "0.1", "0.2"].map(str::to_owned);
        assert_eq!(all, expected.into(), "call {call}");
        let state = run(keys::state(id).read(&world)).unwrap().unwrap();
        let delivered = [RecipientStatus::OutForDelivery; 3];
        assert_eq!(statuses(&state), delivered, "call {call}");
    }
}

#[test]
fn those_who_are_suppressed_or_simulated_get_no_copy() {
    let world = tracking();
    let relay = ScriptedRelay::default();
    let to = ["a@example.com", "delivered@simulator.test", "c@example.com"];
    let id = Mail::default().accept(&world, &to);
    suppress(&world, "a@example.com");
    let state = made(&world, &relay, id);
    assert_eq!(keys_seen(&relay), ["0.2"]);
    assert_eq!(statuses(&state)[0], RecipientStatus::Suppressed);
    assert_eq!(statuses(&state)[1..], [RecipientStatus::OutForDelivery; 2]);
}

/// The one message a relay got of `mail`, from an installation with or without an origin of links.
fn only(world: &World, mail: &Mail<'_>, has_origin: bool) -> Seen {
    let relay = ScriptedRelay::default();
    let id = mail.accept(world, &["bob@example.com"]);
    let mut dispatcher = dispatcher();
    if !has_origin {
        dispatcher.installation.tracking_origin = None;
    }
    let attempted = run(attempt(world, &relay, &dispatcher, id)).unwrap();
    assert!(matches!(attempted, Attempted::Made { .. }));
    let mut seen = relay.seen.take();
    assert_eq!(seen.len(), 1);
    seen.remove(0)
}

#[test]
fn a_message_that_asks_for_the_link_alone_is_not_tracked() {
    let mail = Mail {
        plain_text: "{{unsubscribe_url}}",
        ..Mail::default()
    };
    let seen = only(&World::with_domain(), &mail, true);
    assert_eq!(seen.key, format!("{ID}.0.0"));
    let text = text(&seen);
    token(&text, "u", 2);
    assert!(text.contains("href=\"https://shop.example/?a=1&amp;b=2\""));
    assert!(!text.contains("<img") && !text.contains("List-Unsubscribe"));
}

#[test]
fn without_an_origin_nothing_is_tracked_and_mail_unsubscribes() {
    let mail = Mail {
        plain_text: "Leave: {{unsubscribe_url}}",
        headers: &[BULK],
        ..Mail::default()
    };
    let text = text(&only(&tracking(), &mail, false));
    assert!(text.contains("href=\"https://shop.example/?a=1&amp;b=2\""));
    assert!(!text.contains("<img") && !text.contains("List-Unsubscribe-Post"));
    assert_eq!(text.matches("mailto:u-").count(), 3, "{text}");
    assert!(
        text.contains("\r\nList-Unsubscribe:\r\n <mailto:u-")
            || text.contains("\r\nList-Unsubscribe: <mailto:u-")
    );
}

#[test]
fn what_is_switched_off_while_a_message_waits_is_off() {
    let world = tracking();
    let relay = ScriptedRelay::default();
    let id = Mail::default().accept(&world, &["bob@example.com"]);
    change_domain(&world, |domain| domain.tracks_engagement = false);
    run(attempt(&world, &relay, &dispatcher(), id)).unwrap();
    let text = text(&relay.seen.take()[0]);
    assert!(text.contains("href=\"https://shop.example/?a=1&amp;b=2\""));
    assert!(!text.contains("<img"), "{text}");
}

#[test]
fn one_click_is_offered_over_https_only() {
    let world = tracking();
    let relay = ScriptedRelay::default();
    let mail = Mail {
        headers: &[BULK],
        ..Mail::default()
    };
    let id = mail.accept(&world, &["bob@example.com"]);
    let mut dispatcher = dispatcher();
    let origin = TrackingOrigin::parse("http://links.mail.example").unwrap();
    dispatcher.installation.tracking_origin = Some(origin);
    run(attempt(&world, &relay, &dispatcher, id)).unwrap();
    let text = text(&relay.seen.take()[0]);
    assert!(text.contains("<http://links.mail.example/u/"), "{text}");
    assert!(!text.contains("List-Unsubscribe-Post"), "{text}");
}

#[test]
fn how_the_caller_says_to_unsubscribe_wins() {
    let own = ("List-Unsubscribe", "<https://shop.example/leave>");
    let mail = Mail {
        html: None,
        headers: &[BULK, own],
        ..Mail::default()
    };
    let seen = only(&World::with_domain(), &mail, true);
    assert_eq!(seen.key, format!("{ID}.0"), "nothing differs");
    let text = text(&seen);
    assert!(text.contains("\r\nList-Unsubscribe: <https://shop.example/leave>\r\n"));
    assert!(!text.contains("List-Unsubscribe-Post: "));
    // The other field alone is his, and ours is not put beside it.
    let post = ("list-unsubscribe-post", "List-Unsubscribe=One-Click");
    let mail = Mail {
        headers: &[BULK, post],
        ..Mail::default()
    };
    let text = self::text(&only(&tracking(), &mail, true));
    assert_eq!(
        text.to_ascii_lowercase()
            .matches("\r\nlist-unsubscribe-post: ")
            .count(),
        1
    );
}

#[test]
fn what_is_neither_tracked_nor_bulk_goes_to_all_as_one() {
    let world = World::with_domain();
    let relay = ScriptedRelay::default();
    let html = HTML.replace("{{ unsubscribe_url }}", "https://shop.example/leave");
    let mail = Mail {
        html: Some(&html),
        ..Mail::default()
    };
    made(&world, &relay, mail.accept(&world, &THREE));
    let seen = relay.seen.borrow();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].key, format!("{ID}.0"));
    assert!(text(&seen[0]).contains(&html), "{}", text(&seen[0]));
}

#[test]
fn a_hand_over_to_all_whose_end_is_unknown_is_repeated_as_one_whatever_it_would_be_now() {
    let world = World::with_domain();
    let relay = ScriptedRelay::answering(vec![Err(unknown())]);
    let mail = Mail {
        html: None,
        ..Mail::default()
    };
    let id = mail.accept(&world, &THREE);
    let state = made(&world, &relay, id);
    let value = world.map.borrow()[&format!("message/{id}")].clone();
    let (line, content) = value.split_at(value.iter().position(|&o| o == b'\n').unwrap());
    let mut record: mailer::record::MessageRecord = keys::decode(line).unwrap();
    record.treatment.bulk = true;
    let changed = [&keys::encode(&record).unwrap(), content].concat();
    world
        .map
        .borrow_mut()
        .insert(format!("message/{id}"), changed);
    world.now.set(state.due_at.unwrap());
    made(&world, &relay, id);
    let seen = relay.seen.borrow();
    assert_eq!(seen[0], seen[1]);
}

/// A relay that counts how many ask at once.
struct CrowdedRelay<'a> {
    world: &'a World,
    now: Cell<usize>,
    most: Cell<usize>,
    takes: Duration,
}

impl<'a> CrowdedRelay<'a> {
    fn new(world: &'a World, takes: Duration) -> Self {
        Self {
            world,
            takes,
            now: Cell::new(0),
            most: Cell::new(0),
        }
    }
}

impl Relay for CrowdedRelay<'_> {
    async fn hand_over(
        &self,
        handover: Handover<'_>,
    ) -> Result<Vec<RecipientResult>, HandOverError> {
        self.now.set(self.now.get() + 1);
        self.most.set(self.most.get().max(self.now.get()));
        self.world.yield_now().await;
        self.world.yield_now().await;
        self.now.set(self.now.get() - 1);
        self.world.advance(self.takes.min(handover.patience));
        if self.takes > handover.patience {
            return Err(unknown());
        }
        Ok(vec![RecipientResult {
            disposition: Disposition::Accepted,
            reply: reply("250 2.0.0 taken"),
        }])
    }
}

fn many() -> Vec<String> {
    (0..20).map(|n| format!("r{n}@example.com")).collect()
}

#[track_caller]
fn most_at_once(dispatcher: &Dispatcher, expected: usize) {
    let world = tracking();
    let relay = CrowdedRelay::new(&world, Duration::ZERO);
    let many = many();
    let to: Vec<&str> = many.iter().map(String::as_str).collect();
    let id = Mail::default().accept(&world, &to);
    let state = state(run(attempt(&world, &relay, dispatcher, id)).unwrap());
    assert_eq!(statuses(&state), [RecipientStatus::OutForDelivery; 20]);
    assert_eq!(relay.most.get(), expected);
    // All room was given back.
    assert!(dispatcher.budget.take_now(3 * HTML.len()).is_some());
    assert!(dispatcher.copies.take_now(2).is_some());
}

#[test]
fn a_few_copies_are_under_way_at_once_as_far_as_there_is_room() {
    most_at_once(&dispatcher(), 8);
    let little_memory = Dispatcher {
        budget: Budget::new(3 * (HTML.len() + 6)),
        ..dispatcher()
    };
    most_at_once(&little_memory, 3);
    let few_places = Dispatcher {
        copies: Budget::new(2),
        ..dispatcher()
    };
    most_at_once(&few_places, 3);
}

#[test]
fn an_attempt_without_time_leaves_the_rest_to_the_next_one() {
    let world = tracking();
    // Copies begin at 0, 14, … 112 seconds. The last one's end is unknown when 118 of the window's 120 are over.
    let relay = CrowdedRelay::new(&world, Duration::from_secs(14));
    let many = many();
    let to: Vec<&str> = many.iter().map(String::as_str).collect();
    let id = Mail::default().accept(&world, &to);
    let state = state(run(attempt(&world, &relay, &one_at_a_time(), id)).unwrap());
    let taken = statuses(&state)
        .iter()
        .filter(|s| **s == RecipientStatus::OutForDelivery)
        .count();
    assert_eq!(taken, 8);
    assert!(state.recipients[8].reverse_path.is_some());
    let text = state.recipients[19]
        .reply
        .as_ref()
        .unwrap()
        .text()
        .to_owned();
    assert_eq!(text, "the attempt had no time left");
    assert!(state.due_at.is_some());
}
