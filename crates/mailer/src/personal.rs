//! Copies of a message that differ for each recipient: links and a pixel that tell who followed them, and how to unsubscribe.
//!
//! Bulk mail says how to unsubscribe in `List-Unsubscribe` (RFC 2369 section 3.2) and `List-Unsubscribe-Post` (RFC 8058), unless the
//! caller says so himself. Everything of a copy follows from the message, the place of its recipient and his return path, so a copy that
//! is made again is the same to the octet, unless a key or the origin was changed meanwhile.

use envelope::AddrSpec;
use message::HeaderField;
use rewrite::{Hole, Link, Policy, Template, text};

use crate::compose::{ComposeError, Composition, Differences, checked_field};
use crate::domain::{DomainRecord, Installation};
use crate::link::{LinkKeys, Reader};
use crate::record::MessageRecord;

const LIST_UNSUBSCRIBE: &str = "List-Unsubscribe";
const LIST_UNSUBSCRIBE_POST: &str = "List-Unsubscribe-Post";
/// RFC 8058 section 3.1.
const HTTPS: &str = "https://";
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
/// Paths of the links that lead to us.
const CLICK: &str = "/c/";
const OPEN: &str = "/o/";
const UNSUBSCRIBE: &str = "/u/";

/// Whether each recipient gets a copy of his own.
///
/// Only what was accepted decides, never what an operator or the DNS may change between two attempts: a hand-over whose end is unknown
/// would be repeated under other keys then, and arrive twice.
#[must_use]
pub fn is_personal(composition: &Composition<'_>) -> bool {
    let record = composition.record();
    let bodies = [composition.plain_text(), composition.html()];
    let asks = |body: &str| text::asks_for_url(body);
    (record.treatment.tracked && record.html.is_some())
        || says_how_to_unsubscribe(record)
        || bodies.into_iter().flatten().any(asks)
}

/// Whether the service adds `List-Unsubscribe`.
fn says_how_to_unsubscribe(record: &MessageRecord) -> bool {
    record.treatment.bulk && !has_field(record, LIST_UNSUBSCRIBE)
}

fn has_field(record: &MessageRecord, wanted: &str) -> bool {
    let mut names = record.fields.iter().map(|(name, _)| name);
    names.any(|name| name.eq_ignore_ascii_case(wanted))
}

/// Whose copy it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What his tokens name.
    pub reader: Reader,
    /// Mail to it unsubscribes him.
    pub unsubscribe_address: Option<AddrSpec>,
}

/// Makes the copies of one message; its bodies are read once.
#[derive(Debug)]
pub struct Copies<'a> {
    composition: &'a Composition<'a>,
    // None where all copies have the same HTML.
    template: Option<Template<'a>>,
    keys: &'a LinkKeys,
    origin: Option<String>,
    tracks: bool,
}

impl<'a> Copies<'a> {
    /// Copies of `composition` whose links lead where those of the sender's domain do; if they lead nowhere, nothing is tracked. Nor is
    /// it when the domain's tracking was switched off since the message was accepted.
    #[must_use]
    pub fn new(
        composition: &'a Composition<'a>,
        keys: &'a LinkKeys,
        (domain, installation): (&DomainRecord, &Installation),
    ) -> Self {
        let origin = domain.link_origin(installation);
        let is_wanted = composition.record().treatment.tracked && domain.tracks_engagement;
        let tracks = is_wanted && origin.is_some();
        let html = composition.html();
        let html = html.filter(|html| tracks || text::asks_for_url(html));
        let policy = policy(origin.as_deref());
        Self {
            // HTML that is too long to be read stays as it is.
            template: html.and_then(|html| Template::parse(html, &policy).ok()),
            composition,
            keys,
            origin,
            tracks,
        }
    }

