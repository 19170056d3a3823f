//! Where things are, and the components built.

use std::path::{Path, PathBuf};

use devhost::build::Build;
use tempfile::TempDir;

use crate::Failure;

/// Builds all components under measure.
pub(crate) fn build() -> Result<(), Failure> {
    build_together(&[
        "send",
        "dispatch",
        "manage",
        "notify",
        "query",
        "track",
        "webhook",
        "bench-guest",
    ])?;
    // In a run of their own: they want more of the crates below, and the components are to be as they are without them.
    build_together(&["bench-rewriting", "bench-signing"])
}

fn build_together(packages: &[&str]) -> Result<(), Failure> {
    let (manifest, target_folder) = (root().join("Cargo.toml"), root().join("target"));
    Ok(Build {
        manifest,
        target_folder,
        profile: "component".to_owned(),
        packages: packages.iter().map(ToString::to_string).collect(),
    }
    .run()?)
}

/// Where the built component is.
pub(crate) fn component(name: &str) -> PathBuf {
    root().join(format!("target/wasm32-wasip2/component/{name}.wasm"))
}

/// A folder beside the target folder and not in the system's temporary one, which may be memory and would make a commit cost nothing.
pub(crate) fn folder() -> Result<TempDir, std::io::Error> {
    tempfile::tempdir_in(root().join("target"))
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."))
}
