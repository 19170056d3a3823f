//! Addresses that are not written to.

use envelope::AddrSpec;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Record};
use crate::ports::{KeyValue, StoreError};
use crate::time::Timestamp;

/// Why and since when an address is not written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// When it was put on the list.
    pub since: Timestamp,
    /// For whoever asks why.
    pub cause: String,
}

impl Record for Suppression {
    const VERSION: u32 = 1;
}

/// Whether `address` may not be written to, compared in its canonical form.
///
/// # Errors
/// When the list cannot be read; then nothing may be sent.
pub async fn is_suppressed(store: &impl KeyValue, address: &AddrSpec) -> Result<bool, StoreError> {
    store.exists(keys::suppression(address).path()).await
}
