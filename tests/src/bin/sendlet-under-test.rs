//! One process with everything that `sendlet serve` has, for tests that kill it: the host on a store in a file, the
//! sandbox, and the tick.
//!
//! `sendlet-under-test <listen> <relay> <state> <attempt-timeout>`: two addresses, a folder, and seconds. The store in the
//! folder has to have a managed domain. It serves once both addresses answer.

use std::{error::Error, net::SocketAddr, path::PathBuf, sync::Arc};

use devhost::{Host, HostOptions, SqliteKeyValue};
use relay::{CaptureOptions, EventOptions, Log, Mode, Relay, RelayOptions, Secret};
use tests::{
    Client, RELAY_EVENT_SECRET, RELAY_TOKEN, Ticker, manifest_path, state_folder, variables,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name: &str| arguments.next().ok_or(format!("expected {name}"));
    let listen: SocketAddr = argument("the host's address")?.parse()?;
    let relay: SocketAddr = argument("the relay's address")?.parse()?;
    let state = PathBuf::from(argument("the state folder")?);
    let attempt_timeout = argument("the attempt timeout")?;
    let relay = Relay::start(RelayOptions {
        listen: relay,
        token: Secret::parse(RELAY_TOKEN)?,
        state: state.join("inbox"),
        mode: Mode::Capture(CaptureOptions::default()),
        log: Log::silent(),
    })
    .await?;
    let store = SqliteKeyValue::open(&state.join("store.db"))?;
    let mut options = HostOptions::new(manifest_path(), Arc::new(store));
    options.listen = listen;
    options.variables = variables(&format!("http://{}", relay.address()));
    options.variables.extend([
        ("attempt_timeout".to_owned(), attempt_timeout),
        // Subscribers of tests are on this machine.
        ("webhook_private_endpoints".to_owned(), "true".to_owned()),
    ]);
    options.cache = Some(state_folder().join("cache"));
    options.log = devhost::log::to_stderr();
    let host = Host::start(options).await?;
    relay.post_events(&EventOptions {
        url: format!("http://{}/webhooks/relay", host.address()),
        secret: Secret::parse(RELAY_EVENT_SECRET)?,
    })?;
    let _ticker = Ticker::start(Client::new(host.address()));
    // Until it is killed, which is what it is for.
    std::future::pending::<()>().await;
    drop(host);
    Ok(())
}
