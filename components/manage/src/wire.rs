//! The JSON of the operator's API, in the vocabulary of Azure's resources.

use std::collections::BTreeMap;

use mailer::domain::{DomainRecord, Management, SenderUsername};
use mailer::operation::OperationId;
use serde::Serialize;

/// How long resolvers may keep our records, in seconds.
const TTL_SECS: u32 = 3600;

/// All domains.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DomainList {
    value: Vec<Domain>,
    next_link: Option<String>,
}

impl DomainList {
    pub(crate) fn new(records: &[DomainRecord]) -> Self {
        Self {
            value: records.iter().map(Domain::from).collect(),
            next_link: None,
        }
    }
}

/// One domain.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Domain {
    name: String,
    domain_management: &'static str,
    from_sender_domain: String,
    mail_from_sender_domain: String,
    linked: bool,
    sender_usernames: Vec<Sender>,
    verification_records: BTreeMap<&'static str, Record>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sender {
    username: String,
    display_name: Option<String>,
}

/// A DNS record to publish.
#[derive(Serialize)]
struct Record {
    r#type: &'static str,
    name: String,
    value: String,
    ttl: u32,
}

impl From<&DomainRecord> for Domain {
    fn from(record: &DomainRecord) -> Self {
        let name = record.domain.to_string();
        let dkim = Record {
            r#type: "TXT",
            name: format!("{}._domainkey.{name}", record.active_key.selector),
            value: record.active_key.record.clone(),
            ttl: TTL_SECS,
        };
        Self {
            domain_management: match record.management {
                Management::Managed => "ServiceManaged",
            },
            from_sender_domain: name.clone(),
            mail_from_sender_domain: name.clone(),
            linked: record.linked,
            sender_usernames: record.senders.iter().map(Sender::from).collect(),
            verification_records: BTreeMap::from([("DKIM", dkim)]),
            name,
        }
    }
}

impl From<&SenderUsername> for Sender {
    fn from(sender: &SenderUsername) -> Self {
        Self {
            username: sender.username.clone(),
            display_name: sender.display_name.clone(),
        }
    }
}

/// What a PUT that takes a while is polled as.
#[derive(Serialize)]
pub(crate) struct Operation {
    id: String,
    status: &'static str,
    error: Option<OperationError>,
}

#[derive(Serialize)]
struct OperationError {
    code: &'static str,
    message: &'static str,
}

impl Operation {
    pub(crate) fn running(id: OperationId) -> Self {
        Self {
            id: id.to_string(),
            status: "Running",
            error: None,
        }
    }

    pub(crate) fn succeeded(id: OperationId) -> Self {
        Self {
            id: id.to_string(),
            status: "Succeeded",
            error: None,
        }
    }

    /// It ran out of its time: its instance was stopped.
    pub(crate) fn cut_off(id: OperationId) -> Self {
        let error = OperationError {
            code: "ProvisioningCutOff",
            message: "The operation was cut off. Send the PUT again.",
        };
        Self {
            id: id.to_string(),
            status: "Failed",
            error: Some(error),
        }
    }
}
