//! Anchors and the end of the body, found by a tokenizer.

use std::convert::Infallible;

use html5gum::{Emitter, Error, State, Tokenizer};

use crate::input::Input;
use crate::name::Name;
use crate::namespace::{Namespace, Namespaces};
use crate::tag::{Attribute, Href, Tag, Written};

/// The places that are no links.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The last place where an image may stand before the last `</body>`.
    pub(crate) body_end: Option<usize>,
    /// The last place where an image may stand.
    pub(crate) end: usize,
}

/// An `<a>` or `<area>` with an `href` of any kind.
#[derive(Debug)]
pub(crate) struct Anchor {
    /// The `href`, decoded.
    pub(crate) href: String,
    /// The `href` in the HTML.
    pub(crate) written: Written,
}

/// Reads all of it, and gives `take` the anchors in order, without those that say that they are to be left alone.
pub(crate) fn scan(html: &str, take: &mut dyn FnMut(Anchor)) -> Places {
    let mut places = Places::default();
    let scanner = Scanner {
        html,
        take,
        places: &mut places,
        position: 0,
        construct: 0,
        raw_text: None,
        tag: Tag::default(),
        has_attributes: false,
        attribute: Attribute::default(),
        last_start_tag: Name::default(),
        namespaces: Namespaces::default(),
    };
    let Ok(()) = Tokenizer::new_with_emitter(Input::new(html), scanner).finish();
    places
}

/// Is told by the tokenizer what it reads.
struct Scanner<'s> {
    html: &'s str,
    take: &'s mut dyn FnMut(Anchor),
    places: &'s mut Places,
    /// Behind what was read.
    position: usize,
    /// The last `<` that opened a tag, a comment or the like.
    construct: usize,
    /// The start tag of the element of raw text that is open.
    raw_text: Option<usize>,
    tag: Tag,
    /// Attributes of the tag are looked at, known when the first begins.
    has_attributes: bool,
    attribute: Attribute,
    last_start_tag: Name,
    namespaces: Namespaces,
}

impl Scanner<'_> {
    fn start_tag(&mut self) -> Option<State> {
        let namespace = self.namespaces.start(&self.tag, self.construct);
        let state = state_after(&self.tag.name, namespace);
        self.raw_text = state.is_some().then_some(self.construct);
        self.last_start_tag = self.tag.name;
        self.take_anchor(namespace);
        state
    }

    fn end_tag(&mut self) {
        self.raw_text = None;
        if self.tag.name.is("body") {
            self.places.body_end = Some(self.place_at(self.construct));
        }
        self.namespaces.end(&self.tag.name);
    }

    fn take_anchor(&mut self, namespace: Namespace) {
        if self.tag.is_left_alone || !is_anchor(&self.tag.name, namespace) {
            return;
        }
        let Some(Href { decoded, start }) = self.tag.href.take() else {
            return;
        };
        if let Some(written) = start.and_then(|start| Written::read(self.html, start)) {
            (self.take)(Anchor {
                href: decoded,
                written,
            });
        }
    }

    fn finish_attribute(&mut self) {
        if self.has_attributes {
            self.tag.take(&self.attribute);
            self.attribute.clear();
        }
    }

    /// An image ends foreign content, so it is put before that, or what follows would be read differently.
    fn place_at(&self, at: usize) -> usize {
        self.namespaces.outermost().unwrap_or(at)
    }

    fn is_in_probe(&self) -> bool {
        self.position > self.html.len()
    }
}

fn is_anchor(name: &Name, namespace: Namespace) -> bool {
    match namespace {
        Namespace::Html => name.is("a") || name.is("area"),
        Namespace::Svg => name.is("a"),
        Namespace::MathMl => false,
    }
}

/// The state behind a start tag: which elements hold text only (13.2.6.4).
fn state_after(name: &Name, namespace: Namespace) -> Option<State> {
    if namespace != Namespace::Html {
        return None;
    }
    match name.as_bytes() {
        b"title" | b"textarea" => Some(State::RcData),
        b"style" | b"xmp" | b"iframe" | b"noembed" | b"noframes" => Some(State::RawText),
        b"script" => Some(State::ScriptData),
        b"plaintext" => Some(State::PlainText),
        _ => None,
    }
}

impl Emitter for Scanner<'_> {
    type Token = Infallible;

    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }

    fn start_open_tag(&mut self) {
        self.construct = self.position.saturating_sub(1);
    }

    fn init_start_tag(&mut self) {
        self.tag = Tag::default();
    }

    fn init_end_tag(&mut self) {
        self.tag = Tag::end();
    }

    fn push_tag_name(&mut self, s: &[u8]) {
        self.tag.name.push(s);
    }

    fn set_self_closing(&mut self) {
        self.tag.self_closing = true;
    }

    fn init_attribute(&mut self) {
        self.finish_attribute();
        self.has_attributes = self.tag.has_attributes();
    }

    fn push_attribute_name(&mut self, s: &[u8]) {
        if self.has_attributes {
            self.attribute.name.push(s);
        }
    }

    fn init_attribute_value(&mut self) {
        self.attribute.start = Some(self.position);
    }

    fn push_attribute_value(&mut self, s: &[u8]) {
        if self.has_attributes {
            self.attribute.value.extend_from_slice(s);
        }
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.finish_attribute();
        self.has_attributes = false;
        if self.is_in_probe() {
            return None;
        }
        if self.tag.is_end {
            self.end_tag();
            return None;
        }
        self.start_tag()
    }

    fn emit_eof(&mut self) {
        let open = self.raw_text.unwrap_or(self.construct);
        self.places.end = self.place_at(open.min(self.html.len()));
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        let last = self.last_start_tag.as_bytes();
        self.tag.is_end && !last.is_empty() && last == self.tag.name.as_bytes()
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.namespaces.is_foreign()
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    // Nothing else is looked at.
    fn set_last_start_tag(&mut self, _: Option<&[u8]>) {}
    fn emit_error(&mut self, _: Error) {}
    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }
    fn emit_string(&mut self, _: &[u8]) {}
    fn init_comment(&mut self) {}
    fn emit_current_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn init_doctype(&mut self) {}
    fn emit_current_doctype(&mut self) {}
    fn set_force_quirks(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
}
