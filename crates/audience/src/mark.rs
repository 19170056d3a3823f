//! What says that a client is in a data centre: a header field that a proxy in front adds, which looks addresses up where we do not.

use alloc::string::String;

/// Most octets of the name of a field, and of its value.
pub const MAX_MARK_OCTETS: usize = 64;

/// The header field by which a proxy or CDN in front says that a client is in a data centre.
///
/// Whoever sends it himself is taken for a machine, which does nobody else any harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataCentreMark {
    /// In lower case.
    name: String,
    /// In lower case. `None` if any value but `0` and `false` says so.
    value: Option<String>,
}

/// A text that is no [`DataCentreMark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the name of a header field, or name=value, each of at most 64 visible ASCII characters"
)]
pub struct InvalidMark;

impl DataCentreMark {
    /// Reads `name`, or `name=value` where the field has other values too.
    ///
    /// # Errors
    /// When the name is none of a field (RFC 9110 section 5.1), or either is too long.
    pub fn parse(text: &str) -> Result<Self, InvalidMark> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let is_name = is_short(name) && name.bytes().all(is_token);
        let is_value = |value: &str| is_short(value) && value.bytes().all(|o| o.is_ascii_graphic());
        if !is_name || !value.is_none_or(is_value) {
            return Err(InvalidMark);
        }
        Ok(Self {
            name: name.to_ascii_lowercase(),
            value: value.map(str::to_ascii_lowercase),
        })
    }

    /// The name of the field, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether one of the field's values says that the client is in a data centre. White space around it and case make no difference.
    #[must_use]
    pub fn is_in<'a>(&self, values: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let mut values = values.into_iter().map(<[u8]>::trim_ascii);
        values.any(|found| match &self.value {
            Some(value) => found.eq_ignore_ascii_case(value.as_bytes()),
            None => {
                let denies = [&b""[..], b"0", b"false"];
                !denies.iter().any(|word| found.eq_ignore_ascii_case(word))
            }
        })
    }
}

fn is_short(text: &str) -> bool {
    (1..=MAX_MARK_OCTETS).contains(&text.len())
}

/// RFC 9110 section 5.6.2.
fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}
