//! Which header fields a signature covers: RFC 6376 sections 5.4 and 8.15.
//!
//! A field is signed when a reader sees it or a mail program acts on it. A field that must be unique
//! is *over-signed*: named once more than it occurs, so that nobody can add another one above it and
//! keep the signature valid. Fields on the way of a message (Received, Return-Path, the signatures of
//! others) change and are never signed, nor is Bcc, which a message must not carry.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use crate::{DkimError, HeaderSection};

use Cover::{Always, Each, WhenPresent};

/// How a field is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cover {
    /// Over-signed, even where it is absent: adding one would change what the reader sees.
    Always,
    /// Over-signed where it is present. Absent it is left open, as relays and lists may add one.
    WhenPresent,
    /// Each occurrence is signed, and more may be added.
    Each,
}

/// The fields of section 5.4.1, of the list and automation RFCs (2369, 2919, 3834, 8058), and those
/// that say how to read the body. The first two kinds may occur once only.
const RECOMMENDED: [(&str, Cover); 36] = [
    ("From", Always),
    ("To", Always),
    ("Cc", Always),
    ("Subject", Always),
    ("Date", Always),
    ("Message-ID", Always),
    ("Reply-To", Always),
    ("MIME-Version", Always),
    ("Content-Type", Always),
    ("Content-Transfer-Encoding", Always),
    ("Sender", WhenPresent),
    ("In-Reply-To", WhenPresent),
    ("References", WhenPresent),
    ("Content-ID", WhenPresent),
    ("Content-Description", WhenPresent),
    ("Content-Disposition", WhenPresent),
    ("Content-Language", WhenPresent),
    ("Content-Location", WhenPresent),
    ("List-Id", WhenPresent),
    ("List-Help", WhenPresent),
    ("List-Unsubscribe", WhenPresent),
    ("List-Unsubscribe-Post", WhenPresent),
    ("List-Subscribe", WhenPresent),
    ("List-Post", WhenPresent),
    ("List-Owner", WhenPresent),
    ("List-Archive", WhenPresent),
    ("Auto-Submitted", WhenPresent),
    ("Feedback-ID", Each),
    ("Comments", Each),
    ("Keywords", Each),
    ("Resent-Date", Each),
    ("Resent-From", Each),
    ("Resent-To", Each),
    ("Resent-Cc", Each),
    ("Resent-Sender", Each),
    ("Resent-Message-ID", Each),
];

const MAX_FIELD_NAME: usize = 127;

/// The name of a header field, compared without regard to case.
#[derive(Clone, Debug)]
// Invariant: printable ASCII without colon and semicolon, 1 to 127 octets.
pub struct FieldName(String);

/// Why a text is not a field name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldNameError {
    /// The name has no octets or too many.
    #[error("expected a field name of 1 to 127 octets, found {found}")]
    Length {
        /// Octets of the name.
        found: usize,
    },
    /// A character that a field name (or the `h=` tag) cannot hold.
    #[error("expected printable ASCII other than `:` and `;` at offset {at}, found {found:?}")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        at: usize,
    },
}

/// Which header fields to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedFields {
    /// The fields that matter to a reader, over-signed where there must be only one.
    Recommended,
    /// Exactly these names in this order, for reproducing a given `h=`. Must hold From.
    Exactly(Vec<FieldName>),
}

impl SignedFields {
    /// The names for `h=`, in order.
    pub(crate) fn select(&self, headers: &HeaderSection<'_>) -> Result<Vec<&str>, DkimError> {
        let counted = RECOMMENDED.map(|(name, cover)| (name, cover, headers.count(name)));
        refuse_repeated(&counted)?;
        let names = match self {
            Self::Recommended => recommended(&counted),
            Self::Exactly(names) => names.iter().map(FieldName::as_str).collect(),
        };
        let named = names.iter().any(|name| name.eq_ignore_ascii_case("From"));
        match named && headers.count("From") > 0 {
            true => Ok(names),
            false => Err(DkimError::MissingFrom),
        }
    }
}

