//! The secrets that sign notifications, and the signature of [Standard Webhooks](https://www.standardwebhooks.com/): HMAC-SHA256.
//!
//! What is signed is `id "." timestamp "." body`. A subscription has one secret, or two while one replaces the other: then there are
//! two signatures, and a receiver that knows either secret is content.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::record::SubscriptionId;
use crate::keyring::{MasterKey, UnsealError};
use crate::operation::OperationId;
use crate::ports::Entropy;
use crate::time::Timestamp;

/// Fewest octets of a secret.
pub const MIN_SECRET_OCTETS: usize = 24;
/// Most octets of a secret.
pub const MAX_SECRET_OCTETS: usize = 64;
/// How long the old secret signs beside a new one, unless its owner says otherwise.
pub const OLD_SECRET_SIGNS_FOR: Duration = Duration::from_hours(24);
/// The longest the owner may say.
pub const LONGEST_OVERLAP: Duration = Duration::from_hours(24 * 7);

/// Octets of a secret made here.
const MADE_OCTETS: usize = 32;
/// What the text form begins with.
const PREFIX: &str = "whsec_";

/// What signs notifications.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The text is not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "expected whsec_ and {MIN_SECRET_OCTETS} to {MAX_SECRET_OCTETS} octets in base64, found another text"
)]
pub struct ParseSecretError;

impl Secret {
    /// A fresh random secret.
    #[must_use]
    pub fn random(entropy: &impl Entropy) -> Self {
        let mut octets = Zeroizing::new(vec![0; MADE_OCTETS]);
        entropy.fill(&mut octets);
        Self(octets)
    }

    /// Parses `whsec_` and base64.
    ///
    /// # Errors
    /// When `text` is anything else, or of another length.
    pub fn parse(text: &str) -> Result<Self, ParseSecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(ParseSecretError)?;
        let octets = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| ParseSecretError)?);
        (MIN_SECRET_OCTETS..=MAX_SECRET_OCTETS)
            .contains(&octets.len())
            .then_some(Self(octets))
            .ok_or(ParseSecretError)
    }

    /// The text form, for the one time it is shown.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    /// Seals it for a subscription.
    #[must_use]
    pub fn seal(
        &self,
        entropy: &impl Entropy,
        key: &MasterKey,
        subscription: SubscriptionId,
        now: Timestamp,
    ) -> SealedSecret {
        SealedSecret {
            sealed: key.seal(entropy, &place(subscription), &self.0),
            created_at: now,
            expires_at: None,
        }
    }

    /// `v1,` and the base64 of the HMAC.
    #[must_use]
    pub fn signature(&self, signed: &Signed<'_>) -> String {
        let head = format!("{}.{}.", signed.id, signed.at.as_secs());
        self.mac(head.as_bytes(), signed.body)
    }

    fn mac(&self, head: &[u8], body: &[u8]) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(head);
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Why signed events that came in are not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unsigned {
    /// A field is missing or malformed.
    #[error("expected the fields webhook-id, webhook-timestamp and webhook-signature")]
    Fields,
    /// It was signed too long ago, or will have been.
    #[error("expected a webhook-timestamp within five minutes of now")]
    Stale,
    /// No secret of ours signed it.
    #[error("expected a webhook-signature made with our secret")]
    Forged,
}