    /// The copy of `holder`, as RFC 5322 bytes without a signature.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn render(&self, holder: &Holder) -> Result<Vec<u8>, ComposeError> {
        let url = self.unsubscribe_url(holder);
        let fill = &mut |hole: Hole<'_>| self.fill(hole, holder.reader, url.as_deref());
        let html = self.template.as_ref().map(|html| html.render(fill));
        let plain_text = self.composition.plain_text().zip(url.as_deref());
        let plain_text = plain_text.map(|(body, url)| text::fill(body, url));
        self.composition.render_copy(Differences {
            plain_text: plain_text.as_deref(),
            html: html.as_deref(),
            fields: self.list_fields(holder)?,
        })
    }

    /// How many links lead through us in each copy.
    #[must_use]
    pub fn links(&self) -> u16 {
        let template = self.template.as_ref().filter(|_| self.tracks);
        let links = template.map_or(0, |template| template.links().len());
        u16::try_from(links).unwrap_or(u16::MAX)
    }

    fn fill(
        &self,
        hole: Hole<'_>,
        reader: Reader,
        unsubscribe_url: Option<&str>,
    ) -> Option<String> {
        match hole {
            Hole::Link(link) => self.click(reader, link),
            Hole::Pixel => self.tracked(OPEN, || self.keys.open(reader)),
            Hole::UnsubscribeUrl => unsubscribe_url.map(str::to_owned),
        }
    }

    fn click(&self, reader: Reader, link: &Link) -> Option<String> {
        let number = u16::try_from(link.number).ok()?;
        let token = self.keys.click(reader, number, &link.target)?;
        self.tracked(CLICK, || token)
    }

    fn tracked(&self, path: &str, token: impl FnOnce() -> String) -> Option<String> {
        let origin = self.origin.as_deref().filter(|_| self.tracks)?;
        Some(format!("{origin}{path}{}", token()))
    }

    /// Where one click unsubscribes; without an origin, an address that a mail to does.
    fn unsubscribe_url(&self, holder: &Holder) -> Option<String> {
        self.unsubscribe_link(holder)
            .or_else(|| unsubscribe_mailto(holder))
    }

    fn unsubscribe_link(&self, holder: &Holder) -> Option<String> {
        let origin = self.origin.as_deref()?;
        let token = self.keys.unsubscribe(holder.reader);
        Some(format!("{origin}{UNSUBSCRIBE}{token}"))
    }

    fn list_fields(&self, holder: &Holder) -> Result<Vec<HeaderField>, ComposeError> {
        let record = self.composition.record();
        if !says_how_to_unsubscribe(record) {
            return Ok(Vec::new());
        }
        let link = self.unsubscribe_link(holder);
        let has_one_click = link.as_deref().is_some_and(|link| link.starts_with(HTTPS));
        let urls = [link, unsubscribe_mailto(holder)].into_iter().flatten();
        let urls: Vec<String> = urls.map(|url| format!("<{url}>")).collect();
        let mut fields = Vec::new();
        if !urls.is_empty() {
            // Lines are folded at the space only, so no URL is broken.
            fields.push(checked_field(LIST_UNSUBSCRIBE, &urls.join(", "))?);
        }
        // A POST needs an HTTPS URI to go to (RFC 8058 section 3.1), and a field that is there twice cannot be signed.
        if has_one_click && !has_field(record, LIST_UNSUBSCRIBE_POST) {
            fields.push(checked_field(LIST_UNSUBSCRIBE_POST, ONE_CLICK)?);
        }
        Ok(fields)
    }
}

/// Links that lead to us already are left alone; others of the same host are not, since it may be the customer's own.
fn policy(origin: Option<&str>) -> Policy {
    let paths = [CLICK, OPEN, UNSUBSCRIBE];
    let left_alone = origin.map(|origin| paths.map(|path| format!("{origin}{path}")));
    Policy {
        left_alone: left_alone.into_iter().flatten().collect(),
        ..Policy::default()
    }
}

fn unsubscribe_mailto(holder: &Holder) -> Option<String> {
    let address = holder.unsubscribe_address.as_ref()?;
    Some(format!("mailto:{address}?subject=unsubscribe"))
}
