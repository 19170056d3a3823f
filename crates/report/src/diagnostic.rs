//! What a mail server said, found in what another one says about it: the text of Diagnostic-Code (RFC 3464 section 2.3.6)
//! and of bounces in other forms.

use alloc::format;
use alloc::string::String;

use envelope::{EnhancedStatusCode, ReplyCode};

use crate::recipient::split_type;
use crate::text::{self, MAX_DIAGNOSTIC_OCTETS};

/// An explanation with the codes found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) reply_code: Option<ReplyCode>,
    pub(crate) status: Option<EnhancedStatusCode>,
    /// On one line, without the codes that open further lines of a reply.
    pub(crate) text: String,
    /// Where in the text the reply starts. Before it are names of hosts and such.
    reply_at: usize,
}

/// What a reply comes behind: the ends of words in the texts of Exim, Postfix, qmail, sendmail, Exchange and Gmail.
const MARKERS: [&str; 9] = [
    "said:",
    "]:",
    "):",
    "<<<",
    "returned",
    "response:",
    "error:",
    "error",
    "was:",
];

impl Diagnostic {
    /// Reads the body of Diagnostic-Code.
    pub(crate) fn of_field(body: &str) -> Self {
        Self::of_text(split_type(body).1)
    }

    pub(crate) fn of_text(text: &str) -> Self {
        let text = text::collapse(text, MAX_DIAGNOSTIC_OCTETS);
        let codes = codes(&text);
        let (before, reply) = text.split_at_checked(codes.at).unwrap_or(("", &text));
        Self {
            reply_code: codes.reply_code,
            status: codes.status,
            text: format!("{before}{}", join_lines(reply)),
            reply_at: before.len(),
        }
    }

    /// The reply alone, or all there is.
    pub(crate) fn reply(&self) -> &str {
        self.text.get(self.reply_at..).unwrap_or_default()
    }
}

/// What is found in a text.
#[derive(Default)]
struct Codes {
    reply_code: Option<ReplyCode>,
    status: Option<EnhancedStatusCode>,
    /// Where the reply code is, 0 if there is none.
    at: usize,
}

/// The first reply code that is certain, with its enhanced code, or else an enhanced code alone.
///
/// Three digits are a reply code at the start, behind one of the [`MARKERS`], or in front of an enhanced code.
fn codes(text: &str) -> Codes {
    let mut words = text.split(' ').peekable();
    let mut previous = None;
    let mut alone = None;
    let mut at = 0;
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        if let Some((code, status)) = certain_reply(previous, word, next) {
            return Codes {
                reply_code: Some(code),
                status: status.or(alone),
                at,
            };
        }
        if alone.is_none() && (previous.is_none() || word.contains('#')) {
            alone = enhanced(word);
        }
        previous = Some(word);
        at += word.len() + 1;
    }
    Codes {
        status: alone,
        ..Codes::default()
    }
}

/// The codes that a word starts a reply with, if what stands around it says that it does.
fn certain_reply(
    previous: Option<&str>,
    word: &str,
    next: &str,
) -> Option<(ReplyCode, Option<EnhancedStatusCode>)> {
    let (code, rest) = reply_code(word)?;
    let status = enhanced(if rest.is_empty() { next } else { rest });
    let is_certain = status.is_some() || previous.is_none_or(is_marker);
    is_certain.then_some((code, status))
}

fn is_marker(word: &str) -> bool {
    MARKERS.iter().any(|marker| word.ends_with(marker))
}

/// `550`, `#550`, `550:`, `550-` and what comes behind the sign.
fn reply_code(word: &str) -> Option<(ReplyCode, &str)> {
    let word = word.trim_start_matches(['#', '\'', '"', '(', '<', '[']);
    let (digits, rest) = word.split_at_checked(3)?;
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    if !rest.is_empty() && !rest.starts_with(['-', ':', ',', ';', '_']) {
        return None;
    }
    let code = ReplyCode::new(digits.parse().ok()?).ok()?;
    Some((code, rest.get(1..).unwrap_or_default()))
}

fn enhanced(word: &str) -> Option<EnhancedStatusCode> {
    let around = |character: char| "()#[]<>'\";:,".contains(character);
    EnhancedStatusCode::parse(word.trim_matches(around)).ok()
}

