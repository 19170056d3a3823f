//! `scripts/report-to-sendlet`, where an MTA's users may run it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tests::REPORT_TOKEN;

use crate::tools;

/// The script with its settings, which say where reports go, and with the maps that have mail to return paths brought to it.
#[derive(Debug)]
pub(crate) struct Reporter {
    folder: TempDir,
}

impl Reporter {
    /// Lays the script out. It has no settings, so it brings nothing until [`Self::bring_to`].
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sendlet-reporter-")
            .tempdir()
            .unwrap();
        open(folder.path(), 0o755);
        let reporter = Self { folder };
        fs::copy(tools::report_script(), reporter.script()).unwrap();
        open(&reporter.script(), 0o755);
        reporter
    }

    pub(crate) fn script(&self) -> PathBuf {
        self.folder.path().join("report-to-sendlet")
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.path().join("report.curl")
    }

    /// Has reports brought to the system at this origin from now on.
    pub(crate) fn bring_to(&self, origin: &str) {
        let settings = format!(
            "url = \"{origin}/webhooks/report\"\nheader = \"Authorization: Bearer {REPORT_TOKEN}\"\n"
        );
        // Renamed, so that the script never sees half of it.
        let written = self.write("written", &settings);
        fs::rename(written, self.settings()).unwrap();
    }

    /// Writes a file that the MTA's users can read.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        open(&path, 0o644);
        path
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
