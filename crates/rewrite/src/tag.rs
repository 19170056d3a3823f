//! A tag as far as it matters.

use std::ops::Range;

use crate::name::Name;

const TRACK: &str = "data-sendlet-track";
const OFF: &[u8] = b"off";
const HTML_TYPES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// A start or end tag, filled as it is read.
#[derive(Debug, Default)]
pub(crate) struct Tag {
    pub(crate) name: Name,
    pub(crate) is_end: bool,
    pub(crate) self_closing: bool,
    /// The first `href`; without a value if that is how it is written.
    pub(crate) href: Option<Href>,
    /// Its links are to be left alone.
    pub(crate) is_left_alone: bool,
    /// A `<font>` with an attribute that only HTML knows.
    pub(crate) is_styled_font: bool,
    /// An `<annotation-xml>` that holds HTML.
    pub(crate) is_encoded_as_html: bool,
    seen: Seen,
}

/// Which attributes there were already: of several only the first counts.
#[derive(Debug, Default)]
struct Seen {
    track: bool,
    encoding: bool,
}

/// An attribute, filled as it is read.
#[derive(Debug, Default)]
pub(crate) struct Attribute {
    pub(crate) name: Name,
    /// Decoded.
    pub(crate) value: Vec<u8>,
    /// Where the value begins, behind a quote if it has one.
    pub(crate) start: Option<usize>,
}

/// The value of an `href`.
#[derive(Debug)]
pub(crate) struct Href {
    pub(crate) decoded: String,
    pub(crate) start: Option<usize>,
}

impl Tag {
    pub(crate) fn end() -> Self {
        Self {
            is_end: true,
            ..Self::default()
        }
    }

    /// Whether attributes of it are looked at.
    pub(crate) fn has_attributes(&self) -> bool {
        let names: [&[u8]; 4] = [b"a", b"area", b"font", b"annotation-xml"];
        !self.is_end && names.contains(&self.name.as_bytes())
    }

    /// Takes an attribute that is complete.
    pub(crate) fn take(&mut self, attribute: &Attribute) {
        match attribute.name.as_bytes() {
            b"href" if self.href.is_none() => self.href = Some(Href::of(attribute)),
            name if name == TRACK.as_bytes() && !self.seen.track => {
                self.seen.track = true;
                self.is_left_alone = attribute.value.trim_ascii().eq_ignore_ascii_case(OFF);
            }
            b"encoding" if !self.seen.encoding => {
                self.seen.encoding = true;
                let value = &attribute.value;
                let is_html = |html: &str| value.eq_ignore_ascii_case(html.as_bytes());
                self.is_encoded_as_html = HTML_TYPES.iter().any(|html| is_html(html));
            }
            b"color" | b"face" | b"size" => self.is_styled_font = true,
            _ => {}
        }
    }
}

impl Attribute {
    pub(crate) fn clear(&mut self) {
        self.name = Name::default();
        self.value.clear();
        self.start = None;
    }
}

impl Href {
    fn of(attribute: &Attribute) -> Self {
        Self {
            // What the tokenizer makes of UTF-8 is UTF-8.
            decoded: String::from_utf8_lossy(&attribute.value).into_owned(),
            start: attribute.start,
        }
    }
}

/// A value's octets as they are written, from where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) range: Range<usize>,
    pub(crate) is_quoted: bool,
}

impl Written {
    /// Reads up to the quote before the value, or to white space or `>` if there is none (13.2.5.36 to 13.2.5.38).
    pub(crate) fn read(html: &str, start: usize) -> Option<Self> {
        let (before, value) = html.split_at_checked(start)?;
        let quote = before
            .chars()
            .next_back()
            .filter(|c| matches!(c, '"' | '\''));
        let len = match quote {
            Some(quote) => value.find(quote),
            None => value.find([' ', '\t', '\n', '\r', '\x0C', '>']),
        };
        Some(Self {
            range: start..start + len?,
            is_quoted: quote.is_some(),
        })
    }
}
