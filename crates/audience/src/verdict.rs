//! What is said of a visit.

use core::fmt;
use core::str::FromStr;

use crate::audience::Audience;
use crate::client::Client;
use crate::rules::{Kind, RULES};

/// What is said of a visit. It holds nothing of the request's own text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Who made the request.
    pub audience: Audience,
    /// What for it is taken so.
    pub reason: Reason,
    /// With what program.
    pub client: Client,
}

/// What a verdict was made for: a stable word, fit for records and APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// Invariant: a constant of this crate or a reason of `rules.tsv`.
pub struct Reason(&'static str);

impl Reason {
    /// A person's program that is known: nothing speaks against it.
    pub const KNOWN_CLIENT: Self = Self("ua:known-client");
    /// A program that is not known: nothing speaks against it.
    pub const NOTHING: Self = Self("none");
    /// A mailbox provider unsubscribes somebody who asked it to (RFC 8058 section 3.1).
    pub const ONE_CLICK: Self = Self("method:one-click");
    /// HEAD, which no browser uses for links and images.
    pub const HEAD: Self = Self("method:head");
    /// A proxy in front says that the client is in a data centre.
    pub const DATA_CENTRE: Self = Self("header:data-centre");
    /// A click without User-Agent.
    pub const NO_USER_AGENT: Self = Self("ua:missing");
    /// A click sooner after delivery than a person can read.
    pub const CLICK_AFTER_DELIVERY: Self = Self("timing:click-after-delivery");
    /// An open sooner after delivery than a person can read.
    pub const OPEN_AFTER_DELIVERY: Self = Self("timing:open-after-delivery");
    /// The same program looked whether the link is there before it followed it.
    pub const HEAD_BEFORE_GET: Self = Self("head-before-get");
    /// All links of the message were followed within seconds.
    pub const BURST: Self = Self("burst:all-links");

    /// Those that are in no rule.
    const OWN: [Self; 10] = [
        Self::KNOWN_CLIENT,
        Self::NOTHING,
        Self::ONE_CLICK,
        Self::HEAD,
        Self::DATA_CENTRE,
        Self::NO_USER_AGENT,
        Self::CLICK_AFTER_DELIVERY,
        Self::OPEN_AFTER_DELIVERY,
        Self::HEAD_BEFORE_GET,
        Self::BURST,
    ];

    /// That of a rule.
    pub(crate) const fn named(word: &'static str) -> Self {
        Self(word)
    }

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// A word that is no [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a reason that is in the rules, found another word")]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(word: &str) -> Result<Self, UnknownReason> {
        let named = RULES
            .iter()
            .filter(|rule| matches!(rule.kind, Kind::Audience(_)));
        Self::OWN
            .into_iter()
            .chain(named.map(|rule| Self(rule.word)))
            .find(|reason| reason.0 == word)
            .ok_or(UnknownReason)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Reason, UnknownReason};
    use crate::rules::{Kind, RULES};

    #[test]
    fn words_come_back_as_what_they_stand_for() {
        let named = RULES
            .iter()
            .filter(|rule| matches!(rule.kind, Kind::Audience(_)));
        for reason in Reason::OWN
            .into_iter()
            .chain(named.map(|rule| Reason(rule.word)))
        {
            assert_eq!(reason.to_string().parse(), Ok(reason));
        }
        for word in ["", "UA:missing", "ua: missing"] {
            assert_eq!(word.parse::<Reason>(), Err(UnknownReason), "{word}");
        }
    }
}
