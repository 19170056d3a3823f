//! Changing subscriptions: under a lock, since all of them are one record.

use std::time::Duration;

use envelope::{AddrSpec, Domain};
use thiserror::Error;
use zeroize::Zeroizing;

use super::endpoint::{Endpoint, EndpointError};
use super::known::known_everywhere;
use super::record::{
    EndReason, EventType, Filter, MAX_BATCH_SIZE, MAX_FILTER_ENTRIES, MAX_NAME_OCTETS,
    MAX_SUBSCRIPTIONS, Schema, Subscription, SubscriptionId, SubscriptionState, Subscriptions,
};
use super::secret::{LONGEST_OVERLAP, OLD_SECRET_SIGNS_FOR, ParseSecretError, Secret};
use crate::domain::claim::Claim;
use crate::keyring::{MasterKey, UnsealError};
use crate::keys::{self, CHUNK_OCTETS};
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// How long the lock can be taken for, at least: see [`crate::attempt::Windows`].
const LOCK_HOLDS: Duration = Duration::from_secs(5);
/// Looks at a lock that somebody else holds.
const TRIES: u32 = 40;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(50);

/// Why something about a subscription was not done.
#[derive(Debug, Clone, Error)]
pub enum SubscriptionError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such subscription.
    #[error("There is no such subscription.")]
    NotFound,
    /// Another request is changing subscriptions.
    #[error("Another request is changing the subscriptions. Try again.")]
    Busy,
    /// There are as many as there may be.
    #[error("expected at most {MAX_SUBSCRIPTIONS} subscriptions, found more")]
    TooMany,
    /// All of them together do not fit into one record.
    #[error("expected all subscriptions to fit into {CHUNK_OCTETS} octets, found more")]
    TooLarge,
    /// The endpoint may not be one.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The name is not one.
    #[error(
        "expected 1 to {MAX_NAME_OCTETS} letters, digits, dots, hyphens and underscores, found another text"
    )]
    Name,
    /// The schema is not known.
    #[error("expected EventGridSchema or CloudEventSchemaV1_0, found another text")]
    Schema,
    /// A type of event is not known.
    #[error("expected a known type of event, found another text")]
    EventType,
    /// A sender domain is not one.
    #[error("expected a domain, found another text")]
    SenderDomain,
    /// A sender address is not one.
    #[error("expected an address, found another text")]
    SenderAddress,
    /// A list of the filter is too long.
    #[error("expected at most {MAX_FILTER_ENTRIES} entries, found more")]
    FilterTooLong(&'static str),
    /// The batch size is out of range.
    #[error("expected a number from 1 to {MAX_BATCH_SIZE}, found another")]
    BatchSize,
    /// The secret is not one.
    #[error(transparent)]
    Secret(#[from] ParseSecretError),
    /// The old secret shall sign for too long.
    #[error("expected at most {} seconds, found more", LONGEST_OVERLAP.as_secs())]
    Overlap,
    /// A sealed secret does not open.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// The subscription is in a state that does not allow it.
    #[error("expected a subscription that is {expected}, found one that is not")]
    State {
        /// The state it would have to be in.
        expected: &'static str,
    },
}

/// A new subscription as its owner describes it, every part as text; [`Request::check`] makes sense of it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What to call it.
    pub name: Option<String>,
    /// Whom to tell.
    pub endpoint: Option<String>,
    /// `EventGridSchema` or `CloudEventSchemaV1_0`.
    pub schema: Option<String>,
    /// Names of types.
    pub event_types: Option<Vec<String>>,
    /// Domains.
    pub sender_domains: Option<Vec<String>>,
    /// Addresses.
    pub sender_addresses: Option<Vec<String>>,
    /// Most events of one notification.
    pub batch_size: Option<u32>,
}

/// The same, checked: what is `None` is left as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    name: Option<String>,
    endpoint: Option<Endpoint>,
    schema: Option<Schema>,
    event_types: Option<Vec<EventType>>,
    sender_domains: Option<Vec<Domain>>,
    sender_addresses: Option<Vec<AddrSpec>>,
    batch_size: Option<u32>,
}

