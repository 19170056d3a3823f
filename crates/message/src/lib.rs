//! Internet messages: checked header values, and the one way to turn a [`Message`] into bytes.
//!
//! A [`Message`] is made of types that cannot hold CR, LF or NUL, so no caller's text can become a header field of
//! its own, and it has no place for Bcc, so no recipient list can leak. [`render`] is a pure function: equal
//! messages give equal bytes, with no clock, host name or random number in them.
//!
//! What is rendered survives transport. Every line ends in CRLF and has at most 998 octets, header fields are
//! folded at 78 where they can be, every octet is ASCII (unless [`Message::smtputf8`] allows otherwise), no body
//! leans on white space at the end of a line, and no line starts with `From `.
//!
//! | what | follows |
//! |---|---|
//! | header fields, folding, dates | RFC 5322 |
//! | display names, subjects, other text outside ASCII | RFC 2047 |
//! | bodies, attachments, media types | RFC 2045, 2046, 2387 (related), 2183 (disposition) |
//! | file names outside ASCII | RFC 2231, with an RFC 2047 `name` for old readers |
//! | addresses | RFC 5322; A-labels always, UTF-8 local parts by RFC 6532 |
//!
//! `mail-builder` writes the tree of body parts: delimiters, part fields with their folding, and base64 of attachments
//! straight into the one buffer. What it would get wrong is kept from it: it hashes the clock and an address in memory
//! into boundaries that it is not given, writes addresses unchecked and Bcc, and sends bodies with NUL, lone CR or
//! `From ` lines as `7bit`. So boundaries are given, text comes encoded, and the message's own fields are written here.
//! The crate needs `std` because `mail-builder` does; it has no clock, randomness or I/O all the same.
//!
//! **Not supported**: groups of addresses, the Sender field and resent blocks, `format=flowed`, `multipart` and
//! `message` types as attachments, charsets other than UTF-8, language tags in encoded words, `8bit` and `binary`
//! transfer encodings.

extern crate alloc;

mod boundary;
mod date;
mod encoded_word;
mod field;
mod field_writer;
mod file_name;
mod identifier;
mod mailbox;
mod media_type;
mod parameter;
mod part;
mod render;
mod text;
mod transfer;

pub use field::{
    FieldBody, FieldName, FieldNameError, HeaderField, MAX_FIELD_BODY_OCTETS,
    MAX_FIELD_NAME_OCTETS, MAX_FIELD_WORD_OCTETS, MAX_SUBJECT_CHARS, OWNED_FIELDS, OWNED_PREFIXES,
    Subject,
};
pub use file_name::{FileName, MAX_FILE_NAME_OCTETS};
pub use identifier::{ContentId, MAX_IDENTIFIER_OCTETS, MessageId, MessageIdError};
pub use mailbox::{DisplayName, MAX_DISPLAY_NAME_CHARS, Mailbox};
pub use media_type::{MAX_MEDIA_TYPE_OCTETS, MediaType, MediaTypeError};
pub use render::{Attachment, Message, RenderError, render};
pub use text::TextError;
