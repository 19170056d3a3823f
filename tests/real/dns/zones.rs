//! Zone files and what `named` reads them by.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, process::Command};

use crate::daemons::{Daemon, write_settings};

/// Writes a text record's data: strings of at most 255 octets (RFC 1035, section 3.3.14) that readers join again.
pub(crate) fn txt(text: &str) -> String {
    assert!(text.is_ascii(), "expected seven bits");
    let mut data = String::from("TXT (");
    for string in text.as_bytes().chunks(255) {
        let string = String::from_utf8_lossy(string);
        let escaped = string.replace('\\', "\\\\").replace('"', "\\\"");
        write!(data, " \"{escaped}\"").unwrap();
    }
    data.push_str(" )");
    data
}

/// The zones' serial numbers by origin. No number is given twice.
#[derive(Debug, Default)]
pub(super) struct Zones {
    pub(super) serials: BTreeMap<String, u32>,
    last: u32,
}

impl Zones {
    /// Writes a zone with a new serial number, and returns that.
    pub(super) fn set(&mut self, folder: &Path, origin: &str, records: &str) -> u32 {
        self.last += 1;
        let serial = self.last;
        let zone = format!(
            "$ORIGIN {origin}.\n$TTL 0\n\
             @ SOA ns.invalid. hostmaster.invalid. {serial} 3600 600 86400 0\n\
             @ NS ns.invalid.\n{records}\n"
        );
        // In one step, since the server may be reading the one before.
        let new = write_settings(folder, "new.zone", &zone);
        fs::rename(new, folder.join(format!("{origin}.zone"))).unwrap();
        self.serials.insert(origin.to_owned(), serial);
        serial
    }

    pub(super) fn write_settings(&self, folder: &Path, port: u16) {
        let mut settings = named_conf(folder, port);
        for origin in self.serials.keys() {
            let zone = format!("zone \"{origin}\" {{ type primary; file \"{origin}.zone\"; }};\n");
            settings.push_str(&zone);
        }
        let new = write_settings(folder, "new.conf", &settings);
        fs::rename(new, folder.join("named.conf")).unwrap();
    }
}

/// Starts `named` with the zones that were written to this folder.
pub(super) fn start_named(folder: &Path) -> Daemon {
    let mut command = Command::new("/usr/sbin/named");
    command.args(["-g", "-c"]).arg(folder.join("named.conf"));
    Daemon::start(&mut command, folder.join("named.log"))
}

fn named_conf(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "options {{
  directory \"{folder}\";
  pid-file \"{folder}/named.pid\";
  session-keyfile \"{folder}/session.key\";
  lock-file none;
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  minimal-responses yes;
  notify no;
}};
controls {{ }};
"
    )
}