impl Request {
    /// Checks every part but what the endpoint's name leads to.
    ///
    /// # Errors
    /// The first part that cannot be used.
    pub fn check(self, reach: super::Reach) -> Result<Change, SubscriptionError> {
        let endpoint = self.endpoint.as_deref();
        let is_name = |name: &String| {
            let is_part = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
            (1..=MAX_NAME_OCTETS).contains(&name.len()) && name.bytes().all(is_part)
        };
        if self.name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(SubscriptionError::Name);
        }
        if self
            .batch_size
            .is_some_and(|size| !(1..=MAX_BATCH_SIZE).contains(&size))
        {
            return Err(SubscriptionError::BatchSize);
        }
        Ok(Change {
            endpoint: endpoint
                .map(|text| Endpoint::parse(text, reach))
                .transpose()?,
            schema: self.schema.as_deref().map(parse_schema).transpose()?,
            event_types: list(self.event_types, "includedEventTypes", |name| {
                EventType::parse(name).ok_or(SubscriptionError::EventType)
            })?,
            sender_domains: list(self.sender_domains, "senderDomains", |name| {
                Domain::parse(name).map_err(|_| SubscriptionError::SenderDomain)
            })?,
            sender_addresses: list(self.sender_addresses, "senderAddresses", |address| {
                AddrSpec::parse(address).map_err(|_| SubscriptionError::SenderAddress)
            })?,
            name: self.name,
            batch_size: self.batch_size,
        })
    }
}

fn parse_schema(name: &str) -> Result<Schema, SubscriptionError> {
    [Schema::EventGrid, Schema::CloudEvents]
        .into_iter()
        .find(|schema| schema.name().eq_ignore_ascii_case(name))
        .ok_or(SubscriptionError::Schema)
}

fn list<T>(
    texts: Option<Vec<String>>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, SubscriptionError>,
) -> Result<Option<Vec<T>>, SubscriptionError> {
    let Some(texts) = texts else {
        return Ok(None);
    };
    if texts.len() > MAX_FILTER_ENTRIES {
        return Err(SubscriptionError::FilterTooLong(name));
    }
    texts
        .iter()
        .map(|text| parse(text))
        .collect::<Result<_, _>>()
        .map(Some)
}

impl Schema {
    /// Its name in the API, as Event Grid's own has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventGrid => "EventGridSchema",
            Self::CloudEvents => "CloudEventSchemaV1_0",
        }
    }
}

