//! Bodies of requests.

use mailer::domain::record;
use serde::Deserialize;

/// `PUT /domains/{name}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DomainPut {
    pub(crate) linked: Option<bool>,
    pub(crate) mail_from_sender_domain: Option<String>,
    /// Only `CustomerManaged` is put; taken so that a body of Azure's fits.
    #[serde(default, rename = "domainManagement")]
    _domain_management: Option<CustomerManaged>,
}

#[derive(Deserialize)]
enum CustomerManaged {
    CustomerManaged,
}

/// `PATCH /domains/{name}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DomainPatch {
    pub(crate) linked: Option<bool>,
    pub(crate) mail_from_sender_domain: Option<String>,
}

/// `POST /domains/{name}:initiateVerification` and `:cancelVerification`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Verify {
    /// All of them, if left out where that makes sense.
    pub(crate) verification_type: Option<String>,
}

/// `POST /domains/{name}:rotateDkim`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rotate {
    #[serde(default)]
    pub(crate) algorithm: Algorithm,
}

/// A signing algorithm, as in the tag `a=`.
#[derive(Default, Clone, Copy, Deserialize)]
pub(crate) enum Algorithm {
    #[default]
    #[serde(rename = "rsa-sha256")]
    RsaSha256,
    #[serde(rename = "ed25519-sha256")]
    Ed25519Sha256,
}

impl From<Algorithm> for record::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RsaSha256 => Self::RsaSha256,
            Algorithm::Ed25519Sha256 => Self::Ed25519Sha256,
        }
    }
}

/// `PUT /domains/{name}/dkimKeys/{selector}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KeyPut {
    /// PKCS#8 in PEM, not encrypted.
    #[serde(default)]
    pub(crate) private_key: zeroize::Zeroizing<String>,
}

/// `PUT /domains/{name}/senderUsernames/{username}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SenderPut {
    pub(crate) display_name: Option<String>,
}
