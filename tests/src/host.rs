//! What serves the components.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use devhost::{Host, HostOptions, KeyValue, Manifest, build, log::LogEvent};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    client::{Client, Request},
    wait::eventually,
};

/// Which host the tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// `devhost`, in this process.
    Devhost,
    /// The `spin` program in the PATH.
    Spin,
}

impl HostKind {
    /// What the environment asks for.
    ///
    /// # Panics
    /// When it asks for something else.
    #[must_use]
    pub fn chosen() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one switch of the suite, for whoever runs it"
        )]
        let wanted = std::env::var("SENDLET_TEST_HOST").unwrap_or_default();
        match wanted.as_str() {
            "" | "devhost" => Self::Devhost,
            "spin" => Self::Spin,
            other => panic!("SENDLET_TEST_HOST: expected devhost or spin, found {other}"),
        }
    }
}

/// The application's manifest.
#[must_use]
pub fn manifest_path() -> PathBuf {
    root().join("spin.toml")
}

/// A folder below cargo's own for what may be kept from run to run.
#[must_use]
pub fn state_folder() -> PathBuf {
    root().join("target/tests")
}

fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Builds the components, once in a process. Not in a build script: the cargo that runs that one holds the lock this one
/// needs.
///
/// # Panics
/// When they do not build.
pub fn build_components() {
    // The failure is kept too: every test would try again otherwise.
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let manifest = Manifest::read(&manifest_path()).map_err(|error| error.to_string())?;
        build::components(&manifest).map_err(|error| error.to_string())
    });
    if let Err(error) = built {
        panic!("the components do not build: {error}");
    }
}

/// What a host is started with.
pub(crate) struct HostSetup {
    pub(crate) manifest: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) store: Arc<dyn KeyValue>,
}

/// A running host. Dropping it ends it as a crash would.
pub(crate) trait TestHost: Send + Sync {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// What components wrote and requests came to, line by line.
    fn log(&self) -> Vec<String>;

    /// Instances that trapped or ran out of time, as the log tells of them.
    fn failures(&self) -> Vec<String>;
}

/// Starts the host that the environment asks for.
pub(crate) async fn start(setup: HostSetup) -> Box<dyn TestHost> {
    tokio::task::spawn_blocking(build_components)
        .await
        .expect("the components build");
    match HostKind::chosen() {
        HostKind::Devhost => Box::new(InProcess::start(setup).await),
        HostKind::Spin => Box::new(SpinProgram::start(setup).await),
    }
}

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    failures: Vec<String>,
}

/// `devhost` in this process.
struct InProcess {
    host: Host,
    log: Arc<Mutex<Log>>,
}

impl InProcess {
    async fn start(setup: HostSetup) -> Self {
        let log = Arc::<Mutex<Log>>::default();
        let mut options = HostOptions::new(setup.manifest, setup.store);
        options.variables = setup.variables;
        options.cache = Some(state_folder().join("cache"));
        options.log = {
            let log = Arc::clone(&log);
            Arc::new(move |event: &LogEvent<'_>| {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.lines.push(event.to_string());
                if matches!(event, LogEvent::Failure { .. }) {
                    log.failures.push(event.to_string());
                }
            })
        };
        Self {
            host: Host::start(options).await.expect("the host starts"),
            log,
        }
    }
}

impl TestHost for InProcess {
    fn address(&self) -> SocketAddr {
        self.host.address()
    }

    fn log(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.lines.clone()
    }

    fn failures(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.failures.clone()
    }
}

/// The `spin` program, with a state folder of its own. What it logs stays in files there.
struct SpinProgram {
    address: SocketAddr,
    state: TempDir,
    _child: Child,
}

impl SpinProgram {
    async fn start(setup: HostSetup) -> Self {
        let state = tempfile::tempdir().expect("a temporary folder");
        // Spin does not say which port it chose, so one is found for it. Somebody else may take it in between; then the
        // test fails, and says so.
        let port = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = port.local_addr().expect("a bound socket");
        drop(port);
        let mut spin = Command::new("spin");
        spin.arg("up")
            .arg("--from")
            .arg(&setup.manifest)
            .arg("--listen")
            .arg(address.to_string())
            .arg("--state-dir")
            .arg(state.path())
            .arg("--log-dir")
            .arg(state.path().join("logs"))
            .arg("--quiet");
        for (name, value) in &setup.variables {
            spin.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        let child = spin
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program spin starts");
        let client = Client::new(address);
        eventually("spin serves", async || {
            let health = Request::new("GET", "/.well-known/spin/health");
            client.send(health).await.ok()
        })
        .await;
        Self {
            address,
            state,
            _child: child,
        }
    }
}

impl TestHost for SpinProgram {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn log(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.state.path().join("logs")) else {
            return Vec::new();
        };
        let texts = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
        texts
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    fn failures(&self) -> Vec<String> {
        // Spin tells of traps on its own standard error, which is the test's.
        Vec::new()
    }
}
