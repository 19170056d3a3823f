//! Domain names as mail uses them: LDH and internationalized labels, kept as A-labels.
//!
//! RFC 5321 section 2.3.5 and 4.1.2 (`Domain`), RFC 5890 (A-label, U-label), UTS #46 for the mapping.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// Longest domain in octets, as A-labels with their dots (RFC 5321 section 4.5.3.1.2 less what DNS keeps for itself).
pub const MAX_DOMAIN_OCTETS: usize = 253;

/// Longest label in octets, as an A-label (RFC 1035 section 2.3.4).
pub const MAX_LABEL_OCTETS: usize = 63;

/// Longest input looked at. U-labels take up to four octets a character, so this leaves room for any valid domain.
const MAX_INPUT_OCTETS: usize = 4 * MAX_DOMAIN_OCTETS;

/// The full stop and the characters that UTS #46 maps to it.
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

/// A fully qualified domain name of at least two labels, in lower-case A-labels.
///
/// Two spellings of one domain (case, U-label or A-label, full-width letters) are equal once parsed. Hyphens in the
/// third and fourth place are allowed outside A-labels, because registered mail domains have them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain {
    // Invariant: lower-case LDH labels of 1 to 63 octets, at least two, at most 253 octets in all, no trailing dot.
    ascii: String,
}

/// Why a text is not a [`Domain`]. Offsets are in octets from the start of the parsed text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// There is nothing to parse.
    #[error("expected a domain, found nothing at offset {offset}")]
    Empty {
        /// Where the domain should have been.
        offset: usize,
    },
    /// The domain is longer than [`MAX_DOMAIN_OCTETS`].
    #[error("expected a domain of at most {MAX_DOMAIN_OCTETS} octets, found {found}")]
    TooLong {
        /// The length in octets, in A-labels when it could be converted.
        found: usize,
    },
    /// An IP address where a name is needed.
    #[error("expected a domain name, found an address literal at offset {offset}")]
    AddressLiteral {
        /// Where the literal starts.
        offset: usize,
    },
    /// The domain ends in the dot of the DNS root, which mail addresses do not carry.
    #[error("expected a domain without a trailing dot, found one at offset {offset}")]
    TrailingDot {
        /// Where the dot is.
        offset: usize,
    },
    /// Two dots in a row, or a dot at the start.
    #[error("expected a label, found a dot at offset {offset}")]
    EmptyLabel {
        /// Where the dot is.
        offset: usize,
    },
    /// A label is longer than [`MAX_LABEL_OCTETS`].
    #[error(
        "expected a label of at most {MAX_LABEL_OCTETS} octets, found {found} at offset {offset}"
    )]
    LabelTooLong {
        /// The length in octets, in its A-label form.
        found: usize,
        /// Where the label starts.
        offset: usize,
    },
    /// A character that no host name has.
    #[error("expected a letter, digit, hyphen or dot, found {found:?} at offset {offset}")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        offset: usize,
    },
    /// A label that breaks the rules for hyphens, A-labels or internationalized labels.
    #[error("expected a valid label, found one that is not at offset {offset}")]
    Label {
        /// Where the label starts.
        offset: usize,
    },
    /// A host name without a parent domain, such as `localhost`.
    #[error("expected a domain of at least two labels, found one at offset {offset}")]
    SingleLabel {
        /// Where the label starts.
        offset: usize,
    },
}

impl Domain {
    /// Parses LDH labels, A-labels and U-labels.
    ///
    /// # Errors
    ///
    /// Names the first rule broken, and where.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        check_shape(text)?;
        let ascii = to_ascii(text).ok_or_else(|| blame_label(text))?;
        check_ascii(&ascii)?;
        Ok(Self {
            ascii: ascii.into_owned(),
        })
    }

    /// The domain in lower-case A-labels, as it goes on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.ascii
    }

    /// The domain for people to read, with U-labels where it has A-labels.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        let (unicode, result) =
            Uts46::new().to_unicode(self.ascii.as_bytes(), AsciiDenyList::STD3, HYPHENS);
        match result {
            Ok(()) => unicode.into_owned(),
            Err(_) => self.ascii.clone(),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ascii)
    }
}

