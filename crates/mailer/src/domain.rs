//! Sender domains: what is held of one, how its DNS records are verified, and how its keys change.
//!
//! - [`record`] is what is stored; [`name`] says which domains may be held at all.
//! - [`requirement`] has the DNS records a domain has to publish, [`observation`] looks them up, and [`verification`] decides what that
//!   means for the record's state. [`inquiry`] limits what that costs; [`recheck`] does it again every day.
//! - [`key_change`] makes, imports, rotates and retires signing keys; [`reseal`] changes the master key.
//! - [`edit`] is the only way to change a record: under a lock, with the history of the change.
//! - [`tracking`] says where the links in its mail lead.
//! - [`diagnosis`] says what a receiving server will conclude.
//! - [`managed`] makes the domain every installation starts with, [`custom`] those an operator brings.

pub(crate) mod claim;
pub mod custom;
pub mod diagnosis;
pub mod edit;
pub mod history;
pub mod index;
pub mod inquiry;
pub mod key_change;
pub mod managed;
pub mod name;
pub mod observation;
pub mod recheck;
pub mod record;
pub mod requirement;
pub mod reseal;
pub mod senders;
pub mod tracking;
pub mod verification;

pub use edit::DomainError;
pub use record::{
    DEFAULT_SENDER, DomainKey, DomainRecord, KeyState, Management, SealedKey, SenderError,
    SenderUsername,
};
pub use requirement::Installation;
pub use tracking::TrackingOrigin;
