//! Records: RFC 7208 sections 3, 4.6 and 12.

use alloc::vec::Vec;
use core::fmt;

use dns::Name;
use envelope::Domain;

use crate::domain_spec::{DomainSpec, check_macro_string};
use crate::mechanism::Mechanism;

/// Most octets of a record. Section 3.4 wants answers of fewer than 512.
pub const MAX_RECORD: usize = 4096;

/// What a domain says about the hosts that send for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What is tried in turn.
    pub directives: Vec<Directive>,
    /// The domain whose record decides if no directive does: section 6.1. Without effect beside `all`.
    pub redirect: Option<DomainSpec>,
    /// Where the explanation of a fail is: section 6.2.
    pub exp: Option<DomainSpec>,
}

/// A mechanism and what it means if it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The result of a match.
    pub qualifier: Qualifier,
    /// What is compared with the client's address.
    pub mechanism: Mechanism,
}

/// What a match means: section 4.6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`, or nothing.
    Pass,
    /// `-`
    Fail,
    /// `~`
    SoftFail,
    /// `?`
    Neutral,
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
    /// A domain has several records: section 4.5.
    #[error("expected one record, found several")]
    Multiple,
    /// The text does not start with `v=spf1`.
    #[error("expected v=spf1 followed by a space or nothing, found something else")]
    Version,
    /// An octet that no record holds.
    #[error("expected printable ASCII at offset {at}, found {found:#04x}")]
    Octet {
        /// Where it is.
        at: usize,
        /// The octet.
        found: u8,
    },
    /// A name that no mechanism has.
    #[error("expected a mechanism or modifier at offset {at}, found something else")]
    Mechanism {
        /// Where the term starts.
        at: usize,
    },
    /// A mechanism has too much or too little after its name.
    #[error("expected other arguments of the mechanism at offset {at}, found these or none")]
    Argument {
        /// Where the arguments start.
        at: usize,
    },
    /// `redirect=` or `exp=` appears twice: section 6.
    #[error("expected each modifier once, found another at offset {at}")]
    Duplicate {
        /// Where the second one is.
        at: usize,
    },
    /// What should be a domain does not end like one: section 7.1, `domain-end`.
    #[error("expected a domain of two labels or more at offset {at}, found something else")]
    Domain {
        /// Where it starts.
        at: usize,
    },
    /// A `%` starts no macro: section 7.1.
    #[error("expected a macro at offset {at}, found something else")]
    Macro {
        /// Where the `%` is.
        at: usize,
    },
    /// What follows `ip4:` or `ip6:` is not an address of that kind.
    #[error("expected an IP address at offset {at}, found something else")]
    Address {
        /// Where it starts.
        at: usize,
    },
    /// A prefix length is not a number, or too large.
    #[error("expected a prefix length at offset {at}, found something else")]
    Prefix {
        /// Where the slash is.
        at: usize,
    },
}

impl Record {
    /// Reads a text record whose strings were joined.
    ///
    /// # Errors
    /// [`RecordError`], with the first thing that is wrong: the whole record is then worth nothing (section 4.6).
    pub fn parse(record: &[u8]) -> Result<Self, RecordError> {
        if record.len() > MAX_RECORD {
            return Err(RecordError::TooLong {
                found: record.len(),
            });
        }
        let terms = after_version(record).ok_or(RecordError::Version)?;
        let at = record.len() - terms.len();
        let terms = printable(terms, at)?;
        let mut found = Self {
            directives: Vec::new(),
            redirect: None,
            exp: None,
        };
        let mut at = at;
        for term in terms.split(' ') {
            if !term.is_empty() {
                found.add_term(term, at)?;
            }
            at += term.len() + 1;
        }
        Ok(found)
    }

    /// What `all` says of every host that nothing before it matches. None without `all`.
    #[must_use]
    pub fn all_qualifier(&self) -> Option<Qualifier> {
        let all = |directive: &&Directive| directive.mechanism == Mechanism::All;
        self.directives
            .iter()
            .find(all)
            .map(|directive| directive.qualifier)
    }

    /// Whether the hosts of another domain pass: `include:` of it without macros, not behind `all`.
    #[must_use]
    pub fn includes(&self, domain: &Domain) -> bool {
        self.includes_name(&Name::from(domain))
    }

