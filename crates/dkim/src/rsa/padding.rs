//! EMSA-PKCS1-v1_5 for SHA-256: RFC 8017 section 9.2.

use alloc::vec::Vec;

/// The DER of `DigestInfo` up to the digest: note 1 there.
const DIGEST_INFO: [u8; 19] =
    *b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// The encoded message of so many octets, of which there must be at least 62.
pub(super) fn encode(digest: &[u8; 32], octets: usize) -> Vec<u8> {
    let padding = octets.saturating_sub(3 + DIGEST_INFO.len() + digest.len());
    let mut encoded = Vec::with_capacity(octets);
    encoded.extend([0, 1]);
    encoded.resize(2 + padding, 0xff);
    encoded.push(0);
    encoded.extend(DIGEST_INFO);
    encoded.extend(digest);
    encoded
}
