//! Who may call: access keys with the HMAC-SHA256 scheme of Azure Communication Services, and the operator's token.
//!
//! The string to sign is `VERB "\n" path-and-query "\n" x-ms-date ";" host ";" content-hash`. SDKs spell the host in several ways,
//! and one version drops the leading slash of the path over plain HTTP, so a signature is compared with every spelling a caller can
//! have meant. Each comparison takes constant time, and one that fails leads to the next, so a refusal takes as long whatever was
//! signed. A match ends them: how long that took says which spelling and which key it was, which whoever signed knows already.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::time::Timestamp;

/// Proof that a request was signed with an access key.
#[derive(Debug)]
pub struct Principal(());

/// Proof that a request carried the operator's token.
#[derive(Debug)]
pub struct Operator(());

/// The two keys that are valid at any time.
pub struct AccessKeys {
    // Keyed once: that is half the work of a short HMAC. Wiped when dropped (`hmac/zeroize`).
    keyed: Vec<Hmac<Sha256>>,
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeys(..)")
    }
}

/// The text is not an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected at least 16 octets in base64")]
pub struct ParseAccessKeyError;

/// What of a request is signed.
#[derive(Debug, Clone)]
pub struct SignedRequest<'a> {
    /// In capitals.
    pub method: &'a str,
    /// As it came, the query included.
    pub path_and_query: &'a str,
    /// The field x-ms-date.
    pub date: Option<&'a str>,
    /// The same as a time, if it is one (RFC 9110 section 5.6.7).
    pub date_parsed: Option<Timestamp>,
    /// The field x-ms-content-sha256.
    pub content_hash: Option<&'a str>,
    /// The field Authorization.
    pub authorization: Option<&'a str>,
    /// Every host a caller can have meant: see [`host_spellings`].
    pub hosts: &'a [String],
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denied {
    /// A field that the scheme needs is missing.
    #[error("expected the header {0}, found none")]
    MissingField(&'static str),
    /// The field Authorization is of another scheme or form.
    #[error(
        "expected Authorization to be HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=<base64>"
    )]
    Scheme,
    /// The field x-ms-date is no date.
    #[error("expected x-ms-date to be a date such as Wed, 13 Apr 2022 18:09:12 GMT")]
    Date,
    /// The clocks differ too much, or the request was kept back.
    #[error(
        "The given request could not be resolved. The time difference between the originating client and the server is greater than the allowed margin of {} seconds.",
        .0.as_secs()
    )]
    Skew(Duration),
    /// The body is not the one that was signed.
    #[error("Request 'x-ms-content-sha256' differs from generated content hash.")]
    ContentHash,
    /// The signature is of another key or another string.
    #[error("Denied by the resource provider.")]
    Signature,
}

const SCHEME: &str = "HMAC-SHA256";
const SIGNED_HEADERS: &str = "SignedHeaders=x-ms-date;host;x-ms-content-sha256";
const SHORTEST_KEY_OCTETS: usize = 16;

impl AccessKeys {
    /// The keys whose base64 is given.
    ///
    /// # Errors
    /// When one is not the base64 of at least 16 octets.
    pub fn parse(texts: &[&str]) -> Result<Self, ParseAccessKeyError> {
        let keyed = texts.iter().map(|text| keyed(text));
        Ok(Self {
            keyed: keyed.collect::<Result<_, _>>()?,
        })
    }

    /// Lets a request in whose signature fits, except for its body.
    ///
    /// Called before the body is read, so that nobody without a key makes us read 10 MB; [`Unread::check_body`] does the rest.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn authorize(
        &self,
        request: &SignedRequest<'_>,
        now: Timestamp,
        skew: Duration,
    ) -> Result<Unread, Denied> {
        let date = request.date.ok_or(Denied::MissingField("x-ms-date"))?;
        let content_hash = request
            .content_hash
            .ok_or(Denied::MissingField("x-ms-content-sha256"))?;
        let authorization = request
            .authorization
            .ok_or(Denied::MissingField("Authorization"))?;
        let signature = signature(authorization)?;
        let sent_at = request.date_parsed.ok_or(Denied::Date)?;
        if now.since(sent_at).max(sent_at.since(now)) > skew {
            return Err(Denied::Skew(skew));
        }
        let string = StringToSign {
            method: request.method,
            date,
            content_hash,
        };
        if self.signed(request, &string, &signature) {
            Ok(Unread {
                content_hash: content_hash.to_owned(),
            })
        } else {
            Err(Denied::Signature)
        }
    }

    /// Whether one of the keys makes `signature` of one of the strings the caller can have meant.
    fn signed(
        &self,
        request: &SignedRequest<'_>,
        string: &StringToSign<'_>,
        signature: &[u8],
    ) -> bool {
        let path = request.path_and_query;
        let bare = path.strip_prefix('/').unwrap_or(path);
        let spellings = |path| request.hosts.iter().map(move |host| (path, host));
        // The likely ones first.
        let mut spellings = spellings(path).chain(spellings(bare));
        spellings.any(|(path, host)| {
            self.keyed
                .iter()
                .any(|key| bool::from(string.mac(key, path, host).ct_eq(signature)))
        })
    }
}

fn keyed(text: &str) -> Result<Hmac<Sha256>, ParseAccessKeyError> {
    let key = STANDARD.decode(text.trim()).map(Zeroizing::new);
    let key = key.map_err(|_| ParseAccessKeyError)?;
    if key.len() < SHORTEST_KEY_OCTETS {
        return Err(ParseAccessKeyError);
    }
    // HMAC takes keys of any length, so this does not fail.
    Hmac::new_from_slice(&key).map_err(|_| ParseAccessKeyError)
}

