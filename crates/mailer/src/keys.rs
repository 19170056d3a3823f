//! Every key in the store, with the type of its value, who writes it, what two writers at once do and what a crash leaves.
//!
//! | key | value | writer | two writers at once | a crash leaves |
//! |---|---|---|---|---|
//! | `message/<id>` | [`MessageRecord`], then the content if it is small | send, once, in one `set-many` with the journal entry | same Operation-Id: decided before by `operation-claim` | nothing, or all of it |
//! | `message/<id>/content/<n>` | content octets, at most [`CHUNK_OCTETS`] | send, same `set-many` | as above | as above |
//! | `operation-claim/<id>/<window>` | counter | send, only when the caller chose the id | the first to reach 1 writes the message | the id is free again after [`crate::submit::CLAIM_WINDOW`] |
//! | `message-id/<hash>` | [`crate::operation::OperationId`] | send, when the caller asks that its Message-ID be checked | the later wins; both are mail with one Message-ID | nothing |
//! | `state/<id>` | [`DeliveryState`] | dispatch, holding the attempt's claim | the claim excludes them | the attempt is made again with the same handover key |
//! | `claim/<id>/<attempt>/<window>` | counter | dispatch and notify, which attempt; manage, which erases | the first to reach 1 works | the next window is claimable |
//! | `batch/<id>` | [`EventBatch`] | whoever learnt the events, in one `set-many` with their journal item; then notify, holding the claim, which deletes it | ids follow from what was learnt, so a repeat writes the same | the batch is taken in again |
//! | `visits/<id>` | [`VisitBatch`] | webhook for what came by mail, in one `set-many` with its journal item; the tick, for what stood in a journal entry; then notify, holding the claim, which deletes it | each batch has an id of its own; the same mail gives the same | the batch is taken in again |
//! | `engagement-count/<message>/<recipient>` | counter: batches with visits of that recipient, and 2^40 once he was erased | notify, holding the claim of a batch; manage, which erases | each gets its own number; of two that erase both add, which means the same | a number without a chunk; who was erased has chunks that nobody reads |
//! | `engagement-wish-count/<message>/<recipient>` | counter: those among them that brought a wish when there were too many others, and 2^40 as above | as above | as above | a number without a chunk |
//! | `engagement/<message>/<recipient>/<n>` | [`Chunk`], its visits in one batch | notify, in one `set-many` with what follows from it and the end of the batch; manage deletes it | each has a number of its own; two that take in one batch at once write one each, of which readers count one. One written while its recipient is erased stays unread until he is erased again | nothing, or all of it |
//! | `outcome/<message>/<recipient>/<kind>` | [`Outcome`]; deferrals have `/<number>` behind | notify, in one `set-many` with what follows from it | both write the same event; of two deferrals at once one is lost | nothing, or all of it |
//! | `refusals/<reason>` | counter | webhook | both count | nothing |
//! | `journal/tail` | counter | send and dispatch instances, once a minute each | each gets its own number | a number without entries, skipped after [`crate::journal::NUMBER_DEAD_AFTER`] |
//! | `journal/<number>/<n>` | [`JournalEntry`]; track's have a [`VisitBatch`] in them | the one instance that took the number; who takes such a batch in, and the tick that moves it, write the entry without it | none; those two leave the same | nothing, or the entry with its messages |
//! | `day-count/<day>` | counter | send instances, with each journal number | each gets its own place | a place that stays empty |
//! | `day/<day>/<n>` | [`DayNumber`] | the instance that took the number, in one `set-many` with its first entry | none | nothing, or both |
//! | `tick/progress` | [`TickProgress`] | the tick that holds the lease | the lease excludes them | the step is done again; claims keep mail single |
//! | `tick/lease` | [`TickLease`] | the tick that won `tick/claim/<generation>` | the claim decides | the lease runs out |
//! | `tick/claim/<generation>` | counter | ticks | the first to reach 1 leads | as above |
//! | `due/<slot>/<n>` | [`DueEntry`] | the tick that holds the lease | as above | entries that were already moved are found stale |
//! | `domain/<domain>` | [`DomainRecord`] | manage, and the tick | `domain-lock` excludes them | written together with its events and keys |
//! | `domain-lock/<domain>/<window>` | counter | manage, and the tick | the first to reach 1 writes | others wait for the end of the window |
//! | `domain-check/<domain>/<window>` | counter | the tick | the first to reach 1 looks at DNS | the next window is claimable |
//! | `domain-event/<domain>/<n>` | [`Event`] | who holds the lock | excluded | written together with the record that counts it |
//! | `dkim-key/<domain>/<selector>` | [`SealedKey`] | who holds the lock | excluded | written together with the record that names it; emptied together with the one that revokes it |
//! | `domain-count` | counter | manage | each gets its own slot | a slot that stays empty |
//! | `domain-slot/<n>` | [`DomainSlot`] | manage | none | written together with its domain |
//! | `domain-scan` | [`DomainScan`] | the tick | the later wins; domains are looked at once more | some domains are looked at once more |
//! | `domain-index` | [`DomainIndex`] | nobody: version 1 did | | |
//! | `managed-domain` | [`Provisioning`] | manage | `managed-domain-claim/<generation>` decides | a new generation after its deadline |
//! | `subscriptions` | [`Subscriptions`], all of them | manage, and notify after a 410 or a validation | `subscriptions-lock` excludes them | nothing, or the change |
//! | `subscriptions-lock/<window>` | counter | manage, notify | the first to reach 1 writes | others wait for the end of the window |
//! | `subscription-health/<id>` | [`EndpointHealth`] | notify, with a notification | the later wins; a failure is not counted | nothing |
//! | `notification/<id>` | [`Notification`] | who takes the event in, in one `set-many` with its journal item; then notify, holding the attempt's claim; manage when it is sent anew, or, holding the claim unless it is due later, when who it is about is erased | the same events give the same notifications; the claim excludes them | the request is made again with the same `webhook-id` |
//! | `dead-count/<subscription>` | counter | notify | each gets its own number | a number without a letter |
//! | `dead-letter/<subscription>/<n>` | [`DeadLetter`] | notify, in one `set-many` with its notification | none | a letter whose notification is not dead, which is not shown |
//! | `dead-floor/<subscription>` | [`DeadFloor`] | notify, when it deletes a letter | the later wins; a few numbers are looked at in vain | nothing |
//! | `redeliver-lock/<subscription>/<window>` | counter | manage | the first to reach 1 sends anew, or takes events back | others wait for the end of the window |
//! | `suppression/<name>` | [`Suppression`] | manage, and who tells of events; `<name>` is the canonical address or its HMAC in hexadecimal digits | `suppression-section` excludes them | written together with its slot |
//! | `suppression-entry/<domain>/<username>/<name>` | [`Suppression`], on the list of a sender, or of all if the username is empty; `%` and `/` in it are escaped | manage, and notify for who unsubscribes | as above; operators' edits hold `suppression-lock` before that | as above. An entry counts only if it has the generation of the list there is now, so a list is deleted and made anew without its entries being touched, and read together with them in one round |
//! | `suppression-lists/<domain>` | [`SuppressionLists`], never deleted: it counts generations | manage | `suppression-lock` excludes them | nothing, or all of the change |
//! | `suppression-lock/<domain>/<window>` | counter | manage | the first to reach 1 writes | others wait for the end of the window |
//! | `suppression-section/<section>/<window>` | counter; a section is the hash of a name modulo 32, whatever list it is on | who changes entries | the first to reach 1 reads and writes those of its section; several are taken in their order | others wait for the end of the window; batches are taken in again, operators sent away |
//! | `suppression-count/<shelf>` | counter; a shelf is `*`, or `<domain>/<generation>` | who adds an entry | each gets slots of its own | slots that stay empty |
//! | `suppression-slot/<shelf>/<n>` | [`Slot`] | who adds an entry | none | written together with the entry; deleted together with it, so gaps are skipped, and so are slots whose entry names another |
//! | `suppression-id/<domain>/<generation>/<id>` | [`Slot`] | manage | `suppression-lock` excludes them | written together with the entry; stale when the entry has another id |
//! | `suppression-mode` | [`HashMode`] | the first to write under a hash key | both write the same, or one has another key: then neither reads a list until one key is left | written together with the first entry |
//!
//! Counters are read with `increment(key, 0)` only: their bytes differ between backends.

