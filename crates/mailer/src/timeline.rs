//! All that is known of a message, for whoever asks what became of it.

use envelope::AddrSpec;

use crate::delivery::DeliveryState;
use crate::keys;
use crate::notification::{self, Notification};
use crate::operation::OperationId;
use crate::outcome::{self, Outcome, RecipientView};
use crate::ports::{KeyValue, StoreError};
use crate::record::MessageRecord;

/// A message and what became of it.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// The message.
    pub record: MessageRecord,
    /// What the attempts came to.
    pub state: DeliveryState,
    /// Its recipients, in the order of the envelope.
    pub recipients: Vec<RecipientStory>,
}

/// What became of one recipient.
#[derive(Debug, Clone)]
pub struct RecipientStory {
    /// The address.
    pub address: AddrSpec,
    /// Where it stands.
    pub view: RecipientView,
    /// The events behind that, oldest first.
    pub outcomes: Vec<Outcome>,
}

/// The message `id`, if there is one.
///
/// # Errors
/// When the store does not answer.
pub async fn read(store: &impl KeyValue, id: OperationId) -> Result<Option<Timeline>, StoreError> {
    let Some((record, _)) = MessageRecord::read_head(store, id).await? else {
        return Ok(None);
    };
    let addresses = record.recipients();
    let state = keys::state(id).read(store).await?;
    let state = state.unwrap_or_else(|| DeliveryState::queued(addresses.len(), record.accepted_at));
    let known = outcome::of_message(store, id, &state).await?;
    let recipients = addresses.into_iter().zip(known);
    let recipients = recipients.map(|(address, (view, outcomes))| RecipientStory {
        address,
        view,
        outcomes,
    });
    Ok(Some(Timeline {
        recipients: recipients.collect(),
        record,
        state,
    }))
}

impl Timeline {
    /// The notifications that told of it, as far as they are still there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn notifications(
        &self,
        store: &impl KeyValue,
    ) -> Result<Vec<Notification>, StoreError> {
        let outcomes = self.recipients.iter().flat_map(|story| &story.outcomes);
        let told = outcomes.flat_map(|outcome| outcome.notifications.iter().copied());
        notification::read_all(store, told.collect()).await
    }
}
