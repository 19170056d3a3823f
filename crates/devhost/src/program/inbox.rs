//! The sandbox relay, and the public keys it checks signatures with.

use std::{
    error::Error,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http::Method;
use relay::{CaptureOptions, DkimKeys, KeyLookup, Log, Mode, Relay, RelayOptions, Secret};
use serde_json::Value;

use super::{
    api::{Api, admin},
    say,
    secrets::Secrets,
    state::State,
};

/// The keys of the sandbox's own domains, which no DNS knows: the server itself is asked.
pub(super) struct OwnKeys {
    // Filled once the server has an address, which is after the relay has one.
    server: OnceLock<Api>,
    admin_token: String,
}

impl OwnKeys {
    pub(super) fn new(secrets: &Secrets) -> Arc<Self> {
        Arc::new(Self {
            server: OnceLock::new(),
            admin_token: secrets.get("admin_token").to_owned(),
        })
    }

    /// Says where the server is.
    pub(super) fn ask(&self, origin: &str) {
        self.server.get_or_init(|| Api::new(origin));
    }

    async fn look_up(&self, name: &str) -> KeyLookup {
        let Some(server) = self.server.get() else {
            return KeyLookup::NotChecked;
        };
        match server
            .call(
                Method::GET,
                "/domains",
                &admin(&self.admin_token),
                Bytes::new(),
            )
            .await
        {
            Ok(answer) if answer.status.is_success() => find(&answer.json, name),
            Ok(answer) => KeyLookup::Failed(answer.complaint()),
            Err(error) => KeyLookup::Failed(error.to_string()),
        }
    }
}

impl DkimKeys for OwnKeys {
    fn record<'a>(&'a self, name: &'a str) -> Pin<Box<dyn Future<Output = KeyLookup> + Send + 'a>> {
        Box::pin(self.look_up(name))
    }
}

/// Finds a record among those that the domains want published.
fn find(domains: &Value, name: &str) -> KeyLookup {
    let domains = domains
        .get("value")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut records = domains
        .filter_map(|domain| domain.get("verificationRecords")?.as_object())
        .flat_map(serde_json::Map::values);
    let wanted = |record: &&Value| record.get("name").and_then(Value::as_str) == Some(name);
    let value = records
        .find(wanted)
        .and_then(|record| record.get("value")?.as_str());
    value.map_or(KeyLookup::NotFound, |value| {
        KeyLookup::Found(value.to_owned())
    })
}

/// Starts the sandbox relay.
pub(super) async fn start(
    listen: SocketAddr,
    state: &State,
    secrets: &Secrets,
    keys: &Arc<OwnKeys>,
) -> Result<Relay, Box<dyn Error>> {
    let keys: Arc<dyn DkimKeys> = Arc::<OwnKeys>::clone(keys);
    let options = RelayOptions {
        listen,
        token: Secret::parse(secrets.get("relay_token"))?,
        state: state.inbox(),
        mode: Mode::Capture(CaptureOptions {
            keys,
            ..CaptureOptions::default()
        }),
        log: Log::new(|line| say(format_args!("inbox: {line}"))),
    };
    Ok(Relay::start(options).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_full_name() {
        let domains = serde_json::json!({"value": [
            {"verificationRecords": {}},
            {"verificationRecords": {"DKIM": {"name": "s._domainkey.a.example", "value": "v=DKIM1; p=x"}}},
        ]});
        assert_eq!(
            find(&domains, "s._domainkey.a.example"),
            KeyLookup::Found("v=DKIM1; p=x".to_owned())
        );
        assert_eq!(
            find(&domains, "s._domainkey.b.example"),
            KeyLookup::NotFound
        );
        assert_eq!(find(&Value::Null, "s"), KeyLookup::NotFound);
    }
}
