//! Recipients as reports name them: RFC 3464 sections 2.1.2, 2.3.1 and 2.3.2, RFC 6533 section 3.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use envelope::AddrSpec;

use crate::text::{self, MAX_TEXT_OCTETS, without_comments};
use crate::transfer::hex_octet;

/// Whom a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// An address of type `rfc822` or `utf-8`, or of none, which some MTAs leave out.
    Address(AddrSpec),
    /// An address of another type, or one that is none here (`root@localhost`).
    Other {
        /// The type in lower case, empty where there is none.
        address_type: String,
        /// As it stands there, cut at [`MAX_TEXT_OCTETS`].
        address: String,
    },
}

impl Recipient {
    /// The address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<&AddrSpec> {
        match self {
            Self::Address(address) => Some(address),
            Self::Other { .. } => None,
        }
    }

    /// Reads the body of Final-Recipient or Original-Recipient. None if there is no address in it.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let body = without_comments(body);
        let (address_type, address) = split_type(&body);
        let address = address.trim();
        if address.is_empty() {
            return None;
        }
        let found = match address_type.as_str() {
            "rfc822" | "" => parse_address(address),
            "utf-8" => parse_unitext(address),
            _ => None,
        };
        Some(found.map_or_else(
            || Self::Other {
                address_type,
                address: text::collapse(address, MAX_TEXT_OCTETS),
            },
            Self::Address,
        ))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Other { address, .. } => f.write_str(address),
        }
    }
}

/// Splits `type; value`; the type in lower case, empty where there is none (RFC 3464 section 2.1.2).
pub(crate) fn split_type(body: &str) -> (String, &str) {
    match body.split_once(';') {
        Some((name, value)) if is_type(name.trim()) => (name.trim().to_ascii_lowercase(), value),
        Some(_) | None => (String::new(), body),
    }
}

fn is_type(name: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'.';
    !name.is_empty() && name.len() <= 32 && name.bytes().all(fits)
}

/// An address, perhaps in angle brackets, perhaps in xtext.
///
/// Whether an original recipient is still in xtext is not stated anywhere, and `+2B` may be part of an address. So it is
/// decoded if that gives an address and it escapes only what xtext has to escape: `a+b=2B@` or `a+42@` stay as they are.
fn parse_address(text: &str) -> Option<AddrSpec> {
    let text = without_brackets(text);
    let decoded = decode_xtext(text).and_then(|text| AddrSpec::parse(&text).ok());
    decoded.or_else(|| AddrSpec::parse(text).ok())
}

/// An address in utf-8-addr-xtext or utf-8-addr-unitext (RFC 6533 section 3).
fn parse_unitext(text: &str) -> Option<AddrSpec> {
    let text = without_brackets(text);
    let decoded = decode_embedded(text).and_then(|text| AddrSpec::parse(&text).ok());
    decoded.or_else(|| AddrSpec::parse(text).ok())
}

/// Reads an address that stands alone, perhaps in angle brackets.
pub(crate) fn bare_address(text: &str) -> Option<AddrSpec> {
    AddrSpec::parse(without_brackets(text.trim())).ok()
}

fn without_brackets(text: &str) -> &str {
    let inner = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'));
    inner.map_or(text, str::trim)
}

/// Decodes xtext (RFC 3461 section 4). None if it escapes nothing, or what needs no escape.
fn decode_xtext(text: &str) -> Option<String> {
    let mut pieces = text.split('+');
    let mut decoded: Vec<u8> = pieces.next()?.bytes().collect();
    let mut escapes = false;
    for piece in pieces {
        let (&[high, low], rest) = piece.as_bytes().split_first_chunk()?;
        let octet = hex_octet(high, low)?;
        if octet.is_ascii_graphic() && !matches!(octet, b'+' | b'=') {
            return None;
        }
        escapes = true;
        decoded.push(octet);
        decoded.extend_from_slice(rest);
    }
    String::from_utf8(decoded).ok().filter(|_| escapes)
}

/// Decodes `\x{20AC}` (RFC 6533 section 3). None if one is malformed.
fn decode_embedded(text: &str) -> Option<String> {
    let mut pieces = text.split("\\x{");
    let mut decoded = String::from(pieces.next()?);
    for piece in pieces {
        let (digits, rest) = piece.split_once('}')?;
        let point = u32::from_str_radix(digits, 16).ok()?;
        decoded.push(char::from_u32(point)?);
        decoded.push_str(rest);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn address(body: &str, expected: &str) {
        let found = Recipient::parse(body).unwrap();
        assert_eq!(
            found.address().map(ToString::to_string).as_deref(),
            Some(expected)
        );
    }

    #[track_caller]
    fn other(body: &str, expected_type: &str, expected: &str) {
        let expected = Recipient::Other {
            address_type: expected_type.to_string(),
            address: expected.to_string(),
        };
        assert_eq!(Recipient::parse(body), Some(expected));
    }

    #[test]
    fn addresses_are_read_with_and_without_type() {
        address("rfc822;a@b.example", "a@b.example");
        address("RFC822 (x) ; <a@b.example> (y)", "a@b.example");
        address("a@b.example", "a@b.example");
        address("rfc822; \"a;b\"@c.example", "\"a;b\"@c.example");
    }

    #[test]
    fn xtext_is_decoded_where_it_is_certain() {
        address("rfc822; a+2Bb@c.example", "a+b@c.example");
        address("rfc822; a+3Db+2Bc@d.example", "a=b+c@d.example");
        address("rfc822; a+b@c.example", "a+b@c.example");
        address("rfc822; a+42@c.example", "a+42@c.example");
        address("rfc822; a+20@c.example", "a+20@c.example");
        address("rfc822; a+2Bb+tag@c.example", "a+2Bb+tag@c.example");
    }

    #[test]
    fn unitext_is_decoded() {
        address("utf-8; j\\x{F6}rg@b.example", "jörg@b.example");
        address("utf-8; jörg@b.example", "jörg@b.example");
        other(
            "utf-8; a\\x{110000}@b.example",
            "utf-8",
            "a\\x{110000}@b.example",
        );
        other("utf-8; a\\x{41@b.example", "utf-8", "a\\x{41@b.example");
    }

    #[test]
    fn what_is_no_address_is_kept_as_text() {
        other("unknown; nair_s", "unknown", "nair_s");
        other("rfc822; root@localhost", "rfc822", "root@localhost");
        other("x400; /c=gb/s=a b/", "x400", "/c=gb/s=a b/");
        assert_eq!(Recipient::parse("rfc822;"), None);
        assert_eq!(Recipient::parse("rfc822; (a)"), None);
        assert_eq!(Recipient::parse(""), None);
    }
}
