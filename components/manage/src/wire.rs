//! The JSON of the operator's API, in the vocabulary of Azure's resources.

mod diagnosis;
mod domain;
mod request;
mod subscription;
mod suppression;

use mailer::domain::history;
use mailer::domain::reseal;
use mailer::domain::verification::RecordKind;
use mailer::operation::OperationId;
use serde::Serialize;

pub(crate) use diagnosis::Diagnosis;
pub(crate) use domain::{Domain, Sender};
pub(crate) use request::{
    AddressPut, DomainPatch, DomainPut, Erase, KeyPut, ListPut, Redeliver, Rotate, RotateSecret,
    SenderPut, SubscriptionPatch, SubscriptionPost, Trial, UserEngagementTracking, Verify,
};
pub(crate) use subscription::{DeadLetter, Named, NewSubscription, Subscription};
pub(crate) use suppression::{Address, Explanation, List, Progress, Suppressed};

/// Some of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    value: Vec<T>,
    /// The path of the next page, if there is one.
    next_link: Option<String>,
}

impl<T> Page<T> {
    pub(crate) const fn new(value: Vec<T>, next_link: Option<String>) -> Self {
        Self { value, next_link }
    }
}

/// An event of a domain's history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    at: String,
    kind: &'static str,
    record: Option<&'static str>,
    detail: String,
}

impl From<&history::Event> for Event {
    fn from(event: &history::Event) -> Self {
        Self {
            at: event.at.to_rfc3339(),
            kind: event.kind.as_str(),
            record: event.record.map(RecordKind::as_str),
            detail: event.detail.clone(),
        }
    }
}

/// What sealing anew came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resealed {
    keys: u64,
    changed: u64,
    failed: u64,
    /// The path that goes on, if this was not all.
    next_link: Option<String>,
}

impl From<reseal::Resealed> for Resealed {
    fn from(done: reseal::Resealed) -> Self {
        Self {
            keys: done.keys,
            changed: done.changed,
            failed: done.failed,
            next_link: done
                .next_after
                .map(|after| format!("/keys:reseal?skipToken={after}")),
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

    /// It ran out of its time: its instance was stopped. The message says what happens next.
    pub(crate) fn cut_off(id: OperationId, message: &'static str) -> Self {
        let error = OperationError {
            code: "ProvisioningCutOff",
            message,
        };
        Self {
            id: id.to_string(),
            status: "Failed",
            error: Some(error),
        }
    }
}
