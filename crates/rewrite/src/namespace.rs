//! Which namespace a tag is in ([WHATWG HTML], 13.2.6.5), since only HTML elements switch the tokenizer, and CDATA is only
//! in the others.
//!
//! Elements are followed from the outermost `<svg>` or `<math>` inwards, and HTML elements within those only counted.
//! That is exact for what is nested as it should be.
//!
//! [WHATWG HTML]: https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inforeign

use crate::name::Name;
use crate::tag::Tag;

/// Elements deeper than that in foreign content are not followed.
pub const MAX_DEPTH: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    Html,
    Svg,
    MathMl,
}

/// The open elements from the outermost foreign one.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    open: Vec<Foreign>,
    // Where the outermost begins, if there is one.
    start: usize,
}

#[derive(Debug)]
struct Foreign {
    name: Name,
    namespace: Namespace,
    content: Content,
    // HTML elements within it, if they may be.
    html_elements: usize,
}

/// What a start tag within a foreign element makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Foreign,
    /// As `Foreign`, but an `<svg>` in it is one.
    AnnotationXml,
    /// An HTML integration point.
    Html,
    /// A text integration point of `<math>`.
    MathText,
}

impl Namespaces {
    /// Opens the element of the start tag that stands there, and tells its namespace.
    pub(crate) fn start(&mut self, tag: &Tag, at: usize) -> Namespace {
        if self.open.is_empty() {
            self.start = at;
        }
        if self.in_foreign_rules(tag) {
            if !ends_foreign_content(tag) {
                return self.start_foreign(tag);
            }
            self.break_out();
        }
        self.start_html(tag)
    }

    /// Closes an element, and what is open within.
    pub(crate) fn end(&mut self, name: &Name) {
        match self.open.last_mut() {
            None => {}
            Some(last) if last.html_elements > 0 && !last.name_is(name) => last.html_elements -= 1,
            Some(_) if name.is("p") || name.is("br") => self.break_out(),
            Some(_) => self.end_foreign(name),
        }
    }

    /// Whether the element that a tag would be in is not HTML.
    pub(crate) fn is_foreign(&self) -> bool {
        self.open.last().is_some_and(|last| last.html_elements == 0)
    }

    /// Where the outermost foreign element begins, if one is open.
    pub(crate) fn outermost(&self) -> Option<usize> {
        (!self.open.is_empty()).then_some(self.start)
    }

    fn in_foreign_rules(&self, tag: &Tag) -> bool {
        let Some(last) = self.open.last() else {
            return false;
        };
        match last.content {
            Content::Foreign => true,
            Content::AnnotationXml => !tag.name.is("svg"),
            Content::Html => false,
            Content::MathText => {
                last.html_elements == 0 && (tag.name.is("mglyph") || tag.name.is("malignmark"))
            }
        }
    }

    fn start_foreign(&mut self, tag: &Tag) -> Namespace {
        let namespace = self.open.last().map_or(Namespace::Html, |l| l.namespace);
        self.open(tag, namespace);
        namespace
    }

    fn start_html(&mut self, tag: &Tag) -> Namespace {
        let namespace = match tag.name.as_bytes() {
            b"svg" => Namespace::Svg,
            b"math" => Namespace::MathMl,
            name => {
                if let Some(last) = self.open.last_mut().filter(|_| !is_void(name)) {
                    last.html_elements += 1;
                }
                return Namespace::Html;
            }
        };
        self.open(tag, namespace);
        namespace
    }

    fn open(&mut self, tag: &Tag, namespace: Namespace) {
        if !tag.self_closing && self.open.len() < MAX_DEPTH {
            self.open.push(Foreign {
                name: tag.name,
                namespace,
                content: content(tag, namespace),
                html_elements: 0,
            });
        }
    }

    /// Leaves foreign elements up to one that may hold HTML.
    fn break_out(&mut self) {
        while self
            .open
            .pop_if(|last| !last.content.may_be_html())
            .is_some()
        {}
    }

    fn end_foreign(&mut self, name: &Name) {
        let named = self.open.iter().rposition(|element| element.name_is(name));
        match named {
            Some(at) => self.open.truncate(at),
            None => self.break_out(),
        }
    }
}

impl Foreign {
    fn name_is(&self, name: &Name) -> bool {
        self.name.as_bytes() == name.as_bytes()
    }
}

impl Content {
    const fn may_be_html(self) -> bool {
        matches!(self, Self::Html | Self::MathText)
    }
}

fn content(tag: &Tag, namespace: Namespace) -> Content {
    match (namespace, tag.name.as_bytes()) {
        (Namespace::Svg, b"foreignobject" | b"desc" | b"title") => Content::Html,
        (Namespace::MathMl, b"mi" | b"mo" | b"mn" | b"ms" | b"mtext") => Content::MathText,
        (Namespace::MathMl, b"annotation-xml") if tag.is_encoded_as_html => Content::Html,
        (Namespace::MathMl, b"annotation-xml") => Content::AnnotationXml,
        _ => Content::Foreign,
    }
}

fn ends_foreign_content(tag: &Tag) -> bool {
    match tag.name.as_bytes() {
        b"font" => tag.is_styled_font,
        name => is_breakout(name),
    }
}

/// Start tags that end foreign content, whatever their attributes.
const fn is_breakout(name: &[u8]) -> bool {
    matches!(
        name,
        b"b" | b"big"
            | b"blockquote"
            | b"body"
            | b"br"
            | b"center"
            | b"code"
            | b"dd"
            | b"div"
            | b"dl"
            | b"dt"
            | b"em"
            | b"embed"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"head"
            | b"hr"
            | b"i"
            | b"img"
            | b"li"
            | b"listing"
            | b"menu"
            | b"meta"
            | b"nobr"
            | b"ol"
            | b"p"
            | b"pre"
            | b"ruby"
            | b"s"
            | b"small"
            | b"span"
            | b"strong"
            | b"strike"
            | b"sub"
            | b"sup"
            | b"table"
            | b"tt"
            | b"u"
            | b"ul"
            | b"var"
    )
}

/// Elements that have no end tag.
const fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"basefont"
            | b"bgsound"
            | b"br"
            | b"col"
            | b"embed"
            | b"frame"
            | b"hr"
            | b"img"
            | b"input"
            | b"keygen"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
    )
}