impl AsRef<str> for Domain {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

text_form!(Domain, DomainError);

impl DomainError {
    /// The same error for a domain that starts `base` octets into a longer text.
    pub(crate) fn shifted(self, base: usize) -> Self {
        match self {
            Self::TooLong { found } => Self::TooLong { found },
            Self::Empty { offset } => Self::Empty {
                offset: offset + base,
            },
            Self::AddressLiteral { offset } => Self::AddressLiteral {
                offset: offset + base,
            },
            Self::TrailingDot { offset } => Self::TrailingDot {
                offset: offset + base,
            },
            Self::EmptyLabel { offset } => Self::EmptyLabel {
                offset: offset + base,
            },
            Self::LabelTooLong { found, offset } => Self::LabelTooLong {
                found,
                offset: offset + base,
            },
            Self::Character { found, offset } => Self::Character {
                found,
                offset: offset + base,
            },
            Self::Label { offset } => Self::Label {
                offset: offset + base,
            },
            Self::SingleLabel { offset } => Self::SingleLabel {
                offset: offset + base,
            },
        }
    }
}

const HYPHENS: Hyphens = Hyphens::CheckFirstLast;

/// `text` in A-labels, or nothing if it has none. Most domains need no tables for that.
fn to_ascii(text: &str) -> Option<Cow<'_, str>> {
    if !text.split('.').all(is_plain_label) {
        return map_to_ascii(text);
    }
    Some(if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    })
}

/// Whether all that UTS #46 does to a label is to lower its case: letters, digits and hyphens (RFC 5890 section 2.3.1), no hyphen
/// at an end, and not in the form of an A-label, which would have to be decoded.
fn is_plain_label(label: &str) -> bool {
    let is_a_label = label
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"));
    !is_a_label
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn map_to_ascii(text: &str) -> Option<Cow<'_, str>> {
    Uts46::new()
        .to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            HYPHENS,
            DnsLength::Ignore,
        )
        .ok()
}

/// What can be told from the text as written, so that the error can point at it.
fn check_shape(text: &str) -> Result<(), DomainError> {
    if text.is_empty() {
        return Err(DomainError::Empty { offset: 0 });
    }
    if text.len() > MAX_INPUT_OCTETS {
        return Err(DomainError::TooLong { found: text.len() });
    }
    if text.starts_with('[') {
        return Err(DomainError::AddressLiteral { offset: 0 });
    }
    let mut after_dot = true;
    for (offset, found) in text.char_indices() {
        let is_dot = DOTS.contains(&found);
        if is_dot && after_dot {
            return Err(DomainError::EmptyLabel { offset });
        }
        if is_dot && offset + found.len_utf8() == text.len() {
            return Err(DomainError::TrailingDot { offset });
        }
        if found.is_ascii() && !is_dot && !found.is_ascii_alphanumeric() && found != '-' {
            return Err(DomainError::Character { found, offset });
        }
        after_dot = is_dot;
    }
    Ok(())
}

/// Finds the label that made the conversion fail. A rule about the whole domain (RFC 5893) blames the first.
fn blame_label(text: &str) -> DomainError {
    let mut offset = 0;
    for piece in text.split_inclusive(DOTS) {
        let label = piece.strip_suffix(DOTS).unwrap_or(piece);
        if to_ascii(label).is_none() {
            return DomainError::Label { offset };
        }
        offset += piece.len();
    }
    DomainError::Label { offset: 0 }
}

