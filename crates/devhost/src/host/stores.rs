//! `spin:key-value` and `wasi:keyvalue` on the host's store.

use std::sync::Arc;

use wasmtime::component::{
    Accessor, FutureReader, HasSelf, Resource, ResourceTableError, StreamReader,
};

use super::{
    bindings::{
        spin::key_value::key_value as spin,
        wasi::keyvalue::{atomics, batch, store as wasi},
    },
    guest::Guest,
};
use crate::{
    key_value::{KeyValue, KeyValueError},
    manifest::DEFAULT_STORE,
};

/// The stores an instance may have open at once, as in Spin.
const MAX_OPEN: usize = 256;

/// An open store. There is only one, so a handle needs to say nothing.
#[expect(
    unreachable_pub,
    reason = "the generated bindings export it under a name of their own"
)]
pub struct Store;

/// A compare-and-swap operation that has been begun.
#[expect(
    unreachable_pub,
    reason = "the generated bindings export it under a name of their own"
)]
pub struct CompareAndSwap {
    key: String,
    seen: Option<Vec<u8>>,
}

/// Why a store could not be opened.
enum OpenError {
    AccessDenied,
    TableFull,
}

impl Guest {
    fn open(&mut self, label: &str) -> Result<Resource<Store>, OpenError> {
        // Only stores that exist can be granted, so what is not granted is denied, whether it exists or not.
        if label != DEFAULT_STORE || !self.component.may_open_store {
            return Err(OpenError::AccessDenied);
        }
        if self.open_stores >= MAX_OPEN {
            return Err(OpenError::TableFull);
        }
        let store = self.table.push(Store).map_err(|_| OpenError::TableFull)?;
        self.open_stores += 1;
        Ok(store)
    }

    fn close(&mut self, store: Resource<Store>) -> Result<(), ResourceTableError> {
        self.table.delete(store)?;
        self.open_stores = self.open_stores.saturating_sub(1);
        Ok(())
    }

    /// Returns the store behind a handle, after a check that the handle is one.
    fn store(&self, handle: &Resource<Store>) -> Result<Arc<dyn KeyValue>, ResourceTableError> {
        self.table.get(handle)?;
        Ok(Arc::clone(&self.component.key_value))
    }
}

/// Runs an operation where it may block, and waits for it.
async fn blocking<T: Send + 'static>(
    store: Arc<dyn KeyValue>,
    operation: impl FnOnce(&dyn KeyValue) -> Result<T, KeyValueError> + Send + 'static,
) -> Result<T, KeyValueError> {
    let running = tokio::task::spawn_blocking(move || operation(store.as_ref()));
    running
        .await
        .unwrap_or_else(|_| Err(KeyValueError::new("the store panicked")))
}

impl From<OpenError> for spin::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::AccessDenied => Self::AccessDenied,
            OpenError::TableFull => Self::StoreTableFull,
        }
    }
}

impl From<KeyValueError> for spin::Error {
    fn from(error: KeyValueError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<OpenError> for wasi::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::AccessDenied => Self::AccessDenied,
            OpenError::TableFull => Self::Other("store table full".to_owned()),
        }
    }
}

impl From<KeyValueError> for wasi::Error {
    fn from(error: KeyValueError) -> Self {
        Self::Other(error.to_string())
    }
}

impl spin::Host for Guest {}

impl spin::HostStore for Guest {
    fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        Ok(self.close(store)?)
    }
}

/// Runs an operation of `spin:key-value` while the instance goes on with its other tasks.
async fn concurrently<T: Send + 'static, U: Send>(
    accessor: &Accessor<U, HasSelf<Guest>>,
    handle: &Resource<Store>,
    operation: impl FnOnce(&dyn KeyValue) -> Result<T, KeyValueError> + Send + 'static,
) -> wasmtime::Result<Result<T, spin::Error>> {
    let store = accessor.with(|mut access| access.get().store(handle))?;
    Ok(blocking(store, operation).await.map_err(Into::into))
}