use std::marker::PhantomData;

use envelope::{AddrSpec, Domain};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::delivery::DeliveryState;
use crate::domain::history::Event;
use crate::domain::index::{DomainIndex, DomainSlot};
use crate::domain::managed::Provisioning;
use crate::domain::recheck::DomainScan;
use crate::domain::{DomainRecord, SealedKey};
use crate::due::DueEntry;
use crate::engagement::VisitBatch;
use crate::engagement::chunk::Chunk;
use crate::event::{EventBatch, EventKind};
use crate::journal::{JournalEntry, WorkKind, WorkProgress};
use crate::lease::TickLease;
use crate::link::Reader;
use crate::listing::DayNumber;
use crate::notification::Notification;
use crate::notification::dead::{DeadFloor, DeadLetter};
use crate::notification::health::EndpointHealth;
use crate::operation::OperationId;
use crate::outcome::Outcome;
use crate::ports::{KeyValue, StoreError, Write};
use crate::record::MessageRecord;
use crate::refusals::Reason;
use crate::subscription::{SubscriptionId, Subscriptions};
use crate::suppression::identity::HashMode;
use crate::suppression::list::SuppressionLists;
use crate::suppression::shelf::Slot;
use crate::suppression::{Name, Scope, Shelf, Suppression};
use crate::tick::TickProgress;

