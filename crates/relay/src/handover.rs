//! The request fields and the body of `POST /v1/messages`, checked.

use std::collections::HashMap;

use envelope::{AddrSpec, Envelope, ReversePath};
use http::{HeaderMap, HeaderValue, header};

use crate::{MAX_RECIPIENTS, problem::Problem};

/// The longest idempotency key, in characters.
const MAX_KEY_CHARACTERS: usize = 128;
/// The longest line of a message without its CRLF (RFC 5322, section 2.1.1).
const MAX_LINE_OCTETS: usize = 998;

/// The checked fields of one request.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    pub(crate) key: String,
    /// Everybody the message is for. Its reverse-path is the first one.
    pub(crate) envelope: Envelope,
    // Invariant: one for all forward-paths, or one for each of them.
    reverse_paths: Vec<ReversePath>,
}

/// One transaction that SMTP has for a hand-over.
#[derive(Clone, Debug)]
pub(crate) struct MailTransaction {
    pub(crate) envelope: Envelope,
    /// What reports are to call it by (RFC 3461, section 4.4): the hand-over's key. Absent where none are to be asked for: the
    /// reverse-path is null, or does not say which recipient a report is about.
    pub(crate) envelope_id: Option<String>,
}

/// What stands in the database for reverse-paths that differ.
pub(crate) const PER_RECIPIENT: &str = "<*>";

impl Handover {
    /// Reads key and envelope from the request's fields.
    pub(crate) fn from_fields(fields: &HeaderMap) -> Result<Self, Problem> {
        let key = idempotency_key(fields)?;
        let forward_paths = forward_paths(fields)?;
        let given = forward_paths.len();
        let reverse_paths = reverse_paths(fields, given)?;
        let first = reverse_paths.first().cloned();
        let envelope = Envelope::new(first.unwrap_or(ReversePath::Null), forward_paths)
            .map_err(|error| Problem::malformed_envelope(error.to_string()))?;
        // Results are told apart by their place, so dropping a repeated address silently would shift them.
        if envelope.forward_paths().len() != given {
            return Err(Problem::malformed_envelope(
                "expected each envelope-to once, found an address twice",
            ));
        }
        Ok(Self {
            key,
            envelope,
            reverse_paths,
        })
    }

    /// The reverse-path, or what stands for several.
    pub(crate) fn reverse_path_name(&self) -> String {
        let first = &self.envelope.reverse_path;
        if self.reverse_paths.iter().all(|path| path == first) {
            first.to_string()
        } else {
            PER_RECIPIENT.to_owned()
        }
    }

    /// The transactions that SMTP has for it, in the order of the forward-paths: neighbours with one reverse-path share one.
    pub(crate) fn transactions(&self) -> Vec<MailTransaction> {
        let envelopes = self.envelopes();
        let mut uses: HashMap<&ReversePath, usize> = HashMap::new();
        for envelope in &envelopes {
            *uses.entry(&envelope.reverse_path).or_default() += envelope.forward_paths().len();
        }
        let names_one = |envelope: &Envelope| {
            let path = &envelope.reverse_path;
            path.address().is_some() && uses.get(path) == Some(&1)
        };
        let transaction = |envelope: &Envelope| MailTransaction {
            envelope_id: names_one(envelope).then(|| self.key.clone()),
            envelope: envelope.clone(),
        };
        envelopes.iter().map(transaction).collect()
    }

    fn envelopes(&self) -> Vec<Envelope> {
        let forward_paths = self.envelope.forward_paths();
        if self.reverse_paths.len() != forward_paths.len() {
            return vec![self.envelope.clone()];
        }
        let mut groups: Vec<(&ReversePath, Vec<AddrSpec>)> = Vec::new();
        for (reverse_path, forward_path) in self.reverse_paths.iter().zip(forward_paths) {
            match groups.last_mut() {
                Some((last, group)) if *last == reverse_path => group.push(forward_path.clone()),
                _ => groups.push((reverse_path, vec![forward_path.clone()])),
            }
        }
        groups
            .into_iter()
            .filter_map(|(reverse_path, group)| Envelope::new(reverse_path.clone(), group).ok())
            .collect()
    }
}

fn idempotency_key(fields: &HeaderMap) -> Result<String, Problem> {
    let problem = || {
        Problem::malformed_request(
            "expected one idempotency-key of 1 to 128 visible ASCII characters",
        )
    };
    let value = only_one(fields, "idempotency-key").ok_or_else(problem)?;
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if visible && (1..=MAX_KEY_CHARACTERS).contains(&key.len()) => Ok(key.to_owned()),
        _ => Err(problem()),
    }
}

fn only_one<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let mut values = fields.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

fn reverse_paths(fields: &HeaderMap, recipients: usize) -> Result<Vec<ReversePath>, Problem> {
    let values = fields.get_all("envelope-from");
    let found = values.iter().count();
    if found != 1 && found != recipients {
        return Err(Problem::malformed_envelope(
            "expected one envelope-from, or one for each envelope-to",
        ));
    }
    let parse = |value| {
        ReversePath::parse(utf8(value, "envelope-from")?)
            .map_err(|error| Problem::malformed_envelope(format!("envelope-from: {error}")))
    };
    values.iter().map(parse).collect()
}

