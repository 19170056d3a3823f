//! Owner names: RFC 1035 section 2.3.1 and 3.1, with the underscore labels of RFC 8552.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use envelope::Domain;

/// Longest name in octets of its text form, without the final dot (RFC 1035 section 2.3.4).
pub const MAX_NAME: usize = 253;

/// Longest label in octets (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

/// A name of the DNS other than the root, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: labels of 1 to 63 octets of printable ASCII without the dot, lower-cased, at most 253 octets in all.
pub struct Name(String);

/// Why a text is not a [`Name`]. Offsets are in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name has more octets than the DNS can hold.
    #[error("expected a name of at most {MAX_NAME} octets, found {found}")]
    TooLong {
        /// Octets of the name.
        found: usize,
    },
    /// Nothing stands between two dots, or at an end.
    #[error("expected a label at offset {at}, found none")]
    EmptyLabel {
        /// Where the label should start.
        at: usize,
    },
    /// A label has more than [`MAX_LABEL`] octets.
    #[error("expected a label of at most {MAX_LABEL} octets at offset {at}, found {found}")]
    LabelTooLong {
        /// Where the label starts.
        at: usize,
        /// Octets of the label.
        found: usize,
    },
    /// A label starts or ends with a hyphen.
    #[error("expected no hyphen at the ends of the label at offset {at}, found one")]
    HyphenAtEnd {
        /// Where the label starts.
        at: usize,
    },
    /// A character that the name may not have.
    #[error("expected a letter, digit, hyphen or underscore at offset {at}, found {found:?}")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        at: usize,
    },
}

impl Name {
    /// Parses labels of letters, digits, hyphens and underscores. A final dot is taken off.
    ///
    /// # Errors
    /// [`NameError`], with the first rule broken, and where.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        check(text, check_host_label)?;
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Parses labels of any printable ASCII, as what a sender wrote can make (RFC 7208 section 7) and as RFC 2317
    /// delegates. A final dot is taken off; there are no escapes.
    ///
    /// # Errors
    /// [`NameError`], with the first rule broken, and where.
    pub fn parse_printable(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        check(text, check_printable_label)?;
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The name below `in-addr.arpa` (RFC 1035 section 3.5) or `ip6.arpa` (RFC 3596 section 2.5) that belongs to an
    /// address.
    #[must_use]
    pub fn reverse(address: IpAddr) -> Self {
        let mut name = String::new();
        match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                name.push_str(&format!("{d}.{c}.{b}.{a}.in-addr.arpa"));
            }
            IpAddr::V6(address) => {
                for octet in address.octets().into_iter().rev() {
                    name.push_str(&format!("{:x}.{:x}.", octet & 15, octet >> 4));
                }
                name.push_str("ip6.arpa");
            }
        }
        Self(name)
    }

    /// The name with a label, or several, before it: `_dmarc` and `example.com` make `_dmarc.example.com`.
    ///
    /// # Errors
    /// [`NameError`] where the result is not a name.
    pub fn below(labels: &str, domain: &Domain) -> Result<Self, NameError> {
        Self::parse(&format!("{labels}.{domain}"))
    }

    /// The name in lower case, without the final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels from left to right.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether this name is `ancestor` or below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.0
            .strip_suffix(ancestor.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Whether every label is one that [`Name::parse`] takes.
    pub(crate) fn is_host_like(&self) -> bool {
        check(&self.0, check_host_label).is_ok()
    }
}

impl From<&Domain> for Name {
    fn from(domain: &Domain) -> Self {
        // A domain is an LDH name of at most 253 octets in lower case already.
        Self(domain.as_str().to_owned())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn check(
    name: &str,
    check_label: fn(&str, usize) -> Result<(), NameError>,
) -> Result<(), NameError> {
    if name.len() > MAX_NAME {
        return Err(NameError::TooLong { found: name.len() });
    }
    let mut at = 0;
    for label in name.split('.') {
        let found = label.len();
        if found == 0 {
            return Err(NameError::EmptyLabel { at });
        }
        if found > MAX_LABEL {
            return Err(NameError::LabelTooLong { at, found });
        }
        check_label(label, at)?;
        at += found + 1;
    }
    Ok(())
}

fn check_host_label(label: &str, at: usize) -> Result<(), NameError> {
    check_characters(label, at, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
    })?;
    if label.starts_with('-') || label.ends_with('-') {
        return Err(NameError::HyphenAtEnd { at });
    }
    Ok(())
}

fn check_printable_label(label: &str, at: usize) -> Result<(), NameError> {
    check_characters(label, at, |c| c.is_ascii_graphic())
}

fn check_characters(label: &str, at: usize, allowed: fn(char) -> bool) -> Result<(), NameError> {
    match label.char_indices().find(|&(_, found)| !allowed(found)) {
        Some((offset, found)) => Err(NameError::Character {
            found,
            at: at + offset,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[track_caller]
    fn accepts(text: &str, expected: &str) {
        assert_eq!(Name::parse(text).unwrap().to_string(), expected);
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(Name::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn names_are_lower_cased_and_lose_the_final_dot() {
        accepts("example.com", "example.com");
        accepts("_DMARC.Example.COM.", "_dmarc.example.com");
        accepts("sel._domainkey.example.com", "sel._domainkey.example.com");
        accepts("com", "com");
    }

    #[test]
    fn what_is_not_a_name_is_refused_with_its_place() {
        refuses("", "expected a label at offset 0, found none");
        refuses(".", "expected a label at offset 0, found none");
        refuses("a..b", "expected a label at offset 2, found none");
        refuses("a.b..", "expected a label at offset 4, found none");
        let hyphen = "expected no hyphen at the ends of the label at offset 2, found one";
        refuses("a.-b", hyphen);
        refuses("a.b-", hyphen);
        let odd = "expected a letter, digit, hyphen or underscore at offset 3, found '/'";
        refuses("a.b/c", odd);
        let ü = "expected a letter, digit, hyphen or underscore at offset 1, found 'ü'";
        refuses("bü", ü);
    }

    #[test]
    fn lengths_are_limited() {
        let label = "a".repeat(63);
        accepts(&label, &label);
        let long = "expected a label of at most 63 octets at offset 2, found 64";
        refuses(&format!("x.{label}a"), long);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        accepts(&longest, &longest);
        let error = "expected a name of at most 253 octets, found 254";
        refuses(&format!("{longest}a"), error);
    }

    #[test]
    fn printable_names_take_what_a_sender_can_write() {
        let name = Name::parse_printable("A+b=c._spf.example.com").unwrap();
        assert_eq!(name.as_str(), "a+b=c._spf.example.com");
        assert!(!name.is_host_like());
        assert!(Name::parse_printable("a b.example").is_err());
        assert!(Name::parse_printable("a..example").is_err());
    }

    #[test]
    fn reverse_names_run_backwards() {
        let check = |address: &str, expected: &str| {
            assert_eq!(Name::reverse(address.parse().unwrap()).as_str(), expected);
        };
        check("192.0.2.1", "1.2.0.192.in-addr.arpa");
        check(
            "2001:db8::cb01",
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        );
    }

    #[test]
    fn only_whole_labels_make_an_ancestor() {
        let name = |text| Name::parse(text).unwrap();
        assert!(name("a.example.com").is_within(&name("example.com")));
        assert!(name("example.com").is_within(&name("example.com")));
        assert!(!name("badexample.com").is_within(&name("example.com")));
        assert!(!name("com").is_within(&name("example.com")));
    }
}