/// The largest value that is stored in one piece: `DynamoDB` holds 400 KB an item, and Redis likes less.
pub const CHUNK_OCTETS: usize = 256 * 1024;

/// A key that knows the type of its value.
#[derive(Debug)]
pub struct Key<T> {
    path: String,
    value: PhantomData<fn() -> T>,
}

/// Marks a key whose value is a counter.
#[derive(Debug)]
pub enum Counter {}

/// Marks a key whose value is octets of content.
#[derive(Debug)]
pub enum Content {}

impl<T> Key<T> {
    const fn at(path: String) -> Self {
        Self {
            path,
            value: PhantomData,
        }
    }

    /// The key as the store sees it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The key as the store sees it, owned.
    #[must_use]
    pub fn into_path(self) -> String {
        self.path
    }
}

/// A value of the store: JSON inside an envelope that names its version.
pub trait Record: Serialize + DeserializeOwned {
    /// Raised when the stored form changes; old forms stay readable.
    const VERSION: u32;
}

/// Whether a field says nothing, and need not be stored.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Serialize)]
struct Outgoing<'a, T> {
    v: u32,
    r: &'a T,
}

#[derive(Deserialize)]
struct Incoming<T> {
    v: u32,
    r: T,
}

/// The stored form of `record`.
///
/// # Errors
/// Never for the records of this crate: none has a map with keys that are not text.
pub fn encode<T: Record>(record: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(&Outgoing {
        v: T::VERSION,
        r: record,
    })
    .map_err(|e| StoreError::new(e.to_string()))
}

/// The record whose stored form is `bytes`.
///
/// # Errors
/// When `bytes` is not a record of this type and a known version.
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T, StoreError> {
    // The error itself would quote what it found, and this goes to the log.
    let incoming: Incoming<T> = serde_json::from_slice(bytes).map_err(|e| {
        let (kind, column) = (e.classify(), e.column());
        StoreError::new(format!(
            "unreadable record: {kind:?} error at octet {column}"
        ))
    })?;
    if incoming.v > T::VERSION {
        return Err(StoreError::new(format!(
            "expected a record of version {} or older, found version {}",
            T::VERSION,
            incoming.v
        )));
    }
    Ok(incoming.r)
}

