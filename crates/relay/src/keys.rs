//! Where the inbox finds the public keys of DKIM signatures.

use std::{future::Future, pin::Pin};

/// What became of looking up a key record (RFC 6376, section 3.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLookup {
    /// The record's text, its strings joined.
    Found(String),
    /// There is no such record.
    NotFound,
    /// Nobody looks records up here, so the signature is shown as not checked.
    NotChecked,
    /// The look-up failed; the text says why, for the inbox page.
    Failed(String),
}

/// A source of DKIM key records.
///
/// A sandbox signs with keys that no public DNS knows, so its host answers from its own list of domains.
pub trait DkimKeys: Send + Sync + 'static {
    /// Looks up the TXT record at `name`, which is `<selector>._domainkey.<domain>` in lower case.
    ///
    /// The relay gives up after ten seconds.
    fn record<'a>(&'a self, name: &'a str) -> Pin<Box<dyn Future<Output = KeyLookup> + Send + 'a>>;
}

/// Knows no keys: signatures are shown as not checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

impl DkimKeys for NoKeys {
    fn record<'a>(
        &'a self,
        _name: &'a str,
    ) -> Pin<Box<dyn Future<Output = KeyLookup> + Send + 'a>> {
        Box::pin(async { KeyLookup::NotChecked })
    }
}
