//! The program with which a request was made, as far as it may be told on.

use core::fmt;
use core::str::FromStr;

use crate::rules::RULES;

/// The program with which a request was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Its name.
    pub family: Family,
    /// What it runs on.
    pub class: Class,
}

impl Client {
    /// One of which nothing is known.
    pub const UNKNOWN: Self = Self {
        family: Family::UNKNOWN,
        class: Class::Unknown,
    };
}

/// The name of a program, out of the list in `rules.tsv`: never a piece of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// Invariant: a family of `rules.tsv`, or `unknown`. Held by `UNKNOWN`, `named` and `from_str`.
pub struct Family(&'static str);

impl Family {
    /// None that is known.
    pub const UNKNOWN: Self = Self("unknown");

    /// That of a rule.
    pub(crate) const fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name, such as `Apple Mail`, or `unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// A name that is no [`Family`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a program that is in the rules, found another")]
pub struct UnknownFamily;

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(name: &str) -> Result<Self, UnknownFamily> {
        if name == Self::UNKNOWN.0 {
            return Ok(Self::UNKNOWN);
        }
        RULES
            .iter()
            .filter_map(|rule| rule.family)
            .find(|family| family.0 == name)
            .ok_or(UnknownFamily)
    }
}

/// What a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A computer.
    Desktop,
    /// A telephone.
    Mobile,
    /// A tablet. One that asks for pages as a computer does cannot be told from one.
    Tablet,
    /// A mailbox provider fetched it for a reader, whose own device does not show.
    Webmail,
    /// A machine without a reader.
    Server,
    /// Not known.
    Unknown,
}

impl Class {
    /// All, in the order of the type.
    pub const ALL: [Self; 6] = [
        Self::Desktop,
        Self::Mobile,
        Self::Tablet,
        Self::Webmail,
        Self::Server,
        Self::Unknown,
    ];

    /// Its word in `rules.tsv`, records and APIs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Webmail => "webmail",
            Self::Server => "server",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A word that is no [`Class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected desktop, mobile, tablet, webmail, server or unknown as class, found another word"
)]
pub struct UnknownClass;

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(word: &str) -> Result<Self, UnknownClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == word)
            .ok_or(UnknownClass)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Class, Family, UnknownClass, UnknownFamily};
    use crate::rules::RULES;

    #[test]
    fn words_come_back_as_what_they_stand_for() {
        for class in Class::ALL {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        assert_eq!("Mobile".parse::<Class>(), Err(UnknownClass));
    }

    #[test]
    fn names_come_back_as_what_they_stand_for() {
        for family in RULES.iter().filter_map(|rule| rule.family) {
            assert_eq!(family.to_string().parse(), Ok(family));
        }
        assert_eq!("unknown".parse(), Ok(Family::UNKNOWN));
        assert_eq!("Mozilla/5.0 (X11)".parse::<Family>(), Err(UnknownFamily));
    }
}
