//! Content-Transfer-Encoding: RFC 2045 section 6.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::field::lines;

/// Padding may be missing, and what does not make a whole octet is not looked at.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransferEncoding {
    Identity,
    Base64,
    QuotedPrintable,
    Unknown,
}

impl TransferEncoding {
    pub(crate) fn parse(body: &str) -> Self {
        match body.trim().to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Self::Identity,
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Unknown,
        }
    }

    /// What the body says; none if the encoding is unknown or not kept to.
    pub(crate) fn decode(self, body: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Identity => Some(Cow::Borrowed(body)),
            Self::Base64 => base64(body).map(Cow::Owned),
            Self::QuotedPrintable => Some(Cow::Owned(quoted_printable(body))),
            Self::Unknown => None,
        }
    }
}

/// Line ends and white space are not part of it; any other stray octet makes it unreadable.
fn base64(body: &[u8]) -> Option<Vec<u8>> {
    let mut digits = body.to_vec();
    digits.retain(|octet| !octet.is_ascii_whitespace());
    LENIENT.decode(digits).ok()
}

/// What is no escape stands for itself, as RFC 2045 section 6.7 advises.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    for line in lines(body) {
        let line = line.trim_ascii_end();
        let (line, line_end) = match line.strip_suffix(b"=") {
            Some(line) => (line, &b""[..]),
            None => (line, &b"\n"[..]),
        };
        decode_line(line, &mut decoded);
        decoded.extend_from_slice(line_end);
    }
    decoded
}

fn decode_line(mut line: &[u8], decoded: &mut Vec<u8>) {
    while let Some((&first, rest)) = line.split_first() {
        match escaped(line) {
            Some((octet, rest)) => {
                decoded.push(octet);
                line = rest;
            }
            None => {
                decoded.push(first);
                line = rest;
            }
        }
    }
}

fn escaped(line: &[u8]) -> Option<(u8, &[u8])> {
    let [b'=', high, low, rest @ ..] = line else {
        return None;
    };
    Some((hex_octet(*high, *low)?, rest))
}

/// The octet that two hexadecimal digits stand for.
pub(crate) fn hex_octet(high: u8, low: u8) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoding: &str, body: &str, expected: Option<&str>) {
        let found = TransferEncoding::parse(encoding).decode(body.as_bytes());
        assert_eq!(found.as_deref(), expected.map(str::as_bytes));
    }

    #[test]
    fn bodies_are_decoded() {
        check("7bit", "a=3D", Some("a=3D"));
        check(" ", "a=3D", Some("a=3D"));
        check(" BASE64 ", "YW\r\nJj\n", Some("abc"));
        check("base64", "YWI", Some("ab"));
        check("base64", "YWI=", Some("ab"));
        check(
            "quoted-printable",
            "a=3Db=\r\nc \n=c3=A4",
            Some("a=bc\nä\n"),
        );
        check("quoted-printable", "=", Some(""));
        check("quoted-printable", "=4\n=zz=3", Some("=4\n=zz=3\n"));
    }

    #[test]
    fn what_does_not_keep_to_its_encoding_is_none() {
        check("base64", "Reporting-MTA: dns; a", None);
        check("uuencode", "a", None);
    }
}
