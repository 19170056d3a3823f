//! The peer: Node's `http` with nodemailer, which signs the same message with DKIM and posts it to the same sink. It stores nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;
use crate::endpoint::Endpoint;
use crate::workspace::root;

const FILES: [&str; 3] = ["package.json", "package-lock.json", "server.mjs"];
const INSTALL: [&str; 5] = [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
];

/// The running server.
pub(crate) struct Peer {
    endpoint: Endpoint,
    child: Child,
}

impl Peer {
    /// Installs what it needs, and starts it.
    pub(crate) async fn start(sink: SocketAddr) -> Result<Self, Failure> {
        let folder = install().await?;
        let mut child = Command::new("node")
            .args(["server.mjs", &format!("http://{sink}")])
            .current_dir(folder)
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot run node ({error}): install Node.js 20 or newer"))?;
        let port = port(&mut child).await?;
        let endpoint = Endpoint {
            name: "nodemailer",
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            sender: "DoNotReply@mail.sendlet.example".to_owned(),
            processes: child.id().into_iter().collect(),
        };
        Ok(Self { endpoint, child })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }
}

/// The port is the first line it prints.
async fn port(child: &mut Child) -> Result<u16, Failure> {
    let output = child.stdout.take().ok_or("node has no standard output")?;
    let line = BufReader::new(output).lines().next_line().await?;
    let line = line.ok_or("node ended before it served; what it said is above")?;
    Ok(line.parse()?)
}

/// Leaves the sources alone: packages go below the target folder.
async fn install() -> Result<PathBuf, Failure> {
    let (from, folder) = (root().join("bench/peer"), root().join("target/bench-peer"));
    let lock = std::fs::read(from.join("package-lock.json"))?;
    let installed = folder.join("installed.json");
    std::fs::create_dir_all(&folder)?;
    for file in FILES {
        std::fs::copy(from.join(file), folder.join(file))?;
    }
    if std::fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    println!("Installing nodemailer…");
    npm(&folder).await?;
    std::fs::write(installed, lock)?;
    Ok(folder)
}

async fn npm(folder: &Path) -> Result<(), Failure> {
    let status = Command::new("npm")
        .args(INSTALL)
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .await
        .map_err(|error| {
            format!("cannot run npm ({error}): install Node.js 20 or newer with npm")
        })?;
    if status.success() {
        return Ok(());
    }
    Err(
        format!("npm failed with {status}: it needs the npm registry once; what it said is above")
            .into(),
    )
}
