//! How many reports were not believed, and why: a flood of forgeries is to be seen.

use futures::future::try_join_all;

use crate::keys;
use crate::ports::{KeyValue, StoreError};

/// Why something that came in was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Events that nobody with our secret signed just now.
    Unsigned,
    /// A return path that none of our keys made.
    Forged,
    /// A return path whose time is over.
    Expired,
    /// It came to no return path of ours.
    Misdirected,
    /// A report that cannot be read.
    Unreadable,
    /// About another message or recipient than it may be.
    Foreign,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Unsigned,
        Self::Forged,
        Self::Expired,
        Self::Misdirected,
        Self::Unreadable,
        Self::Foreign,
    ];

    /// The word of keys and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::Misdirected => "misdirected",
            Self::Unreadable => "unreadable",
            Self::Foreign => "foreign",
        }
    }
}

/// Counts one more.
///
/// # Errors
/// When the store does not answer; it may have been counted.
pub async fn count(store: &impl KeyValue, reason: Reason) -> Result<(), StoreError> {
    keys::refusals(reason).increment(store).await.map(drop)
}

/// How many there were of each.
///
/// # Errors
/// When the store does not answer.
pub async fn counted(store: &impl KeyValue) -> Result<Vec<(Reason, i64)>, StoreError> {
    let read = async |reason| Ok((reason, keys::refusals(reason).value(store).await?));
    try_join_all(Reason::ALL.map(read)).await
}
