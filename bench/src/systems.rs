//! The two systems under measure, each on its own host and SQLite file.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use devhost::build::Build;
use devhost::{Host, HostOptions, SqliteKeyValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::acs;

type Failure = Box<dyn Error + Send + Sync>;

const KEY: &[u8] = b"an access key of the benchmark's";
const ADMIN_TOKEN: &str = "an admin token of the benchmark's";
const DISPATCH: &str = "component/dispatch.wasm";
const IDLE_DISPATCH: &str = "component/bench_guest.wasm";

/// A host with its store.
pub(crate) struct System {
    host: Host,
    sender: Option<String>,
    // The folder goes when the system goes.
    _folder: TempDir,
}

impl System {
    /// Sendlet as it is, but for dispatch, in whose place a component answers that does nothing.
    pub(crate) async fn sendlet() -> Result<Self, Failure> {
        let folder = folder()?;
        let text = std::fs::read_to_string(root().join("spin.toml"))?;
        let held_back = text
            .replace(DISPATCH, IDLE_DISPATCH)
            .replace("\"target/", &format!("\"{}/target/", root().display()));
        let manifest = folder.path().join("spin.toml");
        std::fs::write(&manifest, held_back)?;
        let mut system = Self::start(manifest, folder, variables()).await?;
        system.sender = Some(system.provision().await?);
        Ok(system)
    }

    /// The component that only writes.
    pub(crate) async fn bare() -> Result<Self, Failure> {
        let manifest = root().join("bench/guest/spin.toml");
        Self::start(manifest, folder()?, BTreeMap::new()).await
    }

    async fn start(
        manifest: PathBuf,
        folder: TempDir,
        variables: BTreeMap<String, String>,
    ) -> Result<Self, Failure> {
        let store = SqliteKeyValue::open(&folder.path().join("store.db"))?;
        let mut options = HostOptions::new(manifest, Arc::new(store));
        options.variables = variables;
        Ok(Self {
            host: Host::start(options).await?,
            sender: None,
            _folder: folder,
        })
    }

    async fn provision(&self) -> Result<String, Failure> {
        println!("Making the sender domain…");
        loop {
            let (status, body) = self.put_managed_domain().await?;
            match (status, body.get("name").and_then(Value::as_str)) {
                (StatusCode::OK, Some(name)) => return Ok(format!("DoNotReply@{name}")),
                (StatusCode::ACCEPTED, _) => {
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
                _ => return Err(format!("expected a domain, found {status}: {body}").into()),
            }
        }
    }

    async fn put_managed_domain(&self) -> Result<(StatusCode, Value), Failure> {
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let url = format!("http://{}/domains/ManagedDomain", self.address());
        let request = Request::put(url)
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .body(Empty::new())?;
        let response = client.request(request).await?;
        let status = response.status();
        Ok((
            status,
            serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?,
        ))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.host.address()
    }

    pub(crate) fn peak_memory(&self, component: &str) -> usize {
        self.host
            .component_stats()
            .get(component)
            .map_or(0, |stats| stats.peak_memory_bytes)
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
        self.host.stop().await;
    }
}

fn variables() -> BTreeMap<String, String> {
    let key = STANDARD.encode(KEY);
    let master_key = STANDARD.encode([7; 32]);
    let values = [
        ("access_key_primary", key.as_str()),
        ("access_key_secondary", &key),
        ("admin_token", ADMIN_TOKEN),
        ("master_key", &master_key),
        ("relay_token", "none"),
        ("relay_url", "http://127.0.0.1:9"),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Beside the target folder and not in the system's temporary one, which may be memory and would make a commit cost nothing.
fn folder() -> Result<TempDir, std::io::Error> {
    tempfile::tempdir_in(root().join("target"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."))
}

/// Builds all components under measure.
pub(crate) fn build() -> Result<(), Failure> {
    let packages = ["send", "dispatch", "manage", "bench-guest"]
        .map(str::to_owned)
        .to_vec();
    let (manifest, target_folder) = (root().join("Cargo.toml"), root().join("target"));
    Ok(Build {
        manifest,
        target_folder,
        profile: "component".to_owned(),
        packages,
    }
    .run()?)
}

/// Where the built component is.
pub(crate) fn component(name: &str) -> PathBuf {
    root().join(format!("target/wasm32-wasip2/component/{name}.wasm"))
}