fn check_ascii(ascii: &str) -> Result<(), DomainError> {
    if ascii.len() > MAX_DOMAIN_OCTETS {
        return Err(DomainError::TooLong { found: ascii.len() });
    }
    let mut offset = 0;
    for label in ascii.split('.') {
        let found = label.len();
        match found {
            0 => return Err(DomainError::EmptyLabel { offset }),
            1..=MAX_LABEL_OCTETS => offset += found + 1,
            _ => return Err(DomainError::LabelTooLong { found, offset }),
        }
    }
    match ascii.rsplit_once('.') {
        None => Err(DomainError::SingleLabel { offset: 0 }),
        // No top-level domain is all digits (RFC 3696 section 2), so this is an IPv4 address.
        Some((_, top)) if top.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(DomainError::AddressLiteral { offset: 0 })
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[track_caller]
    fn accepts(text: &str, expected: &str) {
        let domain = Domain::parse(text).unwrap();
        assert_eq!(domain.as_str(), expected);
        assert_eq!(Domain::parse(expected).unwrap(), domain);
        assert_eq!(Domain::parse(&domain.to_unicode()).unwrap(), domain);
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(Domain::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn ascii_domains_are_lower_cased() {
        accepts("example.com", "example.com");
        accepts("EXAMPLE.Com", "example.com");
        accepts("a.b", "a.b");
        accepts("3com.com", "3com.com");
        accepts("x--y.example", "x--y.example");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn plain_labels_are_what_the_tables_make_of_them(
            text in "([xX][nN]--|-)?[a-zA-Z0-9.-]{0,12}([.ü。_\u{AD}][a-zA-Z0-9-]{0,8}){0,3}"
        ) {
            prop_assert_eq!(to_ascii(&text), map_to_ascii(&text));
        }
    }

    #[test]
    fn unicode_labels_become_a_labels() {
        accepts("bücher.example", "xn--bcher-kva.example");
        accepts("BÜCHER.example", "xn--bcher-kva.example");
        accepts("例え。テスト", "xn--r8jz45g.xn--zckzah");
        accepts("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com");
        accepts("faß.de", "xn--fa-hia.de");
        assert_eq!(
            Domain::parse("xn--bcher-kva.example").unwrap().to_unicode(),
            "bücher.example"
        );
    }

    #[test]
    fn what_is_no_host_name_is_refused_with_its_place() {
        refuses("", "expected a domain, found nothing at offset 0");
        refuses(
            "localhost",
            "expected a domain of at least two labels, found one at offset 0",
        );
        refuses(
            "example.com.",
            "expected a domain without a trailing dot, found one at offset 11",
        );
        refuses("a..b", "expected a label, found a dot at offset 2");
        refuses(".a.b", "expected a label, found a dot at offset 0");
        refuses(
            "a_b.com",
            "expected a letter, digit, hyphen or dot, found '_' at offset 1",
        );
        refuses(
            "a.com\r\n",
            "expected a letter, digit, hyphen or dot, found '\\r' at offset 5",
        );
        refuses(
            "[192.0.2.1]",
            "expected a domain name, found an address literal at offset 0",
        );
        refuses(
            "192.0.2.1",
            "expected a domain name, found an address literal at offset 0",
        );
        refuses(
            "ok.-a.com",
            "expected a valid label, found one that is not at offset 3",
        );
        refuses(
            "ok.xn--a-.com",
            "expected a valid label, found one that is not at offset 3",
        );
        refuses(
            "ok.℀.com",
            "expected a valid label, found one that is not at offset 3",
        );
        refuses("a.\u{AD}.com", "expected a label, found a dot at offset 2");
    }

    #[test]
    fn lengths_are_those_of_the_a_labels() {
        let label = "a".repeat(63);
        accepts(&format!("{label}.com"), &format!("{label}.com"));
        refuses(
            &format!("x.{label}a.com"),
            "expected a label of at most 63 octets, found 64 at offset 2",
        );
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), MAX_DOMAIN_OCTETS);
        accepts(&longest, &longest);
        refuses(
            &format!("{longest}a"),
            "expected a domain of at most 253 octets, found 254",
        );
    }
}