fn forward_paths(fields: &HeaderMap) -> Result<Vec<AddrSpec>, Problem> {
    let values = fields.get_all("envelope-to");
    let found = values.iter().count();
    if !(1..=MAX_RECIPIENTS).contains(&found) {
        return Err(Problem::malformed_envelope(format!(
            "expected 1 to {MAX_RECIPIENTS} envelope-to fields, found {found}"
        )));
    }
    values
        .iter()
        .enumerate()
        .map(|(index, value)| forward_path(index, value))
        .collect()
}

fn forward_path(index: usize, value: &HeaderValue) -> Result<AddrSpec, Problem> {
    let path = utf8(value, "envelope-to")?;
    let address = path
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .ok_or_else(|| {
            Problem::malformed_envelope(format!(
                "envelope-to {}: expected an address in angle brackets",
                index + 1
            ))
        })?;
    AddrSpec::parse(address)
        .map_err(|error| Problem::malformed_envelope(format!("envelope-to {}: {error}", index + 1)))
}

fn utf8<'a>(value: &'a HeaderValue, name: &str) -> Result<&'a str, Problem> {
    str::from_utf8(value.as_bytes())
        .map_err(|_| Problem::malformed_envelope(format!("{name}: expected UTF-8")))
}

/// Says whether the request carries a message, by its `Content-Type`.
pub(crate) fn is_message_type(fields: &HeaderMap) -> bool {
    let essence = fields
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("message/rfc822"))
}

/// What keeps a body from being handed on as a message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MalformedMessage {
    #[error("expected a header field at the start of the message")]
    NoHeaderField,
    #[error("expected lines ended by CRLF, found a lone CR or LF at offset {offset}")]
    LoneLineBreak { offset: usize },
    #[error("expected no NUL, found one at offset {offset}")]
    Nul { offset: usize },
    #[error("expected lines of at most 998 octets, found a longer one at offset {offset}")]
    LongLine { offset: usize },
    #[error("expected the message to end with CRLF")]
    NoFinalLineBreak,
}

/// Checks what every hop behind us relies on.
///
/// A lone CR or LF is refused rather than mended: mending breaks the signature, and passing it on lets a sender smuggle
/// a second message past servers that take `LF.LF` for the end (RFC 5321, section 2.3.8).
pub(crate) fn check_message(message: &[u8]) -> Result<(), MalformedMessage> {
    if !starts_with_field(message) {
        return Err(MalformedMessage::NoHeaderField);
    }
    let mut offset = 0;
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        check_line(line, offset)?;
        offset += line.len();
    }
    Ok(())
}

fn check_line(line: &[u8], offset: usize) -> Result<(), MalformedMessage> {
    let Some(text) = line.strip_suffix(b"\r\n") else {
        return Err(
            match line.iter().position(|&byte| byte == b'\r' || byte == b'\n') {
                Some(place) => MalformedMessage::LoneLineBreak {
                    offset: offset + place,
                },
                None => MalformedMessage::NoFinalLineBreak,
            },
        );
    };
    if let Some(place) = text.iter().position(|&byte| byte == b'\r') {
        return Err(MalformedMessage::LoneLineBreak {
            offset: offset + place,
        });
    }
    if let Some(place) = text.iter().position(|&byte| byte == 0) {
        return Err(MalformedMessage::Nul {
            offset: offset + place,
        });
    }
    if text.len() > MAX_LINE_OCTETS {
        return Err(MalformedMessage::LongLine { offset });
    }
    Ok(())
}