/// By how much the time of an incoming signature may differ from ours.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// The fields of an incoming request that sign it.
#[derive(Debug, Clone, Copy)]
pub struct SignatureFields<'a> {
    /// `webhook-id`
    pub id: Option<&'a str>,
    /// `webhook-timestamp`
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`
    pub signature: Option<&'a str>,
}

impl<'a> SignatureFields<'a> {
    /// What the fields say, if a request that came `now` may say it. No body is worth reading without.
    ///
    /// # Errors
    /// [`Unsigned::Fields`] and [`Unsigned::Stale`].
    pub fn claim(&self, now: Timestamp) -> Result<Claim<'a>, Unsigned> {
        let id = self.id.filter(|id| !id.is_empty() && id.len() <= MAX_ID);
        let claim = Claim {
            id: id.ok_or(Unsigned::Fields)?,
            timestamp: self
                .timestamp
                .and_then(|text| text.parse().ok())
                .ok_or(Unsigned::Fields)?,
            signatures: self.signature.ok_or(Unsigned::Fields)?,
        };
        if now.as_secs().abs_diff(claim.timestamp) > TOLERANCE.as_secs() {
            return Err(Unsigned::Stale);
        }
        Ok(claim)
    }
}

/// What the fields of a request say of its signature. It is to be believed once the body bears it out.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    id: &'a str,
    timestamp: u64,
    signatures: &'a str,
}

impl<'a> Claim<'a> {
    /// Whether one of `secrets` signed `body`. Gives the `webhook-id`.
    ///
    /// # Errors
    /// [`Unsigned::Forged`].
    pub fn verify(&self, secrets: &[Secret], body: &[u8]) -> Result<&'a str, Unsigned> {
        let head = format!("{}.{}.", self.id, self.timestamp);
        let given = self.signatures.split_ascii_whitespace();
        let given: Vec<&str> = given.take(MAX_SIGNATURES).collect();
        let is_ours = secrets.iter().any(|secret| {
            let made = secret.mac(head.as_bytes(), body);
            let is_it = |given: &&str| made.as_bytes().ct_eq(given.as_bytes()).into();
            given.iter().any(is_it)
        });
        is_ours.then_some(self.id).ok_or(Unsigned::Forged)
    }
}

/// The longest `webhook-id` that is taken.
const MAX_ID: usize = 256;
/// How many signatures of one request are looked at.
const MAX_SIGNATURES: usize = 4;

/// What of a notification is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The notification, the same however often it is sent.
    pub id: OperationId,
    /// When it is sent this time.
    pub at: Timestamp,
    /// The body.
    pub body: &'a [u8],
}

/// The value of `webhook-signature`: one signature for each secret, with spaces between.
#[must_use]
pub fn signatures(secrets: &[Secret], signed: &Signed<'_>) -> String {
    let mut field = String::new();
    for secret in secrets {
        let space = if field.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(field, "{space}{}", secret.signature(signed));
    }
    field
}

/// A secret at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// Bound to its subscription.
    sealed: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it signs no more, once another took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl SealedSecret {
    /// Whether it signs at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it was sealed with another key or for another subscription.
    pub fn unseal(
        &self,
        key: &MasterKey,
        subscription: SubscriptionId,
    ) -> Result<Secret, UnsealError> {
        key.unseal(&place(subscription), &self.sealed).map(Secret)
    }
}

/// What a sealed secret is bound to.
fn place(subscription: SubscriptionId) -> String {
    format!("subscription-secret/{subscription}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's standard library, and the same as what the library `standardwebhooks` 1.1.0 gives:
    /// `base64.b64encode(hmac.new(base64.b64decode(S), f"{ID}.{AT}.{BODY}".encode(), "sha256").digest())`.
    const VECTOR: [&str; 4] = [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34",
        r#"{"test": 2432232314}"#,
        "v1,9iOdOrA2EqRA66ved+fONS1ofk703yuJxv6xrb6+xoE=",
    ];

    #[test]
    fn a_signature_is_that_of_the_vector() {
        let [secret, id, body, expected] = VECTOR;
        let signed = Signed {
            id: id.parse().unwrap(),
            at: Timestamp::from_millis(1_614_265_330_999),
            body: body.as_bytes(),
        };
        let secret = Secret::parse(secret).unwrap();
        assert_eq!(secret.signature(&signed), expected);
        let both = signatures(&[secret.clone(), secret], &signed);
        assert_eq!(both, format!("{expected} {expected}"));
    }

    #[track_caller]
    fn check_incoming(
        timestamp: &str,
        signature: &str,
        at_secs: u64,
        expected: Result<&str, Unsigned>,
    ) {
        let [secret, id, body, _] = VECTOR;
        let fields = SignatureFields {
            id: Some(id),
            timestamp: Some(timestamp),
            signature: Some(signature),
        };
        let now = Timestamp::from_millis(at_secs * 1000);
        let secrets = [Secret::parse(secret).unwrap()];
        let found = fields.claim(now);
        let found = found.and_then(|claim| claim.verify(&secrets, body.as_bytes()));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_comes_in_is_believed_for_five_minutes_if_we_signed_it() {
        let [_, id, _, signature] = VECTOR;
        let (at, now) = ("1614265330", 1_614_265_330);
        check_incoming(at, signature, now, Ok(id));
        check_incoming(at, &format!("v1,AAAA {signature}"), now + 300, Ok(id));
        check_incoming(at, signature, now + 301, Err(Unsigned::Stale));
        check_incoming(at, signature, now - 301, Err(Unsigned::Stale));
        check_incoming("1614265331", signature, now, Err(Unsigned::Forged));
        check_incoming(
            at,
            &signature.replace("v1,9", "v1,8"),
            now,
            Err(Unsigned::Forged),
        );
        check_incoming(at, "", now, Err(Unsigned::Forged));
        check_incoming("x", signature, now, Err(Unsigned::Fields));
    }

    #[test]
    fn what_no_body_could_bear_out_is_refused_without_one() {
        let whole = SignatureFields {
            id: Some("msg_1"),
            timestamp: Some("1614265330"),
            signature: Some("v1,AAAA"),
        };
        let now = Timestamp::from_millis(1_614_265_330_000);
        let long = "x".repeat(MAX_ID + 1);
        for fields in [
            SignatureFields { id: None, ..whole },
            SignatureFields {
                id: Some(""),
                ..whole
            },
            SignatureFields {
                id: Some(&long),
                ..whole
            },
            SignatureFields {
                timestamp: None,
                ..whole
            },
            SignatureFields {
                timestamp: Some("soon"),
                ..whole
            },
            SignatureFields {
                signature: None,
                ..whole
            },
        ] {
            assert_eq!(
                fields.claim(now).err(),
                Some(Unsigned::Fields),
                "{fields:?}"
            );
        }
        let later = now.plus(TOLERANCE + Duration::from_secs(1));
        assert_eq!(whole.claim(later).err(), Some(Unsigned::Stale));
        assert!(whole.claim(now).is_ok());
    }

    #[track_caller]
    fn check(text: &str, is_secret: bool) {
        assert_eq!(Secret::parse(text).is_ok(), is_secret, "{text}");
    }

    #[test]
    fn secrets_have_24_to_64_octets() {
        let of = |octets: usize| format!("whsec_{}", STANDARD.encode(vec![7; octets]));
        check(&of(23), false);
        check(&of(24), true);
        check(&of(64), true);
        check(&of(65), false);
        check("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false);
        check("whsec_", false);
        check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ", false);
        check("whsec_not base64 at all, is it, no, it is not", false);
    }

    #[test]
    fn the_text_form_is_read_back() {
        let text = format!("whsec_{}", STANDARD.encode([9; 32]));
        assert_eq!(Secret::parse(&text).unwrap().to_text().as_str(), text);
    }
}
