//! Private keys as people hand them over: one PEM block, RFC 7468 section 10.
//!
//! Lax as section 2 allows: any text around the block, any white space at the ends of lines, lines of any length. Base64 is decoded
//! in constant time, since it is the key.

use alloc::{string::String, vec::Vec};

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// Most octets of a text that holds a key, whatever stands around it included.
pub const MAX_PEM: usize = 16_384;

const LABEL: &str = "PRIVATE KEY";
/// Labels of private keys in other formats than PKCS#8.
const OTHER_PRIVATE_KEYS: [&str; 4] = [
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
];

/// Why a text is not one PEM block with a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// The text is longer than any key needs.
    #[error("expected a text of at most 16384 octets, found {found}")]
    TooLong {
        /// Octets of the text.
        found: usize,
    },
    /// There is no whole block in the text.
    #[error(
        "expected a block from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----, found none"
    )]
    NoBlock,
    /// There is more than one block in the text.
    #[error("expected one PEM block, found several")]
    SeveralBlocks,
    /// The key needs a passphrase.
    #[error(
        "expected a private key that is not encrypted, found an encrypted one: `openssl pkcs8` decrypts it"
    )]
    Encrypted,
    /// The block holds a private key in another format than PKCS#8.
    #[error(
        "expected the label PRIVATE KEY, found {found}: `openssl pkcs8 -topk8 -nocrypt` converts it"
    )]
    OtherFormat {
        /// Its label.
        found: &'static str,
    },
    /// The block holds a public key.
    #[error("expected a private key, found a public key")]
    PublicKey,
    /// The block holds something else.
    #[error("expected the label PRIVATE KEY, found one that is not of a key")]
    Label,
    /// The block is not base64.
    #[error("expected base64 between the lines of the label, found something else")]
    Base64,
}

/// The octets within the only block of `text`.
pub(crate) fn private_key(text: &str) -> Result<Zeroizing<Vec<u8>>, PemError> {
    if text.len() > MAX_PEM {
        return Err(PemError::TooLong { found: text.len() });
    }
    let (label, body) = only_block(text)?;
    if label == "ENCRYPTED PRIVATE KEY" || body.contains("Proc-Type:") {
        return Err(PemError::Encrypted);
    }
    check_label(label)?;
    let encoded: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let octets = Base64::decode_vec(&encoded).map_err(|_| PemError::Base64)?;
    Ok(Zeroizing::new(octets))
}

/// Label and contents of the first block, if no other follows.
fn only_block(text: &str) -> Result<(&str, &str), PemError> {
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(PemError::NoBlock)?;
    if rest.contains("-----BEGIN ") {
        return Err(PemError::SeveralBlocks);
    }
    let (label, rest) = rest.split_once("-----").ok_or(PemError::NoBlock)?;
    let (body, rest) = rest.split_once("-----END ").ok_or(PemError::NoBlock)?;
    let (end, _) = rest.split_once("-----").ok_or(PemError::NoBlock)?;
    match end == label {
        true => Ok((label, body)),
        false => Err(PemError::NoBlock),
    }
}

fn check_label(label: &str) -> Result<(), PemError> {
    if label == LABEL {
        return Ok(());
    }
    if matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
        return Err(PemError::PublicKey);
    }
    let other = OTHER_PRIVATE_KEYS.iter().find(|other| **other == label);
    Err(other.map_or(PemError::Label, |found| PemError::OtherFormat { found }))
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], PemError>) {
        let found = private_key(text);
        assert_eq!(found.as_deref().map(Vec::as_slice), expected.as_deref());
    }

    #[test]
    fn text_around_and_white_space_within_are_no_part_of_a_key() {
        check(&block(LABEL, "AAEC"), Ok(&[0, 1, 2]));
        check(&block(LABEL, "AA\r\n\r\nE \t\nC "), Ok(&[0, 1, 2]));
        check(
            &format!("Bag Attributes\n{}\nthe end", block(LABEL, "AAEC")),
            Ok(&[0, 1, 2]),
        );
    }

    #[test]
    fn what_is_no_block_is_told_from_a_block_of_something_else() {
        for text in [
            "",
            "AAEC",
            "-----BEGIN PRIVATE KEY-----\nAAEC",
            "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PUBLIC KEY-----",
            "-----BEGIN PRIVATE KEY\nAAEC",
        ] {
            check(text, Err(PemError::NoBlock));
        }
        check(&block("CERTIFICATE", "AAEC"), Err(PemError::Label));
        check(&block("private key", "AAEC"), Err(PemError::Label));
        check(&block("PUBLIC KEY", "AAEC"), Err(PemError::PublicKey));
        let found = "EC PRIVATE KEY";
        check(&block(found, "AAEC"), Err(PemError::OtherFormat { found }));
    }

    #[test]
    fn encrypted_keys_are_named_so_in_either_format() {
        let traditional = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAEC";
        check(
            &block("RSA PRIVATE KEY", traditional),
            Err(PemError::Encrypted),
        );
        check(
            &block("ENCRYPTED PRIVATE KEY", "AAEC"),
            Err(PemError::Encrypted),
        );
    }

    #[test]
    fn a_second_block_is_refused_before_anything_else() {
        let certificate = block("CERTIFICATE", "AAEC");
        check(
            &(certificate.clone() + &block(LABEL, "AAEC")),
            Err(PemError::SeveralBlocks),
        );
        check(
            &(block(LABEL, "AAEC") + &certificate),
            Err(PemError::SeveralBlocks),
        );
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for body in ["A", "AAE", "AAE*", "AA-_", "A===", "\u{e9}"] {
            check(&block(LABEL, body), Err(PemError::Base64));
        }
    }

    #[test]
    fn the_maximum_is_inclusive_and_said_truly() {
        let text = block(LABEL, "AAEC");
        let padded = |octets: usize| text.clone() + &" ".repeat(octets - text.len());
        check(&padded(MAX_PEM), Ok(&[0, 1, 2]));
        let found = MAX_PEM + 1;
        check(&padded(found), Err(PemError::TooLong { found }));
        let said = PemError::TooLong { found }.to_string();
        assert!(said.contains(&MAX_PEM.to_string()), "{said}");
    }
}
