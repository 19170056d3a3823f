//! Finding the record among the texts of a domain: RFC 7208 section 4.5.

use crate::record::after_version;
use crate::{Record, RecordError};

/// The one record among texts whose strings were joined. Texts without the version section are passed over.
///
/// # Errors
/// [`RecordError::Multiple`] where there are several, else what is wrong with the one.
pub fn select<'a>(
    texts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<Record>, RecordError> {
    let mut records = texts
        .into_iter()
        .filter(|text| after_version(text).is_some());
    match (records.next(), records.next()) {
        (None, _) => Ok(None),
        (Some(record), None) => Record::parse(record).map(Some),
        (Some(_), Some(_)) => Err(RecordError::Multiple),
    }
}
