//! What is stored of an address on a list.

use envelope::{EnhancedStatusCode, ReplyCode};
use serde::{Deserialize, Serialize};

use super::error::FieldError;
use super::identity::Suppressor;
use crate::keys::{Record, is_default};
use crate::operation::OperationId;
use crate::time::Timestamp;

/// Longest notes, in octets.
pub const MAX_NOTES_OCTETS: usize = 1024;
/// Longest first or last name, in octets.
pub const MAX_PERSON_OCTETS: usize = 256;
/// How much of a reply is kept, in octets.
pub const MAX_REPLY_OCTETS: usize = 512;

/// An address on a list: why and since when it is not written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// When it was put on the list, or when the lease began.
    pub since: Timestamp,
    /// What put it there. Version 1 knew nothing but what operators add.
    #[serde(default)]
    pub kind: Kind,
    /// For whoever asks why. Version 1 called it the cause.
    #[serde(rename = "cause", default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// When it is written to again; never, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Which of the [`LEASES`](super::lease::LEASES) it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub step: u64,
    /// The last reply, at most [`MAX_REPLY_OCTETS`] of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The event that told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The message it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<OperationId>,
    /// When the last event was that changed this. An older one changes nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// The address as it was written; absent where only its HMAC may be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whose address it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub first_name: String,
    /// Whose address it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_name: String,
    /// When an operator changed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
    /// The name that an operator gave the resource, on the list of a domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which list of that name it is on: entries of a deleted one stay behind, and mean nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub generation: u64,
    /// Where it is found when the list is paged through. Version 1 had none, and is not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
}

impl Record for Suppression {
    // 3 since recipients unsubscribe.
    const VERSION: u32 = 3;
}

/// What put an address on a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// An operator, or an import: for good.
    #[default]
    Added,
    /// A bounce: for a lease.
    Bounce,
    /// A complaint: for good.
    Complaint,
    /// The recipient, who wants no more mail of a kind: until it is taken back. Mail that is owed goes there all the same.
    Unsubscribed,
}

impl Kind {
    /// All of them.
    const ALL: [Self; 4] = [
        Self::Added,
        Self::Bounce,
        Self::Complaint,
        Self::Unsubscribed,
    ];

    /// Its name in the API and in exports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "Added",
            Self::Bounce => "Bounce",
            Self::Complaint => "Complaint",
            Self::Unsubscribed => "Unsubscribed",
        }
    }

    /// The kind of that name, in any letter case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }
}

impl Suppression {
    /// One that an operator adds: for good.
    #[must_use]
    pub const fn added(since: Timestamp) -> Self {
        Self {
            since,
            kind: Kind::Added,
            notes: String::new(),
            until: None,
            step: 0,
            reply: None,
            event: None,
            message: None,
            heard_at: None,
            email: None,
            first_name: String::new(),
            last_name: String::new(),
            modified_at: None,
            id: None,
            generation: 0,
            slot: None,
        }
    }

    /// Whether the address may not be written to at `now` because of this.
    #[must_use]
    pub fn applies(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Takes out what may name the address, where only its HMAC may be kept: texts of people, and all of a reply but its codes.
    pub(super) fn redact(&mut self, suppressor: &Suppressor) {
        if !suppressor.is_hashed() {
            return;
        }
        self.email = None;
        self.notes.clear();
        self.first_name.clear();
        self.last_name.clear();
        self.reply = self
            .reply
            .as_deref()
            .map(codes)
            .filter(|reply| !reply.is_empty());
    }
}

/// Reply code and enhanced status code, as far as `reply` begins with them: any other number may be an address of somebody.
fn codes(reply: &str) -> String {
    let mut words = reply.split([' ', '-']);
    let is_code = |word: &&str| {
        let code = word.parse().map(ReplyCode::new);
        word.len() == 3 && code.is_ok_and(|code| code.is_ok())
    };
    let Some(code) = words.next().filter(is_code) else {
        return String::new();
    };
    let is_status = |word: &&str| EnhancedStatusCode::parse(word).is_ok();
    match words.next().filter(is_status) {
        Some(status) => format!("{code} {status}"),
        None => code.to_owned(),
    }
}

/// As much of `text` as may be kept of a reply: one line, without control characters.
#[must_use]
pub fn bounded_reply(text: &str) -> String {
    let mut kept = String::new();
    for character in text.trim().chars() {
        let character = if character.is_control() {
            ' '
        } else {
            character
        };
        if kept.len() + character.len_utf8() > MAX_REPLY_OCTETS {
            break;
        }
        kept.push(character);
    }
    kept
}

/// What operators write about an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Whose address it is.
    pub first_name: String,
    /// Whose address it is.
    pub last_name: String,
    /// Why it is on the list.
    pub notes: String,
}

