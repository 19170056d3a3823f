//! Sendlet and what it is compared with on devhost, each on its own host and SQLite file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use devhost::{ComponentStats, Host, HostOptions, SqliteKeyValue};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Failure;
use crate::acs;
use crate::bare::Serves;
use crate::complaints::Complaints;
use crate::endpoint::Endpoint;
use crate::operator::{ADMIN_TOKEN, Operator, Ticker};
use crate::workspace::{folder, root};

/// The access key that requests are signed with.
pub(crate) const KEY: &[u8] = b"an access key of the benchmark's";
/// What the relay's events are signed with.
pub(crate) const RELAY_EVENT_KEY: &[u8] = b"a key of events of the benchmark's";
const LINK_KEY: &[u8] = b"a key of links of the benchmark's";
const IDLE: &str = "component/bench_guest.wasm";
/// Where nobody listens.
pub(crate) const NO_RELAY: &str = "http://127.0.0.1:9";

/// A host with its store.
pub(crate) struct System {
    host: Host,
    sender: Option<String>,
    store: Arc<SqliteKeyValue>,
    complaints: Complaints,
    ticker: Option<Ticker>,
    // The folder goes when the system goes.
    _folder: TempDir,
}

impl System {
    /// Sendlet as it is, but for dispatch, in whose place a component answers that does nothing.
    pub(crate) async fn accepting_only() -> Result<Self, Failure> {
        let mut system = Self::without("dispatch").await?;
        system.sender = Some(Operator::of(system.address()).provision().await?);
        Ok(system)
    }

    /// Sendlet as it is, but for this component, in whose place one answers that does nothing.
    pub(crate) async fn without(component: &str) -> Result<Self, Failure> {
        let folder = folder()?;
        let manifest = manifest_without(component, folder.path())?;
        let mut options = Options::new(manifest, folder)?;
        options.host.variables = variables(NO_RELAY);
        Self::start(options).await
    }

    /// Sendlet as `cargo run` serves it, with this relay.
    pub(crate) async fn whole(relay: SocketAddr) -> Result<Self, Failure> {
        let mut options = Options::new(root().join("spin.toml"), folder()?)?;
        options.host.variables = variables(&format!("http://{relay}"));
        let complaints = Complaints::default();
        options.host.log = complaints.log_to(&options.folder.path().join("log.txt"))?;
        let mut system = Self::start(options).await?;
        system.complaints = complaints;
        system.sender = Some(Operator::of(system.address()).provision().await?);
        system.ticker = Some(Ticker::start(system.address()));
        Ok(system)
    }

    /// The component that only writes.
    pub(crate) async fn bare() -> Result<Self, Failure> {
        Self::start(Options::new(bare_manifest(), folder()?)?).await
    }

    async fn start(options: Options) -> Result<Self, Failure> {
        Ok(Self {
            host: Host::start(options.host).await?,
            sender: None,
            store: options.store,
            complaints: Complaints::default(),
            ticker: None,
            _folder: options.folder,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// Where messages go in.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            name: "Sendlet, devhost",
            address: self.address(),
            sender: self.sender.clone().unwrap_or_default(),
            processes: Vec::new(),
        }
    }

    pub(crate) fn store(&self) -> Arc<SqliteKeyValue> {
        Arc::clone(&self.store)
    }

    pub(crate) fn stats(&self, component: &str) -> ComponentStats {
        self.host
            .component_stats()
            .remove(component)
            .unwrap_or_default()
    }

    /// What makes one request after the other, with so much HTML.
    pub(crate) fn request(
        &self,
        html_octets: usize,
    ) -> impl Fn() -> Request<Full<Bytes>> + Send + 'static + use<> {
        self.requests(
            &json!({ "subject": "Benchmark", "html": "<p>".repeat(html_octets / 3) }),
            &json!([]),
        )
    }

    /// The same with an attachment.
    pub(crate) fn large_request(
        &self,
        octets: usize,
    ) -> impl Fn() -> Request<Full<Bytes>> + Send + 'static + use<> {
        let attachment = json!([{ "name": "large.pdf", "contentType": "application/pdf", "contentInBase64": STANDARD.encode(vec![7; octets]) }]);
        self.requests(
            &json!({ "subject": "Benchmark", "plainText": "See the attachment." }),
            &attachment,
        )
    }

    fn requests(
        &self,
        content: &Value,
        attachments: &Value,
    ) -> impl Fn() -> Request<Full<Bytes>> + Send + 'static + use<> {
        let message = json!({
            "senderAddress": self.sender,
            "content": content,
            "recipients": { "to": [{ "address": "bob@example.com" }] },
            "attachments": attachments,
        });
        let host = self.address().to_string();
        let body = Bytes::from(message.to_string());
        move || acs::send(&host, KEY, &body)
    }

    pub(crate) async fn stop(self) {
        drop(self.ticker);
        self.host.stop().await;
        self.complaints.tell("devhost");
    }
}

impl Serves for System {
    fn address(&self) -> SocketAddr {
        Self::address(self)
    }
}

/// The manifest of what only writes.
pub(crate) fn bare_manifest() -> PathBuf {
    root().join("bench/guest/spin.toml")
}

/// Writes the manifest of Sendlet with a component that does nothing in the place of this one into `folder`.
pub(crate) fn manifest_without(component: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let text = std::fs::read_to_string(root().join("spin.toml"))?;
    let held_back = text
        .replace(&format!("component/{component}.wasm"), IDLE)
        .replace("\"target/", &format!("\"{}/target/", root().display()));
    let manifest = folder.join("spin.toml");
    std::fs::write(&manifest, held_back)?;
    Ok(manifest)
}

/// What a host is started with.
struct Options {
    host: HostOptions,
    store: Arc<SqliteKeyValue>,
    folder: TempDir,
}

impl Options {
    fn new(manifest: PathBuf, folder: TempDir) -> Result<Self, Failure> {
        let store = Arc::new(SqliteKeyValue::open(&folder.path().join("store.db"))?);
        Ok(Self {
            host: HostOptions::new(manifest, Arc::<SqliteKeyValue>::clone(&store)),
            store,
            folder,
        })
    }
}

/// The variable with the key that links are made with.
pub(crate) fn link_key() -> String {
    STANDARD.encode(LINK_KEY)
}

/// What `cargo run` sets, with secrets of the benchmark's.
pub(crate) fn variables(relay: &str) -> BTreeMap<String, String> {
    let key = STANDARD.encode(KEY);
    let master_key = STANDARD.encode([7; 32]);
    let relay_event_secret = format!("whsec_{}", STANDARD.encode(RELAY_EVENT_KEY));
    let values = [
        ("access_key_primary", key.as_str()),
        ("access_key_secondary", &key),
        ("admin_token", ADMIN_TOKEN),
        ("explain_auth", "true"),
        ("link_key", &link_key()),
        ("master_key", &master_key),
        ("relay_event_secret", &relay_event_secret),
        ("relay_token", "none"),
        ("report_token", ADMIN_TOKEN),
        ("return_path_key", &master_key),
        ("webhook_key", &master_key),
        ("webhook_private_endpoints", "true"),
        ("relay_url", relay),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
