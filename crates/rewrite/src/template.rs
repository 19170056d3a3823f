//! A body, cut where recipients' copies differ.

use std::ops::Range;

use crate::escape::push_escaped;
use crate::placeholder;
use crate::policy::Policy;
use crate::scan::{Anchor, Places, scan};
use crate::target;

/// Longest HTML body that is read, in octets.
pub const MAX_HTML_OCTETS: usize = 10 * 1024 * 1024;

/// It shows nothing where images are blocked, and is neither hidden nor of no size where they are not: clients fetch no such
/// images. Nothing around it moves:
///
/// - Out of the flow it adds no line, and margins of what is before it collapse through the end of the body as ever. The
///   margin pulls it up onto the last line of pixels, since below that it would make the document higher.
/// - `!important`, since `img{width:100%!important}` is how authors fit their own images to small screens. Clients that
///   take it only with a space before are why there is one.
/// - Gmail, Yahoo and Outlook drop `position`, most of them negative margins too. `display` makes it a line of one pixel at
///   the end there, instead of a line of text. Outlook on Windows takes no `!important` in an attribute, so the size is in
///   attributes of its own as well.
const PIXEL_START: &str = "<img src=\"";
const PIXEL_END: &str = "\" width=\"1\" height=\"1\" border=\"0\" alt=\"\" style=\"display:block;\
    position:absolute !important;width:1px !important;height:1px !important;\
    margin:-1px 0 0 !important;padding:0 !important;border:0 !important\">";
/// What a URL takes, for the first allocation.
const EXPECTED_URL_OCTETS: usize = 160;

/// An HTML body, cut at the places that differ for each recipient.
#[derive(Clone, Debug)]
pub struct Template<'h> {
    html: &'h str,
    links: Vec<Link>,
    // Invariant: in order, and apart from each other.
    cuts: Vec<Cut>,
}

/// A link that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its place among the [links](Template::links) of the message, from 0.
    pub number: usize,
    /// An absolute http or https URL as the author wrote it, with references decoded, without what browsers drop. The rest
    /// may be anything: it may have spaces, `\` for `/`, or letters that are not ASCII.
    pub target: String,
}

/// A place that differs for each recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole<'t> {
    /// A link's URL.
    Link(&'t Link),
    /// An image that tells of an open; there is one place for it in any body.
    Pixel,
    /// Where the author asks for the unsubscribe link.
    UnsubscribeUrl,
}

/// Why a body has to stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// It is longer than [`MAX_HTML_OCTETS`].
    #[error("expected at most {MAX_HTML_OCTETS} octets of HTML, found {octets}")]
    TooLong {
        /// Its length.
        octets: usize,
    },
}

/// Octets that may be replaced.
#[derive(Clone, Debug)]
struct Cut {
    range: Range<usize>,
    kind: CutKind,
}

#[derive(Clone, Copy, Debug)]
enum CutKind {
    Link { number: usize, is_quoted: bool },
    Pixel,
    UnsubscribeUrl,
}

impl<'h> Template<'h> {
    /// Finds the places. Any text can be read as HTML.
    ///
    /// # Errors
    ///
    /// [`RewriteError`], if it is too long.
    pub fn parse(html: &'h str, policy: &Policy) -> Result<Self, RewriteError> {
        let octets = html.len();
        if octets > MAX_HTML_OCTETS {
            return Err(RewriteError::TooLong { octets });
        }
        let placeholders: Vec<_> = placeholder::find(html).collect();
        let mut links = Links::new(policy, &placeholders);
        let Places { body_end, end } = scan(html, &mut |anchor| links.take(&anchor));
        let Links {
            links, mut cuts, ..
        } = links;
        cuts.extend(placeholders.into_iter().map(Cut::unsubscribe_url));
        cuts.push(Cut::pixel(body_end.unwrap_or(end)));
        cuts.sort_by_key(|cut| cut.range.start);
        Ok(Self { html, links, cuts })
    }

    /// The links that are counted, in order; one URL may come several times.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// One recipient's copy. `fill` is asked for the URL of each place in order, and answers with it as it is, not encoded, or
    /// with nothing, which leaves the place as the author wrote it.
    pub fn render(&self, fill: &mut dyn FnMut(Hole<'_>) -> Option<String>) -> String {
        let capacity = self.html.len() + self.cuts.len() * EXPECTED_URL_OCTETS;
        let mut copy = String::with_capacity(capacity);
        let mut from = 0;
        for cut in &self.cuts {
            if let Some(url) = self.hole(cut.kind).and_then(&mut *fill) {
                copy.push_str(self.html.get(from..cut.range.start).unwrap_or_default());
                cut.kind.push(&mut copy, &url);
                from = cut.range.end;
            }
        }
        copy.push_str(self.html.get(from..).unwrap_or_default());
        copy
    }

    fn hole(&self, kind: CutKind) -> Option<Hole<'_>> {
        match kind {
            CutKind::Link { number, .. } => self.links.get(number).map(Hole::Link),
            CutKind::Pixel => Some(Hole::Pixel),
            CutKind::UnsubscribeUrl => Some(Hole::UnsubscribeUrl),
        }
    }
}

/// Links as they are found.
struct Links<'p> {
    policy: &'p Policy,
    placeholders: &'p [Range<usize>],
    links: Vec<Link>,
    cuts: Vec<Cut>,
}

impl<'p> Links<'p> {
    const fn new(policy: &'p Policy, placeholders: &'p [Range<usize>]) -> Self {
        Self {
            policy,
            placeholders,
            links: Vec::new(),
            cuts: Vec::new(),
        }
    }

    fn take(&mut self, anchor: &Anchor) {
        let number = self.links.len();
        if number >= self.policy.max_links || self.has_placeholder(anchor) {
            return;
        }
        let target = target::from_value(&anchor.href);
        if let Some(target) = target.filter(|target| !self.policy.leaves_alone(target)) {
            self.links.push(Link { number, target });
            self.cuts.push(Cut {
                range: anchor.written.range.clone(),
                kind: CutKind::Link {
                    number,
                    is_quoted: anchor.written.is_quoted,
                },
            });
        }
    }

    /// A value without quotes ends at the first space, even if that is within a placeholder.
    fn has_placeholder(&self, anchor: &Anchor) -> bool {
        let value = &anchor.written.range;
        let after = self.placeholders.partition_point(|p| p.end <= value.start);
        let overlaps = self
            .placeholders
            .get(after)
            .is_some_and(|p| p.start < value.end);
        overlaps || placeholder::is_in(&anchor.href)
    }
}

impl Cut {
    const fn pixel(at: usize) -> Self {
        Self {
            range: at..at,
            kind: CutKind::Pixel,
        }
    }

    const fn unsubscribe_url(range: Range<usize>) -> Self {
        Self {
            range,
            kind: CutKind::UnsubscribeUrl,
        }
    }
}

impl CutKind {
    fn push(self, copy: &mut String, url: &str) {
        let (before, after) = match self {
            // An empty value without quotes would take the next attribute for its own.
            Self::Link {
                is_quoted: false, ..
            } => ("\"", "\""),
            Self::Link { .. } | Self::UnsubscribeUrl => ("", ""),
            Self::Pixel => (PIXEL_START, PIXEL_END),
        };
        copy.push_str(before);
        push_escaped(copy, url);
        copy.push_str(after);
    }
}
