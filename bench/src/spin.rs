//! The same application on the `spin` program, where that is in the PATH.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::Failure;
use crate::bare::Serves;
use crate::endpoint::Endpoint;
use crate::operator::{Operator, Ticker};
use crate::systems::variables;
use crate::workspace::{folder, root};

/// Compiling the components takes most of it.
const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(10);

/// The running program.
pub(crate) struct Spin {
    endpoint: Endpoint,
    child: Child,
    ticker: Option<Ticker>,
    _state: TempDir,
}

impl Spin {
    /// Starts Sendlet as it is with this relay, or says that there is no such program.
    pub(crate) async fn start(relay: SocketAddr) -> Result<Option<Self>, Failure> {
        let manifest = root().join("spin.toml");
        let Some(mut spin) = Self::serve(&manifest, &format!("http://{relay}")).await? else {
            return Ok(None);
        };
        let address = spin.endpoint.address;
        spin.endpoint.sender = Operator::of(address).provision().await?;
        spin.ticker = Some(Ticker::start(address));
        Ok(Some(spin))
    }

    /// Starts what a manifest says, or says that there is no such program.
    pub(crate) async fn serve(manifest: &Path, relay: &str) -> Result<Option<Self>, Failure> {
        let address = free_address()?;
        let state = folder()?;
        let mut command = command(manifest, address, state.path());
        for (name, value) in variables(relay) {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot run spin ({error})").into()),
        };
        let operator = Operator::of(address);
        tokio::select! {
            ended = child.wait() => return Err(format!("spin ended with {}; what it said is above", ended?).into()),
            serves = operator.wait_for_server(START) => serves?,
        }
        let endpoint = Endpoint {
            name: "Sendlet, spin",
            address,
            sender: String::new(),
            processes: family(child.id()),
        };
        Ok(Some(Self {
            endpoint,
            child,
            ticker: None,
            _state: state,
        }))
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks it to end, since it has a child of its own that it ends then.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        drop(self.ticker.take());
        if let Some(id) = self.child.id() {
            let mut kill = Command::new("kill");
            kill.args(["-TERM", &id.to_string()]).status().await?;
        }
        if timeout(STOP, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

impl Serves for Spin {
    fn address(&self) -> SocketAddr {
        self.endpoint.address
    }
}

fn command(manifest: &Path, address: SocketAddr, state: &Path) -> Command {
    let mut spin = Command::new("spin");
    spin.arg("up")
        .arg("--from")
        .arg(manifest)
        .arg("--listen")
        .arg(address.to_string())
        .arg("--state-dir")
        .arg(state)
        .arg("--log-dir")
        .arg(state.join("logs"))
        .arg("--quiet")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    spin
}

/// Spin does not say which port it chose, so one is found for it.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// `spin up` serves in a child of its own.
fn family(id: Option<u32>) -> Vec<u32> {
    let Some(id) = id else {
        return Vec::new();
    };
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    children.chain([id]).collect()
}