fn starts_with_field(message: &[u8]) -> bool {
    let name = message
        .iter()
        .take_while(|&&byte| byte.is_ascii_graphic() && byte != b':')
        .count();
    name > 0 && message.get(name) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            })
            .collect()
    }

    #[track_caller]
    fn check(lines: &[(&'static str, &str)], expected: Result<&str, &str>) {
        let found = Handover::from_fields(&fields(lines)).map(|handover| {
            let paths: Vec<String> = handover
                .envelope
                .forward_paths()
                .iter()
                .map(ToString::to_string)
                .collect();
            format!(
                "{} {} {}",
                handover.key,
                handover.envelope.reverse_path,
                paths.join(",")
            )
        });
        let found = found.map_err(|problem| problem.message);
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
    }

    const KEY: (&str, &str) = ("idempotency-key", "k1");
    const FROM: (&str, &str) = ("envelope-from", "<a@b.example>");
    const TO: (&str, &str) = ("envelope-to", "<c@d.example>");

    #[test]
    fn envelopes_are_read_from_the_fields() {
        check(&[KEY, FROM, TO], Ok("k1 <a@b.example> c@d.example"));
        check(&[KEY, ("envelope-from", "<>"), TO], Ok("k1 <> c@d.example"));
        check(
            &[KEY, FROM, ("envelope-to", "<é@d.example>"), TO],
            Ok("k1 <a@b.example> é@d.example,c@d.example"),
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let key = "expected one idempotency-key of 1 to 128 visible ASCII characters";
        check(&[FROM, TO], Err(key));
        check(&[KEY, KEY, FROM, TO], Err(key));
        check(&[("idempotency-key", ""), FROM, TO], Err(key));
        check(&[("idempotency-key", "a b"), FROM, TO], Err(key));
        check(&[("idempotency-key", &"x".repeat(129)), FROM, TO], Err(key));
        let expected = "expected one envelope-from, or one for each envelope-to";
        check(&[KEY, TO], Err(expected));
        check(&[KEY, FROM, FROM, TO], Err(expected));
        let second = ("envelope-to", "<e@f.example>");
        check(&[KEY, FROM, FROM, FROM, TO, second], Err(expected));
        check(
            &[KEY, FROM],
            Err("expected 1 to 1000 envelope-to fields, found 0"),
        );
        check(
            &[KEY, FROM, ("envelope-to", "c@d.example")],
            Err("envelope-to 1: expected an address in angle brackets"),
        );
        check(
            &[KEY, FROM, TO, TO],
            Err("expected each envelope-to once, found an address twice"),
        );
        let many: Vec<_> = [KEY, FROM]
            .into_iter()
            .chain(std::iter::repeat_n(TO, 1_001))
            .collect();
        check(
            &many,
            Err("expected 1 to 1000 envelope-to fields, found 1001"),
        );
    }

    #[track_caller]
    fn check_body(message: &[u8], expected: &Result<(), MalformedMessage>) {
        assert_eq!(&check_message(message), expected);
    }

    #[test]
    fn only_clean_messages_pass() {
        use MalformedMessage as M;
        check_body(b"A: b\r\n\r\nhi\r\n", &Ok(()));
        check_body(b"A: b\r\n", &Ok(()));
        check_body(b"", &Err(M::NoHeaderField));
        check_body(b"\r\nA: b\r\n", &Err(M::NoHeaderField));
        check_body(b"no colon\r\n", &Err(M::NoHeaderField));
        check_body(b"A: b\r\n\r\nhi", &Err(M::NoFinalLineBreak));
        check_body(b"A: b\nC: d\r\n", &Err(M::LoneLineBreak { offset: 4 }));
        check_body(b"A: b\rC: d\r\n", &Err(M::LoneLineBreak { offset: 4 }));
        check_body(b"A: b\r\r\n", &Err(M::LoneLineBreak { offset: 4 }));
        check_body(
            b"A: b\r\n\r\n\n.\n\r\n",
            &Err(M::LoneLineBreak { offset: 8 }),
        );
        check_body(b"A: \0\r\n", &Err(M::Nul { offset: 3 }));
        let line = |octets| [b"A: b\r\n\r\n".as_slice(), &b"x".repeat(octets), b"\r\n"].concat();
        check_body(&line(998), &Ok(()));
        check_body(&line(999), &Err(M::LongLine { offset: 8 }));
    }

    #[track_caller]
    fn check_transactions(from: &[&str], expected: &[&str]) {
        let to = ["<a@x.example>", "<b@x.example>", "<c@x.example>"];
        let from = from.iter().map(|path| ("envelope-from", *path));
        let to = to.into_iter().map(|path| ("envelope-to", path));
        let lines: Vec<_> = [KEY].into_iter().chain(from).chain(to).collect();
        let handover = Handover::from_fields(&fields(&lines)).unwrap();
        let transactions = handover.transactions().into_iter().map(|transaction| {
            let envelope = transaction.envelope;
            let paths = envelope.forward_paths().iter().map(ToString::to_string);
            let asked = transaction.envelope_id.map(|id| format!(" ({id})"));
            format!(
                "{} {}{}",
                envelope.reverse_path,
                paths.collect::<Vec<_>>().join(","),
                asked.unwrap_or_default()
            )
        });
        assert_eq!(transactions.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn recipients_with_one_reverse_path_share_a_transaction_and_are_not_reported_about() {
        check_transactions(
            &["<r@y.example>"],
            &["<r@y.example> a@x.example,b@x.example,c@x.example"],
        );
        check_transactions(
            &["<r@y.example>", "<r@y.example>", "<s@y.example>"],
            &[
                "<r@y.example> a@x.example,b@x.example",
                "<s@y.example> c@x.example (k1)",
            ],
        );
        check_transactions(
            &["<r@y.example>", "<s@y.example>", "<r@y.example>"],
            &[
                "<r@y.example> a@x.example",
                "<s@y.example> b@x.example (k1)",
                "<r@y.example> c@x.example",
            ],
        );
        check_transactions(
            &["<>", "<s@y.example>", "<t@y.example>"],
            &[
                "<> a@x.example",
                "<s@y.example> b@x.example (k1)",
                "<t@y.example> c@x.example (k1)",
            ],
        );
    }
}
