//! Stored records: large content in pieces, and old records stay readable.

use mailer::access::BodyHash;
use mailer::keys::{CHUNK_OCTETS, decode, encode};
use mailer::record::MessageRecord;
use mailer::submission::{Draft, DraftAttachment, DraftMailbox, Policy};
use mailer::submit::{Acceptor, Request, submit};

use crate::fake::{DOMAIN, World, principal, run};

fn stored(html_octets: usize) -> (World, mailer::operation::OperationId) {
    let world = World::with_domain();
    let draft = Draft {
        sender_address: format!("news@{DOMAIN}").into(),
        subject: Some("s".into()),
        plain_text: Some("text".into()),
        html: Some("h".repeat(html_octets).into()),
        to: vec![DraftMailbox {
            address: "bob@example.com".into(),
            display_name: Some("Bob \n".trim().to_owned().into()),
        }],
        attachments: vec![DraftAttachment {
            name: "a.txt".into(),
            content_type: "text/plain".into(),
            content_in_base64: "AAEC".into(),
            content_id: None,
        }],
        ..Draft::default()
    };
    let submission = draft.check(Policy::default()).unwrap();
    let request = Request {
        operation_id: None,
        body_hash: BodyHash::of(b""),
        submission,
    };
    let id = run(submit(&world, &Acceptor::default(), &principal(), request))
        .unwrap()
        .id;
    (world, id)
}

#[track_caller]
fn check(html_octets: usize, chunks: usize) {
    let (world, id) = stored(html_octets);
    let (record, head) = run(MessageRecord::read_head(&world, id)).unwrap().unwrap();
    let content = run(record.read_content(&world, head)).unwrap();
    assert_eq!(record.chunks, chunks);
    assert_eq!(content.len(), 4 + html_octets + 3);
    assert!(content.starts_with(b"texthh") && content.ends_with(b"h\x00\x01\x02"));
    assert_eq!(world.set_manys.get(), 1);
    assert!(
        world
            .map
            .borrow()
            .values()
            .all(|value| value.len() <= CHUNK_OCTETS)
    );
}

#[test]
fn content_is_stored_beside_its_record_or_in_pieces_and_comes_back_the_same() {
    check(10, 0);
    check(100_000, 0);
    check(CHUNK_OCTETS, 2);
    check(10 * CHUNK_OCTETS - 7, 10);
}

#[test]
fn missing_content_is_an_error_and_not_a_shorter_mail() {
    let (world, id) = stored(3 * CHUNK_OCTETS);
    world
        .map
        .borrow_mut()
        .remove(&format!("message/{id}/content/1"));
    let (record, head) = run(MessageRecord::read_head(&world, id)).unwrap().unwrap();
    assert!(run(record.read_content(&world, head)).is_err());
}

/// An old record as it is written now, where nothing but the number of the version differs.
fn as_version(version: u32, record: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(record.trim_ascii_end()).unwrap();
    let (_, rest) = text.split_once(',').unwrap();
    format!("{{\"v\":{version},{rest}").into_bytes()
}