/// Joins the lines of a reply that another server put on one: `550-5.1.1 no such 550 5.1.1 user` becomes
/// `550 5.1.1 no such user`.
fn join_lines(text: &str) -> String {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    match first.split_once('-') {
        Some((code, behind)) if code.len() == 3 && reply_code(code).is_some() => {
            join_behind(code, behind, rest)
        }
        Some(_) | None => String::from(text),
    }
}

/// Joins what comes behind the first line's code, and leaves out the code and status of each further line.
fn join_behind(code: &str, behind: &str, rest: &str) -> String {
    let status = enhanced(behind).map(|_| behind);
    let mut joined = String::from(code);
    push(&mut joined, behind);
    let mut words = rest.split(' ').peekable();
    while let Some(word) = words.next() {
        match word.strip_prefix(code) {
            Some("") => {
                words.next_if(|next| status == Some(next));
            }
            Some(rest) if rest.starts_with('-') => {
                let rest = rest.trim_start_matches('-');
                push(&mut joined, if status == Some(rest) { "" } else { rest });
            }
            Some(_) | None => push(&mut joined, word),
        }
    }
    joined
}

fn push(joined: &mut String, word: &str) {
    if !word.is_empty() {
        joined.push(' ');
        joined.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn check(text: &str, code: Option<u16>, status: Option<&str>) {
        let found = Diagnostic::of_field(text);
        assert_eq!(found.reply_code.map(ReplyCode::get), code, "{text}");
        assert_eq!(
            found.status.map(|s| s.to_string()).as_deref(),
            status,
            "{text}"
        );
    }

    #[test]
    fn codes_are_found_where_servers_write_them() {
        check("smtp; 550 5.1.1 no such user", Some(550), Some("5.1.1"));
        check(
            "smtp;550-5.1.1 no such 550 5.1.1 user",
            Some(550),
            Some("5.1.1"),
        );
        check("smtp; 426 connection timed out", Some(426), None);
        check("SMTP; 550", Some(550), None);
        check(
            "X-Postfix; host mx.example[192.0.2.1] said: 552 5.2.2 full",
            Some(552),
            Some("5.2.2"),
        );
        check("host mx.example [192.0.2.1]: 550 unknown", Some(550), None);
        check("Remote host said: 550-unknown", Some(550), None);
        check(
            "Sorry, no mailbox here by that name. (#5.1.1)",
            None,
            Some("5.1.1"),
        );
        check(
            "#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##rfc822",
            Some(550),
            Some("5.1.1"),
        );
        check(
            "smtp; 5.1.0 - Unknown address error 550-'5.1.1 unknown'",
            Some(550),
            Some("5.1.1"),
        );
        check("550: 5.7.1 blocked", Some(550), Some("5.7.1"));
        check(
            "Remote Server returned '550 5.4.1 denied'",
            Some(550),
            Some("5.4.1"),
        );
        check(
            "The error that the other server returned was: 550 550 unknown",
            Some(550),
            None,
        );
    }

    #[test]
    fn numbers_that_are_something_else_are_no_codes() {
        check("smtp; delivered to 550 others", None, None);
        check("smtp; kernel 2.6.39 at 5.1.1", None, None);
        check("smtp; 5501 x", None, None);
        check("smtp; 199 x", None, None);
        check("x; 550x y", None, None);
        check("", None, None);
    }

    #[track_caller]
    fn joins(text: &str, expected: &str) {
        assert_eq!(Diagnostic::of_text(text).text, expected);
    }

    #[test]
    fn lines_of_a_reply_are_joined() {
        joins(
            "550-5.1.1 does not 550-5.1.1 exist 550 5.1.1 here",
            "550 5.1.1 does not exist here",
        );
        joins(
            "550-does not\r\n550-exist\r\n550 here",
            "550 does not exist here",
        );
        joins("550 5.1.1 a 550 5.1.1 b", "550 5.1.1 a 550 5.1.1 b");
        joins("host x said: 550-a 550 b", "host x said: 550 a b");
        joins("no reply-at all", "no reply-at all");
    }
}
