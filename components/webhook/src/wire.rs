//! The JSON of relay events.

use guest::Object;
use mailer::envelope::{AddrSpec, Reply};
use mailer::event::{DeliveryEvent, EventKind, EventRecipient, MAX_BATCH_EVENTS};
use mailer::judgement::Failure;
use mailer::operation::OperationId;
use mailer::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest name of a server that is kept.
const MAX_REMOTE_MTA: usize = 255;
/// The longest feedback type that is kept.
const MAX_FEEDBACK_TYPE: usize = 64;

/// The body of `POST /webhooks/relay`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Events {
    pub(crate) events: Vec<Object<Event>>,
}

/// One event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Event {
    /// What happened.
    #[serde(rename = "type")]
    kind: Kind,
    /// The Idempotency-Key of the hand-over.
    idempotency_key: String,
    /// An address of the hand-over's envelope.
    recipient: String,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    at: Timestamp,
    /// The SMTP reply, as the server wrote it.
    reply: Option<String>,
    /// The server that gave it.
    remote_mta: Option<String>,
    /// Of a complaint, as RFC 5965 section 3.1 has it.
    feedback_type: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Accepted,
    Deferred,
    Delivered,
    Expanded,
    Quarantined,
    FilteredSpam,
    /// Refused or given up; the reply says which of the bounced, filtered or failed ones it is.
    Failed,
    Bounced,
    Complained,
}

/// What was done with a request.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    /// Events that are stored now.
    pub(crate) accepted: usize,
}

/// What a message turned out to be.
#[derive(Debug, Serialize)]
pub(crate) struct Received {
    pub(crate) result: &'static str,
}

impl Events {
    /// The events, as the domain has them.
    pub(crate) fn read(body: &[u8]) -> Result<Vec<DeliveryEvent>, String> {
        let Object(events): Object<Self> = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("expected events as JSON, found a fault at line {line}, column {column}")
        })?;
        let count = events.events.len();
        if !(1..=MAX_BATCH_EVENTS).contains(&count) {
            return Err(format!(
                "expected 1 to {MAX_BATCH_EVENTS} events, found {count}"
            ));
        }
        // Collecting results would move events about as the list grows, and copies are dear in WebAssembly.
        let mut read = Vec::with_capacity(count);
        for (place, Object(event)) in events.events.into_iter().enumerate() {
            let event = event.check();
            read.push(event.map_err(|what| format!("events[{place}]: {what}"))?);
        }
        Ok(read)
    }
}

impl Event {
    fn check(self) -> Result<DeliveryEvent, &'static str> {
        let reply = self.reply.as_deref().map(Reply::parse).transpose();
        let reply = reply.map_err(|_| "expected reply to begin with a reply code")?;
        let recipient = AddrSpec::parse(&self.recipient);
        let recipient = recipient.map_err(|_| "expected recipient to be an address")?;
        let (message, copy) = handed_over(&self.idempotency_key)
            .ok_or("expected idempotencyKey to be one that came with a hand-over")?;
        let too_long = |text: &Option<String>, most: usize| {
            text.as_ref()
                .is_some_and(|text| text.len() > most || text.chars().any(char::is_control))
        };
        if too_long(&self.remote_mta, MAX_REMOTE_MTA) {
            return Err("expected remoteMta to be a host's name");
        }
        if too_long(&self.feedback_type, MAX_FEEDBACK_TYPE) {
            return Err("expected feedbackType to be a word of RFC 5965");
        }
        let failure = reply
            .as_ref()
            .filter(|reply| !reply.code.is_positive())
            .map(Failure::of);
        let kind = self.kind.event_kind(failure.as_ref());
        Ok(DeliveryEvent {
            message,
            recipient: match copy {
                Some(index) => EventRecipient::Copy {
                    index,
                    address: recipient,
                },
                None => EventRecipient::Address(recipient),
            },
            kind,
            at: self.at,
            suppresses: matches!(kind, EventKind::Bounced | EventKind::Failed)
                && failure.as_ref().is_some_and(|failure| failure.suppresses),
            class: failure.map(|failure| failure.class),
            reply,
            remote_mta: self.remote_mta,
            feedback_type: self.feedback_type,
        })
    }
}

impl Kind {
    fn event_kind(self, failure: Option<&Failure>) -> EventKind {
        match self {
            Self::Accepted => EventKind::OutForDelivery,
            Self::Deferred => EventKind::Deferred,
            Self::Delivered => EventKind::Delivered,
            Self::Expanded => EventKind::Expanded,
            Self::Quarantined => EventKind::Quarantined,
            Self::FilteredSpam => EventKind::FilteredSpam,
            Self::Failed => failure.map_or(EventKind::Failed, |failure| failure.kind),
            Self::Bounced => EventKind::Bounced,
            Self::Complained => EventKind::Complained,
        }
    }
}

