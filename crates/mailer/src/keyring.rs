//! Private keys: made in steps, sealed at rest, opened once an instance.
//!
//! A sealed value is `base64(nonce || ciphertext)` of XChaCha20-Poly1305 under the master key, with the store's key as associated
//! data: a value that was moved to another key does not open. The nonce is 24 random octets, so no count has to be kept.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use dkim::keygen::RsaKeySearch;
use dkim::{KeyError, SigningAlgorithm, SigningKey};
use envelope::Domain;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::{DomainKey, DomainRecord};
use crate::entropy::Rng;
use crate::keys;
use crate::ports::{Clock, Entropy, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// The size of the keys made here, in bits.
const RSA_BITS: u32 = 2048;
const NONCE_OCTETS: usize = 24;
const KEY_OCTETS: usize = 32;
/// How long an instance believes what it read of a domain.
const DOMAIN_FRESH_FOR: Duration = Duration::from_secs(5);
/// An instance remembers at most so many domains; beyond that it starts anew.
const REMEMBERED: usize = 256;

/// The key that seals all other keys.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_OCTETS]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// The text is not a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected 32 octets in base64")]
pub struct ParseMasterKeyError;

/// A sealed value that does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a sealed value does not open with this master key")]
pub struct UnsealError;

impl MasterKey {
    /// The key whose base64 is `text`.
    ///
    /// # Errors
    /// When `text` is not the base64 of 32 octets.
    pub fn parse(text: &str) -> Result<Self, ParseMasterKeyError> {
        let octets = Zeroizing::new(
            STANDARD
                .decode(text.trim())
                .map_err(|_| ParseMasterKeyError)?,
        );
        let key =
            <[u8; KEY_OCTETS]>::try_from(octets.as_slice()).map_err(|_| ParseMasterKeyError)?;
        Ok(Self(Zeroizing::new(key)))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }

    /// Seals `secret` for the store's key `path`.
    #[must_use]
    pub fn seal(&self, entropy: &impl Entropy, path: &str, secret: &[u8]) -> String {
        let mut nonce = [0; NONCE_OCTETS];
        entropy.fill(&mut nonce);
        let payload = Payload {
            msg: secret,
            aad: path.as_bytes(),
        };
        // The cipher refuses only messages of over 256 GiB.
        let ciphertext = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .unwrap_or_default();
        STANDARD.encode([&nonce[..], &ciphertext].concat())
    }

    /// Opens what [`Self::seal`] made for the same `path`.
    ///
    /// # Errors
    /// When it was sealed with another key, for another path, or changed.
    pub fn unseal(&self, path: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let octets = STANDARD.decode(sealed).map_err(|_| UnsealError)?;
        let (nonce, ciphertext) = octets
            .split_first_chunk::<NONCE_OCTETS>()
            .ok_or(UnsealError)?;
        let payload = Payload {
            msg: ciphertext,
            aad: path.as_bytes(),
        };
        self.cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| UnsealError)
    }
}

/// The master key, and the one before it while a change is under way.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    /// Seals, and opens.
    pub current: MasterKey,
    /// Opens what was not sealed anew yet.
    pub previous: Option<MasterKey>,
}

impl MasterKeys {
    /// Opens what either key sealed for `path`.
    ///
    /// # Errors
    /// As [`MasterKey::unseal`].
    pub fn unseal(&self, path: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let current = self.current.unseal(path, sealed);
        match &self.previous {
            Some(previous) => current.or_else(|_| previous.unseal(path, sealed)),
            None => current,
        }
    }

    /// What the previous key sealed for `path`, sealed with the current one; `None` when it is already.
    ///
    /// # Errors
    /// When neither key opens it.
    pub fn reseal(
        &self,
        entropy: &impl Entropy,
        path: &str,
        sealed: &str,
    ) -> Result<Option<String>, UnsealError> {
        if self.current.unseal(path, sealed).is_ok() {
            return Ok(None);
        }
        let secret = self.unseal(path, sealed)?;
        Ok(Some(self.current.seal(entropy, path, &secret)))
    }
}