impl Person {
    /// Whether each of it may be stored.
    ///
    /// # Errors
    /// Names the first that may not.
    pub fn check(&self) -> Result<(), FieldError> {
        let person = |name, text: &str| check_text(name, text, MAX_PERSON_OCTETS, |_| false);
        person("firstName", &self.first_name)?;
        person("lastName", &self.last_name)?;
        let breaks = |character| matches!(character, '\n' | '\r' | '\t');
        check_text("notes", &self.notes, MAX_NOTES_OCTETS, breaks)
    }
}

fn check_text(
    name: &'static str,
    text: &str,
    most: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), FieldError> {
    if text.len() > most {
        return Err(FieldError::TooLong { name, most });
    }
    let is_bad = |character: char| character.is_control() && !allowed(character);
    if text.contains(is_bad) {
        return Err(FieldError::Control { name });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::decode;

    #[test]
    fn a_record_of_version_1_is_for_good_and_keeps_its_cause() {
        let stored = br#"{"v":1,"r":{"since":1,"cause":"asked for it"}}"#;
        let expected = Suppression {
            notes: "asked for it".to_owned(),
            ..Suppression::added(Timestamp::from_millis(1))
        };
        let found = decode::<Suppression>(stored).ok();
        assert_eq!(found, Some(expected.clone()));
        assert!(expected.applies(Timestamp::from_millis(u64::MAX)));
    }

    #[track_caller]
    fn check(reply: &str, expected: &str) {
        assert_eq!(codes(reply), expected);
    }

    #[test]
    fn of_a_reply_only_the_codes_name_nobody() {
        check("550 5.1.1 <bob@example.com>: no such user", "550 5.1.1");
        check("550-5.1.1 bob", "550 5.1.1");
        check("550 bob@example.com", "550");
        check("550 4917012345678@example.com", "550");
        check("550 491701234567", "550");
        check("550 5551234567 is no subscriber", "550");
        check("550 5.49.1701234 is no subscriber", "550");
        check("49170 5.1.1", "");
        check("bob 550", "");
        check("", "");
    }

    #[test]
    fn a_reply_is_kept_in_one_line_of_bounded_length() {
        assert_eq!(bounded_reply(" 550 no\r\nBcc: x "), "550 no  Bcc: x");
        assert_eq!(bounded_reply(&"ü".repeat(400)).len(), MAX_REPLY_OCTETS);
    }

    #[test]
    fn texts_are_bounded_and_hold_no_control_characters() {
        let person = |first_name: &str, notes: &str| Person {
            first_name: first_name.to_owned(),
            notes: notes.to_owned(),
            ..Person::default()
        };
        assert_eq!(person("Ann", "two\r\nlines").check(), Ok(()));
        let name = "firstName";
        let control = Err(FieldError::Control { name });
        assert_eq!(person("Ann\r\nBcc", "").check(), control);
        let most = MAX_PERSON_OCTETS;
        let too_long = Err(FieldError::TooLong { name, most });
        assert_eq!(person(&"a".repeat(257), "").check(), too_long);
        assert!(person("", "\0").check().is_err());
    }
}
