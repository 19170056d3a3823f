//! Ed25519 keys in PKCS#8: RFC 8410.

use alloc::vec::Vec;

use ed25519_dalek::{SecretKey, Signer, SigningKey};
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::KeyError;

/// id-Ed25519: section 3.
pub(super) const ALGORITHM_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// What stands before the 32 octets of a key in section 7: version, algorithm, and the heads of both
/// octet strings.
const PREFIX: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// The head of the inner octet string, `CurvePrivateKey`.
const CURVE_PRIVATE_KEY: [u8; 2] = [4, 32];

/// Takes the key out of its envelope. A public key beside it (RFC 5958) has to belong to it.
pub(super) fn read(info: &PrivateKeyInfoRef<'_>) -> Result<SigningKey, KeyError> {
    // Section 3: the parameters are absent.
    if info.algorithm.parameters.is_some() {
        return Err(KeyError::NotPkcs8);
    }
    let secret = info.private_key.as_bytes().strip_prefix(&CURVE_PRIVATE_KEY);
    let secret = secret.and_then(|secret| SecretKey::try_from(secret).ok());
    let secret = Zeroizing::new(secret.ok_or(KeyError::NotPkcs8)?);
    let key = SigningKey::from_bytes(&secret);
    let public = info.public_key.map(|public| public.as_bytes());
    match public {
        Some(public) if public != Some(key.verifying_key().as_bytes()) => {
            Err(KeyError::Inconsistent)
        }
        _ => Ok(key),
    }
}

/// The first form of section 7, without the public key.
pub(super) fn write(key: &SigningKey) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&PREFIX[..], key.as_bytes()].concat())
}

/// Signs a digest, and confirms the signature before it leaves.
pub(super) fn sign(key: &SigningKey, digest: &[u8; 32]) -> Option<Vec<u8>> {
    let signature = key.sign(digest);
    let confirmed = key.verifying_key().verify_strict(digest, &signature);
    confirmed.is_ok().then(|| signature.to_bytes().to_vec())
}
