//! `sendlet serve`: builds, starts the sandbox and the host, sets up the first domain, ticks, and stops in order.

use std::{
    collections::BTreeMap, error::Error, io, net::SocketAddr, path::Path, sync::Arc, time::Duration,
};

use relay::{EventOptions, Relay, Secret};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    api::Api,
    arguments::{RelayChoice, Serve},
    banner::banner,
    inbox::{self, OwnKeys},
    print, say,
    secrets::Secrets,
    shown::shown_path,
    state::{RunningServer, State},
    tick,
};
use crate::{Host, HostOptions, LogEvent, LogSink, Manifest, SqliteKeyValue, build, log};

/// Where the server and the inbox are when nothing else is asked for.
const DEFAULT_LISTEN: SocketAddr = loopback(3000);
const DEFAULT_INBOX: SocketAddr = loopback(8025);

/// The time between two ticks.
const TICK: Duration = Duration::from_secs(1);

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
}

/// Runs until SIGTERM or Ctrl-C.
pub(super) async fn run(arguments: Serve) -> Result<(), Box<dyn Error>> {
    let mut interruption = Interruption::new()?;
    tokio::select! {
        // The default action is gone, so waiting for the start must be interruptible by hand.
        () = interruption.wait() => Ok(()),
        started = Running::start(&arguments) => {
            let running = started?;
            let outcome = running.work(&mut interruption).await;
            running.stop().await;
            outcome
        }
    }
}

/// Everything that runs.
struct Running {
    host: Host,
    relay: Option<Relay>,
    state: State,
    secrets: Secrets,
}

impl Running {
    async fn start(arguments: &Serve) -> Result<Self, Box<dyn Error>> {
        let manifest = read_manifest(&arguments.manifest)?;
        let state = State::open(&arguments.state)?;
        let secrets = Secrets::load_or_make(&state.secrets())?;
        let manifest = build_components(manifest, arguments.no_build).await?;
        let keys = OwnKeys::new(&secrets);
        let relay = match &arguments.relay {
            RelayChoice::Capture => {
                Some(start_inbox(arguments.inbox, &state, &secrets, &keys).await?)
            }
            RelayChoice::Url(_) => None,
        };
        let relay_url = match (&relay, &arguments.relay) {
            (Some(relay), _) => origin(relay.address()),
            (None, RelayChoice::Url(url)) => url.clone(),
            (None, RelayChoice::Capture) => String::new(),
        };
        let variables = variables(&manifest, &secrets, &relay_url, &arguments.variables);
        let host = start_host(arguments, &state, variables).await?;
        keys.ask(&origin(host.address()));
        if let Some(relay) = &relay {
            let url = format!("{}/webhooks/relay", origin(host.address()));
            let secret = Secret::parse(secrets.get("relay_event_secret"))?;
            relay.post_events(&EventOptions { url, secret })?;
        }
        Ok(Self {
            host,
            relay,
            state,
            secrets,
        })
    }

    async fn work(&self, interruption: &mut Interruption) -> Result<(), Box<dyn Error>> {
        let origin = origin(self.host.address());
        let (api, token) = (Api::new(&origin), self.secrets.get("admin_token"));
        tokio::select! {
            () = interruption.wait() => return Ok(()),
            sender = tick::provision(&api, token) => self.welcome(origin, sender?)?,
        }
        tokio::select! {
            () = interruption.wait() => Ok(()),
            () = tick::every(&api, token, TICK) => Ok(()),
        }
    }

    fn welcome(&self, origin: String, sender: String) -> io::Result<()> {
        let inbox = self
            .relay
            .as_ref()
            .map(|relay| self::origin(relay.address()));
        let server = RunningServer {
            origin,
            inbox,
            sender,
        };
        self.state.announce(&server)?;
        print(banner(&server, self.secrets.get("access_key_primary")))
    }

    async fn stop(self) {
        say("stopping ...");
        // The host first: what it still hands over must find the relay.
        self.host.stop().await;
        if let Some(relay) = self.relay {
            relay.stop().await;
        }
    }
}

/// SIGTERM or Ctrl-C.
struct Interruption {
    terminate: Signal,
    interrupt: Signal,
}

