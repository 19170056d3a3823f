//! Addresses: `addr-spec` of RFC 5322 section 3.4.1, which is the `Mailbox` of RFC 5321 section 4.1.2.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::{Domain, DomainError, LocalPart, LocalPartError};

/// Longest address in octets: a path of 256 (RFC 5321 section 4.5.3.1.3) less its angle brackets.
pub const MAX_ADDR_SPEC_OCTETS: usize = 254;

/// Longest input looked at; more than any valid address takes with U-labels and needless quoted pairs.
const MAX_INPUT_OCTETS: usize = 2048;

/// An address: a local part at a domain, without display name or angle brackets.
///
/// Equality is exact in the local part. To ask whether two addresses most likely are one person's, compare
/// [`canonical`](Self::canonical) forms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddrSpec {
    // Invariant: at most 254 octets as displayed.
    local_part: LocalPart,
    domain: Domain,
}

/// Why a text is not an [`AddrSpec`]. Offsets are in octets from the start of the whole address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddrSpecError {
    /// There is nothing to parse.
    #[error("expected an address, found nothing")]
    Empty,
    /// Longer than [`MAX_ADDR_SPEC_OCTETS`].
    #[error("expected an address of at most {MAX_ADDR_SPEC_OCTETS} octets, found {found}")]
    TooLong {
        /// The length in octets.
        found: usize,
    },
    /// No at sign ends the local part.
    #[error("expected an at sign, found the end at offset {offset}")]
    MissingAt {
        /// Where the text ends.
        offset: usize,
    },
    /// The part left of the at sign is wrong.
    #[error(transparent)]
    LocalPart(#[from] LocalPartError),
    /// The part right of the at sign is wrong.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

impl AddrSpec {
    /// Puts an address together.
    ///
    /// # Errors
    ///
    /// [`AddrSpecError::TooLong`], if both are long.
    pub fn new(local_part: LocalPart, domain: Domain) -> Result<Self, AddrSpecError> {
        let address = Self { local_part, domain };
        let found = address.local_part.written_octets() + 1 + address.domain.as_str().len();
        if found > MAX_ADDR_SPEC_OCTETS {
            return Err(AddrSpecError::TooLong { found });
        }
        Ok(address)
    }

    /// Parses `local-part@domain`.
    ///
    /// # Errors
    ///
    /// Names the first rule broken, and where.
    pub fn parse(text: &str) -> Result<Self, AddrSpecError> {
        if text.is_empty() {
            return Err(AddrSpecError::Empty);
        }
        if text.len() > MAX_INPUT_OCTETS {
            return Err(AddrSpecError::TooLong { found: text.len() });
        }
        let missing = AddrSpecError::MissingAt { offset: text.len() };
        let (local_part, domain) = split(text).ok_or(missing)?;
        let domain_offset = text.len() - domain.len();
        let local_part = LocalPart::parse(local_part)?;
        let domain = Domain::parse(domain).map_err(|error| error.shifted(domain_offset))?;
        Self::new(local_part, domain)
    }

    /// The part left of the at sign.
    #[must_use]
    pub fn local_part(&self) -> &LocalPart {
        &self.local_part
    }

    /// The part right of the at sign.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether only a host that offers SMTPUTF8 (RFC 6531) can be given this address.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part.is_ascii()
    }

    /// The one form in which addresses are compared: the local part with ASCII letters in lower case, the domain
    /// in A-labels.
    ///
    /// RFC 5321 leaves the case of a local part to its host, yet nobody runs a host where `Ann@` and `ann@` are two
    /// people. So recipients are merged and suppression lists are looked up by this form, while mail is always
    /// sent to the address as written. Letters outside ASCII keep their case, and dots and tags keep their meaning:
    /// folding those would join strangers on some hosts.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut address = format!("{self}");
        address.make_ascii_lowercase();
        address
    }
}

/// Writes the domain in A-labels and quotes the local part only where it must be.
impl fmt::Display for AddrSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

text_form!(AddrSpec, AddrSpecError);

/// Splits at the first at sign outside quotes.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    let at = text.char_indices().position_at(|character| {
        let is_at = character == '@' && !quoted;
        if character == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && character == '\\' && !escaped;
        is_at
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `Iterator::position` for offsets rather than counts.
trait PositionAt {
    fn position_at(self, found: impl FnMut(char) -> bool) -> Option<usize>;
}

impl<I: Iterator<Item = (usize, char)>> PositionAt for I {
    fn position_at(mut self, mut found: impl FnMut(char) -> bool) -> Option<usize> {
        self.find_map(|(offset, character)| found(character).then_some(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn accepts(text: &str, display: &str, canonical: &str) {
        let address = AddrSpec::parse(text).unwrap();
        assert_eq!(address.to_string(), display);
        assert_eq!(address.canonical(), canonical);
        assert_eq!(AddrSpec::parse(display).unwrap(), address);
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(AddrSpec::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn addresses_keep_the_case_of_the_local_part_only() {
        accepts("Ann@Example.COM", "Ann@example.com", "ann@example.com");
        accepts(
            "\"Ann B\"@example.com",
            "\"Ann B\"@example.com",
            "\"ann b\"@example.com",
        );
        accepts(
            "ann@bücher.example",
            "ann@xn--bcher-kva.example",
            "ann@xn--bcher-kva.example",
        );
        accepts("Ü@example.com", "Ü@example.com", "Ü@example.com");
        accepts(
            "\"a\\\"@b\"@example.com",
            "\"a\\\"@b\"@example.com",
            "\"a\\\"@b\"@example.com",
        );
    }

    #[test]
    fn only_utf8_local_parts_need_smtputf8() {
        assert!(AddrSpec::parse("ü@example.com").unwrap().needs_smtputf8());
        assert!(
            !AddrSpec::parse("u@bücher.example")
                .unwrap()
                .needs_smtputf8()
        );
    }

    #[test]
    fn errors_point_into_the_whole_address() {
        refuses("", "expected an address, found nothing");
        refuses("ann", "expected an at sign, found the end at offset 3");
        refuses("@example.com", "expected a local part, found nothing");
        refuses("ann@", "expected a domain, found nothing at offset 4");
        refuses(
            "ann@b@c.com",
            "expected a letter, digit, hyphen or dot, found '@' at offset 5",
        );
        refuses(
            "Ann <ann@example.com>",
            "expected a character of a local part, found ' ' at offset 3",
        );
        refuses(
            "ann@example.com\r\nBcc: x",
            "expected a letter, digit, hyphen or dot, found '\\r' at offset 15",
        );
        refuses(
            "\"ann@example.com",
            "expected an at sign, found the end at offset 16",
        );
    }

    #[test]
    fn an_address_has_at_most_254_octets() {
        let label = "a".repeat(63);
        let domain = format!("{label}.{label}.{}", "a".repeat(61));
        let longest = format!("{}@{domain}", "a".repeat(64));
        assert_eq!(longest.len(), MAX_ADDR_SPEC_OCTETS);
        accepts(&longest, &longest, &longest);
        refuses(
            &format!("{longest}a"),
            "expected an address of at most 254 octets, found 255",
        );
        refuses(
            &"a".repeat(5000),
            "expected an address of at most 254 octets, found 5000",
        );
    }
}
