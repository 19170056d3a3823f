//! Enhanced mail system status codes (RFC 3463).

use core::fmt;

/// Largest subject and detail (RFC 3463 section 2: one to three digits).
const MAX_PART: u16 = 999;

/// Whether a delivery is done, may still succeed, or never will (RFC 3463 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusClass {
    /// `2.x.x`
    Success,
    /// `4.x.x`, which the RFC calls a persistent transient failure.
    Transient,
    /// `5.x.x`
    Permanent,
}

/// A status code such as `5.1.1`, bad destination mailbox address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedStatusCode {
    class: StatusClass,
    // Invariant: both at most 999.
    subject: u16,
    detail: u16,
}

/// Why a text is not an [`EnhancedStatusCode`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnhancedStatusCodeError {
    /// Not three numbers with dots between them.
    #[error("expected three numbers separated by dots")]
    Shape,
    /// The first number is another.
    #[error("expected class 2, 4 or 5 at offset 0")]
    Class,
    /// The second or third is not one to three digits without a leading zero.
    #[error("expected a number from 0 to 999 without leading zeros at offset {offset}")]
    Number {
        /// Where the number starts.
        offset: usize,
    },
}

impl StatusClass {
    /// The digit that stands for it.
    #[must_use]
    pub const fn digit(self) -> u8 {
        match self {
            Self::Success => 2,
            Self::Transient => 4,
            Self::Permanent => 5,
        }
    }
}

impl EnhancedStatusCode {
    /// Makes a code; none if the subject or detail is over 999.
    #[must_use]
    pub const fn new(class: StatusClass, subject: u16, detail: u16) -> Option<Self> {
        if subject > MAX_PART || detail > MAX_PART {
            return None;
        }
        Some(Self {
            class,
            subject,
            detail,
        })
    }

    /// Parses `class.subject.detail`.
    ///
    /// # Errors
    ///
    /// Names the first number that is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, EnhancedStatusCodeError> {
        let (class, rest) = text.split_once('.').ok_or(EnhancedStatusCodeError::Shape)?;
        let (subject, detail) = rest.split_once('.').ok_or(EnhancedStatusCodeError::Shape)?;
        Ok(Self {
            class: parse_class(class)?,
            subject: parse_number(subject, class.len() + 1)?,
            detail: parse_number(detail, text.len() - detail.len())?,
        })
    }

    /// Success, transient or permanent failure.
    #[must_use]
    pub const fn class(self) -> StatusClass {
        self.class
    }

    /// What the status is about: 1 address, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    #[must_use]
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The precise condition, within the subject.
    #[must_use]
    pub const fn detail(self) -> u16 {
        self.detail
    }
}

impl fmt::Display for EnhancedStatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class.digit(), self.subject, self.detail)
    }
}

text_form!(EnhancedStatusCode, EnhancedStatusCodeError);

fn parse_class(text: &str) -> Result<StatusClass, EnhancedStatusCodeError> {
    match text {
        "2" => Ok(StatusClass::Success),
        "4" => Ok(StatusClass::Transient),
        "5" => Ok(StatusClass::Permanent),
        _ => Err(EnhancedStatusCodeError::Class),
    }
}

fn parse_number(text: &str, offset: usize) -> Result<u16, EnhancedStatusCodeError> {
    let error = EnhancedStatusCodeError::Number { offset };
    let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    match text.parse() {
        Ok(number) if digits && !leading_zero => Ok(number),
        Ok(_) | Err(_) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn check(text: &str, expected: Result<(StatusClass, u16, u16), &str>) {
        match (EnhancedStatusCode::parse(text), expected) {
            (Ok(code), Ok((class, subject, detail))) => {
                assert_eq!(Some(code), EnhancedStatusCode::new(class, subject, detail));
                assert_eq!(code.to_string(), text);
            }
            (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected),
            (found, expected) => panic!("expected {expected:?}, found {found:?}"),
        }
    }

    #[test]
    fn codes_are_three_numbers() {
        check("5.1.1", Ok((StatusClass::Permanent, 1, 1)));
        check("4.7.650", Ok((StatusClass::Transient, 7, 650)));
        check("2.0.0", Ok((StatusClass::Success, 0, 0)));
        check("", Err("expected three numbers separated by dots"));
        check("5.1", Err("expected three numbers separated by dots"));
        check("3.1.1", Err("expected class 2, 4 or 5 at offset 0"));
        let number = |offset| match offset {
            2 => Err("expected a number from 0 to 999 without leading zeros at offset 2"),
            _ => Err("expected a number from 0 to 999 without leading zeros at offset 4"),
        };
        check("5.1000.1", number(2));
        check("5.+1.1", number(2));
        check("5.1.01", number(4));
        check("5.1.", number(4));
        check("5.1.1.1", number(4));
    }

    #[test]
    fn parts_over_999_make_no_code() {
        assert!(EnhancedStatusCode::new(StatusClass::Success, 1000, 0).is_none());
        assert!(EnhancedStatusCode::new(StatusClass::Success, 0, 1000).is_none());
    }
}
