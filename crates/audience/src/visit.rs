//! A request for an image, a link or the unsubscribe page.

use crate::headers::Headers;
use crate::history::History;

/// A request that a message led to, and what is known besides.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// What was asked for.
    pub action: Action,
    /// How.
    pub method: Method,
    /// Who asks.
    pub headers: &'a Headers<'a>,
    /// When, in milliseconds on the clock of the history's times.
    pub at: u64,
    /// Milliseconds since the message was delivered to this recipient, if that is known. Less than nothing, which clocks
    /// that differ make of it, counts as not known.
    pub since_delivery: Option<i64>,
    /// What this recipient's copy of the message saw before.
    pub history: &'a History,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The image that tells of opens.
    Open,
    /// The link with this number, counted from 0.
    Click(u16),
    /// The page to unsubscribe on.
    Unsubscribe,
}

impl Action {
    /// What was followed, if it was not the image.
    pub(crate) const fn link(self) -> Option<Link> {
        match self {
            Self::Open => None,
            Self::Click(number) => Some(Link::Numbered(number)),
            Self::Unsubscribe => Some(Link::Unsubscribe),
        }
    }
}

/// What can be followed in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The link with this number.
    Numbered(u16),
    /// That to the unsubscribe page, which is not counted among the links of the message.
    Unsubscribe,
}

/// The method of a request (RFC 9110 section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As browsers follow links.
    Get,
    /// As programs look whether something is there.
    Head,
    /// As RFC 8058 unsubscribes.
    Post,
}
