//! Builds components for `wasm32-wasip2`, in one run of cargo that shows its own progress on standard error.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use crate::manifest::Manifest;

/// The target of components.
const TARGET: &str = "wasm32-wasip2";

/// Builds every component of `manifest`, each from the package of the same name in the workspace around the manifest,
/// with the profile `component`. Adds the target to the toolchain first if it is missing.
///
/// # Errors
/// When the target cannot be added or cargo fails.
pub fn components(manifest: &Manifest) -> Result<(), BuildError> {
    let folder = manifest.folder();
    let build = Build {
        manifest: folder.join("Cargo.toml"),
        target_folder: folder.join("target"),
        profile: "component".to_owned(),
        packages: manifest.components.keys().cloned().collect(),
    };
    build.run()
}

/// One run of `cargo build` for `wasm32-wasip2`.
#[derive(Clone, Debug)]
pub struct Build {
    /// The `Cargo.toml` of the workspace or package.
    pub manifest: PathBuf,
    /// Cargo's target folder.
    pub target_folder: PathBuf,
    /// The build profile.
    pub profile: String,
    /// The packages to build; none means the one of the manifest.
    pub packages: Vec<String>,
}

impl Build {
    /// Runs it.
    ///
    /// # Errors
    /// When the target cannot be added or cargo fails.
    pub fn run(&self) -> Result<(), BuildError> {
        // Cargo and rustup choose the toolchain by the folder they run in.
        let folder = self
            .manifest
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        add_target(folder)?;
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--target", TARGET, "--profile", &self.profile]);
        cargo.arg("--manifest-path").arg(absolute(&self.manifest)?);
        cargo
            .arg("--target-dir")
            .arg(absolute(&self.target_folder)?);
        cargo.args(
            self.packages
                .iter()
                .flat_map(|package| ["--package", package]),
        );
        forget_outer_cargo(&mut cargo);
        let status = run(cargo.current_dir(folder)).map_err(BuildError::Cargo)?;
        if status.success() {
            Ok(())
        } else {
            Err(BuildError::Failed(status))
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, BuildError> {
    std::path::absolute(path).map_err(BuildError::Cargo)
}

/// Adds the target unless the toolchain has it. Listing it in rust-toolchain.toml would not be enough: where rustup's
/// auto-install is off that does nothing and says nothing.
fn add_target(folder: &Path) -> Result<(), BuildError> {
    if has_target(folder)? {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    let status = run(rustup.args(["target", "add", TARGET]).current_dir(folder))
        .map_err(BuildError::NoTarget)?;
    if status.success() {
        Ok(())
    } else {
        Err(BuildError::TargetNotAdded(status))
    }
}

fn has_target(folder: &Path) -> Result<bool, BuildError> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder)
        .stderr(Stdio::inherit());
    let output = rustc.output().map_err(BuildError::Cargo)?;
    let library = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(library.trim()).is_dir())
}

/// Runs a command whose output, progress included, belongs on standard error: standard output is ours.
fn run(command: &mut Command) -> io::Result<ExitStatus> {
    command.stdin(Stdio::null()).stdout(io::stderr()).status()
}

/// Takes away what a cargo around us has set, such as flags and folders meant for native code.
fn forget_outer_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if is_outer(&name) {
            command.env_remove(name);
        }
    }
}

fn is_outer(name: &OsStr) -> bool {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_BUILD_JOBS",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTRIES_",
        "CARGO_REGISTRY_",
        "CARGO_TERM_",
    ];
    let Some(name) = name.to_str() else {
        return false;
    };
    let flags = ["RUSTFLAGS", "RUSTC", "RUSTC_WORKSPACE_WRAPPER"].contains(&name);
    flags || (name.starts_with("CARGO") && !KEPT.iter().any(|kept| name.starts_with(kept)))
}

/// Why components could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A program of the toolchain cannot be started.
    #[error(
        "cannot run cargo and rustc ({0}): install Rust from https://rustup.rs, or start with --no-build"
    )]
    Cargo(io::Error),
    /// The target is missing, and so is rustup.
    #[error(
        "the toolchain has no target {TARGET}, and rustup cannot be run to add it ({0}): install rustup, or add the \
         target the way this Rust was installed"
    )]
    NoTarget(io::Error),
    /// Rustup could not add the target.
    #[error(
        "`rustup target add {TARGET}` failed with {0}: it needs the network once; what it said is above"
    )]
    TargetNotAdded(ExitStatus),
    /// Cargo failed.
    #[error("building the components failed with {0}: what cargo said is above")]
    Failed(ExitStatus),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_for_native_code_do_not_reach_the_components() {
        for name in [
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_PROFILE_RELEASE_LTO",
            "RUSTFLAGS",
            "CARGO",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTC_WORKSPACE_WRAPPER",
        ] {
            assert!(is_outer(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn settings_of_the_machine_do() {
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "CARGO_HTTP_PROXY",
            "CARGO_BUILD_JOBS",
            "RUSTUP_TOOLCHAIN",
            "RUSTUP_HOME",
            "CARGO_REGISTRIES_X_INDEX",
        ] {
            assert!(!is_outer(OsStr::new(name)), "{name}");
        }
    }
}
