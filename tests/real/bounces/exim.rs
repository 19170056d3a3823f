//! Debian's Exim, unpacked and not installed, since it would take Postfix's place. Its user is made up for it by `nss_wrapper`.

use std::{fs, os::unix::fs::chown, path::Path, process::Command};

use tempfile::TempDir;
use tests::eventually;

use crate::{
    bounces::{
        destination::Destination,
        mta::ELSEWHERE,
        reporter::{Reporter, open_to_all, write_program},
    },
    daemons::{Daemon, STARTS, free_port, is_listening, write_settings},
    postfix::DOMAIN,
    tools,
};

/// The user and group that everything runs as: nobody, on Debian.
const OWNER: u32 = 65_534;

/// A running Exim that takes everything and finds out later. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Exim {
    pub(crate) port: u16,
    pub(crate) destination: Destination,
    pub(crate) reporter: Reporter,
    daemon: Daemon,
    folder: TempDir,
}

impl Exim {
    /// Starts it with a mailbox for `known`. What it cannot deliver it tells of at once, and returns after three seconds.
    pub(crate) async fn start() -> Self {
        let destination = Destination::start().await;
        let reporter = Reporter::new();
        let folder = tempfile::Builder::new()
            .prefix("sendlet-exim-")
            .tempdir()
            .unwrap();
        open_to_all(folder.path());
        lay_out(folder.path());
        let mut failures = Vec::new();
        for _ in 0..STARTS {
            let port = free_port();
            let mut daemon = run(
                folder.path(),
                &settings(folder.path(), port, &destination, &reporter),
            );
            let is_up = eventually("Exim starts or ends", async || {
                let is_up = is_listening(port).await;
                (is_up || daemon.has_ended()).then_some(is_up)
            })
            .await;
            if is_up {
                return Self {
                    port,
                    destination,
                    reporter,
                    daemon,
                    folder,
                };
            }
            failures.push(daemon.log());
        }
        panic!("Exim does not start: {failures:#?}");
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        let main = fs::read_to_string(self.folder.path().join("spool/mainlog"));
        self.daemon.log() + &main.unwrap_or_default()
    }
}

fn lay_out(folder: &Path) {
    fs::create_dir(folder.join("spool")).unwrap();
    chown(folder.join("spool"), Some(OWNER), Some(OWNER)).unwrap();
    let users = format!("root:x:0:0::/:/bin/sh\nDebian-exim:x:{OWNER}:{OWNER}::/:/bin/sh\n");
    let passwd = write_settings(folder, "passwd", &users);
    let groups = format!("root:x:0:\nDebian-exim:x:{OWNER}:\n");
    let group = write_settings(folder, "group", &groups);
    // Exim runs itself anew for each message, with an environment that it cleaned.
    let program = format!(
        "#!/bin/sh\nexport LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD={} NSS_WRAPPER_GROUP={}\nexec {} \"$@\"\n",
        passwd.display(),
        group.display(),
        tools::installed(tools::folder().join("exim/usr/sbin/exim4")).display()
    );
    write_program(&folder.join("exim"), &program);
}

fn run(folder: &Path, settings: &str) -> Daemon {
    let settings = write_settings(folder, "exim.conf", settings);
    let mut exim = Command::new(folder.join("exim"));
    // In the foreground, with a look at its queue every second.
    exim.arg("-C").arg(settings).args(["-bdf", "-q1s"]);
    Daemon::start(&mut exim, folder.join("log"))
}

/// Nothing but our own mailbox and server can be delivered to.
fn settings(folder: &Path, port: u16, destination: &Destination, reporter: &Reporter) -> String {
    let (script, script_settings) = (reporter.script(), reporter.settings());
    format!(
        "exim_path = {folder}/exim
keep_environment =
spool_directory = {folder}/spool
log_file_path = {folder}/spool/%slog
pid_file_path = {folder}/spool/pid
primary_hostname = exim.{DOMAIN}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
never_users =
deliver_drop_privilege
delay_warning = 1s
dsn_advertise_hosts = *
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
return_paths:
  driver = accept
  condition = ${{if match{{$local_part}}{{\\N^[bu]-[a-z2-7]{{48}}$\\N}}}}
  transport = sendlet
known:
  driver = accept
  domains = {DOMAIN}
  local_parts = known
  transport = nowhere
elsewhere:
  driver = manualroute
  domains = {ELSEWHERE}
  route_list = * 127.0.0.1
  self = send
  transport = smtp
begin transports
sendlet:
  driver = pipe
  command = {script} {script_settings}
  temp_errors = 75
nowhere:
  driver = appendfile
  file = /dev/null
smtp:
  driver = smtp
  port = {destination_port}
  allow_localhost
begin retry
* * F,3s,1s
",
        folder = folder.display(),
        destination_port = destination.port,
        script = script.display(),
        script_settings = script_settings.display(),
    )
}