impl<T: Record> Key<T> {
    /// The record under this key, if there is one.
    ///
    /// # Errors
    /// When the store does not answer, or the value is not such a record.
    pub async fn read(&self, store: &impl KeyValue) -> Result<Option<T>, StoreError> {
        let bytes = store.get(&self.path).await?;
        bytes
            .map(|bytes| {
                decode(&bytes).map_err(|e| StoreError::new(format!("{}: {}", self.path, e.cause)))
            })
            .transpose()
    }

    /// The write that puts `record` under this key.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn write(self, record: &T) -> Result<Write, StoreError> {
        Ok((self.path, encode(record)?))
    }
}

impl Key<Counter> {
    /// Adds one and gives the new value: who gets 1 was first.
    ///
    /// # Errors
    /// When the store does not answer; the counter may have moved.
    pub async fn increment(&self, store: &impl KeyValue) -> Result<i64, StoreError> {
        self.add(store, 1).await
    }

    /// Adds `delta` and gives the new value.
    ///
    /// # Errors
    /// When the store does not answer; the counter may have moved.
    pub async fn add(&self, store: &impl KeyValue, delta: i64) -> Result<i64, StoreError> {
        store.increment(&self.path, delta).await
    }

    /// The value now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn value(&self, store: &impl KeyValue) -> Result<i64, StoreError> {
        store.increment(&self.path, 0).await
    }

    /// Whether anybody ever incremented it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_taken(&self, store: &impl KeyValue) -> Result<bool, StoreError> {
        store.exists(&self.path).await
    }
}

/// `message/<id>`
#[must_use]
pub fn message(id: OperationId) -> Key<MessageRecord> {
    Key::at(format!("message/{id}"))
}

/// `message/<id>/content/<n>`
#[must_use]
pub fn content(id: OperationId, n: usize) -> Key<Content> {
    Key::at(format!("message/{id}/content/{n}"))
}

/// `message-id/<hash>`
#[must_use]
pub fn message_id(hash: &str) -> Key<OperationId> {
    Key::at(format!("message-id/{hash}"))
}

/// `operation-claim/<id>/<window>`
#[must_use]
pub fn operation_claim(id: OperationId, window: u64) -> Key<Counter> {
    Key::at(format!("operation-claim/{id}/{window}"))
}

/// `state/<id>`
#[must_use]
pub fn state(id: OperationId) -> Key<DeliveryState> {
    Key::at(format!("state/{id}"))
}

/// `claim/<id>/<attempt>/<window>`
#[must_use]
pub fn claim(id: OperationId, attempt: u32, window: u64) -> Key<Counter> {
    Key::at(format!("claim/{id}/{attempt}/{window}"))
}

/// `outcome/<message>/<recipient>/<kind>`, and for deferrals `/<number>`.
#[must_use]
pub fn outcome(
    message: OperationId,
    recipient: usize,
    kind: EventKind,
    number: u64,
) -> Key<Outcome> {
    let name = kind.name();
    Key::at(match kind {
        EventKind::Deferred => format!("outcome/{message}/{recipient}/{name}/{number}"),
        _ => format!("outcome/{message}/{recipient}/{name}"),
    })
}

/// `day-count/<day>`, the day counted from 1970-01-01.
#[must_use]
pub fn day_count(day: u64) -> Key<Counter> {
    Key::at(format!("day-count/{day}"))
}

/// `day/<day>/<n>`
#[must_use]
pub fn day_number(day: u64, n: u64) -> Key<DayNumber> {
    Key::at(format!("day/{day}/{n}"))
}

/// `refusals/<reason>`
#[must_use]
pub fn refusals(reason: Reason) -> Key<Counter> {
    Key::at(format!("refusals/{}", reason.name()))
}

/// `visits/<id>`
#[must_use]
pub fn visits(id: OperationId) -> Key<VisitBatch> {
    Key::at(format!("visits/{id}"))
}

/// `engagement-count/<message>/<recipient>`
#[must_use]
pub fn engagement_count(reader: Reader) -> Key<Counter> {
    let Reader { message, recipient } = reader;
    Key::at(format!("engagement-count/{message}/{recipient}"))
}

