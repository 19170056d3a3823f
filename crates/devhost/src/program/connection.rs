//! Connection strings, and the signature of ACS access keys.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use url::Url;

/// A server and the key to it.
#[derive(Clone)]
pub(super) struct Connection {
    /// The server's origin, without a slash at the end.
    pub(super) origin: String,
    access_key: Vec<u8>,
}

/// Why a connection string cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error(
        "expected a connection string such as endpoint=http://127.0.0.1:3000/;accesskey=<base64>"
    )]
    Form,
    #[error("expected an endpoint such as http://127.0.0.1:3000/ in the connection string")]
    Endpoint,
    #[error("expected an access key in base64 in the connection string")]
    AccessKey,
}

impl Connection {
    pub(super) fn new(endpoint: &str, access_key: &str) -> Result<Self, ConnectionError> {
        let url = Url::parse(endpoint).map_err(|_| ConnectionError::Endpoint)?;
        if !url.has_host() || url.path() != "/" || !matches!(url.scheme(), "http" | "https") {
            return Err(ConnectionError::Endpoint);
        }
        let access_key = BASE64_STANDARD
            .decode(access_key)
            .map_err(|_| ConnectionError::AccessKey)?;
        Ok(Self {
            origin: url.as_str().trim_end_matches('/').to_owned(),
            access_key,
        })
    }

    /// Reads `endpoint=...;accesskey=...`.
    pub(super) fn parse(text: &str) -> Result<Self, ConnectionError> {
        let value = |wanted: &str| {
            let mut parts = text.split(';').filter_map(|part| part.split_once('='));
            parts
                .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim())
        };
        let (Some(endpoint), Some(key)) = (value("endpoint"), value("accesskey")) else {
            return Err(ConnectionError::Form);
        };
        Self::new(endpoint, key)
    }

    fn host(&self) -> &str {
        self.origin
            .split_once("://")
            .map_or(self.origin.as_str(), |(_, host)| host)
    }

    /// Returns the header fields that authorize a request.
    pub(super) fn sign(
        &self,
        method: &str,
        path_and_query: &str,
        date: &str,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let hash = BASE64_STANDARD.encode(Sha256::digest(body));
        let signed = format!("{method}\n{path_and_query}\n{date};{};{hash}", self.host());
        let signature = BASE64_STANDARD.encode(mac(&self.access_key, signed.as_bytes()));
        let authorization = format!(
            "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
        );
        vec![
            ("x-ms-date", date.to_owned()),
            ("x-ms-content-sha256", hash),
            ("authorization", authorization),
        ]
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8], data: &[u8]) -> impl AsRef<[u8]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(data);
    mac.finalize().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let connection =
            Connection::new("https://contoso.communicationservices.azure.com", "pw==").unwrap();
        let fields = connection.sign("GET", path, "Wed, 13 Apr 2022 18:09:12 GMT", b"");
        assert_eq!(fields[1].1, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert!(
            fields[2].1.ends_with(&format!("&Signature={expected}")),
            "{}",
            fields[2].1
        );
    }

    #[test]
    fn signatures_are_those_of_the_official_sdks() {
        check("/", "88MDmJhUR3m5QhFxb8ztShsSwlGrg7g/6XPnWf7QEO4=");
        check("/testPath", "RoCrHjw7fb9fpHSbqvRUY2xa8RBS0YvI1cxI1x8AS38=");
        check(
            "/testPath?testQuery=yes",
            "il99+rd6V5O136roX/zVePCNle78HmvC4B7tu9zRH3I=",
        );
    }

    #[test]
    fn connection_strings_are_read_in_any_order_and_case() {
        for text in [
            "endpoint=http://a:1/;accesskey=pw==",
            "AccessKey=pw==;Endpoint=http://a:1",
        ] {
            let connection = Connection::parse(text).unwrap();
            assert_eq!(
                (connection.origin.as_str(), connection.host()),
                ("http://a:1", "a:1"),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_connection_strings_are_refused() {
        for (text, error) in [
            ("", ConnectionError::Form),
            ("endpoint=http://a/", ConnectionError::Form),
            ("endpoint=a;accesskey=pw==", ConnectionError::Endpoint),
            (
                "endpoint=http://a/b;accesskey=pw==",
                ConnectionError::Endpoint,
            ),
            ("endpoint=http://a;accesskey=?", ConnectionError::AccessKey),
        ] {
            assert_eq!(Connection::parse(text).err(), Some(error), "{text}");
        }
    }
}
