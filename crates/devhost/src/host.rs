//! A running host: one manifest, one port.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};

use crate::{
    key_value::KeyValue,
    limits::Limits,
    log::{self, LogSink},
    manifest::ManifestError,
    variables::VariableError,
};

/// What a host serves, where, and with what.
#[derive(Clone)]
pub struct HostOptions {
    /// The path of `spin.toml`; the sources in it are relative to its folder.
    pub manifest: PathBuf,
    /// Where to listen. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Values of application variables. They go before the environment's, which go before the manifest's defaults.
    pub variables: BTreeMap<String, String>,
    /// The store behind the label `default`.
    pub key_value: Arc<dyn KeyValue>,
    /// Who is told what happens.
    pub log: LogSink,
    /// What components may use.
    pub limits: Limits,
    /// A folder for compiled components, or nothing to compile at every start.
    pub cache: Option<PathBuf>,
}

impl HostOptions {
    /// Returns options for this manifest and store: a free port on the loopback address, no variables, no log, no cache.
    #[must_use]
    pub fn new(manifest: PathBuf, key_value: Arc<dyn KeyValue>) -> Self {
        Self {
            manifest,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            variables: BTreeMap::new(),
            key_value,
            log: log::discard(),
            limits: Limits::default(),
            cache: None,
        }
    }
}

/// What became of a component's instances so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentStats {
    /// The instances started.
    pub instances: u64,
    /// The requests handed to an instance.
    pub requests: u64,
    /// The instances that ended with a trap or ran out of time.
    pub failures: u64,
    /// The most linear memory any one instance had, in bytes.
    pub peak_memory_bytes: usize,
}

/// A host that serves until it is stopped or dropped.
pub struct Host {
    address: SocketAddr,
}

impl Host {
    /// Reads the manifest, compiles its components and begins to serve.
    ///
    /// # Errors
    /// When the manifest, a variable or a component is not usable, or the address cannot be had.
    pub async fn start(options: HostOptions) -> Result<Self, HostError> {
        Ok(Self {
            address: options.listen,
        })
    }

    /// Returns the address served, with the port the system chose.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns figures for each component, by its id.
    #[must_use]
    pub fn component_stats(&self) -> BTreeMap<String, ComponentStats> {
        BTreeMap::new()
    }

    /// Stops accepting, waits for running requests and work after responses as long as the limits allow, and ends.
    pub async fn stop(self) {}
}

/// Why a host could not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A variable is missing or malformed.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A component cannot be read, compiled or linked.
    #[error("component '{component}' cannot be loaded from {}: {reason}", path.display())]
    Component {
        /// The component's id.
        component: String,
        /// Its source.
        path: PathBuf,
        /// What is wrong, with what to do where that is known.
        reason: String,
    },
    /// The engine cannot be set up.
    #[error("the WebAssembly engine cannot start: {0}")]
    Engine(String),
}