impl Change {
    /// The endpoint, if it is to be another.
    #[must_use]
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    fn apply(self, subscription: &mut Subscription) {
        let Self {
            name,
            endpoint,
            schema,
            event_types,
            sender_domains,
            sender_addresses,
            batch_size,
        } = self;
        replace(&mut subscription.endpoint, endpoint);
        replace(&mut subscription.schema, schema);
        replace(&mut subscription.batch_size, batch_size);
        let filter = &mut subscription.filter;
        replace(&mut filter.event_types, event_types);
        replace(&mut filter.sender_domains, sender_domains);
        replace(&mut filter.sender_addresses, sender_addresses);
        if name.is_some() {
            subscription.name = name;
        }
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Makes a subscription that awaits validation, and gives its secret for the one time it is shown.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn create<P>(
    ports: &P,
    key: &MasterKey,
    change: Change,
    secret: Option<Secret>,
) -> Result<(Subscription, Zeroizing<String>), SubscriptionError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let id = SubscriptionId::random(ports);
    let secret = secret.unwrap_or_else(|| Secret::random(ports));
    let made = edit(ports, |subscriptions, now| {
        if subscriptions.all.len() >= MAX_SUBSCRIPTIONS {
            return Err(SubscriptionError::TooMany);
        }
        let Some(endpoint) = change.endpoint.clone() else {
            return Err(EndpointError::Syntax.into());
        };
        let mut subscription = Subscription {
            id,
            name: None,
            endpoint,
            schema: Schema::EventGrid,
            filter: Filter::default(),
            batch_size: 1,
            state: SubscriptionState::AwaitingValidation,
            was_active: false,
            validation: None,
            secrets: vec![secret.seal(ports, key, id, now)],
            created_at: now,
            updated_at: now,
        };
        change.apply(&mut subscription);
        subscriptions.all.push(subscription.clone());
        Ok(subscription)
    })
    .await?;
    Ok((made, secret.to_text()))
}

/// Changes a subscription. With another endpoint or schema it awaits validation; `true` if it does. When this returns, another filter
/// counts for all events.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn update<P>(
    ports: &P,
    id: SubscriptionId,
    change: Change,
) -> Result<(Subscription, bool), SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    let (subscription, (is_other, is_filter_other)) = edit_one(ports, id, |subscription, _| {
        let before = subscription.clone();
        change.apply(subscription);
        let is_other =
            before.endpoint != subscription.endpoint || before.schema != subscription.schema;
        if is_other {
            subscription.state = SubscriptionState::AwaitingValidation;
            subscription.validation = None;
        }
        Ok((is_other, before.filter != subscription.filter))
    })
    .await?;
    if is_filter_other {
        known_everywhere(ports).await;
    }
    Ok((subscription, is_other))
}

/// Removes a subscription. What was to be sent for it is not.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn remove<P>(ports: &P, id: SubscriptionId) -> Result<(), SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    edit(ports, |subscriptions, _| {
        let before = subscriptions.all.len();
        subscriptions
            .all
            .retain(|subscription| subscription.id != id);
        (subscriptions.all.len() < before)
            .then_some(())
            .ok_or(SubscriptionError::NotFound)
    })
    .await?;
    // What is known of the endpoint; losing this error loses nothing but space.
    let _ = ports
        .delete_many(vec![keys::subscription_health(id).into_path()])
        .await;
    Ok(())
}

/// Lets a subscription wait. What happens meanwhile is kept for it, for a day.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn pause<P>(ports: &P, id: SubscriptionId) -> Result<Subscription, SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    let (subscription, ()) = edit_one(ports, id, |subscription, now| match subscription.state {
        SubscriptionState::Active => {
            subscription.state = SubscriptionState::Paused { since: now };
            Ok(())
        }
        SubscriptionState::Paused { .. } => Ok(()),
        SubscriptionState::AwaitingValidation | SubscriptionState::Ended { .. } => {
            Err(SubscriptionError::State { expected: "active" })
        }
    })
    .await?;
    Ok(subscription)
}

/// Ends a pause, and returns when no instance takes the subscription for paused any more.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn resume<P>(ports: &P, id: SubscriptionId) -> Result<Subscription, SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    let (subscription, was_paused) =
        edit_one(ports, id, |subscription, _| match subscription.state {
            SubscriptionState::Paused { .. } => {
                subscription.state = SubscriptionState::Active;
                Ok(true)
            }
            SubscriptionState::Active => Ok(false),
            SubscriptionState::AwaitingValidation | SubscriptionState::Ended { .. } => {
                Err(SubscriptionError::State { expected: "paused" })
            }
        })
        .await?;
    if was_paused {
        known_everywhere(ports).await;
    }
    Ok(subscription)
}

/// Ends a subscription until it is validated anew, unless it has another endpoint than in `told` by now.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn end<P>(
    ports: &P,
    told: &Subscription,
    reason: EndReason,
) -> Result<(), SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    edit_one(ports, told.id, |subscription, at| {
        if subscription.endpoint == told.endpoint {
            subscription.state = SubscriptionState::Ended { at, reason };
            subscription.validation = None;
        }
        Ok(())
    })
    .await
    .map(|_| ())
}

