//! Who made a request.

use core::fmt;
use core::str::FromStr;

/// Who made a request for an image or a link of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// A person, as far as can be told.
    Human,
    /// Apple's Mail Privacy Protection, which fetches images whether anybody reads or not.
    AppleMpp,
    /// A mailbox provider's proxy for images, which fetches for those who read.
    ImageProxy,
    /// A browser, an app or a service that fetches ahead of a person, or to show a preview.
    Prefetch,
    /// A security product that looks at what mail leads to.
    Scanner,
    /// A crawler, a script, a tool.
    Bot,
}

impl Audience {
    /// All, in the order of the type.
    pub const ALL: [Self; 6] = [
        Self::Human,
        Self::AppleMpp,
        Self::ImageProxy,
        Self::Prefetch,
        Self::Scanner,
        Self::Bot,
    ];

    /// Its word in `rules.tsv`, records and APIs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::AppleMpp => "apple-mpp",
            Self::ImageProxy => "image-proxy",
            Self::Prefetch => "prefetch",
            Self::Scanner => "scanner",
            Self::Bot => "bot",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A word that is no [`Audience`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected human, apple-mpp, image-proxy, prefetch, scanner or bot as audience, found another word"
)]
pub struct UnknownAudience;

impl FromStr for Audience {
    type Err = UnknownAudience;

    fn from_str(word: &str) -> Result<Self, UnknownAudience> {
        Self::ALL
            .into_iter()
            .find(|audience| audience.as_str() == word)
            .ok_or(UnknownAudience)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Audience, UnknownAudience};

    #[test]
    fn words_come_back_as_what_they_stand_for() {
        for audience in Audience::ALL {
            assert_eq!(audience.to_string().parse(), Ok(audience));
        }
        for word in ["", "Human", "human ", "apple_mpp", "robot"] {
            assert_eq!(word.parse::<Audience>(), Err(UnknownAudience), "{word}");
        }
    }
}
