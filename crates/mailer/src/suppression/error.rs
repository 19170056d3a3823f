//! Why something about a list is not done.

use envelope::AddrSpecError;
use thiserror::Error;

use super::list::MAX_LISTS;
use crate::ports::StoreError;

/// A text that may not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldError {
    /// It is too long.
    #[error("expected at most {most} octets in {name}, found more")]
    TooLong {
        /// The property.
        name: &'static str,
        /// Its maximum.
        most: usize,
    },
    /// It has a character that is for terminals.
    #[error("expected no control character in {name}, found one")]
    Control {
        /// The property.
        name: &'static str,
    },
    /// It is none of the words it may be.
    #[error("expected Added, Bounce, Complaint or Unsubscribed as {name}, found another text")]
    Kind {
        /// The property.
        name: &'static str,
    },
    /// It is no time.
    #[error("expected a time such as 2026-11-24T16:39:12.000Z as {name}, found another text")]
    Time {
        /// The property.
        name: &'static str,
    },
}

impl FieldError {
    /// The property at fault.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLong { name, .. }
            | Self::Control { name }
            | Self::Kind { name }
            | Self::Time { name } => name,
        }
    }
}

/// Why something about a list is not done.
#[derive(Debug, Clone, Error)]
pub enum SuppressionError {
    /// The store did not answer, or was written with another hash key.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another request is changing the lists of the domain, or what is on them.
    #[error("Another request is changing this address or the suppression lists. Try again.")]
    Busy,
    /// A list or an address cannot be named so.
    #[error("expected a name of letters, digits and hyphens, at most 253, found another text")]
    ResourceName,
    /// The list's name is neither empty nor a sender username.
    #[error(
        "expected a sender username or topic:<topic> as listName, or nothing for all senders of the domain, found another text"
    )]
    ListName,
    /// Another list of the domain is for these senders.
    #[error("Another suppression list of this domain has this listName.")]
    ListNameInUse,
    /// A list stays for the senders it was made for.
    #[error("The listName of a suppression list cannot be changed.")]
    ListNameFixed,
    /// The domain has as many lists as it may have.
    #[error("expected at most {MAX_LISTS} suppression lists, found more")]
    TooManyLists,
    /// The domain has no such list.
    #[error("There is no such suppression list.")]
    NoSuchList,
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddrSpecError),
    /// A text cannot be stored.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Names of this form are given to addresses that were imported.
    #[error(
        "There is no such address. Names such as slot-1 are given to addresses that are imported."
    )]
    ReservedName,
    /// The address is on the list, under another name.
    #[error("The address is on this suppression list under another name.")]
    AlreadyListed,
    /// It is not on the list.
    #[error("The address is not on this suppression list.")]
    NoSuchAddress,
}

impl SuppressionError {
    /// The same for whoever has nobody to refuse anything to.
    pub(super) fn into_store_error(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            other => StoreError::new(other.to_string()),
        }
    }
}
