//! MIME entities: a header section and a body, RFC 2045 section 2.4.

use alloc::borrow::Cow;

use crate::content_type::ContentType;
use crate::field::{Fields, split_section};
use crate::multipart::Parts;
use crate::transfer::TransferEncoding;

/// A message or body part.
pub(crate) struct Entity<'a> {
    section: &'a [u8],
    body: &'a [u8],
    pub(crate) content_type: ContentType,
    encoding: TransferEncoding,
}

impl<'a> Entity<'a> {
    /// Reads the header section; the first field of a name counts.
    pub(crate) fn parse(octets: &'a [u8]) -> Self {
        let (section, body) = split_section(octets);
        let (mut content_type, mut encoding) = (None, None);
        for field in Fields::new(section) {
            if content_type.is_none() && field.is("Content-Type") {
                content_type = Some(ContentType::parse(&field.text()));
            } else if encoding.is_none() && field.is("Content-Transfer-Encoding") {
                encoding = Some(TransferEncoding::parse(&field.text()));
            }
        }
        Self {
            section,
            body,
            content_type: content_type.unwrap_or_default(),
            encoding: encoding.unwrap_or(TransferEncoding::Identity),
        }
    }

    pub(crate) fn fields(&self) -> Fields<'a> {
        Fields::new(self.section)
    }

    /// The body without its transfer encoding; none if that cannot be undone.
    pub(crate) fn content(&self) -> Option<Cow<'a, [u8]>> {
        self.encoding.decode(self.body)
    }

    /// What the body holds if this is a multipart.
    pub(crate) fn parts(&self) -> Option<Parts<'a, '_>> {
        let boundary = self.content_type.boundary.as_deref()?;
        let is_multipart = self.content_type.is_multipart();
        is_multipart.then(|| Parts::new(self.body, boundary))
    }

    pub(crate) fn is(&self, media_types: &[&str]) -> bool {
        media_types.contains(&self.content_type.media_type.as_str())
    }
}
