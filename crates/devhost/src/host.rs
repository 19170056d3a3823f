//! A running host: one manifest, one port.

mod application;
mod bindings;
mod engine;
mod guest;
mod instances;
mod life;
mod output;
mod pace;
mod refusal;
mod requests;
mod server;
mod sets;
mod settings;
mod stores;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use self::{
    application::{Application, Prepared},
    engine::Compiler,
    instances::Phase,
    server::Server,
};
use crate::{
    key_value::KeyValue,
    limits::Limits,
    log::{self, LogSink},
    manifest::{Manifest, ManifestError},
    routes::Routes,
    variables::{VariableError, Variables},
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
    /// Variables whose default is the origin served, in place of the manifest's. Those it does not declare are passed over.
    pub served_at: Vec<&'static str>,
    /// The store behind the label `default`.
    pub key_value: Arc<dyn KeyValue>,
    /// Who is told what happens.
    pub log: LogSink,
    /// What components may use.
    pub limits: Limits,
    /// A folder for compiled components, or nothing to compile anew in every process.
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
            served_at: Vec::new(),
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

/// A host that serves until it is stopped. Dropping it ends its instances in the middle of their work, as a crash would.
pub struct Host {
    address: SocketAddr,
    application: Arc<Application>,
    limits: Limits,
    phase: watch::Sender<Phase>,
    running: Arc<watch::Sender<usize>>,
    server: JoinHandle<()>,
}

impl Host {
    /// Reads the manifest, compiles its components and begins to serve in tasks of the current Tokio runtime.
    ///
    /// # Errors
    /// When the manifest, a variable or a component is not usable, or the address cannot be had.
    pub async fn start(options: HostOptions) -> Result<Self, HostError> {
        let listener = listen(options.listen).await?;
        let address = listener.local_addr().map_err(|source| HostError::Listen {
            address: options.listen,
            source,
        })?;
        let (options, routes, prepared) = prepare(options, address).await?;
        let (phase, running) = (
            watch::Sender::new(Phase::Serving),
            Arc::new(watch::Sender::new(0)),
        );
        let application = Application::new(routes, prepared, &options, &phase, &running);
        let server = Arc::new(Server::new(
            Arc::clone(&application),
            options.limits.clone(),
        ));
        let server = tokio::spawn(server.run(listener, phase.subscribe()));
        Ok(Self {
            address,
            application,
            limits: options.limits,
            phase,
            running,
            server,
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
        self.application.stats()
    }

    /// Stops accepting, waits for running requests and work after responses as long as the limits allow, and ends.
    pub async fn stop(mut self) {
        self.phase.send_replace(Phase::Draining);
        let mut running = self.running.subscribe();
        let drained = async {
            // The server task ends by itself once its connections have; if it panicked there is nothing to wait for.
            let _ = (&mut self.server).await;
            let _ = running.wait_for(|running| *running == 0).await;
        };
        // What is not done by then is ended by the drop below.
        let _ = tokio::time::timeout(self.limits.stop, drained).await;
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Ending);
        self.server.abort();
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, HostError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| HostError::Listen { address, source })
}

/// Does what blocks, and gives the options back.
async fn prepare(
    options: HostOptions,
    address: SocketAddr,
) -> Result<(HostOptions, Routes, Vec<Prepared>), HostError> {
    let work = move || {
        let mut manifest = Manifest::read(&options.manifest)?;
        for name in &options.served_at {
            manifest.set_default(name, &origin(address));
        }
        let variables = Variables::resolve(&manifest, &options.variables, environment)?;
        let routes = Routes::new(&manifest.triggers)?;
        let compiler = Compiler::shared(options.cache.as_deref())?;
        let prepared = application::prepare(&manifest, &variables, &options, &compiler)?;
        Ok((options, routes, prepared))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(HostError::Engine(format!(
            "compilation ended early: {error}"
        )))
    })
}

/// Where a browser on this machine finds what listens at `address`.
fn origin(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "Spin takes application variables from the environment too"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: &str) {
        assert_eq!(origin(address.parse().unwrap()), expected);
    }

    #[test]
    fn an_origin_is_one_that_can_be_opened() {
        check("127.0.0.1:3000", "http://127.0.0.1:3000");
        check("192.0.2.1:80", "http://192.0.2.1:80");
        check("0.0.0.0:3000", "http://127.0.0.1:3000");
        check("[::]:3000", "http://[::1]:3000");
    }
}
