//! Which notifications come of events. Pure: the same events give the same ones, so a repeat stores them over themselves.

use super::Notification;
use crate::event::{AppEvent, derived_id};
use crate::operation::OperationId;
use crate::subscription::{Subscription, Subscriptions};
use crate::time::Timestamp;

/// The events of one notification take at most this much room in the store, unless one alone takes more.
pub const GROUP_OCTETS: usize = 128 * 1024;

/// The notifications that tell of `events`, those of one batch that was learnt together.
///
/// An event that is told alone gives its notification the id that follows from event and subscription; a group has the id that
/// follows from batch, subscription and place.
#[must_use]
pub fn fan_out(
    subscriptions: &Subscriptions,
    batch: OperationId,
    events: &[AppEvent],
    now: Timestamp,
) -> Vec<Notification> {
    subscriptions
        .all
        .iter()
        .filter(|subscription| subscription.collects())
        .flat_map(|subscription| for_one(subscription, batch, events, now))
        .collect()
}

fn for_one(
    subscription: &Subscription,
    batch: OperationId,
    events: &[AppEvent],
    now: Timestamp,
) -> Vec<Notification> {
    let matching = events
        .iter()
        .filter(|event| subscription.filter.matches(event));
    let id = subscription.id;
    if subscription.batch_size <= 1 {
        return matching
            .map(|event| {
                let text = format!("notification/{}/{id}", event.id);
                Notification::new(derived_id(&text), id, vec![event.clone()], now)
            })
            .collect();
    }
    let groups = groups(matching, subscription.batch_size);
    let numbered = (0_u32..).zip(groups);
    numbered
        .map(|(number, events)| {
            let text = format!("notification/{batch}/{id}/{number}");
            Notification::new(derived_id(&text), id, events, now)
        })
        .collect()
}

/// Groups of at most `size` events and [`GROUP_OCTETS`].
fn groups<'a>(events: impl Iterator<Item = &'a AppEvent>, size: u32) -> Vec<Vec<AppEvent>> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut groups: Vec<Vec<AppEvent>> = Vec::new();
    let mut octets = 0;
    for event in events {
        let length = stored_octets(event);
        match groups.last_mut() {
            Some(group) if group.len() < size && octets + length <= GROUP_OCTETS => {
                group.push(event.clone());
                octets += length;
            }
            Some(_) | None => {
                groups.push(vec![event.clone()]);
                octets = length;
            }
        }
    }
    groups
}

fn stored_octets(event: &AppEvent) -> usize {
    // No event fails to be written; if one did, it would go alone.
    serde_json::to_vec(event).map_or(GROUP_OCTETS, |stored| stored.len())
}
