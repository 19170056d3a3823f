//! The `DKIM-Signature` header field as received: RFC 6376 sections 3.5 and 6.1.1.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    AgentOrUserIdentifier, Algo, AuidError, Canonicalization, NameError, Selector,
    SigningAlgorithm, SigningDomain, TagListError,
    tags::{TagList, colon_separated, without_space},
};

/// Most octets of the body of a `DKIM-Signature` field.
pub const MAX_SIGNATURE_FIELD: usize = 16_384;
/// Most names in `h=`.
pub const MAX_SIGNED_FIELDS: usize = 256;

/// What a `DKIM-Signature` field says.
#[derive(Clone, Debug)]
pub(crate) struct SignatureTags {
    pub(crate) algorithm: SigningAlgorithm,
    pub(crate) domain: SigningDomain,
    pub(crate) selector: Selector,
    pub(crate) auid: AgentOrUserIdentifier,
    pub(crate) canonicalization: Canonicalization,
    /// In lower case, in the order of the signature.
    pub(crate) signed_fields: Vec<String>,
    pub(crate) body_hash: Vec<u8>,
    pub(crate) body_length: Option<u64>,
    pub(crate) signature: Vec<u8>,
    pub(crate) signed_at: Option<u64>,
    pub(crate) expires_at: Option<u64>,
    /// Where in the field's body the value of `b=` is, the white space around it included.
    pub(crate) signature_place: Range<usize>,
}

