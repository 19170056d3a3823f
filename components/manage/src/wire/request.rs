//! Bodies of requests.

use mailer::domain::record;
use mailer::subscription::edit;
use mailer::suppression::record::Person;
use serde::{Deserialize, Deserializer, Serialize};

/// `PUT /domains/{name}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DomainPut {
    pub(crate) linked: Option<bool>,
    pub(crate) mail_from_sender_domain: Option<String>,
    pub(crate) user_engagement_tracking: Option<UserEngagementTracking>,
    pub(crate) bulk_by_default: Option<bool>,
    /// Null takes it away, which leaving it out does not.
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) tracking_host: Option<Option<String>>,
    /// Only `CustomerManaged` is put; taken so that a body of Azure's fits.
    #[serde(default, rename = "domainManagement")]
    _domain_management: Option<CustomerManaged>,
}

#[derive(Deserialize)]
enum CustomerManaged {
    CustomerManaged,
}

/// Whether opens and clicks are tracked, in Azure's words.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum UserEngagementTracking {
    Disabled,
    Enabled,
}

impl From<bool> for UserEngagementTracking {
    fn from(is_tracked: bool) -> Self {
        if is_tracked {
            Self::Enabled
        } else {
            Self::Disabled
        }
    }
}

/// A property that is there, be it null.
fn nullable<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `PATCH /domains/{name}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DomainPatch {
    pub(crate) linked: Option<bool>,
    pub(crate) mail_from_sender_domain: Option<String>,
    pub(crate) user_engagement_tracking: Option<UserEngagementTracking>,
    pub(crate) bulk_by_default: Option<bool>,
    /// Null takes it away, which leaving it out does not.
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) tracking_host: Option<Option<String>>,
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

/// `POST /subscriptions`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubscriptionPost {
    name: Option<String>,
    endpoint_url: Option<String>,
    event_delivery_schema: Option<String>,
    included_event_types: Option<Vec<String>>,
    sender_domains: Option<Vec<String>>,
    sender_addresses: Option<Vec<String>>,
    batch_size: Option<u32>,
    /// The owner's own; one is made if it is left out.
    pub(crate) secret: Option<zeroize::Zeroizing<String>>,
}

/// `PATCH /subscriptions/{id}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubscriptionPatch {
    name: Option<String>,
    endpoint_url: Option<String>,
    event_delivery_schema: Option<String>,
    included_event_types: Option<Vec<String>>,
    sender_domains: Option<Vec<String>>,
    sender_addresses: Option<Vec<String>>,
    batch_size: Option<u32>,
}

impl SubscriptionPost {
    /// All but the secret.
    pub(crate) fn into_request(self) -> edit::Request {
        edit::Request {
            name: self.name,
            endpoint: self.endpoint_url,
            schema: self.event_delivery_schema,
            event_types: self.included_event_types,
            sender_domains: self.sender_domains,
            sender_addresses: self.sender_addresses,
            batch_size: self.batch_size,
        }
    }
}

impl From<SubscriptionPatch> for edit::Request {
    fn from(patch: SubscriptionPatch) -> Self {
        Self {
            name: patch.name,
            endpoint: patch.endpoint_url,
            schema: patch.event_delivery_schema,
            event_types: patch.included_event_types,
            sender_domains: patch.sender_domains,
            sender_addresses: patch.sender_addresses,
            batch_size: patch.batch_size,
        }
    }
}

/// `POST /subscriptions/{id}:rotateSecret`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RotateSecret {
    pub(crate) secret: Option<zeroize::Zeroizing<String>>,
    /// How long the old one signs beside it.
    pub(crate) old_secret_seconds: Option<u64>,
}

/// `POST /subscriptions/{id}:test`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Trial {
    /// How many events, 1 if it is left out.
    pub(crate) events: Option<usize>,
    /// Of which type; reports of a delivery if it is left out.
    pub(crate) event_type: Option<String>,
}

/// `POST /subscriptions/{id}:redeliver`: one notification, those that died in a time, or all.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Redeliver {
    pub(crate) notification: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) all: Option<bool>,
}

/// `POST /messages/{id}/engagement:erase`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Erase {
    /// Whose.
    pub(crate) recipient: Option<String>,
}

/// `PUT /domains/{name}/suppressionLists/{list}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListPut {
    pub(crate) list_name: Option<String>,
}

/// `PUT …/suppressionListAddresses/{name}` and `PUT /suppressions/{address}`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AddressPut {
    /// Wanted below a list; above, the path has it.
    pub(crate) email: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) notes: Option<String>,
}

impl AddressPut {
    pub(crate) fn person(self) -> Person {
        Person {
            first_name: self.first_name.unwrap_or_default(),
            last_name: self.last_name.unwrap_or_default(),
            notes: self.notes.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<Option<&str>>) {
        let patch: DomainPatch = serde_json::from_str(body).unwrap();
        let expected = expected.map(|host| host.map(str::to_owned));
        assert_eq!(patch.tracking_host, expected, "{body}");
    }

    #[test]
    fn null_is_something_else_than_nothing() {
        check("{}", None);
        check(r#"{"trackingHost":null}"#, Some(None));
        check(r#"{"trackingHost":"a.b"}"#, Some(Some("a.b")));
    }

    #[test]
    fn tracking_is_switched_by_exact_words_only() {
        for value in ["true", "\"enabled\"", "\"On\"", "1", "{}"] {
            let body = format!(r#"{{"userEngagementTracking":{value}}}"#);
            assert!(
                serde_json::from_str::<DomainPatch>(&body).is_err(),
                "{body}"
            );
        }
    }
}
