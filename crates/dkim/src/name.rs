//! The names a signature carries: `d=`, `s=` and `i=` of RFC 6376 section 3.5.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
};
use core::{fmt, str::FromStr};

/// Longest name in the DNS, in octets of its text form without the final dot.
pub(crate) const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// RFC 5321 section 4.5.3.1.1.
const MAX_LOCAL_PART: usize = 64;

/// The domain that takes responsibility for a message: SDID, tag `d=`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
// Invariant: at least two lower-case LDH labels, at most 253 octets.
pub struct SigningDomain(String);

/// Tells apart the keys of one domain: tag `s=`. May have dots.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
// Invariant: at least one lower-case LDH label, at most 253 octets.
pub struct Selector(String);

/// On whose behalf the domain signs: AUID, tag `i=`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AgentOrUserIdentifier {
    // Invariant: where present 1 to 64 octets without control characters.
    local_part: Option<String>,
    domain: SigningDomain,
}

/// Why a text is not a domain or selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name has more octets than the DNS can hold.
    #[error("expected a name of at most 253 octets, found {found}")]
    TooLong {
        /// Octets of the name.
        found: usize,
    },
    /// A signing domain is a single label.
    #[error("expected a domain of at least two labels, found one")]
    SingleLabel,
    /// Nothing stands between two dots, or at an end.
    #[error("expected a label at offset {at}, found none")]
    EmptyLabel {
        /// Where the label should start.
        at: usize,
    },
    /// A label has more than 63 octets.
    #[error("expected a label of at most 63 octets at offset {at}, found {found}")]
    LabelTooLong {
        /// Where the label starts.
        at: usize,
        /// Octets of the label.
        found: usize,
    },
    /// A label starts or ends with a hyphen.
    #[error("expected a letter or digit at both ends of the label at offset {at}, found a hyphen")]
    HyphenAtEnd {
        /// Where the label starts.
        at: usize,
    },
    /// A character other than a letter, digit or hyphen of ASCII.
    #[error("expected a letter, digit or hyphen at offset {at}, found {found:?}")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        at: usize,
    },
}

/// Why a text is not an agent or user identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuidError {
    /// There is no `@`.
    #[error("expected `@` before the domain, found none")]
    MissingAt,
    /// The local part has more than 64 octets.
    #[error("expected a local part of at most 64 octets, found {found}")]
    LocalPartTooLong {
        /// Octets of the local part.
        found: usize,
    },
    /// The local part holds a control character.
    #[error("expected no control character, found one at offset {at}")]
    ControlCharacter {
        /// Where it is.
        at: usize,
    },
    /// What follows the last `@` is not a domain.
    #[error("invalid domain")]
    Domain(#[source] NameError),
}

impl SigningDomain {
    /// The domain in lower case, without a final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this domain is `ancestor` or below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.0
            .strip_suffix(ancestor.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl Selector {
    /// The selector in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AgentOrUserIdentifier {
    /// What stands for a signature without `i=`: no local part, the signing domain itself.
    pub fn of_domain(domain: SigningDomain) -> Self {
        Self {
            local_part: None,
            domain,
        }
    }

    /// The part before the `@`, where there is one.
    pub fn local_part(&self) -> Option<&str> {
        self.local_part.as_deref()
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &SigningDomain {
        &self.domain
    }
}

impl FromStr for SigningDomain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = ldh_name(text)?;
        if name.contains('.') {
            Ok(Self(name))
        } else {
            Err(NameError::SingleLabel)
        }
    }
}

impl FromStr for Selector {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        ldh_name(text).map(Self)
    }
}

impl FromStr for AgentOrUserIdentifier {
    type Err = AuidError;

    fn from_str(text: &str) -> Result<Self, AuidError> {
        let (local_part, domain) = text.rsplit_once('@').ok_or(AuidError::MissingAt)?;
        Ok(Self {
            local_part: local_part_of(local_part)?,
            domain: domain.parse().map_err(AuidError::Domain)?,
        })
    }
}

impl fmt::Display for SigningDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AgentOrUserIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{}",
            self.local_part.as_deref().unwrap_or(""),
            self.domain
        )
    }
}

/// The name under which a key is published: RFC 6376 section 3.6.2.1.
pub(crate) fn key_name(selector: &Selector, domain: &SigningDomain) -> Result<String, NameError> {
    let name = alloc::format!("{selector}._domainkey.{domain}");
    match name.len() {
        0..=MAX_NAME => Ok(name),
        found => Err(NameError::TooLong { found }),
    }
}

fn local_part_of(text: &str) -> Result<Option<String>, AuidError> {
    if text.len() > MAX_LOCAL_PART {
        return Err(AuidError::LocalPartTooLong { found: text.len() });
    }
    if let Some(at) = text.find(char::is_control) {
        return Err(AuidError::ControlCharacter { at });
    }
    Ok((!text.is_empty()).then(|| text.to_string()))
}