/// Why a `DKIM-Signature` field is not a signature to consider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Its body is not a tag list.
    #[error("malformed tag list")]
    TagList(#[source] TagListError),
    /// A required tag is missing.
    #[error("expected the tag {tag}=, found none")]
    MissingTag {
        /// The tag's name.
        tag: &'static str,
    },
    /// A tag's value is not what its grammar says.
    #[error("expected {expected} in the tag {tag}=, found something else")]
    Value {
        /// The tag's name.
        tag: &'static str,
        /// What its grammar says.
        expected: &'static str,
    },
    /// `v=` is not 1.
    #[error("expected version 1, found another")]
    Version,
    /// `a=` names an algorithm that is unknown, or forbidden by RFC 8301.
    #[error("expected the algorithm rsa-sha256 or ed25519-sha256, found another")]
    Algorithm,
    /// `c=` names an unknown canonicalization.
    #[error("expected simple or relaxed canonicalization, found another")]
    Canonicalization,
    /// `d=` is not a domain.
    #[error("invalid domain in the tag d=")]
    Domain(#[source] NameError),
    /// `s=` is not a selector.
    #[error("invalid selector in the tag s=")]
    Selector(#[source] NameError),
    /// `i=` is not an identifier.
    #[error("invalid identifier in the tag i=")]
    Auid(#[source] AuidError),
    /// `i=` names a domain outside of `d=`.
    #[error("expected an identifier within the signing domain, found one outside of it")]
    AuidOutsideDomain,
    /// `h=` does not name From.
    #[error("expected From among the signed fields, found none")]
    FromNotSigned,
    /// `h=` names more fields than are read.
    #[error("expected at most 256 signed fields, found more")]
    TooManySignedFields,
    /// `q=` names no query method that is known.
    #[error("expected the query method dns/txt, found none of it")]
    QueryMethod,
    /// `x=` is not after `t=`.
    #[error("expected an expiry after the time of signing, found an earlier one")]
    ExpiresBeforeSigning,
}

impl SignatureTags {
    /// Reads the body of a `DKIM-Signature` field.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, SignatureError> {
        let tags = TagList::parse(body, MAX_SIGNATURE_FIELD).map_err(SignatureError::TagList)?;
        check_version(&tags)?;
        let algorithm = parse_algorithm(&tags)?;
        check_query_methods(&tags)?;
        let domain = parse_domain(&tags)?;
        let (signed_at, expires_at) = parse_times(&tags)?;
        Ok(Self {
            selector: parse_selector(&tags)?,
            auid: parse_auid(&tags, &domain)?,
            canonicalization: parse_canonicalization(tags.value("c"))?,
            signed_fields: parse_signed_fields(&tags)?,
            body_hash: parse_base64(&tags, "bh")?,
            body_length: parse_number(&tags, "l")?,
            signature: parse_base64(&tags, "b")?,
            signature_place: tags
                .get("b")
                .map(|tag| tag.place.clone())
                .unwrap_or_default(),
            algorithm,
            domain,
            signed_at,
            expires_at,
        })
    }
}

fn required<'a>(tags: &TagList<'a>, tag: &'static str) -> Result<&'a str, SignatureError> {
    tags.value(tag).ok_or(SignatureError::MissingTag { tag })
}

fn check_version(tags: &TagList<'_>) -> Result<(), SignatureError> {
    match required(tags, "v")? {
        "1" => Ok(()),
        _ => Err(SignatureError::Version),
    }
}

fn parse_algorithm(tags: &TagList<'_>) -> Result<SigningAlgorithm, SignatureError> {
    SigningAlgorithm::named(required(tags, "a")?).ok_or(SignatureError::Algorithm)
}

fn check_query_methods(tags: &TagList<'_>) -> Result<(), SignatureError> {
    match tags.value("q") {
        Some(methods) if !colon_separated(methods).any(|method| method == "dns/txt") => {
            Err(SignatureError::QueryMethod)
        }
        _ => Ok(()),
    }
}

fn parse_domain(tags: &TagList<'_>) -> Result<SigningDomain, SignatureError> {
    let text = required(tags, "d")?;
    text.parse().map_err(SignatureError::Domain)
}

fn parse_selector(tags: &TagList<'_>) -> Result<Selector, SignatureError> {
    let text = required(tags, "s")?;
    text.parse().map_err(SignatureError::Selector)
}

/// Without `i=` the signature is on behalf of the whole domain.
fn parse_auid(
    tags: &TagList<'_>,
    domain: &SigningDomain,
) -> Result<AgentOrUserIdentifier, SignatureError> {
    let Some(encoded) = tags.value("i") else {
        return Ok(AgentOrUserIdentifier::of_domain(domain.clone()));
    };
    let text = decode_quoted_printable(encoded).ok_or(SignatureError::Value {
        tag: "i",
        expected: "quoted-printable text",
    })?;
    let auid: AgentOrUserIdentifier = text.parse().map_err(SignatureError::Auid)?;
    match auid.domain().is_within(domain) {
        true => Ok(auid),
        false => Err(SignatureError::AuidOutsideDomain),
    }
}

/// `c=header/body`; either part is simple where it is left out.
fn parse_canonicalization(value: Option<&str>) -> Result<Canonicalization, SignatureError> {
    let value = value.unwrap_or("simple/simple");
    let (header, body) = value.split_once('/').unwrap_or((value, "simple"));
    let algo = |name| Algo::named(name).ok_or(SignatureError::Canonicalization);
    Ok(Canonicalization {
        header: algo(header)?,
        body: algo(body)?,
    })
}

fn parse_signed_fields(tags: &TagList<'_>) -> Result<Vec<String>, SignatureError> {
    let mut names = Vec::new();
    for name in colon_separated(required(tags, "h")?) {
        if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(SignatureError::Value {
                tag: "h",
                expected: "field names between colons",
            });
        }
        if names.len() == MAX_SIGNED_FIELDS {
            return Err(SignatureError::TooManySignedFields);
        }
        names.push(name.to_ascii_lowercase());
    }
    match names.iter().any(|name| name == "from") {
        true => Ok(names),
        false => Err(SignatureError::FromNotSigned),
    }
}

fn parse_base64(tags: &TagList<'_>, tag: &'static str) -> Result<Vec<u8>, SignatureError> {
    let octets = STANDARD.decode(without_space(required(tags, tag)?));
    match octets {
        Ok(octets) if !octets.is_empty() => Ok(octets),
        _ => Err(SignatureError::Value {
            tag,
            expected: "base64",
        }),
    }
}

fn parse_times(tags: &TagList<'_>) -> Result<(Option<u64>, Option<u64>), SignatureError> {
    let (signed_at, expires_at) = (parse_number(tags, "t")?, parse_number(tags, "x")?);
    match (signed_at, expires_at) {
        (Some(t), Some(x)) if x <= t => Err(SignatureError::ExpiresBeforeSigning),
        times => Ok(times),
    }
}

/// Up to 76 digits are allowed; what does not fit is as good as infinite.
fn parse_number(tags: &TagList<'_>, tag: &'static str) -> Result<Option<u64>, SignatureError> {
    let Some(digits) = tags.value(tag) else {
        return Ok(None);
    };
    let well_formed =
        (1..=76).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit());
    match well_formed {
        true => Ok(Some(digits.parse().unwrap_or(u64::MAX))),
        false => Err(SignatureError::Value {
            tag,
            expected: "1 to 76 digits",
        }),
    }
}

