//! Finds the part that is a report in a message: RFC 6522.
//!
//! The type of the part counts, not `report-type` nor that the multipart is a multipart/report: MTAs get those wrong, and
//! lists and gateways wrap reports in other multiparts. Messages inside messages are not looked into.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::entity::Entity;
use crate::message_id;
use crate::multipart::{MAX_DEPTH, MAX_PARTS};
use crate::{DeliveryReport, FeedbackReport, Report, ReportError};

const DELIVERY_STATUS: [&str; 2] = ["message/delivery-status", "message/global-delivery-status"];
const FEEDBACK_REPORT: [&str; 1] = ["message/feedback-report"];

/// A part that is a report.
pub(crate) struct Found<'a> {
    kind: Kind,
    content: Cow<'a, [u8]>,
    /// Whether a delimiter shows where it ends.
    is_delimited: bool,
    message_id: Option<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    DeliveryStatus,
    FeedbackReport,
}

impl Found<'_> {
    /// Reads the report. If the message was cut, it has to be certain that the report was not.
    pub(crate) fn read(self, is_cut: bool) -> Result<Report, ReportError> {
        if is_cut && !self.is_delimited {
            return Err(ReportError::TooLong);
        }
        Ok(match self.kind {
            Kind::DeliveryStatus => Report::Delivery(DeliveryReport {
                original_message_id: self.message_id,
                ..DeliveryReport::parse(&self.content)?
            }),
            Kind::FeedbackReport => Report::Feedback(FeedbackReport {
                original_message_id: self.message_id,
                ..FeedbackReport::parse(&self.content)?
            }),
        })
    }
}

/// The first part that is a report.
pub(crate) fn find<'a>(message: &Entity<'a>) -> Result<Option<Found<'a>>, ReportError> {
    let mut parts_left = MAX_PARTS;
    find_in(message, 0, &mut parts_left)
}

fn find_in<'a>(
    entity: &Entity<'a>,
    depth: usize,
    parts_left: &mut usize,
) -> Result<Option<Found<'a>>, ReportError> {
    if let Some(kind) = kind(entity) {
        return Ok(Some(Found {
            kind,
            content: entity.content().ok_or(ReportError::TransferEncoding)?,
            is_delimited: false,
            message_id: None,
        }));
    }
    let Some(mut parts) = entity.parts().filter(|_| depth < MAX_DEPTH) else {
        return Ok(None);
    };
    while *parts_left > 0
        && let Some(part) = parts.next()
    {
        *parts_left -= 1;
        if let Some(mut found) = find_in(&Entity::parse(part.octets), depth + 1, parts_left)? {
            found.is_delimited |= part.is_delimited;
            found.message_id = found.message_id.or_else(|| message_id::in_parts(parts));
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn kind(entity: &Entity<'_>) -> Option<Kind> {
    if entity.is(&DELIVERY_STATUS) {
        return Some(Kind::DeliveryStatus);
    }
    entity.is(&FEEDBACK_REPORT).then_some(Kind::FeedbackReport)
}

/// The first text/plain of a message, the message itself included.
pub(crate) fn text<'a>(message: &Entity<'a>) -> Option<Cow<'a, [u8]>> {
    let mut parts_left = MAX_PARTS;
    text_in(message, 0, &mut parts_left)
}

fn text_in<'a>(entity: &Entity<'a>, depth: usize, parts_left: &mut usize) -> Option<Cow<'a, [u8]>> {
    if entity.is(&["text/plain"]) {
        return entity.content();
    }
    let mut parts = entity.parts().filter(|_| depth < MAX_DEPTH)?;
    while *parts_left > 0
        && let Some(part) = parts.next()
    {
        *parts_left -= 1;
        let text = text_in(&Entity::parse(part.octets), depth + 1, parts_left);
        if text.is_some() {
            return text;
        }
    }
    None
}
