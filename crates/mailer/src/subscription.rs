//! Who is told of events, and how: subscriptions of endpoints, with what they want to hear and the secrets that sign it.
//!
//! All subscriptions are one record, so that what is told to whom is one read for any number of events.
//!
//! - [`record`] is the record; [`edit`] is the only way to change it, under a lock.
//! - [`endpoint`] says which URLs may be one, [`guard`] which addresses their names may lead to.
//! - [`secret`] makes, seals and uses secrets, in the way of Standard Webhooks.
//! - [`validation`] asks an endpoint whether it wants to be one.
//! - [`known`] keeps the record for a moment.
//!
//! Not supported: header fields of the subscriber's own, and a change of the key that seals secrets.

pub mod edit;
pub mod endpoint;
pub mod guard;
pub mod known;
pub mod record;
pub mod secret;
pub mod validation;

pub use edit::SubscriptionError;
pub use endpoint::{Endpoint, EndpointError, Reach};
pub use record::{
    EventType, Filter, Schema, Subscription, SubscriptionId, SubscriptionState, Subscriptions,
};

use crate::keys;
use crate::ports::{KeyValue, StoreError};

/// All subscriptions, as they are now.
///
/// # Errors
/// When the store does not answer.
pub async fn load(store: &impl KeyValue) -> Result<Subscriptions, StoreError> {
    Ok(keys::subscriptions().read(store).await?.unwrap_or_default())
}
