//! What a page may say of the mail that led to it.

use std::pin::pin;
use std::time::Duration;

use envelope::Domain;
use futures::future::{Either, select};

use crate::disclosure::Disclosure;
use crate::link::Reader;
use crate::ports::{KeyValue, Scheduler};
use crate::record::MessageRecord;
use crate::treatment::Topic;

/// How long the store is waited for. Whoever wants no more mail should not have to wait for its name.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// What is said of a message to whoever holds a link out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who sent it.
    pub domain: Domain,
    /// What it is about.
    pub topic: Option<Topic>,
    /// Who got it, masked: the link may have been passed on.
    pub recipient: String,
}

impl Notice {
    /// What there is to say to `reader`: nothing if the message is gone, or the store fails or takes longer than [`PATIENCE`].
    pub async fn read(ports: &(impl KeyValue + Scheduler), reader: Reader) -> Option<Self> {
        let record = pin!(MessageRecord::read(ports, reader.message));
        let record = match select(record, pin!(ports.sleep(PATIENCE))).await {
            Either::Left((record, _)) => record.ok().flatten()?,
            Either::Right(((), _)) => return None,
        };
        let recipients = record.recipients();
        let recipient = recipients.get(usize::from(reader.recipient))?;
        Some(Self {
            domain: record.from.address.domain().clone(),
            topic: record.treatment.topic,
            recipient: Disclosure::Masked.address(recipient),
        })
    }
}