fn ldh_name(text: &str) -> Result<String, NameError> {
    if text.len() > MAX_NAME {
        return Err(NameError::TooLong { found: text.len() });
    }
    let mut at = 0;
    for label in text.split('.') {
        check_label(label, at)?;
        at += label.len() + 1;
    }
    let mut name = text.to_owned();
    name.make_ascii_lowercase();
    Ok(name)
}

fn check_label(label: &str, at: usize) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::EmptyLabel { at });
    }
    let odd = |(_, c): &(usize, char)| !c.is_ascii_alphanumeric() && *c != '-';
    if let Some((offset, found)) = label.char_indices().find(odd) {
        return Err(NameError::Character {
            found,
            at: at + offset,
        });
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(NameError::HyphenAtEnd { at });
    }
    match label.len() {
        0..=MAX_LABEL => Ok(()),
        found => Err(NameError::LabelTooLong { at, found }),
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[track_caller]
    fn check_domain(text: &str, expected: Result<&str, NameError>) {
        let found = text.parse::<SigningDomain>();
        assert_eq!(
            found.as_ref().map(SigningDomain::as_str),
            expected.as_ref().copied()
        );
    }

    #[test]
    fn a_signing_domain_is_two_or_more_ldh_labels() {
        check_domain("example.com", Ok("example.com"));
        check_domain("Mail.EXAMPLE.com", Ok("mail.example.com"));
        check_domain("xn--bcher-kva.example", Ok("xn--bcher-kva.example"));
        check_domain("com", Err(NameError::SingleLabel));
        check_domain("", Err(NameError::EmptyLabel { at: 0 }));
        check_domain("example.com.", Err(NameError::EmptyLabel { at: 12 }));
        check_domain("a..b", Err(NameError::EmptyLabel { at: 2 }));
        check_domain("a.-b", Err(NameError::HyphenAtEnd { at: 2 }));
        check_domain("a.b-", Err(NameError::HyphenAtEnd { at: 2 }));
        check_domain("a.b_c", Err(NameError::Character { found: '_', at: 3 }));
        check_domain("a.b;c", Err(NameError::Character { found: ';', at: 3 }));
        check_domain(
            "bücher.example",
            Err(NameError::Character { found: 'ü', at: 1 }),
        );
    }

    #[test]
    fn names_end_where_the_dns_ends() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        check_domain(&longest, Ok(&longest));
        check_domain(
            &format!("{longest}b"),
            Err(NameError::TooLong { found: 254 }),
        );
        check_domain(
            &format!("x.a{label}"),
            Err(NameError::LabelTooLong { at: 2, found: 64 }),
        );
    }

    #[test]
    fn a_selector_may_be_one_label_or_many() {
        assert_eq!("S1".parse::<Selector>().unwrap().as_str(), "s1");
        assert_eq!("a.b-c.d".parse::<Selector>().unwrap().as_str(), "a.b-c.d");
        assert!("a b".parse::<Selector>().is_err());
        assert!("".parse::<Selector>().is_err());
    }

    #[track_caller]
    fn check_auid(text: &str, expected: Result<(Option<&str>, &str), AuidError>) {
        let found = text.parse::<AgentOrUserIdentifier>();
        let parts = found
            .as_ref()
            .map(|a| (a.local_part(), a.domain().as_str()));
        assert_eq!(parts, expected.as_ref().copied());
        if let Ok(auid) = &found {
            assert_eq!(auid.to_string(), text);
        }
    }

    #[test]
    fn an_auid_has_an_optional_local_part() {
        check_auid("@example.com", Ok((None, "example.com")));
        check_auid("joe@example.com", Ok((Some("joe"), "example.com")));
        check_auid("\"a@b\"@example.com", Ok((Some("\"a@b\""), "example.com")));
        check_auid("example.com", Err(AuidError::MissingAt));
        check_auid(
            "a\r\n@example.com",
            Err(AuidError::ControlCharacter { at: 1 }),
        );
        check_auid("a@b", Err(AuidError::Domain(NameError::SingleLabel)));
        check_auid(
            &format!("{}@b.example", "a".repeat(65)),
            Err(AuidError::LocalPartTooLong { found: 65 }),
        );
    }

    #[test]
    fn a_sub_domain_ends_at_a_dot() {
        let parse = |text: &str| text.parse::<SigningDomain>().unwrap();
        let example = parse("example.com");
        assert!(example.is_within(&example));
        assert!(parse("a.example.com").is_within(&example));
        assert!(!parse("badexample.com").is_within(&example));
        assert!(!example.is_within(&parse("a.example.com")));
    }

    #[test]
    fn a_key_name_too_long_for_the_dns_is_refused() {
        let label = "a".repeat(63);
        let domain = format!("{label}.{label}.example").parse().unwrap();
        let selector = |text: &str| text.parse::<Selector>().unwrap();
        assert_eq!(
            key_name(&selector("s1"), &"example.com".parse().unwrap()),
            Ok("s1._domainkey.example.com".to_string())
        );
        assert!(key_name(&selector(&format!("{label}.{label}")), &domain).is_err());
    }
}
