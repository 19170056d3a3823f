//! Programs that serve until their test ends.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// How often a start is tried anew, since another program may take the port that was free a moment ago.
pub(crate) const STARTS: usize = 5;

/// A program in the foreground, with a file that has what it says. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program that stays in the foreground.
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Self {
        let output = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn();
        let what = command.get_program().display();
        let child = child.unwrap_or_else(|error| {
            panic!("{what} cannot be started ({error}): run scripts/install-test-tools.sh")
        });
        Self { child, log }
    }

    /// Whether it ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends SIGHUP, by which daemons are told to read their files again.
    pub(crate) fn reload(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-HUP", &id]).status();
        assert!(status.unwrap().success(), "{}", self.log());
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // None of these programs has anything to save, and one that is gone already is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    socket.local_addr().unwrap().port()
}

/// Whether somebody listens on this port of 127.0.0.1.
pub(crate) async fn is_listening(port: u16) -> bool {
    tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .is_ok()
}

/// Writes a configuration file and returns where it is.
pub(crate) fn write_settings(folder: &Path, name: &str, settings: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, settings).unwrap();
    path
}
