//! `scripts/report-to-sendlet`, where an MTA's users may run it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tests::REPORT_TOKEN;

use crate::{daemons::write_settings, tools};

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
        open_to_all(folder.path());
        let reporter = Self { folder };
        let script = fs::read_to_string(tools::report_script()).unwrap();
        write_program(&reporter.script(), &script);
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

    /// Writes a file beside the script.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        write_settings(self.folder.path(), name, content)
    }
}

/// Writes a program that everybody may run.
pub(crate) fn write_program(path: &Path, program: &str) {
    fs::write(path, program).unwrap();
    open_to_all(path);
}

/// Lets the MTA's users read and run something, or look into it.
pub(crate) fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}