impl<U: Send> spin::HostStoreWithStore<U> for HasSelf<Guest> {
    async fn open(
        accessor: &Accessor<U, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Store>, spin::Error>> {
        Ok(accessor
            .with(|mut access| access.get().open(&label))
            .map_err(Into::into))
    }

    async fn get(
        accessor: &Accessor<U, Self>,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, spin::Error>> {
        concurrently(accessor, &store, move |store| store.get(&key)).await
    }

    async fn set(
        accessor: &Accessor<U, Self>,
        store: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), spin::Error>> {
        let sets = accessor.with(|mut access| {
            let guest = access.get();
            guest
                .store(&store)
                .map(|_| Arc::clone(&guest.component.sets))
        })?;
        Ok(sets.set(key, value).await.map_err(Into::into))
    }

    async fn delete(
        accessor: &Accessor<U, Self>,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<(), spin::Error>> {
        concurrently(accessor, &store, move |store| store.delete(&key)).await
    }

    async fn exists(
        accessor: &Accessor<U, Self>,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<bool, spin::Error>> {
        concurrently(accessor, &store, move |store| store.exists(&key)).await
    }

    async fn get_keys(
        accessor: &Accessor<U, Self>,
        store: Resource<Store>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), spin::Error>>)> {
        let (keys, outcome) = match concurrently(accessor, &store, KeyValue::keys).await? {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let outcome =
                FutureReader::new(&mut access, async move { wasmtime::error::Ok(outcome) })?;
            Ok((keys, outcome))
        })
    }
}

impl wasi::Host for Guest {
    async fn open(
        &mut self,
        identifier: String,
    ) -> wasmtime::Result<Result<Resource<Store>, wasi::Error>> {
        Ok(Self::open(self, &identifier).map_err(Into::into))
    }
}

impl Guest {
    /// Runs an operation of `wasi:keyvalue` while the whole instance waits, since that interface is not async.
    async fn exclusively<T: Send + 'static>(
        &mut self,
        handle: &Resource<Store>,
        operation: impl FnOnce(&dyn KeyValue) -> Result<T, KeyValueError> + Send + 'static,
    ) -> wasmtime::Result<Result<T, wasi::Error>> {
        let store = self.store(handle)?;
        Ok(blocking(store, operation).await.map_err(Into::into))
    }
}

impl wasi::HostBucket for Guest {
    async fn get(
        &mut self,
        bucket: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, wasi::Error>> {
        self.exclusively(&bucket, move |store| store.get(&key))
            .await
    }

    async fn set(
        &mut self,
        bucket: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), wasi::Error>> {
        self.exclusively(&bucket, move |store| store.set(&key, &value))
            .await
    }

    async fn delete(
        &mut self,
        bucket: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<(), wasi::Error>> {
        self.exclusively(&bucket, move |store| store.delete(&key))
            .await
    }

    async fn exists(
        &mut self,
        bucket: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<bool, wasi::Error>> {
        self.exclusively(&bucket, move |store| store.exists(&key))
            .await
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Store>,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<wasi::KeyResponse, wasi::Error>> {
        if cursor.is_some() {
            return Ok(Err(wasi::Error::Other(
                "list_keys: cursor not supported".to_owned(),
            )));
        }
        let keys = self.exclusively(&bucket, KeyValue::keys).await?;
        Ok(keys.map(|keys| wasi::KeyResponse { keys, cursor: None }))
    }

    async fn drop(&mut self, bucket: Resource<Store>) -> wasmtime::Result<()> {
        Ok(self.close(bucket)?)
    }
}

impl batch::Host for Guest {
    async fn get_many(
        &mut self,
        bucket: Resource<Store>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<Vec<(String, Option<Vec<u8>>)>, wasi::Error>> {
        self.exclusively(&bucket, move |store| store.get_many(&keys))
            .await
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Store>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> wasmtime::Result<Result<(), wasi::Error>> {
        self.exclusively(&bucket, move |store| store.set_many(&entries))
            .await
    }

    async fn delete_many(
        &mut self,
        bucket: Resource<Store>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<(), wasi::Error>> {
        self.exclusively(&bucket, move |store| store.delete_many(&keys))
            .await
    }
}

impl atomics::Host for Guest {
    async fn increment(
        &mut self,
        bucket: Resource<Store>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, wasi::Error>> {
        self.exclusively(&bucket, move |store| store.increment(&key, delta))
            .await
    }

    async fn swap(
        &mut self,
        operation: Resource<CompareAndSwap>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let CompareAndSwap { key, seen } = self.table.delete(operation)?;
        let store = Arc::clone(&self.component.key_value);
        let attempt = move |store: &dyn KeyValue| {
            let done = store.compare_and_swap(&key, seen.as_deref(), &value)?;
            // A lost race returns a fresh operation that has seen what is there now.
            let lost = if done {
                None
            } else {
                Some(CompareAndSwap {
                    seen: store.get(&key)?,
                    key,
                })
            };
            Ok(lost)
        };
        match blocking(store, attempt).await {
            Ok(None) => Ok(Ok(())),
            Ok(Some(fresh)) => Ok(Err(atomics::CasError::CasFailed(self.table.push(fresh)?))),
            Err(error) => Ok(Err(atomics::CasError::StoreError(error.into()))),
        }
    }
}

impl atomics::HostCas for Guest {
    async fn new(
        &mut self,
        bucket: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<Resource<CompareAndSwap>, wasi::Error>> {
        self.table.get(&bucket)?;
        Ok(Ok(self.table.push(CompareAndSwap { key, seen: None })?))
    }

    async fn current(
        &mut self,
        operation: Resource<CompareAndSwap>,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, wasi::Error>> {
        let key = self.table.get(&operation)?.key.clone();
        let store = Arc::clone(&self.component.key_value);
        match blocking(store, move |store| store.get(&key)).await {
            Ok(value) => {
                self.table.get_mut(&operation)?.seen.clone_from(&value);
                Ok(Ok(value))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn drop(&mut self, operation: Resource<CompareAndSwap>) -> wasmtime::Result<()> {
        self.table.delete(operation)?;
        Ok(())
    }
}
