//! What one RSA signature costs in `WebAssembly`, in instructions: a number that no other load on the machine changes.
//!
//! Fuel is counted by the instructions of the compiled component, not by those of the processor, so the figure is the same
//! everywhere for the same compiler. How long they take is for `cargo run --release -p bench`.

use std::path::PathBuf;

use devhost::build::Build;
use wasmtime::{
    Config, Engine, Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, p2::bindings::sync::Command};

/// Fuel for one signature with a key of 2048 bits, when it was last measured. Whoever makes it cheaper lowers this.
const COMMITTED: u64 = 37_974_893;
/// By how many percent it may be off before somebody has to look.
const TOLERANCE_PERCENT: u64 = 10;
/// Making the key costs the same each time, so the difference between two runs is all signatures.
const RUNS: [u64; 2] = [1, 9];

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

fn build() -> PathBuf {
    let root = tests::manifest_path();
    let target_folder = root.with_file_name("target");
    let build = Build {
        manifest: root.with_file_name("Cargo.toml"),
        target_folder: target_folder.clone(),
        profile: "component".to_owned(),
        packages: vec!["bench-signing".to_owned()],
    };
    build.run().unwrap();
    target_folder.join("wasm32-wasip2/component/bench-signing.wasm")
}

/// The fuel that so many signatures cost, and the key they are made with.
fn fuel(engine: &Engine, component: &Component, signatures: u64) -> u64 {
    let mut linker = Linker::<Guest>::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    let arguments = ["bench-signing", "sign-2048", &signatures.to_string()];
    let guest = Guest {
        context: WasiCtx::builder().args(&arguments).build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(engine, guest);
    store.set_fuel(u64::MAX).unwrap();
    let command = Command::instantiate(&mut store, component, &linker).unwrap();
    let ended = command.wasi_cli_run().call_run(&mut store).unwrap();
    assert_eq!(ended, Ok(()));
    u64::MAX - store.get_fuel().unwrap()
}

#[test]
fn one_signature_costs_what_it_did() {
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let component = Component::from_file(&engine, build()).unwrap();
    let [few, many] = RUNS;
    let fuel = |signatures| fuel(&engine, &component, signatures);
    let each = (fuel(many) - fuel(few)) / (many - few);
    let off = each.abs_diff(COMMITTED) * 100;
    assert!(
        off <= COMMITTED * TOLERANCE_PERCENT,
        "expected {COMMITTED} of fuel a signature within {TOLERANCE_PERCENT} %, found {each}"
    );
}
