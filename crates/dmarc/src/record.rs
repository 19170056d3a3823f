//! Records: RFC 7489 sections 6.3, 6.4 and 6.6.3.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::tags::Tags;

/// Most octets of a record.
pub const MAX_RECORD: usize = 4096;

/// What a domain wants done with mail that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `p`: for mail from the domain.
    pub policy: Policy,
    /// `sp`: for mail from its subdomains, where it differs.
    pub subdomain_policy: Option<Policy>,
    /// `adkim`: how well the domain of a DKIM signature has to fit.
    pub dkim_alignment: Alignment,
    /// `aspf`: how well the domain that SPF passes has to fit.
    pub spf_alignment: Alignment,
    /// `pct`: to how many of a hundred failing messages the policy applies.
    pub percent: u8,
    /// `rua`: where aggregate reports go, each a URI with its size limit as written.
    pub rua: Vec<String>,
    /// `ruf`: where reports on single messages go, each a URI with its size limit as written.
    pub ruf: Vec<String>,
}

/// What is wanted of a receiver, from the least to the most: section 6.3, `p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Nothing.
    None,
    /// To treat the message as suspicious.
    Quarantine,
    /// To refuse the message.
    Reject,
}

/// How well a domain has to fit: section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// `r`: one organizational domain.
    Relaxed,
    /// `s`: the same domain.
    Strict,
}

/// Why a text is not a record, or texts have none. Offsets are in octets from the start of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The text is longer than [`MAX_RECORD`].
    #[error("expected a record of at most {MAX_RECORD} octets, found {found}")]
    TooLong {
        /// Octets of the text.
        found: usize,
    },
    /// A name has several records: section 6.6.3.
    #[error("expected one record, found several")]
    Multiple,
    /// The text does not start with the tag `v=DMARC1`.
    #[error("expected v=DMARC1 as first tag, found something else")]
    Version,
    /// An octet that no record holds.
    #[error("expected printable ASCII at offset {at}, found {found:#04x}")]
    Octet {
        /// Where it is.
        at: usize,
        /// The octet.
        found: u8,
    },
    /// A tag that has a meaning appears twice.
    #[error("expected each tag once, found another of the same name at offset {at}")]
    Duplicate {
        /// Where the second one is.
        at: usize,
    },
    /// There is no `p`, nor an address in `rua` that would make up for it (section 6.6.3).
    #[error("expected none, quarantine or reject in the tag p, found no such tag")]
    MissingPolicy,
    /// `p` is something else, and there is no address in `rua` that would make up for it.
    #[error("expected none, quarantine or reject in the tag p, found something else")]
    Policy,
    /// `sp` is something else, and there is no address in `rua` that would make up for it.
    #[error("expected none, quarantine or reject in the tag sp, found something else")]
    SubdomainPolicy,
}

/// The tags that mean something here.
const KNOWN: [&str; 8] = ["v", "p", "sp", "adkim", "aspf", "pct", "rua", "ruf"];

impl Record {
    /// Reads a text record whose strings were joined.
    ///
    /// Unknown tags, malformed pieces and values without a meaning are passed over (section 6.3), but for the policies:
    /// what is wrong there makes the record an error, or `p=none` if it wants aggregate reports (section 6.6.3).
    ///
    /// # Errors
    /// [`RecordError`], saying why there is no policy.
    pub fn parse(record: &[u8]) -> Result<Self, RecordError> {
        if record.len() > MAX_RECORD {
            return Err(RecordError::TooLong {
                found: record.len(),
            });
        }
        if !has_version(record) {
            return Err(RecordError::Version);
        }
        let tags = Tags::parse(printable(record)?);
        if let Some(at) = KNOWN.iter().find_map(|name| tags.duplicate(name)) {
            return Err(RecordError::Duplicate { at });
        }
        let rua = addresses(tags.value("rua"));
        let (policy, subdomain_policy) = match policies(&tags) {
            Ok(found) => found,
            Err(_) if !rua.is_empty() => (Policy::None, None),
            Err(error) => return Err(error),
        };
        Ok(Self {
            policy,
            subdomain_policy,
            dkim_alignment: alignment(tags.value("adkim")),
            spf_alignment: alignment(tags.value("aspf")),
            percent: percent(tags.value("pct")),
            rua,
            ruf: addresses(tags.value("ruf")),
        })
    }