/// RFC 6376 section 2.11: `=` and two hexadecimal digits stand for an octet, white space for nothing.
fn decode_quoted_printable(value: &str) -> Option<String> {
    let mut octets = without_space(value).into_iter();
    let mut decoded = Vec::new();
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'=' => hex_digit(octets.next()?)? * 16 + hex_digit(octets.next()?)?,
            _ => octet,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

/// The inverse of [`decode_quoted_printable`], for what `i=` may hold.
pub(crate) fn encode_quoted_printable(text: &str) -> String {
    text.bytes()
        .map(|octet| match octet {
            b'!'..=b':' | b'<' | b'>'..=b'~' => char::from(octet).to_string(),
            _ => alloc::format!("={octet:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    const GOOD: [(&str, &str); 7] = [
        ("v", "1"),
        ("a", "rsa-sha256"),
        ("d", "example.com"),
        ("s", "s1"),
        ("h", "From : To"),
        ("bh", "47DE QpjA"),
        ("b", "AAEC\r\n AwQF"),
    ];

    /// A good field with some tags added, replaced (`Some`) or left out (`None`).
    fn field(changes: &[(&str, Option<&str>)]) -> String {
        let kept = GOOD
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
        let kept = kept.map(|(name, value)| format!(" {name}={value};"));
        let added = changes
            .iter()
            .filter_map(|(n, v)| Some(format!(" {n}={};", (*v)?)));
        kept.chain(added).collect()
    }

    fn parse(changes: &[(&str, Option<&str>)]) -> Result<SignatureTags, SignatureError> {
        SignatureTags::parse(field(changes).as_bytes())
    }

    #[track_caller]
    fn refuse(tag: &str, value: Option<&str>, expected: SignatureError) {
        assert_eq!(parse(&[(tag, value)]).map(|_| ()), Err(expected));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let tags = parse(&[]).unwrap();
        assert_eq!(tags.auid.to_string(), "@example.com");
        assert_eq!(tags.canonicalization.to_string(), "simple/simple");
        assert_eq!(tags.signed_fields, ["from", "to"]);
        assert_eq!(tags.signature, [0, 1, 2, 3, 4, 5]);
        assert_eq!(
            (tags.signed_at, tags.expires_at, tags.body_length),
            (None, None, None)
        );
    }

    #[test]
    fn every_required_tag_is_required() {
        for (tag, _) in GOOD {
            refuse(tag, None, SignatureError::MissingTag { tag });
        }
    }

    #[test]
    fn values_outside_of_their_grammar_are_refused() {
        use SignatureError as E;
        let value = |tag, expected| E::Value { tag, expected };
        let number = "1 to 76 digits";
        refuse("v", Some("2"), E::Version);
        refuse("v", Some("1.0"), E::Version);
        refuse("a", Some("rsa-sha1"), E::Algorithm);
        refuse("a", Some("ed25519-sha1"), E::Algorithm);
        refuse("a", Some("RSA-SHA256"), E::Algorithm);
        refuse("c", Some("Relaxed"), E::Canonicalization);
        refuse("c", Some("relaxed/"), E::Canonicalization);
        refuse("c", Some("relaxed/simple/simple"), E::Canonicalization);
        refuse("d", Some("com"), E::Domain(NameError::SingleLabel));
        refuse("s", Some(""), E::Selector(NameError::EmptyLabel { at: 0 }));
        refuse("h", Some("To"), E::FromNotSigned);
        refuse(
            "h",
            Some("From::To"),
            value("h", "field names between colons"),
        );
        refuse(
            "h",
            Some("From:T o"),
            value("h", "field names between colons"),
        );
        refuse("b", Some(""), value("b", "base64"));
        refuse("b", Some("AAE"), value("b", "base64"));
        refuse("bh", Some("A-_="), value("bh", "base64"));
        refuse("l", Some("-1"), value("l", number));
        refuse("t", Some(""), value("t", number));
        refuse("x", Some("1e3"), value("x", number));
        refuse("x", Some(&"1".repeat(77)), value("x", number));
        refuse("q", Some("dns/a"), E::QueryMethod);
        refuse("i", Some("a=4"), value("i", "quoted-printable text"));
        refuse("i", Some("a"), E::Auid(AuidError::MissingAt));
        refuse("i", Some("@example.org"), E::AuidOutsideDomain);
        refuse("i", Some("@badexample.com"), E::AuidOutsideDomain);
    }

    #[test]
    fn both_algorithms_are_known_by_name() {
        for name in ["rsa-sha256", "ed25519-sha256"] {
            let tags = parse(&[("a", Some(name))]).unwrap();
            assert_eq!(tags.algorithm.as_str(), name);
        }
    }

    #[test]
    fn an_expiry_must_follow_the_time_of_signing() {
        let times = |t, x| parse(&[("t", Some(t)), ("x", Some(x))]).map(|tags| tags.expires_at);
        assert_eq!(times("5", "6"), Ok(Some(6)));
        assert_eq!(times("5", "5"), Err(SignatureError::ExpiresBeforeSigning));
        assert_eq!(times("5", &"9".repeat(76)), Ok(Some(u64::MAX)));
    }

    #[test]
    fn unknown_tags_and_query_methods_are_ignored() {
        assert!(parse(&[("zz", Some("?")), ("q", Some("x/y : dns/txt"))]).is_ok());
    }

    #[test]
    fn canonicalization_of_the_body_defaults_to_simple() {
        let parsed = |value| {
            parse(&[("c", Some(value))])
                .unwrap()
                .canonicalization
                .to_string()
        };
        assert_eq!(parsed("relaxed"), "relaxed/simple");
        assert_eq!(parsed("simple/relaxed"), "simple/relaxed");
    }

    #[test]
    fn names_in_h_have_a_maximum() {
        let names = |n: usize| alloc::vec!["From"; n].join(":");
        assert!(parse(&[("h", Some(&names(256)))]).is_ok());
        refuse("h", Some(&names(257)), SignatureError::TooManySignedFields);
    }

    #[test]
    fn identifiers_survive_quoted_printable() {
        let text = "a;b=c d\u{e9}@sub.example.com";
        let encoded = encode_quoted_printable(text);
        assert_eq!(encoded, "a=3Bb=3Dc=20d=C3=A9@sub.example.com");
        let tags = parse(&[("i", Some(&encoded))]).unwrap();
        assert_eq!(tags.auid.to_string(), text);
    }
}