/// `engagement-wish-count/<message>/<recipient>`
#[must_use]
pub fn engagement_wish_count(reader: Reader) -> Key<Counter> {
    let Reader { message, recipient } = reader;
    Key::at(format!("engagement-wish-count/{message}/{recipient}"))
}

/// `engagement/<message>/<recipient>/<n>`, from 1.
#[must_use]
pub fn engagement(reader: Reader, n: u64) -> Key<Chunk> {
    let Reader { message, recipient } = reader;
    Key::at(format!("engagement/{message}/{recipient}/{n}"))
}

/// `batch/<id>`
#[must_use]
pub fn batch(id: OperationId) -> Key<EventBatch> {
    Key::at(format!("batch/{id}"))
}

/// `batch/<id>`, `notification/<id>` or `visits/<id>`, as far as the tick reads it; `state/<id>` for a message.
#[must_use]
pub fn work_progress(kind: WorkKind, id: OperationId) -> Key<WorkProgress> {
    let prefix = match kind {
        WorkKind::Message => "state",
        WorkKind::Batch => "batch",
        WorkKind::Notification => "notification",
        WorkKind::Visits => "visits",
    };
    Key::at(format!("{prefix}/{id}"))
}

/// `journal/tail`
#[must_use]
pub fn journal_tail() -> Key<Counter> {
    Key::at("journal/tail".to_owned())
}

/// `journal/<number>/<n>`
#[must_use]
pub fn journal(number: u64, n: u64) -> Key<JournalEntry> {
    Key::at(format!("journal/{number}/{n}"))
}

/// `tick/progress`
#[must_use]
pub fn tick_progress() -> Key<TickProgress> {
    Key::at("tick/progress".to_owned())
}

/// `tick/lease`
#[must_use]
pub fn tick_lease() -> Key<TickLease> {
    Key::at("tick/lease".to_owned())
}

/// `tick/claim/<generation>`
#[must_use]
pub fn tick_claim(generation: u64) -> Key<Counter> {
    Key::at(format!("tick/claim/{generation}"))
}

/// `due/<slot>/<n>`
#[must_use]
pub fn due(slot: u64, n: u64) -> Key<DueEntry> {
    Key::at(format!("due/{slot}/{n}"))
}

/// `domain/<domain>`
#[must_use]
pub fn domain(domain: &Domain) -> Key<DomainRecord> {
    Key::at(format!("domain/{domain}"))
}

/// `dkim-key/<domain>/<selector>`
#[must_use]
pub fn dkim_key(domain: &Domain, selector: &str) -> Key<SealedKey> {
    Key::at(format!("dkim-key/{domain}/{selector}"))
}

/// `domain-lock/<domain>/<window>`
#[must_use]
pub fn domain_lock(domain: &Domain, window: u64) -> Key<Counter> {
    Key::at(format!("domain-lock/{domain}/{window}"))
}

/// `domain-check/<domain>/<window>`
#[must_use]
pub fn domain_check(domain: &Domain, window: u64) -> Key<Counter> {
    Key::at(format!("domain-check/{domain}/{window}"))
}

/// `domain-event/<domain>/<n>`
#[must_use]
pub fn domain_event(domain: &Domain, n: u64) -> Key<Event> {
    Key::at(format!("domain-event/{domain}/{n}"))
}

/// `domain-count`
#[must_use]
pub fn domain_count() -> Key<Counter> {
    Key::at("domain-count".to_owned())
}

/// `domain-slot/<n>`
#[must_use]
pub fn domain_slot(n: u64) -> Key<DomainSlot> {
    Key::at(format!("domain-slot/{n}"))
}

/// `domain-scan`
#[must_use]
pub fn domain_scan() -> Key<DomainScan> {
    Key::at("domain-scan".to_owned())
}

/// `domain-index`
#[must_use]
pub fn domain_index() -> Key<DomainIndex> {
    Key::at("domain-index".to_owned())
}

/// `managed-domain`
#[must_use]
pub fn managed_domain() -> Key<Provisioning> {
    Key::at("managed-domain".to_owned())
}

/// `managed-domain-claim/<generation>`
#[must_use]
pub fn managed_domain_claim(generation: u32) -> Key<Counter> {
    Key::at(format!("managed-domain-claim/{generation}"))
}

