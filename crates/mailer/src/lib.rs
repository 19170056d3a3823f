//! What Sendlet does with mail: use cases over narrow ports, the records they store and the keys they store them under.
//!
//! A component gathers a request, calls one use case and writes the answer. Here is no HTTP, no JSON of the API and no Spin: the
//! world is behind [`ports`], so every rule runs in a plain test, with a store that fails at any call.
//!
//! - [`submit`](mod@submit) accepts a message; [`submission`] holds the rules about its content, [`access`] those about the caller.
//! - [`nudge`] names it to whoever attempts it; [`attempt`](mod@attempt) hands it to the relay; [`delivery`] decides what that means, [`retry`] when to try again.
//! - [`tick`](mod@tick) finds what is due and what a crash left, by way of [`journal`] and [`due`].
//! - [`domain`] and [`keyring`] know sender domains and their keys.
//! - [`subscription`] knows who wants to be told of events, [`notification`] tells them.
//! - [`keys`] has the layout of the store.
//!
//! Not supported yet: deleting messages after a time.

pub use {dkim, dmarc, dns, envelope, spf};

pub mod access;
pub mod attachment_type;
pub mod attempt;
pub mod budget;
pub mod compose;
pub mod delivery;
pub mod digest;
pub mod disclosure;
pub mod domain;
pub mod due;
pub mod engagement;
pub mod entropy;
pub mod event;
pub mod handover;
pub mod hash_key;
pub mod intake;
pub mod journal;
pub mod judgement;
pub mod keyring;
pub mod keys;
pub mod lease;
pub mod link;
pub mod listing;
pub mod notification;
pub mod nudge;
pub mod operation;
pub mod outbox;
pub mod outcome;
pub mod personal;
pub mod ports;
pub mod record;
pub mod refusals;
pub mod retry;
pub mod return_path;
mod rounds;
pub mod sender_domains;
pub mod simulator;
pub mod submission;
pub mod submit;
pub mod subscription;
pub mod suppression;
pub mod tick;
pub mod time;
pub mod timeline;
pub mod token_key;
pub mod treatment;
