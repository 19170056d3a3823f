//! What recipients did with a message, for whoever asks what became of it.

use futures::future::try_join_all;

use super::chunk;
use super::tally::Engagement;
use super::verdict::Delivery;
use crate::link::Reader;
use crate::notification::{self, Notification};
use crate::ports::{KeyValue, StoreError};
use crate::timeline::Timeline;

/// What each recipient did, in the order of the envelope. Who did nothing costs one read.
///
/// # Errors
/// When the store does not answer.
pub async fn of_message(
    store: &impl KeyValue,
    timeline: &Timeline,
) -> Result<Vec<Engagement>, StoreError> {
    let stories = (0..).zip(&timeline.recipients);
    let reads = stories.map(async |(recipient, story)| {
        let reader = Reader {
            message: timeline.record.id,
            recipient,
        };
        let known = chunk::read(store, reader).await?;
        let state = timeline.state.recipients.get(usize::from(recipient));
        let delivery = Delivery::of(state, &story.outcomes);
        let links = timeline.state.links;
        Ok(Engagement::of(reader, delivery, links, known))
    });
    try_join_all(reads).await
}

/// The notifications that told of it, as far as they are still there.
///
/// # Errors
/// When the store does not answer.
pub async fn notifications(
    store: &impl KeyValue,
    engagements: &[Engagement],
) -> Result<Vec<Notification>, StoreError> {
    let told = engagements.iter().flat_map(|one| &one.notifications);
    notification::read_all(store, told.copied().collect()).await
}