impl Interruption {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, Box<dyn Error>> {
    Manifest::read(path).map_err(|error| match path.try_exists() {
        Ok(false) => format!(
            "{} is not here: run this from the repository, or name it with --manifest",
            path.display()
        )
        .into(),
        _ => error.into(),
    })
}

async fn build_components(manifest: Manifest, no_build: bool) -> Result<Manifest, Box<dyn Error>> {
    if no_build {
        return Ok(manifest);
    }
    say("building the components (a few minutes the first time) ...");
    let build = move || build::components(&manifest).map(|()| manifest);
    Ok(tokio::task::spawn_blocking(build).await??)
}

async fn start_inbox(
    wanted: Option<SocketAddr>,
    state: &State,
    secrets: &Secrets,
    keys: &Arc<OwnKeys>,
) -> Result<Relay, Box<dyn Error>> {
    let address = free_address("--inbox", wanted, DEFAULT_INBOX).await?;
    inbox::start(address, state, secrets, keys).await
}

async fn start_host(
    arguments: &Serve,
    state: &State,
    variables: BTreeMap<String, String>,
) -> Result<Host, Box<dyn Error>> {
    let listen = free_address("--listen", arguments.listen, DEFAULT_LISTEN).await?;
    let mut options = HostOptions::new(
        arguments.manifest.clone(),
        Arc::new(SqliteKeyValue::open(&state.store())?),
    );
    options.listen = listen;
    options.variables = variables;
    // Links in mail lead back here.
    options.served_at = vec!["tracking_url"];
    options.log = without_ticks_and_persons(log::to_stderr());
    options.cache = Some(state.cache());
    say("loading the components ...");
    Ok(Host::start(options).await?)
}

/// Leaves out the ticks that went well, of which there is one every second, and what paths say of people.
fn without_ticks_and_persons(log: LogSink) -> LogSink {
    Arc::new(move |event| match event {
        LogEvent::Request {
            path: "/tick",
            status,
            ..
        } if status.is_success() => {}
        LogEvent::Request { path, .. } => {
            let shown = shown_path(path);
            let mut event = event.clone();
            if let LogEvent::Request { path, .. } = &mut event {
                *path = &shown;
            }
            log(&event);
        }
        LogEvent::Guest { .. } | LogEvent::Failure { .. } => log(event),
    })
}

/// Returns the address to listen on. One that was asked for must be free; a default one that is taken is replaced.
async fn free_address(
    option: &str,
    wanted: Option<SocketAddr>,
    default: SocketAddr,
) -> Result<SocketAddr, String> {
    let address = wanted.unwrap_or(default);
    let Err(error) = tokio::net::TcpListener::bind(address).await else {
        return Ok(address);
    };
    if wanted.is_none() && error.kind() == io::ErrorKind::AddrInUse {
        say(format_args!(
            "{address} is taken, so a free port is used instead; {option} chooses one"
        ));
        return Ok(loopback(0));
    }
    Err(format!(
        "cannot listen on {address} ({error}): stop what uses it, or choose another address with {option}"
    ))
}

fn origin(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Returns the values this program gives the manifest's variables; those given by hand go before them.
fn variables(
    manifest: &Manifest,
    secrets: &Secrets,
    relay_url: &str,
    given: &[(String, String)],
) -> BTreeMap<String, String> {
    let made = secrets
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    let own = [
        ("relay_url", relay_url),
        ("explain_auth", "true"),
        ("webhook_private_endpoints", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let declared = made.chain(own).filter(|(name, _)| manifest.declares(name));
    declared.chain(given.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::{Method, StatusCode};

    use super::*;

    /// What of a request is logged.
    fn lines(path: &str, status: StatusCode) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let log = without_ticks_and_persons(Arc::new(move |event| {
            kept.lock().unwrap().push(event.to_string());
        }));
        log(&LogEvent::Request {
            method: &Method::GET,
            path,
            status,
            elapsed: Duration::ZERO,
            component: None,
        });
        let lines = lines.lock().unwrap();
        lines.clone()
    }

    #[test]
    fn requests_are_logged_without_tokens_and_ticks_if_they_failed() {
        let line = "GET /u/… 200 0.0ms -".to_owned();
        assert_eq!(lines("/u/AbC", StatusCode::OK), [line]);
        assert!(lines("/tick", StatusCode::OK).is_empty());
        assert_eq!(lines("/tick", StatusCode::BAD_GATEWAY).len(), 1);
    }
}
