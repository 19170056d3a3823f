//! Signs requests as the SDKs of Azure Communication Services do.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::{client::Request, secrets::ACCESS_KEY_PRIMARY};

/// How the path stands in the string to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathForm {
    /// As in the request.
    AsSent,
    /// Without its first slash, as old Python SDKs have it over plain HTTP.
    WithoutSlash,
}

/// What requests are signed with.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The access key, in base64.
    pub key: String,
    /// The host in the string to sign.
    pub host: String,
    /// The path in the string to sign.
    pub path: PathForm,
    /// When it is signed.
    pub at: SystemTime,
}

impl Signer {
    /// Returns a signer with the primary key, now, for a server its caller knows as `host`.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            key: ACCESS_KEY_PRIMARY.to_owned(),
            host: host.to_owned(),
            path: PathForm::AsSent,
            at: now(),
        }
    }

    /// Returns the signer with another key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self
        }
    }

    /// Returns the signer with another path.
    #[must_use]
    pub fn path(self, path: PathForm) -> Self {
        Self { path, ..self }
    }

    /// Returns the signer with a clock that is late by `by`.
    #[must_use]
    pub fn late(self, by: Duration) -> Self {
        Self {
            at: self.at - by,
            ..self
        }
    }

    /// Returns the signer with a clock that is early by `by`.
    #[must_use]
    pub fn early(self, by: Duration) -> Self {
        Self {
            at: self.at + by,
            ..self
        }
    }

    /// Returns `request` with the three fields of a signature.
    #[must_use]
    pub fn sign(&self, request: Request) -> Request {
        let date = httpdate::fmt_http_date(self.at);
        let content_hash = STANDARD.encode(Sha256::digest(&request.body));
        let path = match self.path {
            PathForm::AsSent => request.target.as_str(),
            PathForm::WithoutSlash => request.target.trim_start_matches('/'),
        };
        let text = format!(
            "{}\n{path}\n{date};{};{content_hash}",
            request.method, self.host
        );
        let authorization = format!(
            "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={}",
            self.mac(&text)
        );
        request
            .field("x-ms-date", &date)
            .field("x-ms-content-sha256", &content_hash)
            .field("authorization", &authorization)
    }

    fn mac(&self, text: &str) -> String {
        let key = STANDARD.decode(&self.key).expect("a key in base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(text.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "signatures carry the time at which they were made"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