/// Each file is a record as version 1 of its writer left it. A change that breaks these breaks every installation.
#[test]
fn records_of_every_version_stay_readable() {
    let message = include_bytes!("../vectors/records/message.v1.json");
    let record: MessageRecord = decode(message).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(2, message));
    let message = include_bytes!("../vectors/records/message.v2.json");
    let record: MessageRecord = decode(message).unwrap();
    assert_eq!(encode(&record).unwrap(), message.trim_ascii_end());
    let visits = include_bytes!("../vectors/records/visits.v1.json");
    let record: mailer::engagement::VisitBatch = decode(visits).unwrap();
    assert_eq!(encode(&record).unwrap(), visits.trim_ascii_end());
    let chunk = include_bytes!("../vectors/records/chunk.v1.json");
    let record: mailer::engagement::chunk::Chunk = decode(chunk).unwrap();
    assert_eq!(encode(&record).unwrap(), chunk.trim_ascii_end());
    let state = include_bytes!("../vectors/records/state.v1.json");
    let record: mailer::delivery::DeliveryState = decode(state).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(4, state));
    let state = include_bytes!("../vectors/records/state.v2.json");
    let record: mailer::delivery::DeliveryState = decode(state).unwrap();
    assert!(record.reverse_path.is_some());
    assert_eq!(encode(&record).unwrap(), as_version(4, state));
    let state = include_bytes!("../vectors/records/state.v3.json");
    let record: mailer::delivery::DeliveryState = decode(state).unwrap();
    assert_eq!(record.log.len(), 1);
    assert_eq!(encode(&record).unwrap(), as_version(4, state));
    let state = include_bytes!("../vectors/records/state.v4.json");
    let record: mailer::delivery::DeliveryState = decode(state).unwrap();
    assert_eq!(record.recipients[1].handover, 2);
    assert!(record.recipients[1].reverse_path.is_some());
    assert_eq!(encode(&record).unwrap(), state.trim_ascii_end());
    let batch = include_bytes!("../vectors/records/batch.v1.json");
    let record: mailer::event::EventBatch = decode(batch).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(2, batch));
    let batch = include_bytes!("../vectors/records/batch.v2.json");
    let record: mailer::event::EventBatch = decode(batch).unwrap();
    assert_eq!(encode(&record).unwrap(), batch.trim_ascii_end());
    let outcome = include_bytes!("../vectors/records/outcome.v1.json");
    let record: mailer::outcome::Outcome = decode(outcome).unwrap();
    assert_eq!(encode(&record).unwrap(), outcome.trim_ascii_end());
    let entry = include_bytes!("../vectors/records/journal.v1.json");
    let record: mailer::journal::JournalEntry = decode(entry).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(3, entry));
    let entry = include_bytes!("../vectors/records/journal.v3.json");
    let record: mailer::journal::JournalEntry = decode(entry).unwrap();
    assert_eq!(encode(&record).unwrap(), entry.trim_ascii_end());
    let domain = include_bytes!("../vectors/records/domain.v1.json");
    let record: mailer::domain::DomainRecord = decode(domain).unwrap();
    let third = include_bytes!("../vectors/records/domain.v3.json");
    assert_eq!(encode(&record).unwrap(), as_version(4, third));
    let domain = include_bytes!("../vectors/records/domain.v2.json");
    let record: mailer::domain::DomainRecord = decode(domain).unwrap();
    assert!(record.keys[0].ever_signed() && !record.keys[0].has_signed);
    let newest = include_bytes!("../vectors/records/domain.v4.json");
    let record: mailer::domain::DomainRecord = decode(newest).unwrap();
    assert_eq!(encode(&record).unwrap(), newest.trim_ascii_end());
    let event = include_bytes!("../vectors/records/event.v1.json");
    let record: mailer::domain::history::Event = decode(event).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(3, event));
    let event = include_bytes!("../vectors/records/event.v2.json");
    let record: mailer::domain::history::Event = decode(event).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(3, event));
    let event = include_bytes!("../vectors/records/event.v3.json");
    let record: mailer::domain::history::Event = decode(event).unwrap();
    assert_eq!(encode(&record).unwrap(), event.trim_ascii_end());
    let subscriptions = include_bytes!("../vectors/records/subscriptions.v1.json");
    let record: mailer::subscription::Subscriptions = decode(subscriptions).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(2, subscriptions));
    let notification = include_bytes!("../vectors/records/notification.v1.json");
    let record: mailer::notification::Notification = decode(notification).unwrap();
    assert_eq!(encode(&record).unwrap(), as_version(2, notification));
    let letter = include_bytes!("../vectors/records/dead-letter.v1.json");
    let record: mailer::notification::dead::DeadLetter = decode(letter).unwrap();
    assert_eq!(encode(&record).unwrap(), letter.trim_ascii_end());
    let progress = include_bytes!("../vectors/records/progress.v1.json");
    let record: mailer::tick::TickProgress = decode(progress).unwrap();
    assert_eq!(encode(&record).unwrap(), progress.trim_ascii_end());
}

#[test]
fn a_record_of_a_later_version_is_refused() {
    let later = br#"{"v":4,"r":{"at":1,"items":[]}}"#;
    assert!(decode::<mailer::journal::JournalEntry>(later).is_err());
}

#[test]
fn an_unreadable_record_is_not_quoted() {
    let stored = br#"{"v":1,"r":{"since":"bob@example.com","cause":""}}"#;
    let error = decode::<mailer::suppression::Suppression>(stored).unwrap_err();
    assert_eq!(error.cause, "unreadable record: Data error at octet 37");
}
