//! What a recipient's copy of a message saw before.

use alloc::vec::Vec;

use crate::audience::Audience;
use crate::client::Client;
use crate::verdict::{Reason, Verdict};
use crate::visit::{Link, Method, Visit};

/// Most clicks remembered; the oldest goes when one more comes.
pub const MAX_CLICKS: usize = 16;

/// Most HEADs remembered; the oldest goes when one more comes.
pub const MAX_HEADS: usize = 16;

/// What one recipient's copy of a message saw before. The caller keeps it, in a form of its own; all parts are words and
/// numbers that can be written down and read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// How many links the message has, without that to unsubscribe. Zero if that is not known.
    pub links: u16,
    /// The last HEADs, the newest at the end. Those over [`MAX_HEADS`] from the end are passed over.
    pub heads: Vec<Head>,
    /// The last clicks, the newest at the end. Those over [`MAX_CLICKS`] from the end are passed over.
    pub clicks: Vec<Click>,
}

/// A HEAD for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// When, in milliseconds.
    pub at: u64,
    /// For what.
    pub link: Link,
    /// With what program.
    pub client: Client,
}

/// A click on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Click {
    /// When, in milliseconds.
    pub at: u64,
    /// On what.
    pub link: Link,
    /// What it was taken for, or is taken for since [`rejudge`](crate::rejudge).
    pub audience: Audience,
}

impl History {
    /// Remembers a visit after it was judged. Opens leave nothing, nor do HEADs of programs that named themselves: those
    /// say nothing of who comes next.
    pub fn record(&mut self, visit: &Visit<'_>, verdict: &Verdict) {
        let Some(link) = visit.action.link() else {
            return;
        };
        let at = visit.at;
        match visit.method {
            Method::Get | Method::Post => {
                let audience = verdict.audience;
                push(&mut self.clicks, Click { at, link, audience }, MAX_CLICKS);
            }
            Method::Head if verdict.reason == Reason::HEAD => {
                let client = verdict.client;
                push(&mut self.heads, Head { at, link, client }, MAX_HEADS);
            }
            Method::Head => {}
        }
    }

    /// The HEADs that count.
    pub(crate) fn last_heads(&self) -> &[Head] {
        last(&self.heads, MAX_HEADS)
    }

    /// The clicks that count.
    pub(crate) fn last_clicks(&self) -> &[Click] {
        last(&self.clicks, MAX_CLICKS)
    }
}

/// Adds one at the end, and takes away from the beginning what is over the most.
fn push<T>(list: &mut Vec<T>, item: T, most: usize) {
    list.push(item);
    list.drain(..list.len().saturating_sub(most));
}

fn last<T>(list: &[T], most: usize) -> &[T] {
    list.get(list.len().saturating_sub(most)..)
        .unwrap_or_default()
}
