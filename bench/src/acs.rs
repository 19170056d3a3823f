//! Requests as an SDK of Azure Communication Services makes them.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::Full;
use sha2::{Digest, Sha256};

const PATH: &str = "/emails:send?api-version=2025-09-01";

/// A signed `POST /emails:send` of `body`.
pub(crate) fn send(host: &str, key: &[u8], body: &Bytes) -> Request<Full<Bytes>> {
    #[expect(clippy::disallowed_methods, reason = "a signature carries the time")]
    let date = httpdate::fmt_http_date(SystemTime::now());
    let hash = STANDARD.encode(Sha256::digest(body));
    let signature = STANDARD.encode(mac(key, &format!("POST\n{PATH}\n{date};{host};{hash}")));
    let request = Request::post(PATH)
        .header("host", host)
        .header("content-type", "application/json")
        .header("x-ms-date", date)
        .header("x-ms-content-sha256", hash)
        .header(
            "authorization",
            format!(
                "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
            ),
        );
    request.body(Full::new(body.clone())).unwrap_or_default()
}

fn mac(key: &[u8], string: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(string.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