    /// What is wanted for a subdomain: `sp`, or `p` where there is none.
    #[must_use]
    pub fn policy_for_subdomains(&self) -> Policy {
        self.subdomain_policy.unwrap_or(self.policy)
    }
}

/// The one record among texts whose strings were joined. Texts that do not start with the tag `v=DMARC1` are passed
/// over: section 6.6.3.
///
/// # Errors
/// [`RecordError::Multiple`] where there are several, else what is wrong with the one.
pub fn select<'a>(
    texts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<Record>, RecordError> {
    let mut records = texts.into_iter().filter(|text| has_version(text));
    match (records.next(), records.next()) {
        (None, _) => Ok(None),
        (Some(record), None) => Record::parse(record).map(Some),
        (Some(_), Some(_)) => Err(RecordError::Multiple),
    }
}

/// `v` in either case, `=`, and `DMARC1` in capitals, up to a semicolon or the end.
fn has_version(record: &[u8]) -> bool {
    let tag = record.split(|&octet| octet == b';').next();
    let Some(Ok(tag)) = tag.map(core::str::from_utf8) else {
        return false;
    };
    let space = [' ', '\t'];
    tag.split_once('=').is_some_and(|(name, value)| {
        // No space may come before it all.
        name.trim_end_matches(space).eq_ignore_ascii_case("v")
            && value.trim_matches(space) == "DMARC1"
    })
}

fn printable(record: &[u8]) -> Result<&str, RecordError> {
    let odd = |octet: u8| !octet.is_ascii_graphic() && !matches!(octet, b' ' | b'\t');
    if let Some((at, &found)) = record.iter().enumerate().find(|(_, octet)| odd(**octet)) {
        return Err(RecordError::Octet { at, found });
    }
    // Printable ASCII is always UTF-8.
    core::str::from_utf8(record).map_err(|e| RecordError::Octet {
        at: e.valid_up_to(),
        found: 0,
    })
}

fn policies(tags: &Tags<'_>) -> Result<(Policy, Option<Policy>), RecordError> {
    let policy = tags.value("p").ok_or(RecordError::MissingPolicy)?;
    let policy = Policy::parse(policy).ok_or(RecordError::Policy)?;
    let subdomain_policy = match tags.value("sp") {
        Some(policy) => Some(Policy::parse(policy).ok_or(RecordError::SubdomainPolicy)?),
        None => None,
    };
    Ok((policy, subdomain_policy))
}

fn alignment(value: Option<&str>) -> Alignment {
    match value {
        Some(value) if value.eq_ignore_ascii_case("s") => Alignment::Strict,
        Some(_) | None => Alignment::Relaxed,
    }
}

/// One to three digits, at most 100.
fn percent(value: Option<&str>) -> u8 {
    let digits =
        value.filter(|value| value.len() <= 3 && value.bytes().all(|octet| octet.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.filter(|&number| number <= 100).unwrap_or(100)
}

/// The URIs of a list between commas.
fn addresses(list: Option<&str>) -> Vec<String> {
    let items = list.into_iter().flat_map(|list| list.split(','));
    let items = items.map(|item| item.trim_matches([' ', '\t']));
    items
        .filter(|item| is_uri(item))
        .map(str::to_owned)
        .collect()
}

/// A scheme, a colon and something behind it: RFC 3986 section 3.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(allowed)
        && !rest.is_empty()
        && !rest.contains([' ', '\t'])
}

impl Policy {
    fn parse(text: &str) -> Option<Self> {
        let policies = [Self::None, Self::Quarantine, Self::Reject];
        policies
            .into_iter()
            .find(|policy| policy.as_str().eq_ignore_ascii_case(text))
    }

    /// As records have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=DMARC1; p={}", self.policy)?;
        if let Some(policy) = self.subdomain_policy {
            write!(f, "; sp={policy}")?;
        }
        for (name, alignment) in [("adkim", self.dkim_alignment), ("aspf", self.spf_alignment)] {
            if alignment == Alignment::Strict {
                write!(f, "; {name}=s")?;
            }
        }
        if self.percent != 100 {
            write!(f, "; pct={}", self.percent)?;
        }
        for (name, addresses) in [("rua", &self.rua), ("ruf", &self.ruf)] {
            if !addresses.is_empty() {
                write!(f, "; {name}={}", addresses.join(","))?;
            }
        }
        Ok(())
    }
}

impl core::str::FromStr for Record {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}
