//! Tells people from machines among those who fetch the images and links of mail.
//!
//! [`judge`] says of one request for a tracking image, a link or the unsubscribe page whether a person made it, and with
//! what program; [`judge_later`] goes on where somebody else saw the request; [`rejudge`] says which clicks from before turn out to be a scanner's. The names of programs are in
//! `rules.tsv`, one a line, each with its source. It is read at compile time, so a component starts with a finished table.
//!
//! **Not a person only for strong evidence.** Who takes a person for a scanner loses a click that was real, or worse, leaves
//! somebody subscribed; who takes a scanner for a person counts one too many. So a click is a person's until one of these
//! holds, and then the first that does counts:
//!
//! | evidence | audience | reason |
//! |---|---|---|
//! | the request says that it is made ahead of time, or by a robot | prefetch, bot | `header:…` |
//! | the User-Agent names a program (`rules.tsv`) | any | `ua:…` |
//! | a link is fetched as a script does, or a proxy in front knows a bot | bot | `header:…` |
//! | the method is HEAD, which no browser uses for links and images | scanner | `method:head` |
//! | a proxy in front says that the client is in a data centre ([`DataCentreMark`]) | scanner | `header:data-centre` |
//! | a click without User-Agent | scanner | `ua:missing` |
//! | a click within [`Timing::click_after_delivery`], an open within [`Timing::open_after_delivery`] | scanner, prefetch | `timing:…` |
//! | a HEAD for the same link within [`Timing::get_after_head`] before, see [`HeadBy`] | scanner | `head-before-get` |
//! | all links of the mail, three or more, within [`Timing::burst`] | scanner | `burst:all-links` |
//!
//! A POST to the unsubscribe page ([RFC 8058] section 3.1) is a person's, whatever sends it: mailbox providers send it for
//! those who pressed their button. It must be obeyed, and no evidence against a visit is a reason not to.
//!
//! Opens are less than clicks. Apple's Mail Privacy Protection fetches images whether anybody reads or not. A proxy
//! ([`Audience::ImageProxy`]) is not a person either, but Gmail's fetches when the message is first shown, so it stands for
//! one more often than not. Both are classes of their own, for the caller to count or not.
//!
//! What comes back holds nothing of the request: reasons and families are words of `rules.tsv` or of this crate.
//!
//! **Not supported**: addresses and networks of the caller (nothing here looks at one, nor at what tells nothing for certain:
//! X-Forwarded-For, Via and CF-Worker, which the proxies of companies and those in front of us add for people too, Accept,
//! Accept-Language, and Sec-Fetch-Mode that is missing, as in older browsers), Client Hints, versions of programs, rules from
//! anywhere but `rules.tsv`, scanners that look like a browser and follow one link after a while.
//!
//! [RFC 8058]: https://www.rfc-editor.org/rfc/rfc8058
#![no_std]

extern crate alloc;

mod audience;
mod burst;
mod client;
mod headers;
mod history;
mod judge;
mod mark;
mod matching;
mod rules;
mod verdict;
mod visit;

pub use audience::{Audience, UnknownAudience};
pub use burst::{MIN_BURST_LINKS, rejudge};
pub use client::{Class, Client, Family, UnknownClass, UnknownFamily};
pub use headers::{Headers, MAX_HEADER_OCTETS};
pub use history::{Click, Head, History, MAX_CLICKS, MAX_HEADS};
pub use judge::{judge, judge_later};
pub use mark::{DataCentreMark, InvalidMark, MAX_MARK_OCTETS};
pub use rules::{HeadBy, Rules, Timing};
pub use verdict::{Reason, UnknownReason, Verdict};
pub use visit::{Action, Link, Method, Visit};