/// A field that is there twice is read one way by one program and the other way by the next: RFC 6376
/// section 8.15 asks not to sign that.
fn refuse_repeated(counted: &[(&'static str, Cover, usize)]) -> Result<(), DkimError> {
    let unique = counted.iter().filter(|(_, cover, _)| *cover != Each);
    match unique.into_iter().find(|(_, _, count)| *count > 1) {
        Some((name, ..)) => Err(DkimError::RepeatedField { name }),
        None => Ok(()),
    }
}

fn recommended(counted: &[(&'static str, Cover, usize)]) -> Vec<&'static str> {
    let times = |cover, count| match cover {
        Always => count + 1,
        WhenPresent if count > 0 => count + 1,
        WhenPresent | Each => count,
    };
    let repeated = counted
        .iter()
        .map(|&(name, cover, count)| core::iter::repeat_n(name, times(cover, count)));
    repeated.flatten().collect()
}

impl FieldName {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for FieldName {}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FieldName {
    type Err = FieldNameError;

    fn from_str(text: &str) -> Result<Self, FieldNameError> {
        if text.is_empty() || text.len() > MAX_FIELD_NAME {
            return Err(FieldNameError::Length { found: text.len() });
        }
        let odd = |(_, c): &(usize, char)| !c.is_ascii_graphic() || matches!(c, ':' | ';');
        match text.char_indices().find(odd) {
            Some((at, found)) => Err(FieldNameError::Character { found, at }),
            None => Ok(Self(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    const ALWAYS: &str = "From To Cc Subject Date Message-ID Reply-To MIME-Version Content-Type \
                          Content-Transfer-Encoding";

    fn select(policy: &SignedFields, fields: &[&str]) -> Result<String, DkimError> {
        let text: String = fields.iter().map(|name| format!("{name}: x\r\n")).collect();
        let text = format!("{text}\r\n");
        let (headers, _) = HeaderSection::split(text.as_bytes()).unwrap();
        policy.select(&headers).map(|names| names.join(" "))
    }

    #[track_caller]
    fn check(fields: &[&str], expected: &str) {
        let found = select(&SignedFields::Recommended, fields);
        assert_eq!(found.as_deref(), Ok(expected));
    }

    #[test]
    fn core_fields_are_named_once_more_than_they_occur() {
        check(&["From"], &format!("From {ALWAYS}"));
        check(
            &["to", "FROM"],
            &ALWAYS.replace("From To", "From From To To"),
        );
    }

    #[test]
    fn list_fields_are_over_signed_only_when_present() {
        let list = "List-Unsubscribe List-Unsubscribe List-Unsubscribe-Post List-Unsubscribe-Post";
        let fields = ["From", "List-Unsubscribe-Post", "List-Unsubscribe"];
        check(&fields, &format!("From {ALWAYS} {list}"));
    }

    #[test]
    fn repeatable_fields_are_named_as_often_as_they_occur() {
        let fields = ["From", "Comments", "Comments"];
        check(&fields, &format!("From {ALWAYS} Comments Comments"));
    }

    #[test]
    fn fields_that_change_on_the_way_are_never_signed() {
        let fields = [
            "Received",
            "Return-Path",
            "DKIM-Signature",
            "Bcc",
            "X-Custom",
            "From",
        ];
        check(&fields, &format!("From {ALWAYS}"));
    }

    #[test]
    fn a_repeated_unique_field_is_refused() {
        for (name, cover) in RECOMMENDED {
            let found = select(&SignedFields::Recommended, &["From", name, name]);
            match cover {
                Each => assert!(found.is_ok(), "{name}"),
                Always | WhenPresent => assert_eq!(found, Err(DkimError::RepeatedField { name })),
            }
        }
    }

    #[test]
    fn from_must_be_there_and_be_named() {
        let exactly = |name: &str| SignedFields::Exactly(vec![name.parse().unwrap()]);
        assert_eq!(
            select(&SignedFields::Recommended, &["To"]),
            Err(DkimError::MissingFrom)
        );
        assert_eq!(
            select(&exactly("to"), &["From", "To"]),
            Err(DkimError::MissingFrom)
        );
        assert_eq!(
            select(&exactly("from"), &["To"]),
            Err(DkimError::MissingFrom)
        );
        assert_eq!(
            select(&exactly("from"), &["From", "To"]).as_deref(),
            Ok("from")
        );
    }

    #[test]
    fn a_field_name_is_printable_ascii_without_separators() {
        let parse = |text: &str| text.parse::<FieldName>().map(|name| name.0);
        assert_eq!(parse("X-A.b!"), Ok("X-A.b!".into()));
        assert_eq!(parse(""), Err(FieldNameError::Length { found: 0 }));
        assert_eq!(
            parse(&"a".repeat(128)),
            Err(FieldNameError::Length { found: 128 })
        );
        for found in [':', ';', ' ', '\r', '\0', 'ä'] {
            let expected = FieldNameError::Character { found, at: 1 };
            assert_eq!(parse(&format!("a{found}b")), Err(expected));
        }
    }
}
