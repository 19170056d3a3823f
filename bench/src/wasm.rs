//! Runs a command component as devhost runs components: the same engine with the same settings.

use std::path::Path;
use std::time::Duration;

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::Failure;

/// As often as devhost.
const EPOCH: Duration = Duration::from_millis(10);
/// The most that is kept of what it prints.
const MAX_OUTPUT_OCTETS: usize = 1024 * 1024;

/// A compiled command.
pub(crate) struct Program {
    engine: Engine,
    component: Component,
}

struct Guest {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.context,
            table: &mut self.table,
        }
    }
}

impl Program {
    pub(crate) fn compile(path: &Path) -> Result<Self, Failure> {
        let mut config = Config::new();
        // Guests count epochs in devhost, which costs a little in each loop.
        config
            .wasm_component_model_async(true)
            .epoch_interruption(true);
        let engine = Engine::new(&config)?;
        count_epochs(&engine)?;
        let component = Component::from_file(&engine, path)?;
        Ok(Self { engine, component })
    }

    /// Returns what it prints.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = MemoryOutputPipe::new(MAX_OUTPUT_OCTETS);
        let context = WasiCtx::builder()
            .args(arguments)
            .stdout(output.clone())
            .inherit_stderr()
            .build();
        let mut linker = Linker::<Guest>::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        let table = ResourceTable::new();
        let mut store = Store::new(&self.engine, Guest { context, table });
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let command = Command::instantiate_async(&mut store, &self.component, &linker).await?;
        let ended = command.wasi_cli_run().call_run(&mut store).await?;
        ended.map_err(|()| "the component failed; what it said is above")?;
        Ok(String::from_utf8(output.contents().to_vec())?)
    }
}

fn count_epochs(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let count = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    };
    std::thread::Builder::new()
        .name("epochs".to_owned())
        .spawn(count)?;
    Ok(())
}