/// Makes a new RSA key, letting other tasks run between candidates.
///
/// # Errors
/// When the generator of primes cannot serve this size, which it can.
pub async fn generate_rsa<P: Entropy + Scheduler>(ports: &P) -> Result<SigningKey, KeyError> {
    let mut rng = Rng(ports);
    let mut search = RsaKeySearch::new(RSA_BITS)?;
    loop {
        if let Some(key) = search.step(&mut rng) {
            return Ok(key);
        }
        ports.yield_now().await;
    }
}

/// Why a domain's key is not to be had.
#[derive(Debug, Clone, Error)]
pub enum KeyringError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The domain, or its key, is not there.
    #[error("the sender domain has no signing key")]
    NoKey,
    /// The master key is not the one the key was sealed with.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// What was sealed is not a key.
    #[error("the sealed value is not a private key")]
    NotAKey,
}

/// Domain, selector and public half: once a domain was forgotten, another key may come under the same selector.
type KeyName = (Domain, String, String);

/// The keys an instance has opened.
#[derive(Debug)]
pub struct Keyring {
    master_keys: MasterKeys,
    domains: RefCell<HashMap<Domain, (Timestamp, DomainRecord)>>,
    keys: RefCell<HashMap<KeyName, Rc<SigningKey>>>,
}

impl Keyring {
    /// An empty ring.
    #[must_use]
    pub fn new(master_keys: MasterKeys) -> Self {
        Self {
            master_keys,
            domains: RefCell::default(),
            keys: RefCell::default(),
        }
    }

    /// The key that seals new keys.
    #[must_use]
    pub const fn master_key(&self) -> &MasterKey {
        &self.master_keys.current
    }

    /// The keys that sign for `domain` now, with their selectors: RSA first.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn signing_keys<P: Clock + KeyValue>(
        &self,
        ports: &P,
        record: &DomainRecord,
    ) -> Result<Vec<(String, Rc<SigningKey>)>, KeyringError> {
        let mut keys = Vec::new();
        for key in record.signing_keys() {
            let opened = self.signing_key(ports, &record.domain, key).await?;
            keys.push((key.selector.clone(), opened));
        }
        // Those who know one algorithm only know RSA, so a message never goes without it.
        keys.sort_by_key(|(_, key)| key.algorithm() != SigningAlgorithm::RsaSha256);
        match keys.first() {
            Some((_, first)) if first.algorithm() == SigningAlgorithm::RsaSha256 => Ok(keys),
            _ => Err(KeyringError::NoKey),
        }
    }

    async fn signing_key<P: KeyValue>(
        &self,
        ports: &P,
        domain: &Domain,
        key: &DomainKey,
    ) -> Result<Rc<SigningKey>, KeyringError> {
        let name = (domain.clone(), key.selector.clone(), key.record.clone());
        if let Some(key) = self.keys.borrow().get(&name) {
            return Ok(Rc::clone(key));
        }
        let opened = Rc::new(self.open(ports, domain, &key.selector).await?);
        remember(&mut self.keys.borrow_mut(), name, Rc::clone(&opened));
        Ok(opened)
    }

    /// The record of `domain`, at most `DOMAIN_FRESH_FOR` old.
    ///
    /// # Errors
    /// When the store does not answer, or there is no such domain.
    pub async fn domain<P: Clock + KeyValue>(
        &self,
        ports: &P,
        domain: &Domain,
    ) -> Result<DomainRecord, KeyringError> {
        let now = ports.now();
        if let Some((read_at, record)) = self.domains.borrow().get(domain)
            // A clock that was set back says nothing of how old this is.
            && now >= *read_at
            && now.since(*read_at) < DOMAIN_FRESH_FOR
        {
            return Ok(record.clone());
        }
        let record = keys::domain(domain)
            .read(ports)
            .await?
            .ok_or(KeyringError::NoKey)?;
        remember(
            &mut self.domains.borrow_mut(),
            domain.clone(),
            (now, record.clone()),
        );
        Ok(record)
    }

    async fn open(
        &self,
        store: &impl KeyValue,
        domain: &Domain,
        selector: &str,
    ) -> Result<SigningKey, KeyringError> {
        let path = keys::dkim_key(domain, selector);
        let sealed = path.read(store).await?.ok_or(KeyringError::NoKey)?;
        let der = self.master_keys.unseal(path.path(), &sealed.sealed)?;
        SigningKey::from_pkcs8_der(&der).map_err(|_| KeyringError::NotAKey)
    }
}

fn remember<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key, value);
}
