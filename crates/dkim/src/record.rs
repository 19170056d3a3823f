//! Key records: RFC 6376 section 3.6.1.

use crate::TagListError;

/// What a domain publishes for one selector.
#[derive(Clone, Debug)]
pub struct PublicKeyRecord {}

/// Why a text record is not a usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not a tag list.
    #[error("malformed tag list")]
    TagList(#[source] TagListError),
}