/// `subscriptions`
#[must_use]
pub fn subscriptions() -> Key<Subscriptions> {
    Key::at("subscriptions".to_owned())
}

/// `subscriptions-lock/<window>`
#[must_use]
pub fn subscriptions_lock(window: u64) -> Key<Counter> {
    Key::at(format!("subscriptions-lock/{window}"))
}

/// `subscription-health/<id>`
#[must_use]
pub fn subscription_health(id: SubscriptionId) -> Key<EndpointHealth> {
    Key::at(format!("subscription-health/{id}"))
}

/// `notification/<id>`
#[must_use]
pub fn notification(id: OperationId) -> Key<Notification> {
    Key::at(format!("notification/{id}"))
}

/// `dead-count/<subscription>`
#[must_use]
pub fn dead_count(subscription: SubscriptionId) -> Key<Counter> {
    Key::at(format!("dead-count/{subscription}"))
}

/// `dead-letter/<subscription>/<n>`
#[must_use]
pub fn dead_letter(subscription: SubscriptionId, n: u64) -> Key<DeadLetter> {
    Key::at(format!("dead-letter/{subscription}/{n}"))
}

/// `dead-floor/<subscription>`
#[must_use]
pub fn dead_floor(subscription: SubscriptionId) -> Key<DeadFloor> {
    Key::at(format!("dead-floor/{subscription}"))
}

/// `redeliver-lock/<subscription>/<window>`
#[must_use]
pub fn redeliver_lock(subscription: SubscriptionId, window: u64) -> Key<Counter> {
    Key::at(format!("redeliver-lock/{subscription}/{window}"))
}

/// `suppression/<address>`, the address in its canonical form.
#[must_use]
pub fn suppression(address: &AddrSpec) -> Key<Suppression> {
    suppression_entry(&Scope::Everywhere, &Name::clear(address))
}

/// `suppression/<name>` or `suppression-entry/<domain>/<username>/<name>`
#[must_use]
pub fn suppression_entry(scope: &Scope, name: &Name) -> Key<Suppression> {
    let name = name.as_str();
    Key::at(match scope {
        Scope::Everywhere => format!("suppression/{name}"),
        Scope::Domain(domain) => format!("suppression-entry/{domain}//{name}"),
        Scope::Sender(domain, username) => {
            let username = username.replace('%', "%25").replace('/', "%2f");
            format!("suppression-entry/{domain}/{username}/{name}")
        }
    })
}

/// `suppression-lists/<domain>`
#[must_use]
pub fn suppression_lists(domain: &Domain) -> Key<SuppressionLists> {
    Key::at(format!("suppression-lists/{domain}"))
}

/// `suppression-lock/<domain>/<window>`
#[must_use]
pub fn suppression_lock(domain: &Domain, window: u64) -> Key<Counter> {
    Key::at(format!("suppression-lock/{domain}/{window}"))
}

/// `suppression-section/<section>/<window>`
#[must_use]
pub fn suppression_section(section: u8, window: u64) -> Key<Counter> {
    Key::at(format!("suppression-section/{section}/{window}"))
}

/// `suppression-count/<shelf>`
#[must_use]
pub fn suppression_count(shelf: &Shelf) -> Key<Counter> {
    Key::at(format!("suppression-count/{shelf}"))
}

/// `suppression-slot/<shelf>/<n>`
#[must_use]
pub fn suppression_slot(shelf: &Shelf, n: u64) -> Key<Slot> {
    Key::at(format!("suppression-slot/{shelf}/{n}"))
}

/// `suppression-id/<shelf>/<id>`, the id in lower case.
#[must_use]
pub fn suppression_id(shelf: &Shelf, id: &str) -> Key<Slot> {
    Key::at(format!(
        "suppression-id/{shelf}/{}",
        id.to_ascii_lowercase()
    ))
}

/// `suppression-mode`
#[must_use]
pub fn suppression_mode() -> Key<HashMode> {
    Key::at("suppression-mode".to_owned())
}
