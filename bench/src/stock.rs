//! Fills a store with messages that are done: copies, under other ids, of what a real one left there.
//!
//! Sending so many would take longer than everything else. What they cost later ones is the size of the file and the depth of its
//! index, and copies have the same of both.

use std::sync::Arc;
use std::time::Duration;

use devhost::{KeyValue as _, SqliteKeyValue};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use uuid::Uuid;

use crate::Failure;
use crate::drive::{Amount, Drive};
use crate::message::Message;
use crate::progress;
use crate::sink::Sink;
use crate::systems::System;

/// Messages a transaction.
const BATCH: usize = 1_000;
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// What one message left in the store.
struct Specimen {
    id: String,
    rows: Vec<(String, Vec<u8>)>,
}

impl Specimen {
    /// Sends the first message of `system`, and takes it for one.
    async fn make(sink: &Sink, system: &System, message: Message) -> Result<Self, Failure> {
        let drive = Drive {
            sink,
            endpoint: &system.endpoint(),
            message,
            outstanding: 1,
        };
        drive.run(Amount::Messages(1)).await?;
        Self::find(&system.store()).await
    }

    /// Waits until the only message in `store` is done, and takes it for one.
    async fn find(store: &SqliteKeyValue) -> Result<Self, Failure> {
        for _ in 0..LOOKS {
            let keys = store.keys()?;
            if let Some(id) = keys.iter().find_map(|key| key.strip_prefix("state/")) {
                return Self::read(store, &keys, id);
            }
            sleep(PAUSE).await;
        }
        Err("expected the state of a message in the store, found none: has the layout in mailer::keys changed?".into())
    }

    fn read(store: &SqliteKeyValue, keys: &[String], id: &str) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        for key in keys.iter().filter(|key| key.contains(id)) {
            rows.extend(store.get(key)?.map(|value| (key.clone(), value)));
        }
        Ok(Self {
            id: id.to_owned(),
            rows,
        })
    }

    /// The `number`th copy.
    fn copy(&self, number: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
        let id = id(number).to_string();
        self.rows.iter().map(move |(key, value)| {
            let value = replaced(value, self.id.as_bytes(), id.as_bytes());
            (key.replace(&self.id, &id), value)
        })
    }
}

/// Records name their message too.
fn replaced(value: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        copy.extend_from_slice(rest.get(..at).unwrap_or_default());
        copy.extend_from_slice(new);
        rest = rest.get(at + old.len()..).unwrap_or_default();
    }
    copy.extend_from_slice(rest);
    copy
}

/// The id of the `number`th copy: as random as the real ones, so that copies are spread over the index as those are.
pub(crate) fn id(number: usize) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(number.to_le_bytes()).into();
    let octets: [u8; 16] = std::array::from_fn(|index| digest.get(index).copied().unwrap_or(0));
    uuid::Builder::from_random_bytes(octets).into_uuid()
}

/// Sendlet with so many copies of `message` in its store, besides the one that was sent.
pub(crate) async fn stocked(
    sink: &Sink,
    message: Message,
    copies: usize,
) -> Result<System, Failure> {
    let system = System::whole(sink.address()).await?;
    let specimen = Specimen::make(sink, &system, message).await?;
    fill(system.store(), specimen, copies).await?;
    Ok(system)
}

/// Puts so many copies of `message` into the store of a system that sends none itself.
pub(crate) async fn stock_up(
    system: &System,
    sink: &Sink,
    message: Message,
    copies: usize,
) -> Result<(), Failure> {
    let sender = System::whole(sink.address()).await?;
    let specimen = Specimen::make(sink, &sender, message).await?;
    sender.stop().await;
    fill(system.store(), specimen, copies).await
}

/// Puts so many copies into the store.
async fn fill(store: Arc<SqliteKeyValue>, specimen: Specimen, count: usize) -> Result<(), Failure> {
    let work = move || {
        for first in (0..count).step_by(BATCH) {
            progress::show(format_args!("filling a store: {first} of {count} messages"));
            let batch = first..count.min(first + BATCH);
            let rows: Vec<_> = batch.flat_map(|number| specimen.copy(number)).collect();
            store.set_many(&rows)?;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(work).await?
}
