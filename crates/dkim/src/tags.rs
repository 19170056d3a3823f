//! Tag lists: RFC 6376 section 3.2.
//!
//! White space inside values is kept: what it means differs from tag to tag.
//!
//! # Not supported
//!
//! Octets above 127, which RFC 8616 would allow in some values.

use alloc::vec::Vec;
use core::ops::Range;

/// Most tags of a list.
const MAX_TAGS: usize = 64;

/// A tag list without duplicates.
#[derive(Debug)]
pub(crate) struct TagList<'a> {
    tags: Vec<Tag<'a>>,
}

/// One tag of a list.
#[derive(Debug)]
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    /// Without the white space around it.
    pub(crate) value: &'a str,
    /// Where the value is in the list, the white space around it included.
    pub(crate) place: Range<usize>,
}

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
    /// A tag has no valid name.
    #[error("expected a tag name at offset {at}, found something else")]
    Name {
        /// Where the name should be.
        at: usize,
    },
    /// No `=` follows a tag name.
    #[error("expected `=` before offset {at}, found none")]
    Equals {
        /// Where the tag ends.
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

impl<'a> TagList<'a> {
    /// Reads a list of at most `max` octets.
    pub(crate) fn parse(list: &'a [u8], max: usize) -> Result<Self, TagListError> {
        if list.len() > max {
            return Err(TagListError::TooLong {
                found: list.len(),
                max,
            });
        }
        let mut tags = Self { tags: Vec::new() };
        let mut start = 0;
        for spec in list.split(|&octet| octet == b';') {
            let end = start + spec.len();
            // What follows a final semicolon is not a tag.
            let is_rest = end == list.len() && start > 0 && spec.iter().copied().all(is_space);
            if !is_rest {
                tags.push(parse_tag(spec, start)?)?;
            }
            start = end + 1;
        }
        Ok(tags)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).map(|tag| tag.value)
    }

    pub(crate) fn first(&self) -> Option<&Tag<'a>> {
        self.tags.first()
    }

    fn push(&mut self, tag: Tag<'a>) -> Result<(), TagListError> {
        if self.tags.len() == MAX_TAGS {
            return Err(TagListError::TooManyTags);
        }
        if self.get(tag.name).is_some() {
            return Err(TagListError::Duplicate {
                at: tag.place.start,
            });
        }
        self.tags.push(tag);
        Ok(())
    }
}

/// The parts of a value between colons, without the white space around each.
pub(crate) fn colon_separated(value: &str) -> impl Iterator<Item = &str> {
    value.split(':').map(|part| part.trim_matches(SPACE))
}

/// A value without any white space, as base64 and quoted-printable want it.
pub(crate) fn without_space(value: &str) -> Vec<u8> {
    value.bytes().filter(|&octet| !is_space(octet)).collect()
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn parse_tag(spec: &[u8], start: usize) -> Result<Tag<'_>, TagListError> {
    let name_at = start + spec.iter().take_while(|&&octet| is_space(octet)).count();
    let equals = spec.iter().position(|&octet| octet == b'=');
    let (name, value) = match equals.and_then(|at| spec.split_at_checked(at)) {
        Some((name, value)) => (name, value.get(1..).unwrap_or_default()),
        None if name_at == start + spec.len() => return Err(TagListError::Name { at: name_at }),
        None => {
            return Err(TagListError::Equals {
                at: start + spec.len(),
            });
        }
    };
    let place = start + name.len() + 1..start + spec.len();
    let name = tag_name(name).ok_or(TagListError::Name { at: name_at })?;
    let value = tag_value(value, place.start)?;
    Ok(Tag { name, value, place })
}

fn tag_name(octets: &[u8]) -> Option<&str> {
    let name = core::str::from_utf8(octets).ok()?.trim_matches(SPACE);
    let well_formed = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
    well_formed.then_some(name)
}

fn tag_value(octets: &[u8], start: usize) -> Result<&str, TagListError> {
    let odd = |octet: u8| !octet.is_ascii_graphic() && !is_space(octet);
    let error = |at: usize, found| TagListError::Octet {
        found,
        at: start + at,
    };
    if let Some((at, &found)) = octets.iter().enumerate().find(|(_, octet)| odd(**octet)) {
        return Err(error(at, found));
    }
    // Graphic ASCII and white space are always UTF-8.
    let text = core::str::from_utf8(octets).map_err(|e| error(e.valid_up_to(), 0))?;
    Ok(text.trim_matches(SPACE))
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec};

    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &[(&str, &str)]) {
        let tags = TagList::parse(list.as_bytes(), 100).unwrap();
        let found: Vec<_> = tags.tags.iter().map(|tag| (tag.name, tag.value)).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn refuse(list: &[u8], expected: TagListError) {
        assert_eq!(TagList::parse(list, 100).unwrap_err(), expected);
    }

    #[test]
    fn white_space_around_names_and_values_means_nothing() {
        check("a=1", &[("a", "1")]);
        check("a=1;b=2;", &[("a", "1"), ("b", "2")]);
        check(" a = 1 ;\r\n\tb\t=\t2 ; \r\n ", &[("a", "1"), ("b", "2")]);
        check("a=;b= ", &[("a", ""), ("b", "")]);
        check("a=b=c==;A=d", &[("a", "b=c=="), ("A", "d")]);
        check("x_1y=a b\r\n c", &[("x_1y", "a b\r\n c")]);
    }

    #[test]
    fn what_is_not_a_tag_list_is_refused() {
        refuse(b"", TagListError::Name { at: 0 });
        refuse(b"  ", TagListError::Name { at: 2 });
        refuse(b";", TagListError::Name { at: 0 });
        refuse(b"a=1;;b=2", TagListError::Name { at: 4 });
        refuse(b"a=1; ;", TagListError::Name { at: 5 });
        refuse(b"a=1;1b=2", TagListError::Name { at: 4 });
        refuse(b"a=1; a-b=2", TagListError::Name { at: 5 });
        refuse(b"=1", TagListError::Name { at: 0 });
        refuse(b"a b=1", TagListError::Name { at: 0 });
        refuse(b"a=1;b", TagListError::Equals { at: 5 });
        refuse(b"a=\x00", TagListError::Octet { found: 0, at: 2 });
        refuse("a=ü".as_bytes(), TagListError::Octet { found: 0xc3, at: 2 });
    }

    #[test]
    fn a_tag_that_appears_twice_spoils_the_list() {
        refuse(b"a=1; b=2; a=1", TagListError::Duplicate { at: 12 });
    }

    #[test]
    fn a_list_has_a_maximum() {
        let long = vec![b'a'; 101];
        let error = TagListError::TooLong {
            found: 101,
            max: 100,
        };
        refuse(&long, error);
        let many: String = (0..65).map(|n| format!("t{n}=;")).collect();
        let found = TagList::parse(many.as_bytes(), 1000).unwrap_err();
        assert_eq!(found, TagListError::TooManyTags);
    }

    #[test]
    fn the_place_of_a_value_includes_the_space_around_it() {
        let list = b"a=1; b = x\r\n y ;c=";
        let tags = TagList::parse(list, 100).unwrap();
        assert_eq!(list[tags.get("b").unwrap().place.clone()], *b" x\r\n y ");
        assert_eq!(list[tags.get("c").unwrap().place.clone()], *b"");
    }
}
