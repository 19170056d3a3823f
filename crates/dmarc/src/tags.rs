//! Tag lists: RFC 7489 section 6.4, which is more patient with them than RFC 6376.

use alloc::vec::Vec;

/// The tags that are well-formed, in the order they came.
pub(crate) struct Tags<'a>(Vec<Tag<'a>>);

struct Tag<'a> {
    name: &'a str,
    value: &'a str,
    /// Octets before the tag.
    at: usize,
}

const SPACE: [char; 2] = [' ', '\t'];

impl<'a> Tags<'a> {
    /// Reads what is between semicolons. Section 6.3 wants the rest used where a piece is malformed.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut tags = Vec::new();
        let mut at = 0;
        for piece in text.split(';') {
            if let Some((name, value)) = piece.split_once('=') {
                tags.push(Tag {
                    name: name.trim_matches(SPACE),
                    value: value.trim_matches(SPACE),
                    at,
                });
            }
            at += piece.len() + 1;
        }
        Self(tags)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        let tag = self.0.iter().find(|tag| tag.is_named(name));
        tag.map(|tag| tag.value)
    }

    /// Where a tag of this name comes for the second time.
    pub(crate) fn duplicate(&self, name: &str) -> Option<usize> {
        let mut tags = self.0.iter().filter(|tag| tag.is_named(name));
        tags.nth(1).map(|tag| tag.at)
    }
}

impl Tag<'_> {
    fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}
