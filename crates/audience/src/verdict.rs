//! What is said of a visit.

use core::fmt;

use crate::audience::Audience;
use crate::client::Client;

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
