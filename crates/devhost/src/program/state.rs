//! The state folder: secrets, the store, the inbox, compiled components. One server at a time may use it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// An opened state folder; the lock goes with this value.
pub(super) struct State {
    folder: PathBuf,
    _lock: File,
}

impl State {
    /// Makes the folder if need be, and takes it for this process.
    ///
    /// # Errors
    /// When it cannot be made, or another server has it.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        make_private_folder(folder)?;
        let lock = private()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(io::Error::other(format!(
                "another server uses the state folder {}: stop it, or choose another folder with --state",
                folder.display()
            ))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn secrets(&self) -> PathBuf {
        secrets(&self.folder)
    }

    pub(super) fn store(&self) -> PathBuf {
        self.folder.join("key-value.db")
    }

    pub(super) fn inbox(&self) -> PathBuf {
        self.folder.join("inbox")
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.folder.join("compiled")
    }

    /// Notes where this server is, for `sendlet send`.
    pub(super) fn announce(&self, server: &RunningServer) -> io::Result<()> {
        let text = serde_json::to_string_pretty(server).map_err(io::Error::other)?;
        write_private(&self.folder.join(SERVER), text.as_bytes())
    }
}

const SERVER: &str = "server.json";

/// Where a server can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct RunningServer {
    /// The API's origin.
    pub(super) origin: String,
    /// The inbox's origin, if there is one.
    pub(super) inbox: Option<String>,
    /// A sender's address that works.
    pub(super) sender: String,
}

impl RunningServer {
    /// Reads where the server of this state folder is, or was.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(folder.join(SERVER))?;
        serde_json::from_str(&text).map_err(io::Error::other)
    }
}

/// Returns where a state folder has its secrets.
pub(super) fn secrets(folder: &Path) -> PathBuf {
    folder.join("secrets.json")
}

/// Replaces a file in one step by one that only its owner can read.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // A file left by a crash may have other permissions.
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).write(true).open(&fresh)?;
    file.write_all(contents)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_cannot_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = State::open(folder.path()).unwrap();
        let error = State::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("--state"), "{error}");
        drop(first);
        assert!(State::open(folder.path()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("state");
        let state = State::open(&folder).unwrap();
        write_private(&state.secrets(), b"{}").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&state.secrets())), (0o700, 0o600));
    }

    #[test]
    fn a_server_is_found_where_it_was_announced() {
        let folder = tempfile::tempdir().unwrap();
        let server = RunningServer {
            origin: "http://a".into(),
            inbox: None,
            sender: "x@y".into(),
        };
        State::open(folder.path())
            .unwrap()
            .announce(&server)
            .unwrap();
        assert_eq!(RunningServer::read(folder.path()).unwrap(), server);
    }
}
