//! Debian's Postfix with a configuration, a queue and a port of its own, delivering into Maildirs.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;
use tests::eventually;

use crate::{
    daemons::{STARTS, free_port},
    tools,
};

/// The domain that Postfix has mailboxes for.
pub(crate) const DOMAIN: &str = "example.test";

/// The user and group that mailboxes belong to: nobody, on Debian.
const MAILBOX_OWNER: u32 = 65_534;

/// Lines for Postfix's files, besides those that every test needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Additions<'a> {
    pub(crate) main_cf: &'a str,
    pub(crate) master_cf: &'a str,
}

/// A running Postfix. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Postfix {
    pub(crate) port: u16,
    folder: TempDir,
}

impl Postfix {
    /// Starts a Postfix with mailboxes for these users.
    pub(crate) fn start(users: &[String]) -> Self {
        Self::start_with(users, Additions::default())
    }

    /// As [`Self::start`], with more lines for its files.
    pub(crate) fn start_with(users: &[String], additions: Additions<'_>) -> Self {
        tools::installed("/usr/sbin/postfix");
        let mut failures = Vec::new();
        for _ in 0..STARTS {
            match Self::try_start(users, additions) {
                Ok(postfix) => return postfix,
                Err(failure) => failures.push(failure),
            }
        }
        panic!("Postfix does not start, which only root may do: {failures:#?}");
    }

    fn try_start(users: &[String], additions: Additions<'_>) -> Result<Self, String> {
        // Open to others, since Postfix's parts run under users of their own.
        let folder = tempfile::Builder::new()
            .prefix("sendlet-postfix-")
            .tempdir()
            .unwrap();
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).unwrap();
        let port = free_port();
        lay_out(folder.path(), users)?;
        let etc = folder.path().join("etc");
        let main_cf = main_cf(folder.path()) + additions.main_cf;
        fs::write(etc.join("main.cf"), main_cf).unwrap();
        fs::write(etc.join("master.cf"), master_cf(port) + additions.master_cf).unwrap();
        let started = postfix(folder.path(), "start");
        let postfix = Self { port, folder };
        if started.status.success() {
            return Ok(postfix);
        }
        Err(format!("{started:?}\n{}", postfix.log()))
    }

    /// What Postfix logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/mail.log")).unwrap_or_default()
    }

    /// The messages in a user's mailbox.
    pub(crate) fn mailbox(&self, user: &str) -> Vec<PathBuf> {
        let new = self.folder.path().join("mail").join(user).join("new");
        let Ok(entries) = fs::read_dir(new) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Waits for the one message in a user's mailbox, and returns it with its lines ended by CRLF again.
    pub(crate) async fn delivered(&self, user: &str) -> Vec<u8> {
        let file = eventually("a message in the mailbox", async || {
            self.mailbox(user).pop()
        });
        let file = file.await;
        assert_eq!(self.mailbox(user).len(), 1, "one copy for {user}");
        with_crlf(&fs::read(file).unwrap())
    }

    /// Takes away the messages in a user's mailbox.
    pub(crate) fn empty(&self, user: &str) {
        for file in self.mailbox(user) {
            fs::remove_file(file).unwrap();
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.folder.path().join("queue/pid/master.pid"));
        postfix(self.folder.path(), "stop");
        // `postfix stop` is done when the master is gone. Should it fail, the folder must not be taken from under it.
        let pid = pid.unwrap_or_default().trim().to_owned();
        if !pid.is_empty() && Path::new("/proc").join(&pid).exists() {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
        }
    }
}

/// Maildir has lines ended by LF alone.
fn with_crlf(message: &[u8]) -> Vec<u8> {
    let mut restored = Vec::with_capacity(message.len() + message.len() / 50);
    for octet in message {
        if *octet == b'\n' {
            restored.push(b'\r');
        }
        restored.push(*octet);
    }
    restored
}

fn postfix(folder: &Path, order: &str) -> Output {
    // Bounded by coreutils, since this runs where nothing can be awaited: while a test panics.
    let output = Command::new("timeout")
        .args(["60", "/usr/sbin/postfix", "-c"])
        .arg(folder.join("etc"))
        .arg(order)
        .output();
    output.expect("coreutils is installed")
}

fn lay_out(folder: &Path, users: &[String]) -> Result<(), String> {
    let mail_owner = user_id("postfix");
    for (name, owner) in [
        ("etc", None),
        ("queue", None),
        ("log", None),
        ("data", Some(mail_owner)),
        ("mail", Some(MAILBOX_OWNER)),
    ] {
        let path = folder.join(name);
        fs::create_dir(&path).unwrap();
        if let Some(owner) = owner {
            chown(&path, Some(owner), Some(owner)).map_err(|error| error.to_string())?;
        }
    }
    let etc = folder.join("etc");
    let mailbox = |user: &String| format!("{user}@{DOMAIN} {user}/\n");
    fs::write(
        etc.join("mailboxes"),
        users.iter().map(mailbox).collect::<String>(),
    )
    .unwrap();
    Ok(())
}

fn user_id(name: &str) -> u32 {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}:")));
    let id = line.and_then(|line| line.split(':').nth(1)?.parse().ok());
    id.unwrap_or_else(|| panic!("no user {name}: run scripts/install-test-tools.sh"))
}

/// Nothing but our own mailboxes can be delivered to, and nothing about a message is changed on the way.
fn main_cf(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
myhostname = mta.{DOMAIN}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
local_header_rewrite_clients =
message_size_limit = 30000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{MAILBOX_OWNER}
virtual_gid_maps = static:{MAILBOX_OWNER}
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
"
    )
}

fn master_cf(port: u16) -> String {
    // Service, type, private, unprivileged, chroot, wake-up, processes, command.
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"
    )
}
