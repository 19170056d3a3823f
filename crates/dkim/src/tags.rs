//! Tag lists: RFC 6376 section 3.2.

/// Why a text is not a tag list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagListError {
    /// The list is longer than is read.
    #[error("expected a tag list of at most {max} octets, found {found}")]
    TooLong {
        /// Octets of the list.
        found: usize,
        /// Most octets read.
        max: usize,
    },
    /// The list has more tags than are read.
    #[error("expected at most 64 tags, found more")]
    TooManyTags,
    /// A tag has no name where one must be.
    #[error("expected a tag name at offset {at}, found something else")]
    Name {
        /// Where the name should be.
        at: usize,
    },
    /// No `=` follows a tag name.
    #[error("expected `=` at offset {at}, found something else")]
    Equals {
        /// Where the sign should be.
        at: usize,
    },
    /// A value holds an octet that no tag value may hold.
    #[error("expected printable ASCII or folding white space at offset {at}, found {found:#04x}")]
    Octet {
        /// The octet.
        found: u8,
        /// Where it is.
        at: usize,
    },
    /// A tag appears twice.
    #[error("expected each tag once, found another of the same name at offset {at}")]
    Duplicate {
        /// Where the second one is.
        at: usize,
    },
}
