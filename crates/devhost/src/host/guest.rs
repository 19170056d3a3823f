//! What belongs to one instance, and what it may import.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use wasmtime::{
    Engine, ResourceLimiter,
    component::{HasSelf, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    ComponentStats, bindings::Capabilities, output::Output, requests::OutboundRequests, sets::Sets,
};
use crate::{key_value::KeyValue, log::LogSink, outbound::AllowedHosts};

/// What all instances of a component share: its grants, and figures about it.
pub(super) struct ComponentContext {
    pub(super) id: Arc<str>,
    pub(super) allowed_hosts: AllowedHosts,
    pub(super) may_open_store: bool,
    pub(super) key_value: Arc<dyn KeyValue>,
    pub(super) sets: Arc<Sets>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) log: LogSink,
    pub(super) figures: Figures,
}

/// Counters behind [`ComponentStats`].
#[derive(Default)]
pub(super) struct Figures {
    pub(super) instances: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) peak_memory_bytes: AtomicUsize,
}

impl Figures {
    pub(super) fn snapshot(&self) -> ComponentStats {
        ComponentStats {
            instances: self.instances.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            peak_memory_bytes: self.peak_memory_bytes.load(Ordering::Relaxed),
        }
    }
}

/// The data of one instance.
pub(super) struct Guest {
    pub(super) component: Arc<ComponentContext>,
    pub(super) table: ResourceTable,
    pub(super) open_stores: usize,
    pub(super) memory: MemoryMeter,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    requests: OutboundRequests,
}

impl Guest {
    pub(super) fn new(
        component: &Arc<ComponentContext>,
        requests: OutboundRequests,
        memory_bytes: usize,
    ) -> Self {
        let output = Output::new(component);
        let wasi = WasiCtx::builder()
            .stdout(output.clone())
            .stderr(output)
            .build();
        Self {
            component: Arc::clone(component),
            table: ResourceTable::new(),
            open_stores: 0,
            memory: MemoryMeter {
                component: Arc::clone(component),
                used: 0,
                limit: memory_bytes,
            },
            wasi,
            http: WasiHttpCtx::new(),
            requests,
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.requests,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Returns a linker with everything a component may import. There are no files, and no socket may be opened: what a
/// component can reach is decided in [`OutboundRequests`] alone.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    Capabilities::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

/// Keeps an instance's linear memories within their limit, and notes the most they took.
pub(super) struct MemoryMeter {
    component: Arc<ComponentContext>,
    used: usize,
    limit: usize,
}

/// The elements a table may have: far more than any component needs, far less than would hurt.
const MAX_TABLE_ELEMENTS: usize = 1_000_000;

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            return Ok(false);
        }
        self.used = used;
        self.component
            .figures
            .peak_memory_bytes
            .fetch_max(used, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}
