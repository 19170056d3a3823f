//! The parts of a message that DKIM looks at: header fields as they stand, and where the body begins
//! (RFC 5322 sections 2.1 and 2.2).
//!
//! # Not supported
//!
//! Messages without an empty line after the header section, and header sections with other line ends
//! than CRLF: what they mean differs from reader to reader, so neither is signed nor verified.

use alloc::vec::Vec;

/// Most octets of a header section, its final empty line included.
pub const MAX_HEADER_SECTION: usize = 1 << 20;
/// Most fields of a header section.
pub const MAX_HEADER_FIELDS: usize = 4096;

/// The header fields of a message, top to bottom, borrowed from it.
#[derive(Clone, Debug)]
pub struct HeaderSection<'a> {
    fields: Vec<HeaderField<'a>>,
}

/// One header field as it stands in the message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderField<'a> {
    /// The whole field without its final CRLF.
    pub(crate) raw: &'a [u8],
    /// What stands before the colon, white space trimmed.
    pub(crate) name: &'a str,
    /// What stands after the colon, white space included.
    pub(crate) body: &'a [u8],
}

/// Why octets are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No empty line ends the header section.
    #[error("expected an empty line after the header section, found the end of the message")]
    MissingSeparator,
    /// A CR without LF, or an LF without CR, in the header section.
    #[error("expected CRLF line ends, found a bare CR or LF in the header section at offset {at}")]
    BareLineBreak {
        /// Where it is.
        at: usize,
    },
    /// A line of the header section is neither a field nor continues one.
    #[error("expected a header field at offset {at}, found a line without a valid field name")]
    NotAField {
        /// Where the line begins.
        at: usize,
    },
    /// The header section is longer than is read.
    #[error("expected a header section of at most 1048576 octets, found more")]
    HeaderSectionTooLong,
    /// The header section has more fields than are read.
    #[error("expected at most 4096 header fields, found more")]
    TooManyFields,
}