/// What all the strings a caller can have signed have in common.
struct StringToSign<'a> {
    method: &'a str,
    date: &'a str,
    content_hash: &'a str,
}

impl StringToSign<'_> {
    fn mac(&self, key: &Hmac<Sha256>, path: &str, host: &str) -> [u8; 32] {
        let mut mac = key.clone();
        let pieces = [self.method, "\n", path, "\n", self.date, ";", host, ";"];
        for piece in pieces {
            mac.update(piece.as_bytes());
        }
        mac.update(self.content_hash.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// A request whose signature fits and whose body was not read yet.
#[derive(Debug)]
pub struct Unread {
    content_hash: String,
}

impl Unread {
    /// Checks the hash of the body against the signed one.
    ///
    /// # Errors
    /// When the body is another.
    pub fn check_body(self, body_hash: &BodyHash) -> Result<Principal, Denied> {
        let same = body_hash
            .to_base64()
            .as_bytes()
            .ct_eq(self.content_hash.as_bytes());
        if bool::from(same) {
            Ok(Principal(()))
        } else {
            Err(Denied::ContentHash)
        }
    }
}

/// SHA-256 of a request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyHash([u8; 32]);

impl BodyHash {
    /// The hash of `body`.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// The hash in base64.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl SignedRequest<'_> {
    /// The string to sign, as it is expected of a caller: what a 401 may explain.
    #[must_use]
    pub fn expected_string(&self) -> String {
        let host = self.hosts.first().map_or("<host>", String::as_str);
        let date = self.date.unwrap_or("<x-ms-date>");
        let hash = self.content_hash.unwrap_or("<x-ms-content-sha256>");
        format!(
            "{}\n{}\n{date};{host};{hash}",
            self.method, self.path_and_query
        )
    }
}

/// What an Authorization field says behind the name of `scheme`, in which case does not matter (RFC 9110 sections 11.1 and 11.4).
fn credentials<'a>(authorization: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, rest) = authorization.split_once(' ')?;
    let is_scheme = name.eq_ignore_ascii_case(scheme);
    is_scheme.then(|| rest.trim_start_matches(' '))
}

/// Splits at the first `&Signature=`, since the base64 behind it may hold any of its characters.
fn signature(authorization: &str) -> Result<Vec<u8>, Denied> {
    let rest = credentials(authorization, SCHEME).ok_or(Denied::Scheme)?;
    let (signed_headers, signature) = rest.split_once("&Signature=").ok_or(Denied::Scheme)?;
    if signed_headers != SIGNED_HEADERS {
        return Err(Denied::Scheme);
    }
    STANDARD.decode(signature).map_err(|_| Denied::Scheme)
}

/// Every way an SDK may have spelt the host of a request.
///
/// `host` is the Host field as it came, `forwarded` the X-Forwarded-Host field with its port if there was one, `public` what the
/// operator says callers use; the last covers spellings that the Host field does not show, such as capitals and base paths.
#[must_use]
pub fn host_spellings(host: &str, forwarded: Option<&str>, public: &[&str]) -> Vec<String> {
    let mut spellings = Vec::new();
    let mut add = |spelling: String| {
        if !spelling.is_empty() && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    };
    let received = [Some(host), forwarded];
    for authority in received.into_iter().flatten().chain(public.iter().copied()) {
        let name = without_port(authority);
        add(authority.to_owned());
        add(name.to_owned());
        add(format!("{name}:443"));
        add(format!("{name}:80"));
    }
    spellings
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) =>
        {
            name
        }
        _ => authority,
    }
}

/// A secret that whoever calls says as it is.
pub struct BearerToken(Zeroizing<Vec<u8>>);

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

/// The text is too short to guard anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected at least 16 characters")]
pub struct ParseBearerTokenError;

impl BearerToken {
    /// The token `text`.
    ///
    /// # Errors
    /// When it is shorter than 16 characters.
    pub fn parse(text: &str) -> Result<Self, ParseBearerTokenError> {
        const SHORTEST: usize = 16;
        let text = text.trim();
        if text.len() < SHORTEST {
            Err(ParseBearerTokenError)
        } else {
            Ok(Self(Zeroizing::new(text.as_bytes().to_vec())))
        }
    }

    /// Whether an Authorization field is `Bearer` and this token.
    #[must_use]
    pub fn matches(&self, authorization: Option<&str>) -> bool {
        let given = authorization.and_then(|field| credentials(field, "Bearer"));
        // Hashed first, so that not even the length can be measured.
        let is_same =
            |given: &str| Sha256::digest(given.as_bytes()).ct_eq(&Sha256::digest(&self.0));
        given.is_some_and(|given| is_same(given).into())
    }
}

/// The operator's secret.
#[derive(Debug)]
pub struct AdminToken(BearerToken);

impl AdminToken {
    /// The token `text`.
    ///
    /// # Errors
    /// When it is shorter than 16 characters.
    pub fn parse(text: &str) -> Result<Self, ParseBearerTokenError> {
        BearerToken::parse(text).map(Self)
    }

    /// Lets a request in whose Authorization field is `Bearer` and this token.
    #[must_use]
    pub fn authorize(&self, authorization: Option<&str>) -> Option<Operator> {
        self.0.matches(authorization).then_some(Operator(()))
    }
}
