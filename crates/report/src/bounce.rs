//! Bounces that are text, as MTAs write them that do not keep to RFC 3464.
//!
//! Only what is certain counts: the words that the MTA opens its notices with, and addresses where it puts them. A text
//! that ends without the line behind which the message is returned is no notice if the message was cut.

mod exim;
mod qsbmf;

use crate::DeliveryReport;
use crate::container;
use crate::entity::Entity;
use crate::field::split_line;

/// Reads a message as a bounce of each form.
pub(crate) fn read(message: &Entity<'_>, is_cut: bool) -> Option<DeliveryReport> {
    let text = container::text(message)?;
    let notice = Notice::split(&text);
    if is_cut && notice.copy.is_none() {
        return None;
    }
    let report = qsbmf::read(&notice).or_else(|| exim::read(message, &notice))?;
    (!report.recipients.is_empty()).then_some(report)
}

/// A text with a message returned behind it.
struct Notice<'a> {
    text: &'a [u8],
    /// What stands behind the line of hyphens.
    copy: Option<&'a [u8]>,
}

impl<'a> Notice<'a> {
    /// Splits at the first line that starts with three hyphens.
    fn split(octets: &'a [u8]) -> Self {
        let mut rest = octets;
        while let Some((line, after)) = split_line(rest) {
            if line.starts_with(b"---") {
                return Self {
                    text: octets.get(..octets.len() - rest.len()).unwrap_or_default(),
                    copy: Some(after),
                };
            }
            rest = after;
        }
        Self {
            text: octets,
            copy: None,
        }
    }
}