/// The message that a hand-over's key names, `<id>.<number>`, and whose copy, if `.<place>` follows.
fn handed_over(idempotency_key: &str) -> Option<(OperationId, Option<usize>)> {
    let (id, rest) = idempotency_key.split_once('.')?;
    let (number, copy) = match rest.split_once('.') {
        Some((number, copy)) => (number, Some(usize::from(copy.parse::<u8>().ok()?))),
        None => (rest, None),
    };
    number.parse::<u32>().ok()?;
    Some((id.parse().ok()?, copy))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34";

    #[track_caller]
    fn check(fields: &str, expected: Result<(EventKind, bool), &str>) {
        let body = format!(
            r#"{{"events":[{{"idempotencyKey":"{ID}.0","recipient":"bob@example.com","at":1790000000000,{fields}}}]}}"#
        );
        let found = Events::read(body.as_bytes()).map(|events| {
            let event = events.into_iter().next().expect("one event");
            (event.kind, event.suppresses)
        });
        assert_eq!(found, expected.map_err(str::to_owned), "{fields}");
    }

    #[test]
    fn an_array_is_neither_a_list_of_events_nor_an_event() {
        let event = format!(r#"["delivered","{ID}.0","b@b.example",1790000000000,null,null,null]"#);
        let whole = format!(
            r#"{{"type":"delivered","idempotencyKey":"{ID}.0","recipient":"b@b.example","at":1790000000000}}"#
        );
        let read = |body: String| Events::read(body.as_bytes()).map(|events| events.len());
        assert_eq!(read(format!(r#"{{"events":[{whole}]}}"#)), Ok(1));
        assert!(read(format!(r#"{{"events":[{event}]}}"#)).is_err());
        assert!(read(format!("[[{whole}]]")).is_err());
    }

    #[test]
    fn the_reply_decides_what_a_failure_is() {
        check(r#""type":"delivered""#, Ok((EventKind::Delivered, false)));
        check(
            r#""type":"failed","reply":"550 5.1.1 no such user""#,
            Ok((EventKind::Bounced, true)),
        );
        check(
            r#""type":"failed","reply":"552 5.2.2 full""#,
            Ok((EventKind::Failed, false)),
        );
        check(
            r#""type":"deferred","reply":"451 4.3.0 later""#,
            Ok((EventKind::Deferred, false)),
        );
        check(r#""type":"bounced""#, Ok((EventKind::Bounced, false)));
        check(
            r#""type":"complained","feedbackType":"abuse""#,
            Ok((EventKind::Complained, false)),
        );
    }

    #[test]
    fn what_is_malformed_says_where() {
        let reply = "events[0]: expected reply to begin with a reply code";
        check(r#""type":"failed","reply":"no""#, Err(reply));
        let host = "events[0]: expected remoteMta to be a host's name";
        check(r#""type":"delivered","remoteMta":"a\nb""#, Err(host));
        let found = Events::read(br#"{"events":[]}"#).unwrap_err();
        assert_eq!(found, "expected 1 to 100 events, found 0");
        let found = Events::read(br#"{"events":1}"#).unwrap_err();
        assert_eq!(
            found,
            "expected events as JSON, found a fault at line 1, column 11"
        );
    }

    #[test]
    fn a_key_of_a_hand_over_names_its_message_and_whose_copy_it_was() {
        let id: OperationId = ID.parse().expect("a UUID");
        assert_eq!(handed_over(&format!("{ID}.12")), Some((id, None)));
        assert_eq!(handed_over(&format!("{ID}.12.49")), Some((id, Some(49))));
        for rest in ["", ".", ".-1", ".0.", ".0.-1", ".0.256", ".0.1.2", "..1"] {
            assert_eq!(handed_over(&format!("{ID}{rest}")), None, "{rest}");
        }
        for other in ["x.1", "", "x.1.1"] {
            assert_eq!(handed_over(other), None, "{other}");
        }
    }

    #[test]
    fn an_event_about_a_copy_names_its_recipient_twice() {
        let body = format!(
            r#"{{"events":[{{"idempotencyKey":"{ID}.0.3","recipient":"bob@example.com","at":1790000000000,"type":"delivered"}}]}}"#
        );
        let events = Events::read(body.as_bytes()).expect("events");
        let expected = EventRecipient::Copy {
            index: 3,
            address: AddrSpec::parse("bob@example.com").expect("an address"),
        };
        assert_eq!(events[0].recipient, expected);
    }
}
