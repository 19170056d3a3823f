//! What comes back by mail to the return path of a message: delivery status notifications ([RFC 3464]) and feedback
//! reports ([RFC 5965]) in their container ([RFC 6522]), bounces of MTAs that write them in other forms, and automatic
//! replies ([RFC 3834]).
//!
//! [`read`] tells them apart. What is not certain is not guessed: it is [`Report::Other`], or [`Cause::Unknown`]. Lines end
//! in CRLF or LF, since MTAs hand messages to programs with either. [`classify`] judges the codes and words of one reply,
//! whether it came by mail or in an SMTP session.
//!
//! A report is what a stranger wrote. That the message it is about was ever sent, and to that recipient, has to be known
//! from elsewhere: a return path of its own for each message and recipient, or the identifiers read here. The To field of
//! the returned message is not looked at.
//!
//! | read | from |
//! |---|---|
//! | `message/delivery-status`, `message/global-delivery-status` | RFC 3464, RFC 6533, xtext of RFC 3461 section 4 |
//! | `message/feedback-report` | RFC 5965, RFC 6430, RFC 6591 |
//! | Message-ID of `message/rfc822`, `text/rfc822-headers` and their RFC 6533 kin | RFC 6522 section 3 |
//! | `7bit`, `8bit`, `binary`, `base64`, `quoted-printable` | RFC 2045 section 6 |
//! | X-Failed-Recipients, and the text of Exim's failures and delays | Exim |
//! | the text of qmail-send and of Yahoo | QSBMF |
//!
//! Rules where the RFCs leave room, or MTAs do not keep to them:
//!
//! - The media type of a part says what it is; `report-type` is not looked at, and the container may be any multipart. The
//!   first report in a message counts.
//! - A field that may come once and comes again with another body counts as missing.
//! - A recipient needs an Action that is known and a Final-Recipient or Original-Recipient. Those without are passed over,
//!   and a delivery status without any left is an error. So is feedback without Feedback-Type, User-Agent or Version.
//! - Of a message over [`limits::MAX_MESSAGE_OCTETS`] the lines within are read. If the report itself was cut, that is an
//!   error. What is beyond the other limits is passed over.
//!
//! **Not supported**: disposition notifications (RFC 8098), delivery by X.400 and other address types beyond their text,
//! DSN-Gateway, Received-From-MTA and Final-Log-ID, the details of authentication failures (RFC 6591 section 3) and
//! Reported-Domain and Reported-URI of feedback, feedback that is not RFC 5965 (Microsoft's JMRP forwards the message
//! alone), boundaries in RFC 2231 form, notices in languages other than English that are no RFC 3464 either, dates as
//! anything but text.
//!
//! [RFC 3464]: https://www.rfc-editor.org/rfc/rfc3464
//! [RFC 3834]: https://www.rfc-editor.org/rfc/rfc3834
//! [RFC 5965]: https://www.rfc-editor.org/rfc/rfc5965
//! [RFC 6522]: https://www.rfc-editor.org/rfc/rfc6522
#![no_std]

extern crate alloc;

mod auto_reply;
mod bounce;
mod classification;
mod container;
mod content_type;
mod delivery;
mod diagnostic;
mod entity;
mod feedback;
mod field;
mod message_id;
mod multipart;
mod phrases;
mod recipient;
mod spam;
mod text;
mod transfer;

pub use auto_reply::AutoReply;
pub use classification::{Cause, Classification, Party, classify};
pub use delivery::{Action, DeliveryReport, Form, RecipientReport};
pub use feedback::{FeedbackReport, FeedbackType};
pub use recipient::Recipient;

use entity::Entity;

/// Most octets read of a message. What comes back ends with the message that it is about, so the rest of a longer one can
/// be done without; it is cut at the end of a line.
const MAX_MESSAGE_OCTETS: usize = 1024 * 1024;

/// The most that is read of everything that comes from outside.
pub mod limits {
    pub use crate::content_type::MAX_BOUNDARY_OCTETS;
    pub use crate::delivery::MAX_RECIPIENTS;
    pub use crate::field::MAX_FIELD_OCTETS;
    pub use crate::message_id::{MAX_MESSAGE_ID_OCTETS, MAX_RETURNED_OCTETS};
    pub use crate::multipart::{MAX_DEPTH, MAX_PARTS};
    pub use crate::text::{MAX_DIAGNOSTIC_OCTETS, MAX_TEXT_OCTETS};

    /// Most octets read of a message. What comes back ends with the message that it is about, so the rest of a longer one
    /// can be done without; it is cut at the end of a line.
    pub const MAX_MESSAGE_OCTETS: usize = super::MAX_MESSAGE_OCTETS;
}

/// What a message is that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// What became of a message.
    Delivery(DeliveryReport),
    /// What a mailbox provider tells of one.
    Feedback(FeedbackReport),
    /// An automatic reply to one.
    AutoReply(AutoReply),
    /// None of these, or not for certain: a person's answer, a bounce in a form that is not known.
    Other,
}

/// Why a message that holds a report cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The report does not end within [`limits::MAX_MESSAGE_OCTETS`].
    #[error("expected a report within {MAX_MESSAGE_OCTETS} octets, found none that ends there")]
    TooLong,
    /// The part with the report does not keep to its Content-Transfer-Encoding, or that is not known.
    #[error(
        "expected a report in 7bit, 8bit, binary, base64 or quoted-printable, found another encoding"
    )]
    TransferEncoding,
    /// No group of a delivery status names a recipient and what was done.
    #[error("expected a recipient with an action in the delivery status, found none")]
    NoRecipient,
    /// A feedback report lacks a field that RFC 5965 section 3.1 requires, or has several that differ.
    #[error("expected one field {name} in the feedback report, found none or several that differ")]
    MissingField {
        /// Its name.
        name: &'static str,
    },
}

/// Reads a message as it was received, header section and all.
///
/// # Errors
///
/// [`ReportError`], if it is certainly a report, but what it says is not.
pub fn read(octets: &[u8]) -> Result<Report, ReportError> {
    let (octets, is_cut) = within_limit(octets);
    let message = Entity::parse(octets);
    if let Some(found) = container::find(&message)? {
        return found.read(is_cut);
    }
    if let Some(report) = bounce::read(&message, is_cut) {
        return Ok(Report::Delivery(report));
    }
    Ok(auto_reply::read(&message).map_or(Report::Other, Report::AutoReply))
}

/// The lines within the limit, and whether there are more.
fn within_limit(octets: &[u8]) -> (&[u8], bool) {
    let Some(within) = octets
        .get(..MAX_MESSAGE_OCTETS)
        .filter(|w| w.len() < octets.len())
    else {
        return (octets, false);
    };
    let end = within
        .iter()
        .rposition(|&octet| octet == b'\n')
        .map_or(0, |at| at + 1);
    (within.get(..end).unwrap_or_default(), true)
}
