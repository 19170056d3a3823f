//! The engine, and the components compiled with it. All hosts of a process share them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use wasmtime::{Cache, CacheConfig, Config, Engine, component::Component};

use super::HostError;

/// How often a busy guest lets other work onto its thread.
const EPOCH: Duration = Duration::from_millis(10);

/// An engine and what it has compiled so far.
pub(super) struct Compiler {
    engine: Engine,
    components: Mutex<HashMap<[u8; 32], Component>>,
}

impl Compiler {
    /// Returns the process's compiler for this cache folder.
    ///
    /// # Errors
    /// When the engine cannot be set up, as when the cache folder cannot be made.
    pub(super) fn shared(cache: Option<&Path>) -> Result<Arc<Self>, HostError> {
        static COMPILERS: Mutex<Option<HashMap<Option<PathBuf>, Arc<Compiler>>>> = Mutex::new(None);
        let mut compilers = COMPILERS.lock().unwrap_or_else(PoisonError::into_inner);
        let compilers = compilers.get_or_insert_default();
        let key = cache.map(Path::to_owned);
        if let Some(compiler) = compilers.get(&key) {
            return Ok(Arc::clone(compiler));
        }
        let compiler =
            Arc::new(Self::new(cache).map_err(|error| HostError::Engine(format!("{error:#}")))?);
        compilers.insert(key, Arc::clone(&compiler));
        Ok(compiler)
    }

    fn new(cache: Option<&Path>) -> wasmtime::Result<Self> {
        let engine = Engine::new(&config(cache)?)?;
        count_epochs(&engine)?;
        Ok(Self {
            engine,
            components: Mutex::default(),
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiles a component, unless this process has done so before. This takes seconds: call it where blocking is fine.
    ///
    /// # Errors
    /// When these bytes are not a component.
    pub(super) fn compile(&self, wasm: &[u8]) -> wasmtime::Result<Component> {
        let digest: [u8; 32] = Sha256::digest(wasm).into();
        // Held while compiling, so that hosts started together do not compile the same component twice.
        let mut components = self
            .components
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = components.get(&digest) {
            return Ok(component.clone());
        }
        let component = Component::from_binary(&self.engine, wasm)?;
        components.insert(digest, component.clone());
        Ok(component)
    }
}

fn config(cache: Option<&Path>) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true);
    if let Some(folder) = cache {
        let mut settings = CacheConfig::new();
        settings.with_directory(std::path::absolute(folder)?);
        config.cache(Some(Cache::new(settings)?));
    }
    Ok(config)
}

/// Starts the thread that makes guests yield. It ends with the engine.
fn count_epochs(engine: &Engine) -> wasmtime::Result<()> {
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