    /// Like [`Record::includes`], for names with underscores.
    #[must_use]
    pub fn includes_name(&self, name: &Name) -> bool {
        self.reachable()
            .filter(|directive| directive.qualifier == Qualifier::Pass)
            .any(|directive| match &directive.mechanism {
                Mechanism::Include(spec) => spec.literal_name().as_ref() == Some(name),
                _ => false,
            })
    }

    /// The directives up to `all`, which always matches.
    pub(crate) fn reachable(&self) -> impl Iterator<Item = &Directive> {
        let all = self
            .directives
            .iter()
            .position(|directive| directive.mechanism == Mechanism::All);
        let count = all.map_or(self.directives.len(), |at| at + 1);
        self.directives.iter().take(count)
    }

    /// The `redirect=` that has an effect.
    pub(crate) fn effective_redirect(&self) -> Option<&DomainSpec> {
        match self.all_qualifier() {
            Some(_) => None,
            None => self.redirect.as_ref(),
        }
    }

    fn add_term(&mut self, term: &str, at: usize) -> Result<(), RecordError> {
        let name_end = term.find([':', '/', '=']).unwrap_or(term.len());
        let (name, rest) = term.split_at(name_end);
        match rest.strip_prefix('=') {
            Some(value) => self.add_modifier(name, value, at),
            None => {
                self.directives.push(Directive::parse(term, at)?);
                Ok(())
            }
        }
    }

    fn add_modifier(&mut self, name: &str, value: &str, at: usize) -> Result<(), RecordError> {
        let value_at = at + name.len() + 1;
        let place = match name.to_ascii_lowercase().as_str() {
            "redirect" => &mut self.redirect,
            "exp" => &mut self.exp,
            other if is_modifier_name(other) => return check_macro_string(value, value_at),
            _ => return Err(RecordError::Mechanism { at }),
        };
        if place.is_some() {
            return Err(RecordError::Duplicate { at });
        }
        *place = Some(DomainSpec::parse(value, value_at)?);
        Ok(())
    }
}

impl Directive {
    fn parse(term: &str, at: usize) -> Result<Self, RecordError> {
        let (qualifier, mechanism) = match term.chars().next().and_then(Qualifier::from_sign) {
            Some(qualifier) => (qualifier, term.get(1..).unwrap_or_default()),
            None => (Qualifier::Pass, term),
        };
        let at = at + term.len() - mechanism.len();
        let mechanism = Mechanism::parse(mechanism, at)?;
        Ok(Self {
            qualifier,
            mechanism,
        })
    }

    /// Whether it lets every address of a family pass.
    pub(crate) fn passes_everyone(&self) -> bool {
        self.qualifier == Qualifier::Pass && self.mechanism.matches_whole_family()
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.qualifier {
            Qualifier::Pass => "",
            Qualifier::Fail => "-",
            Qualifier::SoftFail => "~",
            Qualifier::Neutral => "?",
        };
        write!(f, "{sign}{}", self.mechanism)
    }
}

impl Qualifier {
    fn from_sign(sign: char) -> Option<Self> {
        match sign {
            '+' => Some(Self::Pass),
            '-' => Some(Self::Fail),
            '~' => Some(Self::SoftFail),
            '?' => Some(Self::Neutral),
            _ => None,
        }
    }
}

/// What follows the version section, if there is one: section 4.5.
pub(crate) fn after_version(record: &[u8]) -> Option<&[u8]> {
    let (version, terms) = record.split_at_checked(6)?;
    let is_version = version.eq_ignore_ascii_case(b"v=spf1");
    let is_delimited = matches!(terms.first(), None | Some(b' '));
    (is_version && is_delimited).then_some(terms)
}

fn printable(terms: &[u8], start: usize) -> Result<&str, RecordError> {
    let odd = |octet: u8| !octet.is_ascii_graphic() && octet != b' ';
    let error = |at, found| RecordError::Octet {
        at: start + at,
        found,
    };
    if let Some((at, &found)) = terms.iter().enumerate().find(|(_, octet)| odd(**octet)) {
        return Err(error(at, found));
    }
    // Printable ASCII is always UTF-8.
    core::str::from_utf8(terms).map_err(|e| error(e.valid_up_to(), 0))
}

fn is_modifier_name(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(rest)
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=spf1")?;
        for directive in &self.directives {
            write!(f, " {directive}")?;
        }
        let modifiers: [(&str, &Option<DomainSpec>); 2] =
            [("redirect", &self.redirect), ("exp", &self.exp)];
        for (name, value) in modifiers {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
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