/// A change of secrets.
#[derive(Debug, Default)]
pub struct Rotation {
    /// The new secret; a random one if it is left out.
    pub secret: Option<Secret>,
    /// How long the old one signs beside it; a day if it is left out.
    pub overlap: Option<Duration>,
}

/// Gives a subscription a new secret, for the one time it is shown. The one before it signs a while longer, those before that no more.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn rotate_secret<P>(
    ports: &P,
    key: &MasterKey,
    id: SubscriptionId,
    rotation: Rotation,
) -> Result<(Subscription, Zeroizing<String>), SubscriptionError>
where
    P: Clock + Entropy + KeyValue + Scheduler,
{
    let overlap = rotation.overlap.unwrap_or(OLD_SECRET_SIGNS_FOR);
    if overlap > LONGEST_OVERLAP {
        return Err(SubscriptionError::Overlap);
    }
    let secret = rotation.secret.unwrap_or_else(|| Secret::random(ports));
    let (subscription, ()) = edit_one(ports, id, |subscription, now| {
        let secrets = &mut subscription.secrets;
        secrets.truncate(1);
        for old in secrets.iter_mut() {
            old.expires_at = Some(now.plus(overlap));
        }
        secrets.retain(|old| old.is_live(now));
        secrets.insert(0, secret.seal(ports, key, id, now));
        Ok(())
    })
    .await?;
    Ok((subscription, secret.to_text()))
}

/// Has the old secret of a subscription sign no more.
///
/// # Errors
/// See [`SubscriptionError`].
pub async fn remove_old_secret<P>(
    ports: &P,
    id: SubscriptionId,
) -> Result<Subscription, SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    let (subscription, ()) = edit_one(ports, id, |subscription, _| {
        subscription.secrets.truncate(1);
        Ok(())
    })
    .await?;
    Ok(subscription)
}

/// Changes one subscription, and gives it as it was written.
pub(super) async fn edit_one<P, T>(
    ports: &P,
    id: SubscriptionId,
    change: impl FnOnce(&mut Subscription, Timestamp) -> Result<T, SubscriptionError>,
) -> Result<(Subscription, T), SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    edit(ports, |subscriptions, now| {
        let found = subscriptions
            .all
            .iter_mut()
            .find(|subscription| subscription.id == id)
            .ok_or(SubscriptionError::NotFound)?;
        let given = change(found, now)?;
        found.updated_at = now;
        Ok((found.clone(), given))
    })
    .await
}

/// Changes the record, and gives what `change` gave. Nothing is written when it refuses.
async fn edit<P, T>(
    ports: &P,
    change: impl FnOnce(&mut Subscriptions, Timestamp) -> Result<T, SubscriptionError>,
) -> Result<T, SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    let lock = take_lock(ports).await?;
    let result = edit_under(&lock, ports, change).await;
    lock.release(ports).await;
    result
}

async fn take_lock<P>(ports: &P) -> Result<Claim, SubscriptionError>
where
    P: Clock + KeyValue + Scheduler,
{
    for attempt in 1..=TRIES {
        if let Some(lock) = Claim::take(ports, LOCK_HOLDS, keys::subscriptions_lock).await? {
            return Ok(lock);
        }
        if attempt < TRIES {
            ports.sleep(PAUSE).await;
        }
    }
    Err(SubscriptionError::Busy)
}

async fn edit_under<P, T>(
    lock: &Claim,
    ports: &P,
    change: impl FnOnce(&mut Subscriptions, Timestamp) -> Result<T, SubscriptionError>,
) -> Result<T, SubscriptionError>
where
    P: Clock + KeyValue,
{
    let mut subscriptions = super::load(ports).await?;
    let given = change(&mut subscriptions, ports.now())?;
    let (path, value) = keys::subscriptions().write(&subscriptions)?;
    if value.len() > CHUNK_OCTETS {
        return Err(SubscriptionError::TooLarge);
    }
    if ports.now() >= lock.ends_at {
        return Err(SubscriptionError::Busy);
    }
    ports.set_many(vec![(path, value)]).await?;
    Ok(given)
}
