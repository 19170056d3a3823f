//! The ports of `mailer` on the Spin SDK.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mailer::ports::{Clock, Entropy, Gate, KeyValue, Scheduler, StoreError, Write};
use mailer::time::Timestamp;
use spin_sdk::experimental::wasi::keyvalue::{atomics, batch, store};
use spin_sdk::key_value::Store;
use spin_sdk::wasip3::wit_stream;

use crate::shared::shared;

/// The world as a component sees it.
///
/// What is about one key goes through `spin:key-value`, which lets other tasks of the instance run meanwhile. Batches and counters exist in
/// `wasi:keyvalue` only, over the same store.
pub struct SpinPorts {
    store: Store,
    bucket: store::Bucket,
}

/// The one store label that exists without a runtime configuration.
const LABEL: &str = "default";

thread_local! {
    static PORTS: OnceCell<Rc<SpinPorts>> = const { OnceCell::new() };
}

impl SpinPorts {
    /// The instance's ports: the store is opened once, not for every request.
    ///
    /// # Errors
    /// When the host does not grant the store.
    pub async fn open() -> Result<Rc<Self>, StoreError> {
        shared(&PORTS, Self::connect).await
    }

    async fn connect() -> Result<Self, StoreError> {
        let store = Store::open(LABEL)
            .await
            .map_err(|e| StoreError::new(e.to_string()))?;
        let bucket = store::open(LABEL).map_err(from_wasi)?;
        Ok(Self { store, bucket })
    }
}

fn from_wasi(error: store::Error) -> StoreError {
    match error {
        store::Error::NoSuchStore => StoreError::new("no such store"),
        store::Error::AccessDenied => StoreError::new("access denied"),
        store::Error::Other(cause) => StoreError::new(cause),
    }
}

impl Clock for SpinPorts {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the port that reads the clock"
        )]
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Entropy for SpinPorts {
    fn fill(&self, bytes: &mut [u8]) {
        // WASI's random source cannot fail; if it ever did, ids and nonces would repeat, so nothing may go on.
        #[expect(
            clippy::expect_used,
            reason = "without randomness no request can be served safely"
        )]
        getrandom::fill(bytes).expect("wasi:random answers");
    }
}

impl Scheduler for SpinPorts {
    async fn yield_now(&self) {
        wit_bindgen::yield_async().await;
    }

    async fn sleep(&self, pause: Duration) {
        spin_sdk::time::sleep(pause).await;
    }

    /// A stream that nothing is ever written to: its reader learns from the host that the writer is gone. A waker of another task's
    /// would not do, since the guest runtime wakes by cancelling a stream that is in a waitable set, which hosts answer with a trap.
    fn gate(&self) -> Gate {
        let (writer, mut reader) = wit_stream::new::<u8>();
        Gate {
            opener: Box::new(writer),
            opened: Box::pin(async move {
                reader.read(Vec::with_capacity(1)).await;
            }),
        }
    }
}

impl KeyValue for SpinPorts {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store
            .get(key)
            .await
            .map_err(|e| StoreError::new(e.to_string()))
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.store
            .exists(key)
            .await
            .map_err(|e| StoreError::new(e.to_string()))
    }

    async fn set(&self, (key, value): Write) -> Result<(), StoreError> {
        self.store
            .set(&key, &value)
            .await
            .map_err(|e| StoreError::new(e.to_string()))
    }

    async fn set_many(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        batch::set_many(&self.bucket, &writes).map_err(from_wasi)
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        batch::delete_many(&self.bucket, &keys).map_err(from_wasi)
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        atomics::increment(&self.bucket, key, delta).map_err(from_wasi)
    }
}
