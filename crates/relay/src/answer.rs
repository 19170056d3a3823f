//! What became of each recipient: the answer to `POST /v1/messages`.

use envelope::{AddrSpec, Reply};
use serde::{Deserialize, Serialize};

/// One recipient's result.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct RecipientResult {
    pub(crate) recipient: String,
    pub(crate) status: Status,
    pub(crate) reply: Reply,
}

/// What the caller does next with a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Accepted,
    Deferred,
    Rejected,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Answer {
    pub(crate) results: Vec<RecipientResult>,
}

impl RecipientResult {
    /// The result that `reply` means for `recipient`: the reply code alone decides (RFC 5321, section 4.2.1).
    pub(crate) fn new(recipient: &AddrSpec, reply: Reply) -> Self {
        let status = match reply.code {
            code if code.is_positive() => Status::Accepted,
            code if code.is_transient() => Status::Deferred,
            _ => Status::Rejected,
        };
        Self {
            recipient: recipient.to_string(),
            status,
            reply,
        }
    }
}

impl Answer {
    /// Gives every recipient the same reply.
    pub(crate) fn to_all(recipients: &[AddrSpec], reply: &Reply) -> Self {
        Self {
            results: recipients
                .iter()
                .map(|recipient| RecipientResult::new(recipient, reply.clone()))
                .collect(),
        }
    }

    /// The part of this answer that is about `recipients`, in their order, if it tells of all of them.
    pub(crate) fn about(&self, recipients: &[AddrSpec]) -> Option<Self> {
        let result = |recipient: &AddrSpec| {
            let name = recipient.to_string();
            let mut results = self.results.iter();
            results.find(|result| result.recipient == name).cloned()
        };
        let results = recipients.iter().map(result).collect::<Option<_>>()?;
        Some(Self { results })
    }

    /// Says whether anybody will get the message, so that sending it again would be wrong.
    pub(crate) fn accepted_any(&self) -> bool {
        self.results
            .iter()
            .any(|result| result.status == Status::Accepted)
    }
}
